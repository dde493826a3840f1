#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/gradcheck/order_check.h"
#include "autograd/observer.h"
#include "autograd/operation.h"
#include "autograd/ops.h"
#include "autograd/tools/inspect.h"

namespace adjoint {
namespace {

void require_real(const Tensors& tensors, const char* what) {
  const auto real = [](const Tensor& x) { return is_real(x.dtype()); };
  require(std::ranges::any_of(tensors, real), "gradcheck: there is nothing to check: no ", what,
          " is real");
}

void require_checkable(const Function& f, const Tensors& inputs, const GradcheckOptions& options) {
  require(options.cotangents >= 1 && options.projections >= 1 && options.coordinates >= 0,
          "gradcheck: at least one random cotangent and one projection are needed");
  require(options.order >= 1, "gradcheck: the order must be at least 1, is ", options.order);
  require(f != nullptr, "gradcheck: the function is empty");
  require(options.names.size() <= inputs.size(), "gradcheck: ", options.names.size(), " names for ",
          inputs.size(), " inputs");
  for (std::size_t i = 0; i < inputs.size(); ++i)
    require(inputs[i].defined(), "gradcheck: input ", i, " is empty");
  require_real(inputs, "input");
}

Tensors as_f64(const Tensors& inputs) {
  Tensors result;
  for (const Tensor& x : inputs)
    result.push_back(is_real(x.dtype()) ? cast(detach(x), DType::f64) : detach(x));
  return result;
}

// Names of the real inputs that are on no output's tape.
std::vector<std::string> unused_inputs(const checking::FlatFunction& f) {
  std::set<std::uint64_t> used;
  for (const Tensor& y : f.ys)
    for (const NodePtr& node : tape(y)) used.insert(node->number());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < f.names.size(); ++i) {
    const Tensor& x = f.xs[i];
    if (x.tracked() && !used.contains(x.history().node->number())) names.push_back(f.names[i]);
  }
  return names;
}

// Whether a wrong vjp could explain what failed.
bool blames_a_derivative(const GradcheckReport& report) {
  using Kind = Finding::Kind;
  return std::ranges::any_of(report.findings, [](const Finding& finding) {
    return finding.kind == Kind::mismatch || finding.kind == Kind::not_linear ||
           (finding.kind == Kind::not_finite && !std::isfinite(finding.analytic));
  });
}

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

// Checks each operation on the tape of f separately, up to the given order. Each runs at the inputs
// it had, so a wrong operation can neither hide behind another one nor be blamed for it.
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
    ys = f(checking::with_variables(inputs));
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

}  // namespace

GradcheckReport gradcheck(const Function& f, const Tensors& inputs,
                          const GradcheckOptions& options) {
  require_checkable(f, inputs, options);
  const FlagGuard record(&Ambient::recording, true);
  GradcheckReport report;
  Function current = f;
  Tensors xs = as_f64(inputs);
  std::vector<std::string> names = input_names(inputs, options.names);
  std::set<Index> kinks;  // not checked in later orders
  double rounding = 0;    // in the outputs of `current`
  for (int order = 1; order <= options.order; ++order) {
    const checking::FlatFunction flat(current, xs, names);
    require_real(flat.ys, "output");
    if (order == 1) report.unused = unused_inputs(flat);
    checking::OrderCheck check(flat, order, rounding, options, report);
    check.run(kinks);
    if (!report) {
      checking::diagnose(report);
      if (options.walk && blames_a_derivative(report))
        report.walk = walk_tape(f, as_f64(inputs), order, options.key);
      break;
    }

    // The next order differentiates g(x, ȳ) = x̄.
    current = checking::gradient_of(current, xs.size());
    kinks = check.kinks();
    rounding = check.rounding_of_gradients();
    for (const Tensor& cotangent : as_f64(check.first_cotangent())) {
      names.push_back("cotangent " + std::to_string(names.size() - inputs.size()));
      xs.push_back(cotangent);
    }
  }
  return report;
}

GradcheckReport gradcheck(const TensorFunction& f, const Tensor& input,
                          const GradcheckOptions& options) {
  require(f != nullptr, "gradcheck: the function is empty");
  return gradcheck([&](const Tensors& xs) { return Tensors{f(xs[0])}; }, {input}, options);
}

std::vector<std::string> input_names(const Tensors& inputs, std::vector<std::string> given) {
  for (std::size_t i = given.size(); i < inputs.size(); ++i)
    given.push_back(inputs[i].name().empty() ? "input " + std::to_string(i) : inputs[i].name());
  return given;
}
}  // namespace adjoint
