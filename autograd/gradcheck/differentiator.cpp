#include "autograd/gradcheck/differentiator.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

constexpr double largest_step = 0x1p-3;  // larger is not local, smaller loses digits
// Steps that are powers of two would not see what has such a period, as a table or a grid may.
constexpr double odd = 1.0905077326652577;
constexpr double kink_step = 0x1p-12;  // where the search for kinks begins
constexpr int kink_steps = 5;
constexpr double at_the_bound = 0x1p-20;  // nearer than this part of its scale
constexpr double glaring = 100;           // tolerances that make a difference glaring

// Whether smaller steps would not help. Updates the numeric derivatives.
bool finished(const std::vector<Differences>& differences, Slopes& slopes, Care care) {
  for (std::size_t r = 0; r < differences.size(); ++r) {
    slopes.numeric[r] = differences[r].derivative();
    if (differences[r].full()) continue;
    if (!differences[r].settled()) return false;
    if (!slopes.agree(r) && (care == Care::full || slopes.agree(r, glaring))) return false;
  }
  return true;
}

// An element's own size, or the typical size in its tensor if that is larger; but not more than a
// step may take beside a bound. A power of two, so that x ± h is rounded little.
Vector choose_scales(const FlatFunction& f, const Bounds& bounds) {
  Vector scales;
  for (const Tensor& x : f.xs) {
    const Vector values = flatten({x});
    double squares = 0;
    for (const double value : values) squares += value * value;
    const double typical = std::sqrt(squares / static_cast<double>(values.size()));
    for (const double value : values) {
      const double size = std::max(std::abs(value), typical);
      const bool usable = size > 0 && std::isfinite(size);
      double scale = usable ? std::exp2(std::round(std::log2(size))) : 1;
      const double room = bounds.room(std::ssize(scales));
      if (room > at_the_bound * scale && room < largest_step * scale)
        scale = std::exp2(std::floor(std::log2(room / largest_step)));
      scales.push_back(scale);
    }
  }
  return scales;
}

// How far each output moves along a random line. Empty if f has no value there.
Vector sensitivities(const FlatFunction& f, const Bounds& bounds, const Vector& scales, Key key) {
  const Vector random = flatten({normal({f.inputs()}, 0, 1, key, DType::f64)});
  Line line;
  for (Index i = 0; i < f.inputs(); ++i)
    line.emplace_back(i, largest_step * random[at(i)] * scales[at(i)]);
  Vector x = f.point;
  for (const auto& [i, move] : bounds.inside(std::move(line))) x[at(i)] += move;
  Vector moved;
  try {
    if (bounds.contain(x)) moved = f.values_at(x);
  } catch (const std::exception&) {
  }
  if (moved.size() != f.values.size()) return {};
  for (std::size_t j = 0; j < moved.size(); ++j) {
    moved[j] = std::abs(moved[j] - f.values[j]);
    if (!std::isfinite(moved[j])) return {};
  }
  return moved;
}

// Weights that make outputs of different sizes count alike: 1 / how far an output moves, relative
// to the one that moves most. An output that hardly moves beside its own rounding keeps a small
// weight, or its noise would drown the others.
void balance(Vector& weights, const Vector& moved, const Vector& values) {
  constexpr double least = 1e-8;  // of the value, that an output is taken to move
  const double most = moved.empty() ? 0 : std::ranges::max(moved);
  for (std::size_t j = 0; j < moved.size() && most > 0; ++j)
    if (moved[j] > 0)
      weights[j] *= most / std::max({moved[j], least * std::abs(values[j]), 1e-12 * most});
}

std::vector<Cotangent> choose_cotangents(const FlatFunction& f, const Bounds& bounds,
                                         const Vector& scales, const GradcheckOptions& options,
                                         Key key) {
  const bool jacobian = f.inputs() * f.outputs() <= options.jacobian_up_to;
  std::vector<Cotangent> result;
  for (int r = 0; r < options.cotangents; ++r) {
    const Key own = key.child("cotangent").child(at(r));
    Vector weights = flatten({normal({f.outputs()}, 0, 1, own, DType::f64)});
    if (r % 2 == 1 && !jacobian)
      balance(weights, sensitivities(f, bounds, scales, own.child(1)), f.values);
    result.push_back({"random " + std::to_string(r + 1), -1, weights});
  }
  if (jacobian)
    for (Index j = 0; j < f.outputs(); ++j) result.push_back({f.output_name(j), j, {}});
  return result;
}

}  // namespace

