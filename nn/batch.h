// What goes through a model beside the data, and batches of sequences.
#pragma once

#include "nn/batch/context.h"     // training or not, the random key, captured attention weights
#include "nn/batch/layout.h"      // which rows belong to which example, padded or packed
#include "nn/batch/mask.h"        // which key each query may attend to
#include "nn/batch/sequences.h"   // token ids with their layout
#include "nn/batch/time_order.h"  // a batch step by step, without padding
