// Encoder-decoder models.
#pragma once

#include "nn/models/encoder_decoder.h"    // the interface
#include "nn/models/ensemble.h"           // several models as one
#include "nn/models/recurrent_seq2seq.h"  // GRU and LSTM, with and without attention
#include "nn/models/transformer.h"        // the Transformer