// ---- Slopes
// --------------------------------------------------------------------------------------

bool Slopes::any_kink() const {
  return std::ranges::count(numeric, Derivative::Kind::kink, &Derivative::kind) > 0;
}

double Slopes::tolerance(std::size_t cotangent) const {
  return safety * (numeric[cotangent].error + rounding[cotangent]);
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

bool Slopes::vanish(std::size_t cotangent) const {
  return std::abs(analytic[cotangent]) <= tolerance(cotangent) &&
         std::abs(numeric[cotangent].value) <= tolerance(cotangent);
}

bool Slopes::dormant() const {
  for (std::size_t r = 0; r < numeric.size(); ++r)
    if (numeric[r].kind != Derivative::Kind::smooth || numeric[r].moved || !vanish(r)) return false;
  return true;
}

bool Slopes::all_precise() const {
  constexpr double good = 1e-7;  // no mistake in a formula is smaller
  for (std::size_t r = 0; r < analytic.size(); ++r) {
    const double size = std::max(std::abs(analytic[r]), std::abs(numeric[r].value));
    if (numeric[r].kind == Derivative::Kind::smooth && safety * numeric[r].error > good * size)
      return false;
  }
  return true;
}

void Slopes::take_confirmed(const Slopes& of_larger_steps) {
  for (std::size_t r = 0; r < numeric.size(); ++r) {
    Derivative& mine = numeric[r];
    const Derivative& theirs = of_larger_steps.numeric[r];
    const bool smooth =
        mine.kind == Derivative::Kind::smooth && theirs.kind == Derivative::Kind::smooth;
    if (smooth && theirs.error < mine.error && of_larger_steps.agree(r) &&
        std::abs(mine.value - theirs.value) <= mine.error + theirs.error) {
      mine.value = theirs.value;
      mine.error = theirs.error;
    }
  }
}

void Slopes::take_better(const Slopes& of_smaller_steps) {
  constexpr double good = 1e-5;
  for (std::size_t r = 0; r < numeric.size(); ++r) {
    Derivative& mine = numeric[r];
    const Derivative& theirs = of_smaller_steps.numeric[r];
    const bool contradicts = safety * theirs.error <= good * std::abs(theirs.value) &&
                             std::abs(mine.value - theirs.value) > mine.error + theirs.error;
    if (theirs.error < mine.error || contradicts) mine = theirs;
  }
}

// ---- Differentiator
// ------------------------------------------------------------------------------

Differentiator::Differentiator(const FlatFunction& function, const std::set<Index>& fixed,
                               const GradcheckOptions& options, Key key)
    : f(function), bounds(f, options.domains), scales(choose_scales(f, bounds)) {
  for (const Tensors* all : {&f.xs, &f.ys})
    for (const Tensor& x : *all) single_ |= x.dtype() == DType::f32;
  for (std::size_t t = 0; t < f.xs.size(); ++t)
    if (is_real(f.xs[t].dtype()))
      tensors.insert(tensors.end(), at(f.xs[t].numel()), static_cast<int>(t));
  cotangents = choose_cotangents(f, bounds, scales, options, key);
  for (const Cotangent& cotangent : cotangents) gradients.push_back(f.gradient(cotangent));
  rounding = measure_rounding(f, bounds, cotangents, gradients, fixed, key.child("rounding"));
  Cotangent sizes{"sizes", -1, {}};
  for (const double y : f.values) sizes.weights.push_back(std::abs(y));
  for (std::size_t r = 0; r < cotangents.size(); ++r) {
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const double effect = std::abs(gradients[r][i]) * scales[i];
      if (std::isfinite(effect)) largest_effect = std::max(largest_effect, effect);
    }
    if (options.nondeterminism > 0) {
      Cotangent absolute = cotangents[r];
      for (double& weight : absolute.weights) weight = std::abs(weight);
      rounding.values[r] += options.nondeterminism * absolute(sizes.weights);
    }
  }
}

Slopes Differentiator::analytic_along(const Line& line) const {
  const std::size_t count = cotangents.size();
  Slopes slopes{Vector(count), Vector(count), std::vector<Derivative>(count), Vector(count)};
  for (std::size_t r = 0; r < count; ++r)
    for (const auto& [i, speed] : line) {
      slopes.analytic[r] += speed * gradients[r][at(i)];
      slopes.rounding[r] += std::abs(speed) * rounding.gradients[r][at(i)];
    }
  return slopes;
}

