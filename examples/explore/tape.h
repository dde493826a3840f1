// What the page asks for, computed: the story of a tape, within limits that keep the server quick.
#pragma once

#include <optional>

#include "autograd/tools/explorer.h"
#include "autograd/tools/tape_story.h"
#include "examples/explore/examples.h"

namespace adjoint::explore {

/// An example with changes to its leaves; or, if `example` is null, an expression with its inputs.
struct Question {
  const Example* example = nullptr;
  std::vector<Change> changes{};  ///< to an example that is built in C++
  std::string expression{};
  std::vector<std::string> inputs{};  ///< "x=2"
};

/// What is wrong with the question, and where: a message with its place, as `explain` prints it.
struct Trouble : Error {
  using Error::Error;
  std::optional<std::size_t> input{};  ///< the column is that of this input; else the expression's
  std::optional<Index> column{};
  std::vector<std::string> missing{};  ///< names that have no value
};

struct Tape {
  TapeStory story;
  ExplorerOptions options;
};
/// Trouble if something is wrong, or if it would take long.
Tape tape_of(const Question& question);

}  // namespace adjoint::explore
