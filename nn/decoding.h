// From a model to token sequences.
#pragma once

#include "nn/decoding/alignment.h"    // which source tokens a target comes from
#include "nn/decoding/beam_search.h"  // the n best
#include "nn/decoding/decoding.h"     // options; any model without its cache
#include "nn/decoding/generation.h"   // the likeliest token at each step, or one drawn
#include "nn/decoding/scoring.h"      // log-likelihood of given targets
