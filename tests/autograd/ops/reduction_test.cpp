#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The reference: collects the elements that each element of the result comes from, and applies f.
Grid reduce(const Tensor& x, const std::vector<bool>& gone, Keep keep,
            const std::function<double(const std::vector<double>&)>& f) {
  Shape result;
  std::vector<Index> sizes;
  for (Index axis = 0; axis < x.rank(); ++axis) {
    if (!gone[static_cast<std::size_t>(axis)])
      sizes.push_back(x.size(axis));
    else if (keep == Keep::yes)
      sizes.push_back(1);
  }
  Grid y{Shape(sizes)};
  const Grid source(x);
  std::vector<std::vector<double>> parts(y.values.size());
  Grid numbered(y.shape);
  for (std::size_t i = 0; i < numbered.values.size(); ++i)
    numbered.values[i] = static_cast<double>(i);
  each_index(x.shape(), [&](const Indices& at) {
    Indices own;
    for (std::size_t axis = 0; axis < at.size(); ++axis) {
      if (!gone[axis])
        own.push_back(at[axis]);
      else if (keep == Keep::yes)
        own.push_back(0);
    }
    parts[static_cast<std::size_t>(numbered[own])].push_back(source[at]);
  });
  for (std::size_t i = 0; i < parts.size(); ++i) y.values[i] = f(parts[i]);
  return y;
}

double total(const std::vector<double>& x) {
  double result = 0;
  for (const double value : x) result += value;
  return result;
}
double average(const std::vector<double>& x) { return total(x) / static_cast<double>(x.size()); }
double spread(const std::vector<double>& x) {
  double result = 0;
  for (const double value : x) result += std::pow(value - average(x), 2);
  return result / static_cast<double>(x.size());
}
double largest(const std::vector<double>& x) {
  double result = -infinity;
  for (const double value : x) result = value > result ? value : result;
  return result;
}
double log_sum_exp(const std::vector<double>& x) {
  double result = 0;
  for (const double value : x) result += std::exp(value);
  return std::log(result);
}

BOOST_AUTO_TEST_SUITE(reduction)

BOOST_AUTO_TEST_CASE(every_subset_of_axes_kept_or_not) {
  Dice dice(Key(31));
  for (int round = 0; round < 50; ++round) {
    const Index rank = dice.between(1, 4);
    const Tensor x = dice.tensor(dice.shape(rank));
    for (Index subset = 1; subset < (Index{1} << rank); ++subset)
      for (const Keep keep : {Keep::no, Keep::yes}) {
        std::vector<bool> gone;
        Axes axes;  // in a random order, from either end
        for (Index axis = 0; axis < rank; ++axis) {
          gone.push_back((subset >> axis & 1) != 0);
          if (!gone.back()) continue;
          const Index named = dice.coin() ? axis : axis - rank;
          axes.insert(dice.coin() ? axes.begin() : axes.end(), named);
        }
        BOOST_TEST(distance(sum(x, axes, keep), reduce(x, gone, keep, total)) < 1e-12);
        BOOST_TEST(distance(mean(x, axes, keep), reduce(x, gone, keep, average)) < 1e-12);
        BOOST_TEST(distance(variance(x, axes, keep), reduce(x, gone, keep, spread)) < 1e-12);
        BOOST_TEST(distance(max(x, axes, keep), reduce(x, gone, keep, largest)) == 0);
        BOOST_TEST(distance(logsumexp(x, axes, keep), reduce(x, gone, keep, log_sum_exp)) < 1e-12);
      }
  }
}

BOOST_AUTO_TEST_CASE(no_axes_means_all) {
  const Tensor x = tensor({{1, 2}, {3, 4}}, DType::f64);
  BOOST_TEST(distance(sum(x), Grid({}, 10)) == 0);
  BOOST_TEST(distance(mean(x, {}, Keep::yes), Grid({1, 1}, 2.5)) == 0);
  BOOST_TEST(distance(variance(x), Grid({}, 1.25)) == 0);
  BOOST_TEST(distance(max(x, {}, Keep::yes), Grid({1, 1}, 4)) == 0);
  BOOST_TEST(distance(sum(scalar(3, DType::f64)), Grid({}, 3)) == 0);
  BOOST_TEST(distance(max(scalar(3, DType::f64)), Grid({}, 3)) == 0);
}

