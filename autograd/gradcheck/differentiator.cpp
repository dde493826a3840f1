#include "autograd/gradcheck/differentiator.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

constexpr double roundings = 16;         // that a value is assumed to have accumulated
constexpr double largest_step = 0x1p-3;  // larger is not local, smaller loses digits
constexpr double glaring = 100;          // tolerances that make a difference glaring

// Whether smaller steps would not help. Updates the numeric derivatives.
bool finished(const std::vector<Ladder>& ladders, Slopes& slopes, Care care) {
  for (std::size_t r = 0; r < ladders.size(); ++r) {
    slopes.numeric[r] = ladders[r].derivative();
    if (ladders[r].full()) continue;
    if (!ladders[r].settled()) return false;
    if (!slopes.agree(r) && (care == Care::full || slopes.agree(r, glaring))) return false;
  }
  return true;
}

std::vector<Cotangent> choose_cotangents(const FlatFunction& f, const GradcheckOptions& options,
                                         Key key) {
  std::vector<Cotangent> result;
  for (int r = 0; r < options.cotangents; ++r) {
    const Key own = key.child("cotangent").child(at(r));
    const Tensor weights = normal({f.outputs()}, 0, 1, own, DType::f64);
    result.push_back({"random " + std::to_string(r + 1), -1, flatten({weights})});
  }
  if (f.inputs() * f.outputs() <= options.jacobian_up_to)
    for (Index j = 0; j < f.outputs(); ++j) result.push_back({f.output_name(j), j, {}});
  return result;
}

// An element's own size, or the typical size in its tensor if that is larger. A power of two, so
// that x ± h is rounded little.
Vector choose_scales(const Tensors& xs) {
  Vector scales;
  for (const Tensor& x : xs) {
    const Vector values = flatten({x});
    double squares = 0;
    for (const double value : values) squares += value * value;
    const double typical = std::sqrt(squares / static_cast<double>(values.size()));
    for (const double value : values) {
      const double size = std::max(std::abs(value), typical);
      const bool usable = size > 0 && std::isfinite(size);
      scales.push_back(usable ? std::exp2(std::round(std::log2(size))) : 1);
    }
  }
  return scales;
}

// The rounding error of ⟨ȳ, f⟩. A function that is computed stably returns f(x + δx) + δf with |δx|
// and |δf| a few units of rounding of |x| and |f|; to first order that moves ⟨ȳ, f⟩ by at most
// ⟨|ȳ|, |δf|⟩ + ⟨|x̄|, |δx|⟩. (Higham, "Accuracy and Stability of Numerical Algorithms", 2002,
// section 1.5: mixed forward-backward error.)
double noise_of(const FlatFunction& f, Cotangent cotangent, const Vector& gradient) {
  Vector rounding;
  for (const Tensor& y : f.ys)
    for (const double value : flatten({y}))
      rounding.push_back(std::abs(value) * (y.dtype() == DType::f32 ? 0x1p-24 : 0x1p-53));
  for (double& weight : cotangent.weights) weight = std::abs(weight);
  double sum = cotangent(rounding);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double moved = std::abs(gradient[i] * f.point[i]) * 0x1p-53;
    if (std::isfinite(moved)) sum += moved;
  }
  return roundings * sum;
}

}  // namespace

bool Slopes::any_kink() const {
  return std::ranges::count(numeric, Derivative::Kind::kink, &Derivative::kind) > 0;
}

double Slopes::tolerance(std::size_t cotangent) const {
  return std::max(safety * numeric[cotangent].error, negligible);
}

bool Slopes::agree(std::size_t cotangent, double allowance) const {
  const double slope = analytic[cotangent];
  const Derivative& d = numeric[cotangent];
  if (d.kind != Derivative::Kind::kink)
    return std::abs(slope - d.value) <= allowance * tolerance(cotangent);
  const double margin = 1e-3 * std::abs(d.right - d.left);
  return slope >= std::min(d.left, d.right) - margin && slope <= std::max(d.left, d.right) + margin;
}

