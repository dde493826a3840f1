// Checks what must hold for any program of public operations, on random ones:
//
// - Each step gives the same bits when it is repeated.
// - Its fused kernels give what their formulas give, in values and in gradients.
// - Its first and second derivatives agree with finite differences.
// - The gradient of the whole program equals that of the chain rule, applied by hand, step by step.

#include "tests/fuzz/programs/program.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <set>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace adjoint::fuzz {
namespace {

using testing::same_bits;

// ---- One step ----------------------------------------------------------------------------------

// The positions of a step's operands, without repetition.
std::vector<std::size_t> distinct_operands(const Step& step) {
  const std::set<std::size_t> positions(step.operands.begin(), step.operands.end());
  return {positions.begin(), positions.end()};
}

Tensors run_step(const Step& step, const Tensors& values) {
  Tensors operands;
  for (const std::size_t i : step.operands) operands.push_back(values[i]);
  return step.apply(operands);
}

// A step as a function of its distinct operands, so that it can be evaluated at any point.
class StepFunction {
 public:
  StepFunction(const Step& step, const Tensors& values)
      : step_(step), values_(values), positions_(distinct_operands(step)) {
    for (const std::size_t i : positions_) point_.push_back(values[i]);
  }

  const Tensors& point() const { return point_; }

  Tensors operator()(const Tensors& xs) const {
    Tensors values = values_;
    for (std::size_t i = 0; i < positions_.size(); ++i) values[positions_[i]] = xs[i];
    return run_step(step_, values);
  }

 private:
  const Step& step_;
  const Tensors& values_;
  std::vector<std::size_t> positions_;
  Tensors point_;
};

Tensors variables(const Tensors& values) {
  Tensors xs;
  for (const Tensor& value : values) xs.push_back(variable(value));
  return xs;
}

// Normally distributed tensors of the same forms.
Tensors directions(const Tensors& like, Key key) {
  Tensors result;
  for (const Tensor& x : like)
    result.push_back(normal(x.shape(), 0, 1, key.child(result.size()), x.dtype()));
  return result;
}

double inner(const Tensors& a, const Tensors& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += sum(a[i] * b[i]).item();
  return total;
}

Tensors moved(const Tensors& xs, const Tensors& along, double distance) {
  Tensors result;
  for (std::size_t i = 0; i < xs.size(); ++i) result.push_back(xs[i] + along[i] * distance);
  return result;
}

double largest(const Tensors& xs) {
  double most = 0;
  for (const Tensor& x : xs)
    for (const double value : testing::numbers(x))
      most = std::isfinite(value) ? std::max(most, std::abs(value)) : INFINITY;
  return most;
}

// Equality up to rounding, relative to the largest element. NaN equals NaN.
bool agree(const Tensors& a, const Tensors& b) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].form() != b[k].form()) return false;
    const std::vector<double> left = testing::numbers(a[k]), right = testing::numbers(b[k]);
    double scale = 1;
    for (const double x : left)
      if (std::isfinite(x)) scale = std::max(scale, std::abs(x));
    for (std::size_t i = 0; i < left.size(); ++i) {
      const bool same = left[i] == right[i] || (std::isnan(left[i]) && std::isnan(right[i]));
      if (!same && !(std::abs(left[i] - right[i]) <= 1e-8 * scale)) return false;
    }
  }
  return true;
}

void show(const char* what, const Tensors& list) {
  std::cerr << what << '\n';
  for (const Tensor& x : list) std::cerr << x << '\n';
}

[[noreturn]] void report(const Step& step, const Tensors& at, const char* broken,
                         const Tensors& one = {}, const Tensors& other = {}) {
  std::cerr << "step " << step.name << '\n';
  show("at", at);
  show("one", one);
  show("the other", other);
  promise(false, broken);
  std::abort();
}

// ---- Finite differences ------------------------------------------------------------------------

// The derivative of φ at 0, from central differences over three distances. Empty if these cannot
// tell: φ has a kink here, or is too noisy or too curved.
template <class F>
std::optional<double> derivative_of(F phi, double tolerance) {
  std::array<double, 3> central{};
  const double middle = phi(0.0);
  for (std::size_t i = 0; i < 3; ++i) {
    const double h = 1e-5 * static_cast<double>(1 << i);
    const double ahead = (phi(h) - middle) / h, behind = (middle - phi(-h)) / h;
    if (!(std::abs(ahead - behind) <= tolerance)) return {};
    central[i] = (ahead + behind) / 2;
  }
  const auto [least, most] = std::ranges::minmax(central);
  if (!(most - least <= tolerance / 10)) return {};
  return central[0];
}

// Whether `claimed` can be the derivative of φ at 0.
template <class F>
bool plausible(F phi, double claimed, double scale) {
  const double tolerance = 1e-3 * (1 + scale);
  const std::optional<double> measured = derivative_of(phi, tolerance);
  return !measured || std::abs(*measured - claimed) <= 2 * tolerance;
}

// ---- What must be true -------------------------------------------------------------------------

constexpr GradOptions first_order = {.zeros_if_independent = true};
constexpr GradOptions recorded = {.create_graph = true, .zeros_if_independent = true};

