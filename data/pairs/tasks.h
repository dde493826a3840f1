// Toy tasks: sequences whose answer is known, to see whether a model can learn at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/pairs/parallel_corpus.h"

namespace adjoint::data {

struct TaskOptions {
  std::int64_t symbols = 10;     ///< how many different symbols; for addition the base, 2 to 10
  std::int64_t min_length = 1;   ///< of a source; for addition the digits of each summand
  std::int64_t max_length = 10;  ///< the same; lengths are drawn uniformly between the two
  std::int64_t train_count = 1000;
  std::int64_t held_out_count = 100;
  Key key = Key(0);              ///< which of the many sets of pairs to draw
  bool reversed_digits = false;  ///< addition only: every number is written units first
};

/// Generates a task by name:
///
/// | name     | source    | target  |                                                          |
/// |----------|-----------|---------|----------------------------------------------------------|
/// | copy     | 7 3 7 1   | 7 3 7 1 |                                                          |
/// | reverse  | 7 3 7 1   | 1 7 3 7 |                                                          |
/// | sort     | 7 3 7 1   | 1 3 7 7 | as numbers: 9 comes before 10                            |
/// | addition | 1 8 + 3   | 2 1     | no leading zeros; with reversed_digits 8 1 + 3 gives 1 2 |
///
/// The symbols are the numbers from 0 to symbols − 1. With `reversed_digits` a carry travels the
/// way the answer is written, which makes addition easier (Lee et al., "Teaching arithmetic to
/// small transformers", 2023).
///
/// All sources are different from each other, so train and held_out share none. They are drawn
/// together and shuffled before they are parted, so that both have the same mix of lengths. The
/// same options give the same pairs on every platform.
///
/// Error for an unknown name, bounds that make no sense, or more pairs than there are sources. (To
/// ask for nearly all sources there are is allowed, but takes many draws.)
Split make_task(std::string_view name, const TaskOptions& options);

/// The names that make_task knows.
std::vector<std::string> task_names();

}  // namespace adjoint::data
