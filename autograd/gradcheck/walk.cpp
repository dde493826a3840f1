#include "autograd/gradcheck/walk.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include "autograd/gradcheck/flat_function.h"
#include "autograd/ops.h"
#include "autograd/tools/inspect.h"
#include "autograd/observer.h"
#include "autograd/operation.h"

namespace adjoint::checking {
namespace {

// Keeps the inputs of all that is recorded. The nodes themselves keep only what their vjps read.
class InputKeeper final : public Observer {
 public:
  void after_forward(const char*, const Inputs& in, std::span<const Tensor> out) override {
    const auto recorded = std::ranges::find_if(out, &Tensor::tracked);
    if (recorded == out.end()) return;
    Tensors kept;
    for (std::size_t i = 0; i < in.size(); ++i) kept.push_back(detach(in[i]));
    const std::lock_guard lock(mutex_);
    inputs_[recorded->history().node->number()] = std::move(kept);
  }
  bool saw(const Node& node) const { return inputs_.contains(node.number()); }
  const Tensors& inputs_of(const Node& node) const { return inputs_.at(node.number()); }

 private:
  std::mutex mutex_;  // f may spread its work over threads
  std::unordered_map<std::uint64_t, Tensors> inputs_;
};

// All operations that the tensors were computed from, in the order of computation.
std::vector<NodePtr> operations(const Tensors& ys) {
  std::map<std::uint64_t, NodePtr> nodes;
  for (const Tensor& y : ys) {
    if (!y.tracked()) continue;
    for (const NodePtr& node : tape(y))
      if (!node->is_leaf()) nodes.emplace(node->number(), node);
  }
  std::vector<NodePtr> result;
  for (const auto& [number, node] : nodes) result.push_back(node);
  return result;
}

// Some lines through all inputs: enough to tell right from wrong, in a few evaluations.
GradcheckOptions quick(int order, const GradcheckOptions& options) {
  return {.order = order,
          .key = options.key.child("walk"),
          .jacobian_up_to = 0,
          .elements_up_to = 0,
          .cotangents = 1,
          .projections = 2,
          .coordinates = 2,
          .walk = false};
}

// Every output by itself where that can be afforded, so that the mistake can be recognised.
GradcheckOptions thorough(int order, const GradcheckOptions& options) {
  return {.order = order,
          .key = options.key.child("culprit"),
          .jacobian_up_to = Index{1} << 16,
          .walk = false};
}

std::vector<Shape> shapes_of(const Tensors& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& x : tensors) shapes.push_back(x.shape());
  return shapes;
}

std::vector<Shape> shapes_of(std::span<const SavedOutput> results) {
  std::vector<Shape> shapes;
  for (const SavedOutput& result : results) shapes.push_back(result.form.shape);
  return shapes;
}

}  // namespace

TapeWalk walk_tape(const Function& f, const Tensors& inputs, int order,
                   const GradcheckOptions& options) {
  InputKeeper keeper;
  std::vector<NodePtr> nodes;
  {
    const Observing guard(keeper);
    nodes = operations(f(with_variables(inputs)));
  }
  // f may use what was computed before; that stands on the tape too, but does not depend on xs.
  std::erase_if(nodes, [&](const NodePtr& node) { return !keeper.saw(*node); });
  TapeWalk walk{.operations = nodes.size()};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const NodePtr& node = nodes[i];
    const Function alone = [&](const Tensors& xs) { return node->replay(xs); };
    const Tensors& had = keeper.inputs_of(*node);
    if (gradcheck(alone, had, quick(order, options))) continue;
    const GradcheckReport report = gradcheck(alone, had, thorough(order, options));
    if (report) continue;
    ++walk.wrong;
    if (!walk.culprit)
      walk.culprit = {.operation = node->name(),
                      .scope = node->scope(),
                      .place = i + 1,
                      .inputs = shapes_of(had),
                      .outputs = shapes_of(node->outputs()),
                      .report = std::make_shared<const GradcheckReport>(report)};
  }
  return walk;
}

}  // namespace adjoint::checking
