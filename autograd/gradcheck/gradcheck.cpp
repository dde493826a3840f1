#include "autograd/gradcheck.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <sstream>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/gradcheck/level.h"
#include "autograd/gradcheck/walk.h"
#include "autograd/operation.h"
#include "autograd/ops.h"
#include "autograd/tools/inspect.h"

namespace adjoint {
namespace {

using namespace checking;
using Kind = Finding::Kind;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// ---- What can be said without differences ------------------------------------------------------

bool finite_values(const FlatFunction& f, int order, GradcheckReport& report) {
  for (Index j = 0; j < f.outputs(); ++j) {
    const double value = f.values()[at(j)];
    if (std::isfinite(value)) continue;
    report.add(Finding{.kind = Kind::not_finite,
                       .order = order,
                       .where = f.output_name(j),
                       .relative = infinity,
                       .note = "the value is " + std::to_string(value)});
    return false;
  }
  return true;
}

// Whether two runs give the same bits, in the values and in the gradient.
bool repeatable(const FlatFunction& f, const FlatFunction& again, int order, Key key,
                GradcheckReport& report) {
  const auto same = [&](const Vector& first, const Vector& second, const char* what, auto name) {
    const auto differ = [](double a, double b) {
      return std::bit_cast<std::uint64_t>(a) != std::bit_cast<std::uint64_t>(b);
    };
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (i < second.size() && !differ(first[i], second[i])) continue;
      std::ostringstream note;
      note << "two runs give " << what << ' ' << first[i];
      if (i < second.size()) note << " and " << second[i] << ", apart by " << second[i] - first[i];
      report.add(Finding{.kind = Kind::nondeterministic,
                         .order = order,
                         .where = name(static_cast<Index>(i)),
                         .note = note.str()});
      return false;
    }
    return true;
  };
  const Cotangent cotangent = {"", -1, flatten({normal({f.outputs()}, 0, 1, key, DType::f64)})};
  return same(f.values(), again.values(), "the value", [&](Index j) { return f.output_name(j); }) &&
         same(f.gradient(cotangent), again.gradient(cotangent), "the derivative",
              [&](Index i) { return f.input_name(i); });
}

// ---- Preparing ---------------------------------------------------------------------------------

Tensors as_f64(const Tensors& inputs) {
  Tensors result;
  for (const Tensor& x : inputs) {
    const Tensor value = detach(x);
    result.push_back(is_real(x.dtype()) ? cast(value, DType::f64) : value);
  }
  return result;
}

// Whether something failed that a wrong vjp explains.
bool blames_a_derivative(const GradcheckReport& report) {
  return std::ranges::any_of(report.findings(), [](const Finding& finding) {
    return finding.kind == Kind::mismatch || finding.kind == Kind::not_linear ||
           (finding.kind == Kind::not_finite && !std::isfinite(finding.analytic));
  });
}

std::vector<std::string> names_of(const Tensors& inputs, const GradcheckOptions& options) {
  std::vector<std::string> names = options.names;
  for (std::size_t i = names.size(); i < inputs.size(); ++i)
    names.push_back(inputs[i].name().empty() ? "input " + std::to_string(i) : inputs[i].name());
  return names;
}

// The real inputs that stand on no output's tape.
std::vector<std::string> names_of_unused(const FlatFunction& f) {
  std::set<std::uint64_t> used;
  for (const Tensor& y : f.output_tensors())
    if (y.tracked())
      for (const NodePtr& node : tape(y))
        if (node->is_leaf()) used.insert(node->number());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < f.names().size(); ++i) {
    const Tensor& x = f.input_tensors()[i];
    if (x.tracked() && !used.contains(x.history().node->number())) names.push_back(f.names()[i]);
  }
  return names;
}

bool any_real(std::span<const Tensor> tensors) {
  return std::ranges::any_of(tensors, [](const Tensor& x) { return is_real(x.dtype()); });
}

}  // namespace

GradcheckReport gradcheck(const Function& f, const Tensors& inputs,
                          const GradcheckOptions& options) {
  require(options.cotangents >= 1 && options.projections >= 1 && options.coordinates >= 0,
          "gradcheck: at least one random cotangent and one projection are needed");
  require(options.order >= 1, "gradcheck: the order must be at least 1, is ", options.order);
  require(f != nullptr, "gradcheck: the function is empty");
  require(options.names.size() <= inputs.size(), "gradcheck: ", options.names.size(), " names for ",
          inputs.size(), " inputs");
  for (std::size_t i = 0; i < inputs.size(); ++i)
    require(inputs[i].defined(), "gradcheck: input ", i, " is empty");
  require(any_real(inputs), "gradcheck: there is nothing to check: no input is real");
  const FlagGuard record(&Ambient::recording, true);
  GradcheckReport report;
  Function current = f;
  Tensors xs = as_f64(inputs);
  std::vector<std::string> names = names_of(inputs, options);
  std::set<Index> kinks;
  double feigned = 0;
  for (int order = 1; order <= options.order; ++order) {
    const FlatFunction flat(current, xs, names);
    require(any_real(flat.output_tensors()),
            "gradcheck: there is nothing to check: no output is real");
    const FlatFunction again(current, xs, names);
    if (order == 1) report.set_unused(names_of_unused(flat));
    if (!finite_values(flat, order, report)) break;
    if (!repeatable(flat, again, order, options.key.child("repeat"), report)) break;
    Level level(flat, order, feigned, options, report);
    level.check(kinks);
    if (!report) {
      diagnose(report);
      if (options.walk && blames_a_derivative(report))
        report.set_walk(walk_tape(f, as_f64(inputs), order, options));
      break;
    }

    // The next order differentiates g(x, ȳ) = x̄.
    current = gradient_of(current, xs.size());
    kinks = level.kinks();
    feigned = level.feigned();
    for (const Tensor& cotangent : as_f64(level.cotangents_used())) {
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

}  // namespace adjoint
