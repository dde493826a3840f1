#include "autograd/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace adjoint {
namespace {

// Number i of a stream, uniform in [0, 1), with all the 53 bits that a double holds.
double unit(Key key, Index i) {
  return static_cast<double>(random_bits(key.value(), static_cast<std::uint64_t>(i)) >> 11) *
         0x1p-53;
}

// An integer in [0, bound): the high half of bound times 64 random bits. Its bias is below
// bound / 2⁶⁴.
std::uint64_t below(std::uint64_t bound, Key key, Index i) {
  __extension__ using Wide = unsigned __int128;
  const Wide bits = random_bits(key.value(), static_cast<std::uint64_t>(i));
  return static_cast<std::uint64_t>((bits * bound) >> 64);
}

void require_real(const char* name, DType dtype) {
  require(is_real(dtype), name, ": the type must be f32 or f64, is ", dtype);
}

}  // namespace

Tensor uniform(const Shape& shape, double low, double high, Key key, DType dtype) {
  require_real("uniform", dtype);
  require(low <= high && std::isfinite(high - low),
          "uniform: needs low ≤ high, a finite distance apart, got low ", low, " and high ", high);
  // Rounding may reach the upper end, which is not part of the interval.
  const double last =
      dtype == DType::f32
          ? static_cast<double>(std::nextafter(static_cast<float>(high), static_cast<float>(low)))
          : std::nextafter(high, low);
  return generate(shape, dtype, [=](Index i) {
    return std::min(low + (high - low) * unit(key, i), std::max(low, last));
  });
}

Tensor normal(const Shape& shape, double mean, double deviation, Key key, DType dtype) {
  require_real("normal", dtype);
  return generate(shape, dtype, [=](Index i) {
    // √(−2 ln u) cos 2πv is normal for uniform u and v. 1 − u in place of u keeps ln finite.
    const double radius = std::sqrt(-2 * std::log(1 - unit(key, 2 * i)));
    return mean + deviation * radius * std::cos(2 * std::numbers::pi * unit(key, 2 * i + 1));
  });
}

Tensor random_integers(const Shape& shape, Index low, Index high, Key key) {
  require(low < high, "random_integers: no integer lies in [", low, ", ", high, ")");
  // Unsigned, because the interval may be longer than the largest Index.
  const auto first = static_cast<std::uint64_t>(low);
  const std::uint64_t count = static_cast<std::uint64_t>(high) - first;
  return generate(shape, DType::i64,
                  [=](Index i) { return static_cast<Index>(first + below(count, key, i)); });
}

Tensor permutation(Index count, Key key) {
  require(count >= 0, "permutation: the count must not be negative, is ", count);
  Tensor result = arange(count, DType::i64);
  const std::span<Index> order = result.edit<Index>();
  for (Index i = count - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)],
              order[below(static_cast<std::uint64_t>(i) + 1, key, i)]);
  return result;
}

}  // namespace adjoint
