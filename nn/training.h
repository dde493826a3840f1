// What a training run needs.
#pragma once

#include "nn/training/alignment.h"    // the loss of guided attention
#include "nn/training/averaging.h"    // moving averages of the weights, averages of checkpoints
#include "nn/training/gradients.h"    // sums and norms of gradients, clipping
#include "nn/training/loss.h"         // cross-entropy over real tokens
#include "nn/training/metrics_log.h"  // the metrics of a run as JSON lines
#include "nn/training/optimizer.h"    // SGD, Adam, AdamW, Lion, Adafactor
#include "nn/training/schedule.h"     // early stopping; learning rates
#include "nn/training/trainer.h"      // one step
