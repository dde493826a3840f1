#include "autograd/gradcheck/measuring.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// How many roundings in a row a value is assumed to have gone through.
constexpr double roundings = 16;
// A larger step would change the elements too much to be local, a smaller one loses digits.
constexpr double largest_step = 1.0 / 8;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// So many times its tolerance is a glaring difference.
constexpr double glaring = 100;

// Whether smaller steps are no use.
bool finished(const std::vector<Ladder>& ladders, Slopes& slopes, Care care) {
  for (std::size_t r = 0; r < ladders.size(); ++r) {
    slopes.numeric[r] = ladders[r].derivative();
    if (ladders[r].full()) continue;
    if (!ladders[r].settled()) return false;
    if (!slopes.agree(r) && (care == Care::full || slopes.agree(r, glaring))) return false;
  }
  return true;
}

}  // namespace

bool Slopes::any_kink() const {
  return std::any_of(numeric.begin(), numeric.end(),
                     [](const Derivative& d) { return d.kind == Derivative::Kind::kink; });
}

bool Slopes::agree(std::size_t cotangent, double allowance) const {
  const double slope = analytic[cotangent];
  const Derivative& d = numeric[cotangent];
  if (d.kind != Derivative::Kind::kink)
    return std::abs(slope - d.value) <= allowance * std::max(safety * d.error, negligible);
  const double tolerance = 1e-3 * std::abs(d.right - d.left);
  return slope >= std::min(d.left, d.right) - tolerance &&
         slope <= std::max(d.left, d.right) + tolerance;
}

bool Slopes::all_agree() const {
  for (std::size_t r = 0; r < analytic.size(); ++r)
    if (!agree(r)) return false;
  return true;
}

Measuring::Measuring(const FlatFunction& f, double feigned, const GradcheckOptions& options,
                     Key key)
    : f_(f), feigned_effect_(feigned) {
  choose_cotangents(options.cotangents, f.inputs() * f.outputs() <= options.jacobian_up_to, key);
  choose_scales();
  for (const Cotangent& cotangent : cotangents_) {
    gradients_.push_back(f_.gradient(cotangent));
    noise_.push_back(noise(cotangent, gradients_.back()));
  }
  find_largest_effect();
}

void Measuring::find_largest_effect() {
  for (std::size_t r = 0; r < cotangents_.size(); ++r) {
    const double feigned = noise_[r] / largest_step / smallest_of_interest;
    feigned_effect_ = std::max(feigned_effect_, feigned);
    for (Index i = 0; i < f_.inputs(); ++i) {
      const double effect = std::abs(gradients_[r][at(i)]) * scale(i);
      if (std::isfinite(effect)) largest_effect_ = std::max(largest_effect_, effect);
    }
  }
  largest_effect_ = std::max(largest_effect_, feigned_effect_);
}

double Measuring::feigned_derivative() const {
  if (scales_.empty()) return 0;
  return feigned_effect_ / *std::min_element(scales_.begin(), scales_.end());
}

void Measuring::choose_cotangents(int random, bool single_outputs, Key key) {
  for (int r = 0; r < random; ++r) {
    const Key own = key.child("cotangent").child(at(r));
    const Tensor weights = normal({f_.outputs()}, 0, 1, own, DType::f64);
    cotangents_.push_back({"random " + std::to_string(r + 1), -1, flatten({weights})});
  }
  if (!single_outputs) return;
  for (Index j = 0; j < f_.outputs(); ++j) cotangents_.push_back({f_.output_name(j), j, {}});
}

// An element's own size, or that of its neighbours where it is small among them; powers of two, so
// that x ± h is rounded little.
void Measuring::choose_scales() {
  for (const Tensor& x : f_.input_tensors()) {
    const Vector values = flatten({x});
    double squares = 0;
    for (const double value : values) squares += value * value;
    const double typical = std::sqrt(squares / static_cast<double>(values.size()));
    for (const double value : values) {
      const double size = std::max(std::abs(value), typical);
      const bool usable = size > 0 && std::isfinite(size);
      scales_.push_back(usable ? std::exp2(std::round(std::log2(size))) : 1);
    }
  }
}

