#include "nn/optimizer.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "autograd/kernels/parallel.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

Tensors some_parameters(DType dtype = DType::f64) {
  return {variable(normal({3, 4}, 0, 1, Key(1), dtype), "a"),
          variable(normal({5}, 0, 1, Key(2), dtype), "b"),
          variable(normal({2, 1, 2}, 0, 1, Key(3), dtype), "c")};
}

Tensors some_gradients(const Tensors& parameters, std::uint64_t seed, double size = 1) {
  Tensors gradients;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    gradients.push_back(
        normal(parameters[i].shape(), 0, size, Key(seed).child(i), parameters[i].dtype()));
  return gradients;
}

// What an optimizer does to one number: its weight and gradient at step 1, 2, …, with two numbers
// of its own to remember things by.
using Rule = std::function<void(double& w, double g, int step, double& first, double& second)>;

// Fifteen steps of the optimizer beside those of the rule, number by number.
void check_steps(const Rule& rule,
                 const std::function<std::unique_ptr<Optimizer>(const Tensors&)>& make) {
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Tensors parameters = some_parameters(dtype);
    std::vector<std::vector<double>> w, first, second;
    for (const Tensor& parameter : parameters) {
      w.push_back(numbers(parameter));
      first.emplace_back(w.back().size(), 0.0);
      second.emplace_back(w.back().size(), 0.0);
    }
    const auto optimizer = make(parameters);
    for (int step = 1; step <= 15; ++step) {
      const Tensors gradients = some_gradients(parameters, 100 + static_cast<std::uint64_t>(step));
      optimizer->step(gradients);
      BOOST_TEST(optimizer->steps() == step);
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        const std::vector<double> g = numbers(gradients[i]);
        for (std::size_t j = 0; j < g.size(); ++j)
          rule(w[i][j], g[j], step, first[i][j], second[i][j]);
        const double off = distance(parameters[i], from(w[i], parameters[i].shape()));
        BOOST_TEST(off < (dtype == DType::f64 ? 1e-13 : 1e-5));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE(optimizer)

BOOST_AUTO_TEST_CASE(sgd) {
  check_steps([](double& w, double g, int, double&, double&) { w -= 0.1 * g; },
              [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1); });
}

BOOST_AUTO_TEST_CASE(sgd_with_momentum) {
  check_steps(
      [](double& w, double g, int, double& v, double&) {
        v = 0.9 * v + g;
        w -= 0.1 * v;
      },
      [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1, 0.9); });
}

BOOST_AUTO_TEST_CASE(adam_and_adamw) {
  for (const double decay : {0.0, 0.1}) {
    const AdamOptions options{
        .learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = decay};
    check_steps(
        [=](double& w, double g, int step, double& m, double& v) {
          m = 0.8 * m + 0.2 * g;
          v = 0.95 * v + 0.05 * g * g;
          const double mean = m / (1 - std::pow(0.8, step)),
                       square = v / (1 - std::pow(0.95, step));
          w *= 1 - 0.02 * decay;
          w -= 0.02 * mean / (std::sqrt(square) + 1e-6);
        },
        [&](const Tensors& p) { return std::make_unique<Adam>(p, options); });
  }
}

BOOST_AUTO_TEST_CASE(adams_first_step_is_the_learning_rate_whatever_the_gradient) {
  for (const double size : {1e-3, 1.0, 1e6}) {
    const Tensor w = variable(zeros({4}));
    Adam adam({w}, {.learning_rate = 0.01});
    adam.step({tensor({size, -size, 2 * size, 0})});
    BOOST_TEST(distance(w, tensor({-0.01, 0.01, -0.01, 0})) < 1e-6);
  }
}