BOOST_AUTO_TEST_CASE(empty_axes) {
  BOOST_TEST(distance(sum(zeros({2, 0}, DType::f64), {1}), Grid({2}, 0)) == 0);
  BOOST_TEST(distance(sum(zeros({0, 2}, DType::f64), {1}), Grid(Shape{0})) == 0);
  BOOST_TEST(distance(sum(zeros({0}, DType::f64)), Grid({}, 0)) == 0);
  BOOST_TEST(distance(logsumexp(zeros({2, 0}, DType::f64), {1}), Grid({2}, -infinity)) == 0);
  BOOST_TEST(distance(max(zeros({0, 2}, DType::f64), {1}), Grid(Shape{0})) == 0);
}

BOOST_AUTO_TEST_CASE(argmax_is_the_first_of_the_largest) {
  Dice dice(Key(32));
  for (int round = 0; round < 100; ++round) {
    const Index rank = dice.between(1, 4), axis = dice.between(0, rank - 1);
    const Shape shape = dice.shape(rank);
    const Tensor x = cast(dice.integers(shape, 0, 4), DType::f64);  // with many ties
    const Grid source(x);
    const Grid expected = grid_of(shape.without(axis), [&](Indices at) {
      at.insert(at.begin() + axis, 0);
      Index best = 0;
      for (Index i = 0; i < shape[axis]; ++i) {
        Indices champion = at;
        champion[static_cast<std::size_t>(axis)] = best;
        at[static_cast<std::size_t>(axis)] = i;
        if (source[at] > source[champion]) best = i;
      }
      return static_cast<double>(best);
    });
    const Tensor y = argmax(x, dice.coin() ? axis : axis - rank);
    BOOST_TEST((y.dtype() == DType::i64));
    BOOST_TEST(distance(y, expected) == 0);
  }
  BOOST_TEST(argmax(tensor({1, nan, 3, nan})).item() == 1);
  BOOST_TEST(!argmax(variable(tensor({1, 2}))).tracked());
}

BOOST_AUTO_TEST_CASE(tied_maxima_share_the_gradient) {
  const Tensor x = variable(tensor({{1, 3, 3}, {2, 0, 1}, {5, 5, 5}}, DType::f64));
  const Tensor g = grad(sum(max(x, {1})), {x})[0];
  BOOST_TEST(distance(g, tensor({{0, 0.5, 0.5}, {1, 0, 0}, {1. / 3, 1. / 3, 1. / 3}}, DType::f64)) <
             1e-15);
}

BOOST_AUTO_TEST_CASE(nan_is_the_largest) {
  BOOST_TEST(std::isnan(max(tensor({1, nan, 2})).item()));
  BOOST_TEST(std::isnan(logsumexp(tensor({1, nan, 2})).item()));
  BOOST_TEST(std::isnan(sum(tensor({1, nan, 2})).item()));
}

BOOST_AUTO_TEST_CASE(logsumexp_does_not_overflow) {
  BOOST_TEST(logsumexp(tensor({1000, 1000}, DType::f64)).item() == 1000 + std::log(2.0));
  BOOST_TEST(logsumexp(tensor({-1000, -1000}, DType::f64)).item() == -1000 + std::log(2.0));
  BOOST_TEST(logsumexp(tensor({infinity, 1})).item() == infinity);
  BOOST_TEST(logsumexp(tensor({-infinity, 1})).item() == 1);
}

