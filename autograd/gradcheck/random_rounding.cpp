#include "autograd/gradcheck/random_rounding.h"

#include <algorithm>
#include <cmath>

#include "autograd/operation.h"

namespace adjoint::checking {
namespace {

constexpr double largest_move = 4;  // in roundings

double to_single(double x) { return static_cast<double>(static_cast<float>(x)); }

// Moves each element for which `moves` holds by a relative error of up to `width` roundings.
template <class Moves>
void shake(Tensor& x, Key key, double width, bool shrinks, const Moves& moves) {
  std::uint64_t state = key.value();
  for (double& value : x.edit<double>()) {
    state += 0x9e3779b97f4a7c15;  // a step of SplitMix64, simplified: random enough, and fast
    const std::uint64_t bits = (state ^ (state >> 32)) * 0xd6e8feb86659fd93;
    const double unit = static_cast<double>(bits >> 11) * 0x1p-53;
    const double error = width * 0x1p-24 * (shrinks ? -unit : 2 * unit - 1);
    if (moves(value)) value = to_single(value * (1 + error));
  }
}

}  // namespace

void RandomRounding::after_compute(const char*, const Inputs& in, std::span<Tensor> out) {
  Index read = 0, made = 0;
  for (std::size_t i = 0; i < in.size(); ++i) read += in[i].numel();
  for (const Tensor& y : out) made += y.numel();
  const double terms = made > 0 ? static_cast<double>(read) / static_cast<double>(made) : 1;
  const double width = largest_move * std::sqrt(std::max(1.0, terms));
  for (Tensor& y : out) {
    if (y.dtype() != DType::f64) continue;
    const std::lock_guard lock(mutex_);
    shake(y, key_.child(results_++), width, shrinks_,
          [](double value) { return value != to_single(value); });
  }
}

Tensors RandomRounding::rounded(const Tensors& xs) {
  Tensors result;
  for (const Tensor& x : xs) {
    Tensor& y = result.emplace_back(copy(x));
    if (x.dtype() == DType::f64)
      shake(y, key_.child("given").child(given_++), largest_move, shrinks_,
            [](double) { return true; });
  }
  return result;
}

}  // namespace adjoint::checking
