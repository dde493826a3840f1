// How good is the output: every metric, each documented in its own header.
#pragma once

#include "data/accuracy.h"       // token and sequence accuracy, perplexity
#include "data/bleu.h"           // the book's BLEU, sacreBLEU's BLEU
#include "data/chrf.h"           // chrF, chrF++
#include "data/error_rates.h"    // edit distance, WER, phoneme error rate, PER
#include "data/metric_tokens.h"  // how they cut text into tokens
#include "data/ter.h"            // TER
