#include "tests/autograd/support.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace adjoint::testing {
namespace {

double distance(double actual, double expected) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected))) return 0;
  const double difference = std::abs(actual - expected) / std::max(1.0, std::abs(expected));
  return std::isfinite(difference) ? difference : infinity;
}

}  // namespace

Grid::Grid(const Shape& sizes, double value)
    : shape(sizes), values(static_cast<std::size_t>(sizes.numel()), value) {}

Grid::Grid(const Tensor& x) : shape(x.shape()), values(numbers(x)) {}

std::size_t Grid::position(const Indices& at) const {
  Index result = 0;
  for (Index axis = 0; axis < shape.rank(); ++axis)
    result = result * shape[axis] + at[static_cast<std::size_t>(axis)];
  return static_cast<std::size_t>(result);
}

double Grid::broadcast_at(const Indices& at) const {
  Indices own(at.end() - shape.rank(), at.end());
  for (Index axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] == 1) own[static_cast<std::size_t>(axis)] = 0;
  return (*this)[own];
}

void each_index(const Shape& shape, const std::function<void(const Indices&)>& visit) {
  Indices at(static_cast<std::size_t>(shape.rank()), 0);
  for (Index count = shape.numel(); count > 0; --count) {
    visit(at);
    for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
      Index& index = at[static_cast<std::size_t>(axis)];
      if (++index < shape[axis]) break;
      index = 0;
    }
  }
}

Grid grid_of(const Shape& shape, const std::function<double(const Indices&)>& f) {
  Grid result(shape);
  each_index(shape, [&](const Indices& at) { result[at] = f(at); });
  return result;
}

std::vector<double> numbers(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() {
    std::vector<double> result;
    for (const T value : x.values<T>()) result.push_back(static_cast<double>(value));
    return result;
  });
}

double distance(const Tensor& actual, const Grid& expected) {
  if (actual.shape() != expected.shape) return infinity;
  const std::vector<double> values = numbers(actual);
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    worst = std::max(worst, distance(values[i], expected.values[i]));
  return worst;
}

double distance(const Tensor& actual, const Tensor& expected) {
  return distance(actual, Grid(expected));
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.form() == b.form() &&
         std::memcmp(a.storage()->data(), b.storage()->data(),
                     static_cast<std::size_t>(a.numel()) * size_of(a.dtype())) == 0;
}

Index Dice::between(Index low, Index high) {
  return random_integers({}, low, high + 1, key()).item<Index>();
}

Shape Dice::shape(Index rank, Index smallest, Index largest) {
  std::vector<Index> sizes;
  for (Index axis = 0; axis < rank; ++axis) sizes.push_back(between(smallest, largest));
  return Shape(sizes);
}

Shape Dice::shrunk(const Shape& shape) {
  Shape result = shape.part(between(0, shape.rank()), shape.rank());
  for (Index axis = 0; axis < result.rank(); ++axis)
    if (coin()) result = result.with(axis, 1);
  return result;
}

Tensor Dice::nonzero(const Shape& shape) {
  Tensor x = tensor(shape);
  for (double& value : x.edit<double>()) value += value < 0 ? -0.1 : 0.1;
  return x;
}

Tensor Dice::booleans(const Shape& shape) { return cast(integers(shape, 0, 2), DType::b8); }

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

Tensor wide(std::initializer_list<NestedList> list) { return tensor(list, DType::f64); }
Tensor bools(std::initializer_list<NestedList> list) { return tensor(list, DType::b8); }
Tensor ints(std::initializer_list<NestedList> list) { return tensor(list, DType::i64); }

}  // namespace adjoint::testing
