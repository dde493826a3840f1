// Metrics of output quality, each documented in its own header.
#pragma once

#include "data/metrics/bleu.h"         // the book's BLEU, sacreBLEU's BLEU
#include "data/metrics/chrf.h"         // chrF, chrF++
#include "data/metrics/error_rates.h"  // accuracy, perplexity, edit distance, WER, PER
#include "data/metrics/metric_text.h"  // how they cut text into tokens
#include "data/metrics/ter.h"          // TER