// By default β₂ is 0.999: 1 − β₂ has to be as exact as f32 allows.
BOOST_AUTO_TEST_CASE(adam_in_f32_is_as_exact_as_its_type) {
  const Tensor narrow = variable(zeros({1})), wide = variable(zeros({1}, DType::f64));
  Adam f32({narrow}, {.learning_rate = 1}), f64({wide}, {.learning_rate = 1});
  f32.step({ones({1})});
  f64.step({ones({1}, DType::f64)});
  BOOST_TEST(narrow.item() == wide.item(), boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(the_learning_rate_may_change) {
  const Tensor w = variable(zeros({1}));
  Sgd sgd({w}, 0.5);
  BOOST_TEST(sgd.learning_rate() == 0.5);
  sgd.set_learning_rate(0.25);
  BOOST_TEST(sgd.learning_rate() == 0.25);
  sgd.step({ones({1})});
  BOOST_TEST(w.item() == -0.25);
}

BOOST_AUTO_TEST_CASE(parameters_change_in_place_and_a_graph_of_before_finds_out) {
  const Tensor w = variable(ones({2}), "weight");
  const Tensor y = sum(w * w);
  Sgd({w}, 0.1).step({ones({2})});
  BOOST_TEST(distance(w, tensor({0.9, 0.9})) < 1e-7);
  BOOST_CHECK_THROW(grad(y, {w}), Error);
  BOOST_TEST(distance(grad(sum(w * w), {w})[0], tensor({1.8, 1.8})) < 1e-6);
}

BOOST_AUTO_TEST_CASE(the_global_norm_is_that_of_all_numbers_together) {
  BOOST_TEST(global_norm({tensor({3, 0}), tensor({{4}})}) == 5);
  BOOST_TEST(global_norm({}) == 0);
  BOOST_TEST(global_norm({full({10}, 1e30)}) == 1e30 * std::sqrt(10.0),
             boost::test_tools::tolerance(1e-6));  // whose squares f32 cannot hold
  const Tensors large = {normal({300, 400}, 0, 1, Key(1)), normal({1001}, 0, 1, Key(2))};
  const int before = threads();
  set_threads(1);
  const double one = global_norm(large);
  set_threads(4);
  BOOST_TEST(global_norm(large) == one);
  set_threads(before);
}

BOOST_AUTO_TEST_CASE(clipping_scales_all_gradients_alike) {
  const Tensors given = {tensor({3, 0}, DType::f64), tensor({{4}}, DType::f64)};
  const auto clipped = [&](double limit) {
    Tensors gradients = {copy(given[0]), copy(given[1])};
    BOOST_TEST(clip_by_global_norm(gradients, limit) == 5);
    return gradients;
  };
  BOOST_TEST(same_bits(clipped(6), given));
  const Tensors small = clipped(1);
  BOOST_TEST(global_norm(small) <= 1);
  BOOST_TEST(distance(small, {tensor({0.6, 0}, DType::f64), tensor({{0.8}}, DType::f64)}) < 1e-6);
  Tensors nothing = {zeros({3})};
  BOOST_TEST(clip_by_global_norm(nothing, 1) == 0);
  BOOST_TEST(same_bits(nothing, {zeros({3})}));
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_a_number_is_an_error) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = HUGE_VAL;
  for (const auto& [value, printed] : {std::pair(nan, "nan"), std::pair(infinity, "inf")}) {
    Tensors gradients = {ones({2}), tensor({1, value})};
    const Tensors before = {copy(gradients[0]), copy(gradients[1])};
    BOOST_CHECK_EXCEPTION(
        clip_by_global_norm(gradients, 1), NotFinite,
        says("clip_by_global_norm: the gradients' norm is " + std::string(printed) +
             "; the loss or a value before it is NaN or has overflowed; DetectAnomaly "
             "(autograd/anomaly.h) says where"));
    BOOST_TEST(same_bits(gradients, before));
  }
}

BOOST_AUTO_TEST_CASE(gradients_that_do_not_fit_are_an_error_and_change_nothing) {
  const Tensors parameters = {variable(ones({2, 3}), "a"), variable(ones({3}), "b")};
  Adam adam(parameters);
  const auto check = [&](const Tensors& gradients, const std::string& text) {
    BOOST_CHECK_EXCEPTION(adam.step(gradients), Error, says("optimizer: " + text));
  };
  check({ones({2, 3})}, "1 gradients for 2 parameters");
  check({ones({2, 3}), ones({1})}, "parameter b is f32 [3], its gradient f32 [1]");
  check({ones({3, 2}), ones({3})}, "parameter a is f32 [2, 3], its gradient f32 [3, 2]");
  check({ones({2, 3}), ones({3}, DType::f64)}, "parameter b is f32 [3], its gradient f64 [3]");
  BOOST_TEST(adam.steps() == 0);
  BOOST_TEST(same_bits(parameters, {ones({2, 3}), ones({3})}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
