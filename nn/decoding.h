// From a model to token sequences.
#pragma once

#include "nn/decoding/beam_search.h"    // the n best
#include "nn/decoding/greedy.h"         // the likeliest token at each step
#include "nn/decoding/sampling.h"       // temperature, top-k, top-p
#include "nn/decoding/scoring.h"        // log-likelihood of given targets
#include "nn/decoding/without_cache.h"  // any model without its cache
