// Sentence pairs and batches of them.
#pragma once

#include "data/pairs/alignment.h"         // which words belong together
#include "data/pairs/batching.h"          // batches
#include "data/pairs/parallel_corpus.h"   // pairs from files, filters, splits
#include "data/pairs/source_words.h"      // words that only a source has
#include "data/pairs/subword_sampling.h"  // other cuts into subwords
#include "data/pairs/tasks.h"             // made-up tasks: reverse, sort, copy, names
