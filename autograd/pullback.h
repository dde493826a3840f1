// What a vjp is given: the operation's inputs and outputs, and the cotangents of the outputs.
#pragma once

#include <span>

#include "autograd/node.h"

namespace adjoint {

/// Error, with the remedy, if a consuming sweep has passed the node.
void require_not_consumed(const Node& node);

/// One call of a node's vjp: the operands as they were recorded, ȳ, and which x̄ are asked for.
class Pullback {
 public:
  /// `needed` has an entry for each input: whether its gradient is asked for.
  Pullback(const NodePtr& node, std::span<const Tensor> cotangents, std::span<const char> needed)
      : node_(node), cotangents_(cotangents), needed_(needed) {}

  /// An input with its history. Error if it was changed since it was recorded.
  const Tensor& input(std::size_t index) const;
  /// An output with its history. Error if it was changed since it was recorded.
  Tensor output(std::size_t index) const;
  const Shape& shape(std::size_t input) const { return node_->inputs()[input].value.shape(); }
  Form form(std::size_t input) const { return node_->inputs()[input].value.form(); }
  std::size_t input_count() const { return needed_.size(); }
  std::size_t output_count() const { return cotangents_.size(); }

  /// ȳ of one output. Empty, which means zero, when nothing depends on that output.
  const Tensor& cotangent(std::size_t output = 0) const { return cotangents_[output]; }
  /// The same with zeros written out.
  Tensor cotangent_or_zeros(std::size_t output) const;
  /// Whether the gradient of this input is asked for.
  bool needs(std::size_t input) const { return needed_[input]; }

  /// Takes one rule for each input, a callable that returns its gradient, and runs those that are
  /// needed:
  ///
  ///   return back.gradients([&] { return ȳ * b; }, [&] { return ȳ * a; });
  template <class... Rules>
  Tensors gradients(const Rules&... rules) const {
    Tensors result;
    result.reserve(sizeof...(rules));
    (result.push_back(needs(result.size()) ? rules() : Tensor()), ...);
    return result;
  }

 private:
  const NodePtr& node_;
  std::span<const Tensor> cotangents_;
  std::span<const char> needed_;
};

}  // namespace adjoint
