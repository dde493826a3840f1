// What the page of explore can show without anybody typing.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"

namespace adjoint::explore {

/// Another value for one element of a leaf.
struct Change {
  std::string leaf;  ///< its label
  Index element;     ///< its position, in row-major order
  double value;
};

struct Example {
  const char* name;        ///< in the page's address: #example=diamond
  const char* title;       ///< in the menu
  const char* look_for;    ///< a sentence
  const char* expression;  ///< empty if it is built in C++
  std::vector<std::string> inputs;
  /// Of an example without an expression: the tensor whose tape is shown. Error if a change names
  /// no leaf, or no element of it.
  Tensor (*build)(const std::vector<Change>& changes) = nullptr;
};

std::span<const Example> examples();
/// Null if there is none of this name.
const Example* find_example(std::string_view name);

/// The loss of a small Transformer (encoder and decoder, a block each) that learns to reverse two
/// strings of different lengths: what one training step differentiates.
Tensor transformer_loss(const std::vector<Change>& changes);

}  // namespace adjoint::explore