Tensors gradients(const StepFunction& f, const Tensors& point, const Tensors& cotangents) {
  const Tensors xs = variables(point);
  return grad(f(xs), xs, cotangents, first_order);
}

void check_derivatives(const Step& step, const StepFunction& f, const Tensors& cotangents,
                       Key key) {
  const Tensors& at = f.point();
  const Tensors along = directions(at, key.child("along"));
  const Tensors slopes = gradients(f, at, cotangents);
  const double scale = largest(slopes);
  if (!(scale < 1e4)) return;
  if (!plausible([&](double h) { return inner(f(moved(at, along, h)), cotangents); },
                 inner(slopes, along), scale))
    report(step, at, "the gradient is that of finite differences", slopes, along);

  // The gradient of ψ(x) = ⟨∇φ(x), v⟩
  const Tensors v = directions(at, key.child("v"));
  const Tensors xs = variables(at);
  Tensor psi = scalar(0, DType::f64);
  const Tensors recorded_slopes = grad(f(xs), xs, cotangents, recorded);
  for (std::size_t i = 0; i < v.size(); ++i) psi = psi + sum(recorded_slopes[i] * v[i]);
  const Tensors curvatures = grad(psi, xs, first_order);
  const double second_scale = scale + largest(curvatures);
  if (!(second_scale < 1e4)) return;
  if (!plausible([&](double h) { return inner(gradients(f, moved(at, along, h), cotangents), v); },
                 inner(curvatures, along), second_scale))
    report(step, at, "the second derivative is that of finite differences", curvatures, along);
}

void check_step(const Program& program, std::size_t number) {
  const Step& step = program.steps[number];
  const StepFunction f(step, program.values);
  const Tensors& at = f.point();
  const Tensors values = f(at);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!same_bits(values[i], program.values[program.first[number] + i]))
      report(step, at, "the same step gives the same bits");

  const Key key(number + 1);
  const Tensors cotangents = directions(values, key.child("cotangents"));
  const Tensors slopes = gradients(f, at, cotangents);
  const bool f64 = program.inputs[0].dtype() == DType::f64;
  if (!f64 || !(largest(at) <= 100)) return;

  {
    const Composed formulas;
    const Tensors same_values = f(at), same_slopes = gradients(f, at, cotangents);
    if (!agree(values, same_values))
      report(step, at, "kernels and formulas have the same values", values, same_values);
    if (!agree(slopes, same_slopes))
      report(step, at, "kernels and formulas have the same gradients", slopes, same_slopes);
  }
  if (step.smooth && largest(values) <= 1e4) check_derivatives(step, f, cotangents, key);
}

// ȳ = the sum of all results, each weighted by a cotangent of its own.
void check_chain_rule(const Program& program) {
  if (program.steps.empty() || !(largest(program.values) <= 100)) return;
  const std::size_t inputs = program.inputs.size();
  Tensors bars(program.values.size());
  for (std::size_t i = inputs; i < bars.size(); ++i)
    bars[i] = normal(program.values[i].shape(), 0, 1, Key(i), DType::f64);
  const Tensors weights(bars.begin() + static_cast<std::ptrdiff_t>(inputs), bars.end());

  // By the engine
  const Tensors xs = variables(program.inputs);
  Tensors values = xs;
  for (const Step& step : program.steps)
    for (Tensor& y : run_step(step, values)) values.push_back(std::move(y));
  const Tensors results(values.begin() + static_cast<std::ptrdiff_t>(inputs), values.end());
  const Tensors whole = grad(results, xs, weights, first_order);

  // By hand, from the last step to the first
  double most = 1;
  for (std::size_t number = program.steps.size(); number-- > 0;) {
    const Step& step = program.steps[number];
    const std::size_t first = program.first[number];
    const std::size_t end =
        number + 1 < program.first.size() ? program.first[number + 1] : bars.size();
    const Tensors cotangents(bars.begin() + static_cast<std::ptrdiff_t>(first),
                             bars.begin() + static_cast<std::ptrdiff_t>(end));
    const StepFunction f(step, program.values);
    const Tensors slopes = gradients(f, f.point(), cotangents);
    const std::vector<std::size_t> positions = distinct_operands(step);
    for (std::size_t i = 0; i < positions.size(); ++i) {
      Tensor& bar = bars[positions[i]];
      bar = bar.defined() ? bar + slopes[i] : slopes[i];
    }
    most = std::max(most, largest(slopes));
  }
  if (!(most <= 1e5)) return;
  for (std::size_t i = 0; i < inputs; ++i) {
    const Tensor by_hand = bars[i].defined() ? bars[i] : zeros(xs[i].shape(), DType::f64);
    const double apart = testing::distance(whole[i], by_hand);
    promise(apart <= 1e-7 * most, "the gradient of a program follows from those of its steps");
  }
}

}  // namespace

void programs(Bytes input) {
  Choices choices(input);
  const Program program = draw_program(choices, choices.below(4) == 3 ? DType::f32 : DType::f64);
  for (std::size_t number = 0; number < program.steps.size(); ++number) check_step(program, number);
  if (program.inputs[0].dtype() == DType::f64) check_chain_rule(program);
}

}  // namespace adjoint::fuzz