// For an element much smaller than its neighbours, smaller steps may be needed; for one that is
// small beside the numbers it meets inside f, as in 1 + x, larger ones.
Slopes Differentiator::along_element(Index i, bool precise) const {
  const Line line = bounds.inside({{i, 1.0}});
  const double step = largest_step * scales[at(i)], own_size = std::abs(f.point[at(i)]);
  Slopes slopes = along(line, step, Care::full);
  const bool clear = slopes.all_agree() && (!precise || slopes.any_kink() || slopes.all_precise());
  if (!clear && own_size > 0 && own_size < scales[at(i)] / 2) {
    const Slopes closer = along(line, largest_step * own_size, Care::full);
    if (!slopes.all_agree() && closer.all_agree())
      slopes = closer;
    else if (!slopes.any_kink())
      slopes.take_better(closer);
  }
  for (const double factor : {0x1p7, 0x1p14, 0x1p21}) {
    if (!precise || slopes.any_kink() || slopes.all_precise()) break;
    Vector noise = rounding.values;
    for (std::size_t r = 0; r < noise.size(); ++r)
      noise[r] = std::max(noise[r], slopes.numeric[r].noise);
    slopes.take_confirmed(along(line, factor * step, Care::full, noise));
  }
  return slopes;
}

Slopes Differentiator::along_both(Index i, double speed_i, Index k, double speed_k) const {
  const double step =
      std::min(scales[at(i)] / std::abs(speed_i), scales[at(k)] / std::abs(speed_k));
  Slopes slopes = along({{i, speed_i}, {k, speed_k}}, largest_step * step, Care::full);
  // Beside a kink, what rounding moves is a whole branch, and no rounding of the gradient.
  std::ranges::fill(slopes.rounding, 0);
  return slopes;
}

Slopes Differentiator::along_all(const std::vector<Index>& elements) const {
  Line line;
  for (const Index i : elements) line.emplace_back(i, 1.0);
  Slopes slopes = along(line, largest_step * scales[at(elements[0])], Care::full);
  std::ranges::fill(slopes.rounding, 0);
  return slopes;
}

// For each input, the norm of its gradient in units of its scales, the largest of all cotangents.
Vector Differentiator::effects() const {
  Vector result(f.xs.size());
  for (const Vector& gradient : gradients) {
    Vector squares(f.xs.size());
    for (std::size_t i = 0; i < gradient.size(); ++i)
      squares[at(tensors[i])] += std::pow(scales[i] * gradient[i], 2);
    for (std::size_t t = 0; t < squares.size(); ++t)
      if (std::isfinite(squares[t])) result[t] = std::max(result[t], std::sqrt(squares[t]));
  }
  return result;
}

Slopes Differentiator::along_random_line(const std::vector<Index>& elements, Key key, Care care,
                                         bool balanced) const {
  constexpr double slowest = 1e-6;
  const Vector random = flatten({normal({std::ssize(elements)}, 0, 1, key, DType::f64)});
  Vector slowed(f.xs.size(), 1.0);
  if (balanced) {
    const Vector all = effects();
    double least = infinity;
    for (const double effect : all)
      if (effect > slowest * largest_effect) least = std::min(least, effect);
    for (std::size_t t = 0; t < all.size(); ++t)
      if (all[t] > 0) slowed[t] = std::max(slowest, least / all[t]);
  }
  Line line;
  for (std::size_t k = 0; k < elements.size(); ++k) {
    const Index i = elements[k];
    line.emplace_back(i, random[k] * scales[at(i)] * slowed[at(tensors[at(i)])]);
  }
  line = bounds.inside(std::move(line));
  Slopes slopes = along(line, largest_step, care);
  for (std::size_t r = 0; r < cotangents.size(); ++r) {
    double squares = 0;
    for (const auto& [i, speed] : line)
      squares += std::pow(scales[at(i)] * slowed[at(tensors[at(i)])] * gradients[r][at(i)], 2);
    slopes.norms[r] = std::sqrt(squares);
  }
  return slopes;
}

std::optional<Slopes> Differentiator::quick_kink(Index i) const {
  const Line line = bounds.inside({{i, 1.0}});
  Slopes slopes = analytic_along(line);
  std::vector<Differences> differences;
  for (const double noise : rounding.values) differences.emplace_back(noise);
  double step = kink_step * scales[at(i)];
  for (int k = 0; k < kink_steps; ++k, step /= 2) {
    const auto up = change(line, step, slopes), down = change(line, -step, slopes);
    if (!up || !down) return std::nullopt;
    for (std::size_t r = 0; r < differences.size(); ++r)
      differences[r].add(step, cotangents[r](*up), -cotangents[r](*down));
  }
  bool found = false;
  for (std::size_t r = 0; r < differences.size(); ++r) {
    slopes.numeric[r] = differences[r].early_kink();
    if (slopes.numeric[r].kind == Derivative::Kind::kink)
      found = true;
    else
      slopes.numeric[r] = differences[r].derivative();
  }
  return found ? std::optional(slopes) : std::nullopt;
}

