// Text to tokens to ids.
#pragma once

#include "data/text/subwords.h"      // sentencepiece
#include "data/text/tokenizer.h"     // words, characters, subwords
#include "data/text/unicode.h"       // normal form and case
#include "data/text/vocabulary.h"    // tokens to ids and back
#include "data/text/word_vectors.h"  // pretrained embeddings
