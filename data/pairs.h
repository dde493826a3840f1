// Sentence pairs and batches of them.
#pragma once

#include "data/pairs/batching.h"         // batches
#include "data/pairs/parallel_corpus.h"  // pairs from files, filters, splits
#include "data/pairs/source_words.h"     // words that only a source has
#include "data/pairs/tasks.h"            // made-up tasks: reverse, sort, copy, names
