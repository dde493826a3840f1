// Models from text to text: trained on pairs, saved, loaded, asked.
#pragma once

#include "nn/translation/encoding.h"      // pairs as ids, for training
#include "nn/translation/model.h"         // a network with its tokenizers and vocabularies
#include "nn/translation/model_folder.h"  // save_model, load_model
#include "nn/translation/translate.h"     // lines in, lines out