BOOST_AUTO_TEST_CASE(logsumexp_of_nothing_but_minus_infinity_sends_back_no_gradient) {
  const Tensor x = variable(tensor({{-infinity, -infinity}, {0, -infinity}}, DType::f64));
  const Tensor y = logsumexp(x, {1});
  BOOST_TEST(distance(y, tensor({-infinity, 0}, DType::f64)) == 0);
  const GradOptions twice = {.create_graph = true};
  const Tensor first = grad(Tensors{y}, {x}, {ones({2}, DType::f64)}, twice)[0];
  BOOST_TEST(distance(first, tensor({{0, 0}, {1, 0}}, DType::f64)) == 0);
  const Tensor second = grad(sum(first * tensor({{1, 2}, {3, 4}}, DType::f64)), {x})[0];
  BOOST_TEST(distance(second, Grid({2, 2}, 0)) == 0);
}

// f32 is summed in f64: the error does not grow with the length.
BOOST_AUTO_TEST_CASE(long_f32_sums_keep_their_digits) {
  const Tensor x = full({3'000'000}, 0.1);
  const double exact = 3e6 * static_cast<double>(0.1f);
  BOOST_TEST(sum(x).item() == exact, boost::test_tools::tolerance(1e-7));
  BOOST_TEST(sum(reshape(x, {-1, 3}), {0}).at({1}) == exact / 3,
             boost::test_tools::tolerance(1e-7));
  BOOST_TEST(mean(x).item() == static_cast<double>(0.1f), boost::test_tools::tolerance(1e-7));
}

BOOST_AUTO_TEST_CASE(the_mean_of_ones_is_1) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (Index n = 1; n <= 200; ++n) {
      BOOST_TEST(mean(ones({n}, dtype)).item() == 1);
      BOOST_TEST(mean(ones({n, 2}, dtype), {0}).at({1}) == 1);
      BOOST_TEST(variance(full({n}, 3, dtype)).item() == 0);
      BOOST_TEST(mean(full({n}, 0.1)).item() == static_cast<double>(0.1f));  // summed in f64
      const Tensor x = variable(ones({n}, dtype));
      BOOST_TEST(same_bits(grad(mean(x), {x})[0], ones({n}, dtype) / static_cast<double>(n)));
    }
}

// Their sum exceeds the range of f32; their mean does not.
BOOST_AUTO_TEST_CASE(a_mean_does_not_overflow) {
  BOOST_TEST(mean(full({10}, 3e38)).item() == static_cast<double>(3e38f));
}

BOOST_AUTO_TEST_CASE(variance_does_not_cancel) {
  const Tensor x = tensor({1e8, 1e8 + 1, 1e8 + 2}, DType::f64);
  BOOST_TEST(variance(x).item() == 2. / 3, boost::test_tools::tolerance(1e-6));
}

// Wider than the strips in which columns are summed, and longer than a thread's piece.
BOOST_AUTO_TEST_CASE(large_reductions) {
  Dice dice(Key(33));
  for (const Shape& shape : {Shape{3, 70, 129}, Shape{1, 5000, 65}, Shape{200, 300, 1}}) {
    const Tensor x = dice.tensor(shape);
    BOOST_TEST(distance(sum(x, {1}), reduce(x, {false, true, false}, Keep::no, total)) < 1e-12);
    BOOST_TEST(distance(sum(x, {0, 2}), reduce(x, {true, false, true}, Keep::no, total)) < 1e-11);
  }
}

BOOST_AUTO_TEST_CASE(sum_to_undoes_broadcasting) {
  Dice dice(Key(34));
  for (int round = 0; round < 100; ++round) {
    const Shape whole = dice.shape(dice.between(0, 4)), part = dice.shrunk(whole);
    const Tensor x = dice.tensor(whole), small = dice.tensor(part);
    // ⟨broadcast(s), x⟩ = ⟨s, sum_to(x)⟩: they are adjoint.
    const Tensor y = sum_to(x, part);
    BOOST_TEST((y.shape() == part));
    BOOST_TEST(sum(broadcast_to(small, whole) * x).item() == sum(small * y).item(),
               boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
