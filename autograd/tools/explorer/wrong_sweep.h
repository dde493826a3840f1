// A sweep with a mistake in it.
#pragma once

#include <unordered_map>
#include <vector>

#include "autograd/tools/explorer/what_if.h"

namespace adjoint::exploring {

/// Sweeps the nodes, which are in the order of computation, and writes down what happens. The vjps
/// are the nodes' own.
class WrongSweep {
 public:
  /// `story` tells of the same nodes, swept without the mistake.
  WrongSweep(Mistake mistake, const TapeStory& story, std::vector<NodePtr> nodes);
  void run(const Tensor& seed);

  std::vector<TapeStory::Event> events;
  Tensors gradients;  ///< of each node that is a leaf; empty for zero

 private:
  struct Value {
    Tensor cotangent;
    int arrived = 0;
  };
  void pass(const Tensor& seed);
  void visit(int number);
  void send(int from, int input, const Tensor& x, const Tensor& term);
  Tensors pull_back(int number, const Tensors& cotangents) const;
  Tensor unsummed(int number, std::size_t input, const Tensors& cotangents,
                  const std::vector<Index>& axes) const;

  Mistake mistake_;
  const TapeStory& story_;
  std::vector<NodePtr> nodes_;
  std::unordered_map<const Node*, int> numbers_;
  std::vector<std::vector<Value>> values_;  // of each output of each node
  std::vector<bool> visited_;
};

/// Whether two gradients differ by more than rounding. An empty one is zero.
bool differ(const Tensor& a, const Tensor& b);

}  // namespace adjoint::exploring
