// Batches of sequences, and what a model passes down besides them.
#pragma once

#include "nn/batch/attention_head.h"  // how a head of an attention layer is named
#include "nn/batch/context.h"         // training or inference, random key, path, captured weights
#include "nn/batch/copyable.h"        // sources whose words can be copied
#include "nn/batch/layout.h"          // which rows belong to which example
#include "nn/batch/mask.h"            // which query may attend to which key
#include "nn/batch/sequences.h"       // token ids and their layout
#include "nn/batch/time_order.h"      // a batch step by step, without padding
