#include "autograd/gradcheck/tape_walk.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include "autograd/gradcheck/flat_function.h"
#include "autograd/observer.h"
#include "autograd/operation.h"
#include "autograd/ops.h"
#include "autograd/tools/inspect.h"

namespace adjoint::checking {
namespace {

// Keeps the inputs of every recorded operation. Nodes keep only what their vjps read.
struct InputKeeper final : Observer {
  void after_forward(const char*, const Inputs& in, std::span<const Tensor> out) override {
    const auto recorded = std::ranges::find_if(out, &Tensor::tracked);
    if (recorded == out.end()) return;
    Tensors kept;
    for (std::size_t i = 0; i < in.size(); ++i) kept.push_back(detach(in[i]));
    const std::lock_guard lock(mutex);
    inputs[recorded->history().node->number()] = std::move(kept);
  }
  std::mutex mutex;  // f may use several threads
  std::unordered_map<std::uint64_t, Tensors> inputs;
};

// The operations that the keeper saw and the tensors depend on, in the order of computation. Others
// on the tape were computed before f was called and do not depend on its inputs.
std::map<std::uint64_t, NodePtr> operations(const Tensors& ys, const InputKeeper& keeper) {
  std::map<std::uint64_t, NodePtr> nodes;
  for (const Tensor& y : ys)
    for (const NodePtr& node : tape(y))
      if (keeper.inputs.contains(node->number())) nodes.emplace(node->number(), node);
  return nodes;
}

Culprit culprit(Node& node, std::size_t number, const Tensors& inputs, GradcheckReport report) {
  Culprit result{node.name(), node.scope(), number, {}, {}, {}};
  for (const Tensor& x : inputs) result.inputs.push_back(x.shape());
  for (const SavedOutput& y : node.outputs()) result.outputs.push_back(y.form.shape);
  result.report = std::make_shared<const GradcheckReport>(std::move(report));
  return result;
}

}  // namespace

TapeWalk walk_tape(const Function& f, const Tensors& inputs, int order, Key key) {
  // A few lines through all inputs: enough to tell right from wrong with few evaluations.
  const GradcheckOptions quick{.order = order,
                               .key = key.child("walk"),
                               .jacobian_up_to = 0,
                               .elements_up_to = 0,
                               .cotangents = 1,
                               .projections = 2,
                               .coordinates = 2,
                               .walk = false};
  // Every output separately if that is affordable, so that the diagnosis has enough to go by.
  const GradcheckOptions thorough{
      .order = order, .key = key.child("culprit"), .jacobian_up_to = Index{1} << 16, .walk = false};
  InputKeeper keeper;
  Tensors ys;
  {
    const Observing guard(keeper);
    ys = f(with_variables(inputs));
  }
  TapeWalk walk;
  for (const auto& [number, node] : operations(ys, keeper)) {
    ++walk.operations;
    const Function alone = [&node = node](const Tensors& xs) { return node->replay(xs); };
    const Tensors& xs = keeper.inputs.at(node->number());
    if (gradcheck(alone, xs, quick)) continue;
    GradcheckReport report = gradcheck(alone, xs, thorough);
    if (report) continue;
    ++walk.wrong;
    if (!walk.culprit) walk.culprit = culprit(*node, walk.operations, xs, std::move(report));
  }
  return walk;
}

}  // namespace adjoint::checking