bool Slopes::all_agree() const {
  for (std::size_t r = 0; r < analytic.size(); ++r)
    if (!agree(r)) return false;
  return true;
}

Differentiator::Differentiator(const FlatFunction& function, double rounding,
                               const GradcheckOptions& options, Key key)
    : f(function),
      cotangents(choose_cotangents(f, options, key)),
      scales(choose_scales(f.xs)),
      effect_of_rounding(rounding) {
  for (const Cotangent& cotangent : cotangents) {
    const Vector& gradient = gradients.emplace_back(f.gradient(cotangent));
    noise.push_back(noise_of(f, cotangent, gradient));
    const double feigned = noise.back() / largest_step / smallest_of_interest;
    effect_of_rounding = std::max(effect_of_rounding, feigned);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const double effect = std::abs(gradient[i]) * scales[i];
      if (std::isfinite(effect)) largest_effect = std::max(largest_effect, effect);
    }
  }
  largest_effect = std::max(largest_effect, effect_of_rounding);
}

double Differentiator::rounding_of_gradients() const {
  return scales.empty() ? 0 : effect_of_rounding / std::ranges::min(scales);
}

Slopes Differentiator::along_element(Index i) const {
  const double negligible = smallest_of_interest * largest_derivative(i);
  const Slopes slopes = along({{i, 1.0}}, largest_step * scales[at(i)], negligible, Care::full);
  const double own_size = std::abs(f.point[at(i)]);
  if (slopes.all_agree() || own_size == 0 || own_size > scales[at(i)] / 2) return slopes;
  // An element much smaller than its neighbours may need much smaller steps.
  const Slopes closer = along({{i, 1.0}}, largest_step * own_size, negligible, Care::full);
  return closer.all_agree() ? closer : slopes;
}

Slopes Differentiator::along_random_line(const std::vector<Index>& elements, Key key,
                                         Care care) const {
  const Vector random = flatten({normal({std::ssize(elements)}, 0, 1, key, DType::f64)});
  Line line;
  for (std::size_t k = 0; k < elements.size(); ++k)
    line.emplace_back(elements[k], random[k] * scales[at(elements[k])]);
  Slopes slopes = along(line, largest_step, smallest_of_interest * largest_effect, care);
  for (std::size_t r = 0; r < cotangents.size(); ++r) {
    double squares = 0;
    for (const Index i : elements) squares += std::pow(scales[at(i)] * gradients[r][at(i)], 2);
    slopes.norms[r] = std::sqrt(squares);
  }
  return slopes;
}

Slopes Differentiator::along(const Line& line, double step, double negligible, Care care) const {
  Slopes slopes{Vector(cotangents.size()), std::vector<Derivative>(cotangents.size()),
                Vector(cotangents.size()), negligible};
  std::vector<Ladder> ladders;
  for (std::size_t r = 0; r < cotangents.size(); ++r) {
    for (const auto& [i, speed] : line) slopes.analytic[r] += speed * gradients[r][at(i)];
    ladders.emplace_back(noise[r]);
  }
  // Twice as many tries as a ladder has rungs, since the first may leave the function's domain.
  for (std::size_t tries = 0; tries < 2 * Ladder::longest; ++tries, step /= 2) {
    if (finished(ladders, slopes, care)) break;
    const Vector up = change(line, step), down = change(line, -step);
    for (std::size_t r = 0; r < ladders.size(); ++r)
      if (!ladders[r].full()) ladders[r].add(step, cotangents[r](up), -cotangents[r](down));
  }
  for (std::size_t r = 0; r < ladders.size(); ++r) slopes.numeric[r] = ladders[r].derivative();
  return slopes;
}

// f(x + h u) − f(x)
Vector Differentiator::change(const Line& line, double h) const {
  Vector x = f.point;
  for (const auto& [i, speed] : line) x[at(i)] += h * speed;
  Vector difference = f.values_at(x);
  require(difference.size() == f.values.size(),
          "gradcheck: the shapes of the outputs depend on the values of the inputs");
  for (std::size_t j = 0; j < difference.size(); ++j) difference[j] -= f.values[j];
  return difference;
}

}  // namespace adjoint::checking
