#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/gradcheck/order_check.h"
#include "autograd/gradcheck/tape_walk.h"
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
        report.walk = checking::walk_tape(f, as_f64(inputs), order, options.key);
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
