// Toy tasks, to see whether a model learns at all.
#pragma once

#include "data/pairs/parallel_corpus.h"

namespace adjoint::data {

/// The sizes of a task that is generated.
struct TaskOptions {
  std::int64_t symbols =
      10;  ///< distinct symbols; for addition the base, 2 to 10; for names the letters
  std::int64_t min_length =
      1;  ///< of a source; for addition, of each summand; for names, of a name
  std::int64_t max_length = 10;  ///< lengths are drawn uniformly between the two
  std::int64_t train_count = 1000;
  std::int64_t held_out_count = 100;
  Key key = Key(0);
  bool reversed_digits = false;  ///< for addition: every number is written units first
};

/// Generates a task by name:
///
/// | name     | source    | target  |                                                          |
/// |----------|-----------|---------|----------------------------------------------------------|
/// | copy     | 7 3 7 1   | 7 3 7 1 |                                                          |
/// | reverse  | 7 3 7 1   | 1 7 3 7 |                                                          |
/// | sort     | 7 3 7 1   | 1 3 7 7 | as numbers: 9 comes before 10                            |
/// | addition | 1 8 + 3   | 2 1     | no leading zeros; with reversed_digits 8 1 + 3 gives 1 2 |
/// | names    | xod is seen by kwib | kwib voit xod | names.h: what must be translated, and names |
/// | dates    | 3 / 5 / 9 8 | 1 9 9 8 - 0 5 - 0 3 | dates.h: many forms, read into one          |
///
/// The symbols are the numbers from 0 to symbols − 1. With `reversed_digits` carries propagate in
/// the order of the answer, which makes addition easier (Lee et al., "Teaching arithmetic to small
/// transformers", 2023).
///
/// All sources are distinct, so train and held_out share none. Both have the same mix of lengths.
/// The same options give the same pairs on every platform.
///
/// Error for an unknown name, impossible bounds, or more pairs than there are sources. (Asking
/// for nearly all of them is allowed, but takes many draws.)
Split make_task(std::string_view name, const TaskOptions& options);

/// The tokenizer that cuts texts as the task is cut: into characters for dates, else into words.
Tokenizer task_tokenizer(std::string_view name);

/// The number of tokens of the task's longest source, for this TaskOptions::max_length.
std::int64_t longest_source(std::string_view task, std::int64_t max_length);

/// The names that make_task accepts.
std::vector<std::string> task_names();

}  // namespace adjoint::data
