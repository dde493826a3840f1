#include "autograd/gradcheck/rounding.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <set>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

constexpr int most_draws = 4;  // for few cotangents, otherwise half as many
constexpr std::size_t few_cotangents = 8;
constexpr double roundings = 4;          // that a value is assumed to have accumulated
constexpr double most_noise = 1e-8;      // of the size of inputs and values: more is a jump
constexpr double most_rounding = 1e-10;  // of a gradient: more is another branch of f
constexpr double few_units = 8;          // that the inputs are moved by

// The largest relative error of one rounding.
double unit_of(DType dtype) { return dtype == DType::f32 ? 0x1p-24 : 0x1p-53; }

// |value| times its unit of rounding, for all elements of the real tensors.
Vector units(const Tensors& tensors) {
  Vector result;
  for (const Tensor& x : tensors)
    for (const double value : flatten({x})) result.push_back(std::abs(value) * unit_of(x.dtype()));
  return result;
}

double largest_unit(const Tensors& tensors) {
  double unit = 0x1p-53;
  for (const Tensor& x : tensors)
    if (is_real(x.dtype())) unit = std::max(unit, unit_of(x.dtype()));
  return unit;
}

double lower_bound(const Cotangent& cotangent, const Vector& gradient, const Vector& of_inputs,
                   const Vector& of_outputs) {
  Cotangent sizes = cotangent;
  for (double& weight : sizes.weights) weight = std::abs(weight);
  double sum = sizes(of_outputs);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double moved = std::abs(gradient[i]) * of_inputs[i];
    if (std::isfinite(moved)) sum += moved;
  }
  return roundings * sum;
}

void raise(double& largest, double value) {
  if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
}

// The point with each element moved by this part of its size, in a random direction.
Vector near(const FlatFunction& f, const std::set<Index>& fixed, double part, Key key) {
  const Vector signs = flatten({normal({f.inputs()}, 0, 1, key, DType::f64)});
  Vector x = f.point;
  for (Index i = 0; i < f.inputs(); ++i)
    if (!fixed.contains(i)) x[at(i)] += std::copysign(part * x[at(i)], signs[at(i)]);
  return x;
}

// The size of ⟨ȳ, f⟩ and of what may have cancelled in it.
double size_of(const FlatFunction& f, const Cotangent& cotangent) {
  Cotangent sizes = cotangent;
  double heaviest = cotangent.single >= 0 ? 1 : 0, input = 0;
  for (double& weight : sizes.weights) heaviest = std::max(heaviest, weight = std::abs(weight));
  Vector values = f.values;
  for (double& value : values) value = std::abs(value);
  for (const double x : f.point) raise(input, x);
  return sizes(values) + heaviest * input;
}

}  // namespace

Rounding measure_rounding(const FlatFunction& f, const Bounds& bounds,
                          const std::vector<Cotangent>& cotangents,
                          const std::vector<Vector>& gradients, const std::set<Index>& fixed,
                          Key key) {
  const Vector of_inputs = units(f.xs), of_outputs = units(f.ys);
  Rounding result;
  Vector moved_most(cotangents.size());
  for (std::size_t r = 0; r < cotangents.size(); ++r) {
    Vector& least = result.gradients.emplace_back();
    for (const double slope : gradients[r]) least.push_back(std::abs(slope) * 0x1p-53);
  }
  const double unit = largest_unit(f.xs);
  const int draws = cotangents.size() <= few_cotangents ? most_draws : most_draws / 2;
  for (int draw = 0; draw < draws; ++draw) {
    const Vector nearby = near(f, fixed, few_units * unit, key.child(at(draw)));
    if (!bounds.contain(nearby)) continue;
    try {
      const FlatFunction moved = f.at_point(nearby);
      if (moved.values.size() != f.values.size()) continue;
      for (std::size_t r = 0; r < cotangents.size(); ++r) {
        raise(moved_most[r], cotangents[r](moved.values) - cotangents[r](f.values));
        const Vector gradient = moved.gradient(cotangents[r]);
        for (std::size_t i = 0; i < gradient.size(); ++i)
          raise(result.gradients[r][i], gradient[i] - gradients[r][i]);
      }
    } catch (const std::exception&) {
      continue;  // f has no value there
    }
  }
  double input = 0;
  for (const double x : f.point) raise(input, x);
  for (std::size_t r = 0; r < cotangents.size(); ++r) {
    double most = input > 0 ? most_rounding * size_of(f, cotangents[r]) / input : 0;
    for (const double slope : gradients[r]) raise(most, 1000 * most_rounding * slope);
    for (double& rounding : result.gradients[r]) rounding = std::min(rounding, most);
    result.values.push_back(
        std::max(lower_bound(cotangents[r], gradients[r], of_inputs, of_outputs),
                 std::min(moved_most[r], most_noise * size_of(f, cotangents[r]))));
  }
  return result;
}

}  // namespace adjoint::checking