// The rounding error of ⟨ȳ, f⟩. A function that is computed stably returns f(x + δx) + δf with |δx|
// and |δf| a few units of rounding of |x| and |f|; to first order that moves ⟨ȳ, f⟩ by at most
// ⟨|ȳ|, |δf|⟩ + ⟨|x̄|, |δx|⟩. (Higham, "Accuracy and Stability of Numerical Algorithms", 2002,
// section 1.5: mixed forward-backward error.)
double Measuring::noise(const Cotangent& cotangent, const Vector& gradient) const {
  Cotangent absolute = cotangent;
  for (double& weight : absolute.weights) weight = std::abs(weight);
  double sum = absolute(rounding_of_values());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double moved = std::abs(gradient[i] * f_.point()[i]) * 0x1p-53;
    if (std::isfinite(moved)) sum += moved;
  }
  return roundings * sum;
}

Vector Measuring::rounding_of_values() const {
  Vector result;
  for (const Tensor& y : f_.output_tensors())
    for (const double value : flatten({y}))
      result.push_back(std::abs(value) * (y.dtype() == DType::f32 ? 0x1p-24 : 0x1p-53));
  return result;
}

Slopes Measuring::element(Index i) const {
  const double negligible = smallest_of_interest * largest_derivative(i);
  const Slopes slopes = along({{i, 1.0}}, largest_step * scale(i), negligible, Care::full);
  const double own_size = std::abs(f_.point()[at(i)]);
  if (slopes.all_agree() || own_size == 0 || own_size > scale(i) / 2) return slopes;
  // Much smaller than its neighbours, it may need much smaller steps.
  const Slopes closer = along({{i, 1.0}}, largest_step * own_size, negligible, Care::full);
  return closer.all_agree() ? closer : slopes;
}

Slopes Measuring::random_line(const std::vector<Index>& elements, Key key, Care care) const {
  const auto count = static_cast<Index>(elements.size());
  const Vector random = flatten({normal({count}, 0, 1, key, DType::f64)});
  Line line;
  for (std::size_t k = 0; k < elements.size(); ++k)
    line.emplace_back(elements[k], random[k] * scale(elements[k]));
  Slopes slopes = along(line, largest_step, smallest_of_interest * largest_effect_, care);
  for (std::size_t r = 0; r < cotangents_.size(); ++r) {
    double squares = 0;
    for (const Index i : elements) squares += std::pow(scale(i) * gradients_[r][at(i)], 2);
    slopes.norms[r] = std::sqrt(squares);
  }
  return slopes;
}

Slopes Measuring::along(const Line& line, double step, double negligible, Care care) const {
  Slopes slopes{Vector(cotangents_.size()), std::vector<Derivative>(cotangents_.size()),
                Vector(cotangents_.size()), negligible};
  std::vector<Ladder> ladders;
  for (std::size_t r = 0; r < cotangents_.size(); ++r) {
    for (const auto& [i, speed] : line) slopes.analytic[r] += speed * gradients_[r][at(i)];
    slopes.norms[r] = std::abs(slopes.analytic[r]);
    ladders.emplace_back(noise_[r]);
  }
  // As many steps again as a ladder has, for those that lead out of the function's domain.
  for (std::size_t tries = 0; tries < 2 * Ladder::longest; ++tries, step /= 2) {
    if (finished(ladders, slopes, care)) break;
    const Vector up = change(line, step), down = change(line, -step);
    for (std::size_t r = 0; r < ladders.size(); ++r)
      if (!ladders[r].full()) ladders[r].add(step, cotangents_[r](up), -cotangents_[r](down));
  }
  for (std::size_t r = 0; r < ladders.size(); ++r) slopes.numeric[r] = ladders[r].derivative();
  return slopes;
}

// f(x + h u) − f(x)
Vector Measuring::change(const Line& line, double h) const {
  Vector x = f_.point();
  for (const auto& [i, speed] : line) x[at(i)] += h * speed;
  Vector difference = f_.values_at(x);
  require(difference.size() == f_.values().size(),
          "gradcheck: the shapes of the outputs depend on the values of the inputs");
  for (std::size_t j = 0; j < difference.size(); ++j) difference[j] -= f_.values()[j];
  return difference;
}

}  // namespace adjoint::checking
