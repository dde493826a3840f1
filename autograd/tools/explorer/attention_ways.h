// From a softmax back to the product q kᵀ and forth to the product with v, operation by operation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autograd/tools/tape_story.h"

namespace adjoint::exploring {

/// An operand: which input of which node.
struct Read {
  int node = 0;
  std::size_t input = 0;
};
using Way = std::vector<Read>;

/// Finds the operations around a softmax that make it an attention.
class Ways {
 public:
  explicit Ways(const TapeStory& story);

  /// From the product of two matrices to the value of a node: the operand of each operation between
  /// them, which all map element by element. Sets `product` to that product's node. No operands if
  /// the node is the product; nothing if there is no such way.
  std::optional<Way> from_product(int node, int& product, std::size_t depth = 0) const;

  /// From the value of a node, the weights, to the product with v: the operand of each operation,
  /// the product last.
  std::optional<Way> to_mix(int node, std::size_t depth = 0) const;

 private:
  const TapeStory& story_;
  std::multimap<int, Read> readers_;  // of the values of each node
};

/// An attribute of a node; false if it has none of that name.
bool flag(const TapeStory::Node& node, std::string_view name);

/// What the page calls an operation between scores and softmax. `from` is the letter of what it
/// reads, `d` the width of queries and keys; `back` is the formula of the cotangent of `from`.
struct StepWords {
  std::string letter, name, formula, back;
};
StepWords words_of_step(const TapeStory::Node& node, const std::string& from, Index d);

}  // namespace adjoint::exploring
