// From a model to sentences.
#pragma once

#include "nn/decoding/beam_search.h"  // the n best
#include "nn/decoding/decoding.h"     // options, greedy decoding
#include "nn/decoding/sampling.h"     // temperature, top-k, top-p
#include "nn/decoding/scoring.h"      // log-likelihood and perplexity
