// Every layer.
#pragma once

#include "nn/layers/attention.h"            // multi-head attention; dot-product, additive, relative
#include "nn/layers/dropout.h"              // dropout
#include "nn/layers/embedding.h"            // ids to vectors
#include "nn/layers/feed_forward.h"         // the feed-forward network of a block, gated or not
#include "nn/layers/linear.h"               // y = x Wᵀ + b
#include "nn/layers/normalization.h"        // LayerNorm, RMSNorm, residual connections
#include "nn/layers/pointer.h"              // copies words of the source
#include "nn/layers/positional_encoding.h"  // sinusoidal, learned, convolutional
#include "nn/layers/recomputed.h"           // a layer that keeps only its inputs
#include "nn/layers/recurrent.h"            // GRU and LSTM
