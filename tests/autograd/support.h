// What the engine's tests share: plain arrays to compute expected values with, one element at a
// time, random shapes, and comparisons. Without Boost.Test, as the checks use it too.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/support/error.h"
#include "autograd/tensor.h"

namespace adjoint::testing {

using Indices = std::vector<Index>;

inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// An array of doubles that is read and written by indices, slowly and plainly.
struct Grid {
  Shape shape;
  std::vector<double> values;

  explicit Grid(const Shape& sizes, double value = 0);
  explicit Grid(const Tensor& x);
  double& operator[](const Indices& at) { return values[position(at)]; }
  double operator[](const Indices& at) const { return values[position(at)]; }
  /// The element that numpy's broadcasting rule puts at these indices of a larger array.
  double broadcast_at(const Indices& at) const;

 private:
  std::size_t position(const Indices& at) const;
};

/// visit(indices) for every element of a shape, in order.
void each_index(const Shape& shape, const std::function<void(const Indices&)>& visit);
/// A grid whose elements are f(indices).
Grid grid_of(const Shape& shape, const std::function<double(const Indices&)>& f);

std::vector<double> numbers(const Tensor& x);
/// The largest |actual − expected| / max(1, |expected|); infinite where shapes differ or one of the
/// two is not finite and the other differs from it.
double distance(const Tensor& actual, const Grid& expected);
double distance(const Tensor& actual, const Tensor& expected);
/// The same dtype, shape and bits.
bool same_bits(const Tensor& a, const Tensor& b);

/// Small random choices, one after the other.
class Dice {
 public:
  explicit Dice(Key key) : key_(key) {}
  Index between(Index low, Index high);  ///< both ends included
  bool coin() { return between(0, 1) == 1; }
  Key key() { return key_.child(count_++); }
  /// So many axes of sizes between the two.
  Shape shape(Index rank, Index smallest = 1, Index largest = 4);
  /// A shape that broadcasts to the given one: some axes of size 1, some leading ones left out.
  Shape shrunk(const Shape& shape);
  /// Standard normal, in f64.
  Tensor tensor(const Shape& shape) { return normal(shape, 0, 1, key(), DType::f64); }
  /// Normal, but at least 0.1 away from zero.
  Tensor nonzero(const Shape& shape);
  Tensor integers(const Shape& shape, Index low, Index high) {
    return random_integers(shape, low, high, key());
  }
  Tensor booleans(const Shape& shape);

 private:
  Key key_;
  std::uint64_t count_ = 0;
};

/// For BOOST_CHECK_EXCEPTION: the error has this text, and a failure shows the text it has instead.
std::function<bool(const Error&)> says(std::string text);

/// The message of the Error that f throws, or "no error". No other exception may be thrown.
std::string error_of(const std::function<void()>& f);

/// f64, b8 and i64 tensors from lists.
Tensor wide(std::initializer_list<NestedList> list);
Tensor bools(std::initializer_list<NestedList> list);
Tensor ints(std::initializer_list<NestedList> list);

}  // namespace adjoint::testing
