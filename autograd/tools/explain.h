// A tape told in words and numbers: what was computed, and then the reverse sweep step by step.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "autograd/tensor.h"

namespace adjoint {

struct TapeStory;

/// What explain() tells, and how much of it.
struct ExplainOptions {
  Tensor cotangent{};       ///< of y, in y's form; if empty, ones
  bool whole = false;       ///< every step, however long the tape; else a long one is shortened
  Index elements = 12;      ///< a tensor with more is told by its shape, its norm and a few numbers
  std::size_t width = 100;  ///< columns of a line
};

/// Prints each operation with its formula and its value, then the sweep: what each operation
/// receives, what it sends to whom and why, how terms add up where a value has several consumers,
/// and the gradients. A tape of more than 40 operations is shortened: by module (name scope) where
/// there are several, otherwise to its first and last steps. Values that no vjp reads are not on
/// the tape unless it was recorded under a KeepValues guard. Errors as for tape_story().
void explain(std::ostream& stream, const Tensor& y, const ExplainOptions& options = {});

/// The same for a story that was gathered before; `options.cotangent` has no effect.
void explain(std::ostream& stream, const TapeStory& story, const ExplainOptions& options = {});

/// What explain() says, step by step: a text for each node, about its value, and then one for each
/// event of the sweep. A text has a statement on each line. `whole` and `width` have no effect.
std::vector<std::string> explain_steps(const TapeStory& story, const ExplainOptions& options = {});

}  // namespace adjoint
