#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "autograd/gradcheck/calls.h"
#include "autograd/gradcheck/convention.h"
#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/gradcheck/order_check.h"
#include "autograd/gradcheck/precision.h"
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

// Whether one operation could.
bool blames_an_operation(const GradcheckReport& report) {
  using Kind = Finding::Kind;
  return blames_a_derivative(report) || report.count(Kind::side_effect) > 0 ||
         report.count(Kind::precision) > 0 || report.count(Kind::error) > 0;
}

bool failed(const GradcheckReport& report) { return report.verdict() == Verdict::failed; }

// Runs a part of the check. What it throws becomes a finding: the rest of the report is not lost.
template <class Part>
bool survives(int order, GradcheckReport& report, const Part& part) try {
  part();
  return true;
} catch (const Error& error) {
  report.add({.kind = Finding::Kind::error,
              .order = order,
              .where = text_from("order ", order),
              .relative = checking::infinity,
              .note = error.what()});
  return false;
}

// Looks for the cause of a failure. Returns the elements whose mismatches turn out to follow a
// convention.
std::set<Index> explain(const Function& f, const Tensors& xs, int order,
                        const GradcheckOptions& options, GradcheckReport& report) {
  std::set<Index> settled;
  if (options.walk && blames_an_operation(report)) {
    const checking::Walk walk = checking::walk_tape(f, xs, order, options.key);
    settled = checking::settle_conventions(f, walk, order, options, report);
    checking::blame_single_precision(walk, report);
    if (failed(report) && (walk.summary.culprit || blames_a_derivative(report)))
      report.walk = walk.summary;
  }
  checking::diagnose(report);
  return settled;
}

}  // namespace

GradcheckReport gradcheck(const Function& f, const Tensors& inputs,
                          const GradcheckOptions& options) {
  require_checkable(f, inputs, options);
  const FlagGuard record(&Ambient::recording, true);
  GradcheckReport report;
  std::vector<std::string> names = input_names(inputs, options.names);
  const checking::Runnable runnable = checking::make_runnable(f, inputs, options.key);
  if (options.calls || options.allocations)
    if (!checking::check_calls(runnable.f, runnable.xs, names, options, report)) return report;
  if (!runnable.only_single.empty()) report.single = SinglePrecision{.only = runnable.only_single};
  Function current = runnable.f;
  Tensors xs = runnable.xs;
  std::set<Index> kinks;  // not checked in later orders
  for (int order = 1; order <= options.order; ++order) {
    std::optional<checking::FlatFunction> flat;
    std::optional<checking::OrderCheck> check;
    if (order == 1) {  // what f itself throws is the caller's
      flat.emplace(current, xs, names);
      require_real(flat->ys, "output");
      report.unused = unused_inputs(*flat);
    }
    const bool ran = survives(order, report, [&] {
      if (!flat) flat.emplace(current, xs, names);
      check.emplace(*flat, order, kinks, options, report);
      check->run();
    });
    if (ran) kinks = check->kinks();
    Tensors suspects = runnable.own;  // where each operation is checked after a failure
    if (order == 1 && options.single && runnable.only_single.empty()) {
      const std::string first = checking::first_in_single(inputs, flat->ys);
      if (!first.empty())
        report.single = SinglePrecision{.first = first};
      else if (!failed(report))
        if (const auto wrong = checking::check_in_single(f, inputs, names, options, report))
          suspects = *wrong;
    }
    if (failed(report)) kinks.merge(explain(f, suspects, order, options, report));
    if (failed(report)) break;

    // The next order differentiates g(x, ȳ) = x̄.
    current = checking::gradient_of(current, xs.size());
    for (const Tensor& cotangent : as_f64(check->first_cotangent())) {
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