// The changes of the values a little beyond a step of this size.
std::vector<Vector> Differentiator::changes_near(const Line& line, double h) const {
  std::vector<Vector> result;
  for (const double factor : {1.2360679774997896, -1.4142135623730951, 1.7320508075688772}) {
    Slopes ignored;
    if (auto here = change(line, factor * h, ignored)) result.push_back(std::move(*here));
  }
  return result;
}

// Whether the values that a cotangent sees are multiples of a coarse unit: x + 1e15 moves in
// eighths. Then the few nonzero bits of the changes say so, even if the step has many.
bool Differentiator::is_staircase(const std::vector<Vector>& changes, const Cotangent& seen) const {
  constexpr int few_bits = 10;
  bool moved = false;
  for (const Vector& y : changes)
    for (std::size_t j = 0; j < y.size(); ++j) {
      if (seen.single >= 0 && j != at(seen.single)) continue;
      int exponent;
      const double bits = std::ldexp(std::frexp(y[j], &exponent), few_bits);
      if (bits != std::round(bits)) return false;
      moved |= y[j] != 0;
    }
  return moved;
}

Slopes Differentiator::along(const Line& line, double step, Care care, Vector noise) const {
  Slopes slopes = analytic_along(line);
  std::vector<Differences> differences;
  for (const double least : noise) differences.emplace_back(least);
  if (!single_) step *= odd;
  // Twice as many tries as a ladder has rungs, since the first may leave the function's domain.
  for (std::size_t tries = 0; tries < 2 * Ladder::longest; ++tries, step /= 2) {
    if (finished(differences, slopes, care)) break;
    const auto up = change(line, step, slopes), down = change(line, -step, slopes);
    for (std::size_t r = 0; r < differences.size(); ++r)
      if (!differences[r].full())
        differences[r].add(step, up ? cotangents[r](*up) : nan, down ? -cotangents[r](*down) : nan);
  }
  for (std::size_t r = 0; r < differences.size(); ++r) {
    double h = 0;
    const double unit = differences[r].last_change(h);
    if (unit > 0 && is_staircase(changes_near(line, h), cotangents[r]))
      differences[r].raise_noise(unit);
    slopes.numeric[r] = differences[r].derivative();
  }
  return slopes;
}

// f(x + h u) − f(x). Nothing outside the domain, or where f throws.
std::optional<Vector> Differentiator::change(const Line& line, double h, Slopes& slopes) const {
  Vector x = f.point;
  for (const auto& [i, speed] : line) x[at(i)] += h * speed;
  if (!bounds.contain(x)) return std::nullopt;
  std::string words;
  auto result = change_to(x, &words);
  if (!words.empty() && slopes.thrown.empty()) {
    const bool one = line.size() == 1;
    slopes.thrown = text_from(one ? f.input_name(line[0].first) : std::string("the inputs"),
                              h < 0 ? " − " : " + ", std::abs(h * (one ? line[0].second : 1)),
                              one ? "" : " along the line", ": ", words);
  }
  return result;
}

std::optional<Vector> Differentiator::change_to(const Vector& x, std::string* words) const {
  Vector difference;
  try {
    difference = f.values_at(x);
  } catch (const std::exception& error) {
    if (words) *words = error.what();
    return std::nullopt;
  }
  require(difference.size() == f.values.size(),
          "gradcheck: the shapes of the outputs depend on the values of the inputs");
  for (std::size_t j = 0; j < difference.size(); ++j) difference[j] -= f.values[j];
  return difference;
}

double Differentiator::visible_change(const Vector& x) const {
  double result = 0;
  if (!bounds.contain(x)) return result;
  const auto change = change_to(x);
  for (std::size_t r = 0; change && r < cotangents.size(); ++r) {
    const double seen = std::abs(cotangents[r](*change)) / std::max(rounding.values[r], 0x1p-1022);
    if (std::isfinite(seen)) result = std::max(result, seen);
  }
  return result;
}

}  // namespace adjoint::checking
