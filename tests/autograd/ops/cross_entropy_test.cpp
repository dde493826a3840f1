#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// −Σ_c q(c) log p(c) for each row, from the definition.
Grid reference(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  const Grid x(logits), wanted(targets);
  const Index classes = logits.size(-1);
  return grid_of(targets.shape(), [&](Indices at) {
    const auto target = static_cast<Index>(wanted[at]);
    if (target == options.ignore) return 0.0;
    at.push_back(0);
    double total = 0, result = 0;
    for (at.back() = 0; at.back() < classes; ++at.back()) total += std::exp(x[at]);
    for (at.back() = 0; at.back() < classes; ++at.back()) {
      const double q = (at.back() == target ? 1 - options.smoothing : 0) +
                       options.smoothing / static_cast<double>(classes);
      result -= q * std::log(std::exp(x[at]) / total);
    }
    return result;
  });
}

BOOST_AUTO_TEST_SUITE(cross_entropy)

using adjoint::cross_entropy;  // the suite has the same name

BOOST_AUTO_TEST_CASE(values_follow_from_the_definition) {
  Dice dice(Key(81));
  for (int round = 0; round < 100; ++round) {
    const Index classes = dice.between(1, 9);
    const Shape rows = dice.shape(dice.between(0, 3), 0);
    const Tensor x = dice.tensor(rows.joined({classes}));
    const Tensor targets = dice.integers(rows, 0, classes);
    for (const double smoothing : {0.0, 0.1, 0.7})
      for (const Index ignore : {Index{-100}, Index{0}}) {
        const CrossEntropyOptions options{.ignore = ignore, .smoothing = smoothing};
        const Grid expected = reference(x, targets, options);
        BOOST_TEST(distance(cross_entropy(x, targets, options), expected) < 1e-12);
        const Composed guard;
        BOOST_TEST(distance(cross_entropy(x, targets, options), expected) < 1e-12);
      }
  }
}

// x̄ = ȳ (softmax(x) − q)
BOOST_AUTO_TEST_CASE(gradients_are_probabilities_minus_targets) {
  Dice dice(Key(82));
  for (int round = 0; round < 50; ++round) {
    const Index rows = dice.between(1, 4), classes = dice.between(1, 6);
    const Tensor x = variable(dice.tensor({rows, classes}));
    const Tensor targets = dice.integers({rows}, 0, classes), g = dice.tensor({rows});
    const double smoothing = dice.coin() ? 0.2 : 0;
    const Tensor q = one_hot(targets, classes, DType::f64) * (1 - smoothing) +
                     smoothing / static_cast<double>(classes);
    const Tensor expected = reshape(g, {rows, 1}) * (softmax(detach(x)) - q);
    const Tensor y = cross_entropy(x, targets, {.smoothing = smoothing});
    BOOST_TEST(distance(grad(Tensors{y}, {x}, {g})[0], expected) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(ignored_rows_cost_nothing_and_send_back_nothing) {
  const Tensor x = variable(tensor({{1, 2, 3}, {3, 1, 2}}, DType::f64));
  for (const bool all : {false, true}) {
    const Tensor y =
        cross_entropy(x, all ? ints({9, 9}) : ints({9, 0}), {.ignore = 9, .smoothing = .1});
    BOOST_TEST(y.at({0}) == 0);
    const GradOptions twice = {.create_graph = true, .zeros_if_independent = true};
    const Tensor first = grad(sum(y), {x}, twice)[0];
    const Tensor second = grad(sum(pow(first, 2)), {x}, twice)[0];
    for (const Tensor& g : {first, second}) {
      BOOST_TEST(distance(slice(g, 0, 0, 1), Grid({1, 3})) == 0);
      BOOST_TEST((g.at({1, 0}) == 0) == all);
    }
  }
}

// Whatever padding holds, it does not spoil the gradient.
BOOST_AUTO_TEST_CASE(ignored_rows_may_hold_anything) {
  const double nan = std::nan("");
  const Tensor x = variable(tensor({{nan, 1e300}, {0, 0}}, DType::f64));
  const Tensor y = cross_entropy(x, ints({-100, 1}));
  BOOST_TEST(y.at({0}) == 0);
  const Tensor g = grad(sum(y), {x})[0];
  BOOST_TEST(distance(g, tensor({{0, 0}, {0.5, -0.5}}, DType::f64)) < 1e-15);
}

BOOST_AUTO_TEST_CASE(large_logits) {
  const Tensor x = tensor({{1000, 0}, {0, 1000}}, DType::f64);
  BOOST_TEST(distance(cross_entropy(x, ints({0, 0})), tensor({0, 1000}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
