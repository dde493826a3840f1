#include "autograd/gradcheck/tape_walk.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

#include "autograd/gradcheck/excerpt.h"
#include "autograd/gradcheck/flat_function.h"
#include "autograd/gradcheck/numeric_derivative.h"
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

Culprit culprit(const Node& node, std::size_t number, GradcheckReport report) {
  Culprit result{node.name(), node.scope(), number, {}, {}, {}};
  for (const SavedInput& x : node.inputs()) result.inputs.push_back(x.value.shape());
  for (const SavedOutput& y : node.outputs()) result.outputs.push_back(y.form.shape);
  result.report = std::make_shared<const GradcheckReport>(std::move(report));
  return result;
}

bool any_single(const Tensors& xs) {
  return std::ranges::count(xs, DType::f32, &Tensor::dtype) > 0;
}

GradcheckReport check_alone(const Node& node, const Tensors& xs, GradcheckOptions options) try {
  options.single = any_single(xs);
  return gradcheck([&](const Tensors& given) { return node.replay(given); }, xs, options);
} catch (const Error& error) {
  GradcheckReport report;
  report.add({.kind = Finding::Kind::error,
              .where = "the operation alone",
              .relative = infinity,
              .note = error.what()});
  return report;
}

bool failed(const GradcheckReport& report) { return report.verdict() == Verdict::failed; }

}  // namespace

std::string text_of(const Culprit& operation, std::size_t operations) {
  return text_from(operation.operation, " (operation ", operation.number, " of ", operations,
                   operation.scope.empty() ? "" : ", in ", operation.scope, ')');
}

Walk walk_tape(const Function& f, const Tensors& inputs, int order, Key key) {
  // A few lines through all inputs: enough to tell right from wrong with few evaluations, and to
  // find one kink.
  const GradcheckOptions quick{.order = order,
                               .key = key.child("walk"),
                               .jacobian_up_to = 0,
                               .elements_up_to = 16,
                               .cotangents = 1,
                               .projections = 2,
                               .coordinates = 2,
                               .walk = false,
                               .taylor = 0};
  // Every output separately if that is affordable, so that kinks are judged and the diagnosis has
  // enough to go by.
  const GradcheckOptions thorough{
      .order = order, .key = key.child("culprit"), .jacobian_up_to = Index{1} << 16, .walk = false};
  GradcheckOptions at_kinks = thorough;
  at_kinks.elements_up_to = 256;
  InputKeeper keeper;
  Walk walk;
  {
    const Observing guard(keeper);
    walk.xs = with_variables(inputs);
    walk.ys = f(walk.xs);
  }
  const auto nodes = operations(walk.ys, keeper);
  TapeWalk& summary = walk.summary;
  for (const auto& [number, node] : nodes) {
    ++summary.operations;
    const Tensors& xs = keeper.inputs.at(number);
    GradcheckReport report = check_alone(*node, xs, quick);
    const bool at_kink = report.count(Finding::Kind::kink) > 0;
    if (!failed(report) && !at_kink) continue;
    report = check_alone(*node, xs, failed(report) ? thorough : at_kinks);
    std::vector<Element> kinks;
    for (const Finding& finding : report.findings)
      if (finding.kind == Finding::Kind::kink && finding.order == 1 && finding.input >= 0)
        kinks.emplace_back(finding.input, finding.element);
    const bool judged = !report.coverage.empty() && report.coverage[0].jacobian;
    if (!failed(report) && !judged && !kinks.empty())
      if (auto failure = failure_at_kinks(*node, xs, kinks, thorough)) report = std::move(*failure);
    if (!kinks.empty()) walk.kinks[number] = std::move(kinks);
    if (failed(report)) {
      ++summary.wrong;
      if (!summary.culprit) summary.culprit = culprit(*node, summary.operations, std::move(report));
    } else if (at_kink && !summary.kink) {
      summary.kink = culprit(*node, summary.operations, std::move(report));
    }
  }
  return walk;
}

}  // namespace adjoint::checking
