#include "nn/training/optimizer.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/support/threads.h"
#include "nn/saving/checkpoint.h"
#include "tests/files.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

double rms(const Tensor& x) { return std::sqrt(mean(x * x).item()); }

/// The formulas of the header in the library's own operations, in f64.
class Formula {
 public:
  Formula(const Tensor& begin, const AdafactorOptions& options)
      : x(copy(cast(begin, DType::f64))), options_(options) {
    const Index last = x.rank() < 2 ? 1 : x.size(-1);
    matrix_ = {x.numel() / last, last};
    r_ = zeros({matrix_[0], 1}, DType::f64);
    c_ = zeros({1, matrix_[1]}, DType::f64);
  }

  void step(const Tensor& gradient, double rate) {
    const Tensor g = reshape(cast(gradient, DType::f64), matrix_);
    const double beta = 1 - std::pow(++t_, -options_.decay);
    const Tensor square = g * g + options_.epsilon;
    r_ = beta * r_ + (1 - beta) * sum(square, {1}, Keep::yes);  // [n, 1]
    c_ = beta * c_ + (1 - beta) * sum(square, {0}, Keep::yes);  // [1, m]
    const Tensor u = g / sqrt(r_ * c_ / sum(r_));               // [n, m]
    const double factor =
        rate * std::max(options_.smallest, rms(x)) / std::max(1.0, rms(u) / options_.clip);
    x = x - factor * reshape(u, x.shape());
  }

  Tensor x;

 private:
  AdafactorOptions options_;
  Shape matrix_;
  Tensor r_, c_;
  double t_ = 0;
};

BOOST_AUTO_TEST_SUITE(adafactor)

BOOST_AUTO_TEST_CASE(the_formula_holds_for_every_shape) {
  Dice dice(Key(1));
  for (int round = 0; round < 40; ++round)
    for (const DType dtype : {DType::f64, DType::f32}) {
      const AdafactorOptions options{.learning_rate = 0.05,
                                     .decay = dice.coin() ? 0.8 : 0.5,
                                     .epsilon = dice.coin() ? 1e-30 : 1e-3,
                                     .smallest = dice.coin() ? 1e-3 : 0.5,
                                     .clip = dice.coin() ? 1 : 0.3};
      const Tensor x =
          variable(cast(0.4 * dice.tensor(dice.shape(dice.between(0, 3), 1, 5)), dtype));
      Formula formula(detach(x), options);
      Adafactor optimizer({x}, options);
      for (int step = 0; step < 10; ++step) {
        const double rate = step < 5 ? 0.05 : 0.02;
        const Tensor gradient = cast((step + 1.0) * dice.tensor(x.shape()), dtype);
        optimizer.set_learning_rate(rate);
        optimizer.step({0.5 * gradient}, 2);
        formula.step(gradient, rate);
        BOOST_TEST(distance(x, formula.x) < (dtype == DType::f64 ? 1e-12 : 1e-5));
      }
    }
}

// At either size R C, a product of squares, is out of f32's range.
BOOST_AUTO_TEST_CASE(the_size_of_the_gradients_does_not_matter) {
  const auto stepped = [](double size) {
    const Tensor x = variable(normal({5, 7}, 0, 1, Key(1)));
    Adafactor optimizer({x}, {.epsilon = 1e-37});
    for (std::uint64_t step = 0; step < 5; ++step)
      optimizer.step({size * normal({5, 7}, 0, 1, Key(2).child(step))});
    return x;
  };
  for (const double size : {1e-15, 1e15}) BOOST_TEST(distance(stepped(size), stepped(1)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(a_sudden_gradient_moves_a_parameter_by_its_share_at_most) {
  const Tensor x = variable(normal({6, 4}, 0, 3, Key(1), DType::f64));
  Adafactor optimizer({x}, {.learning_rate = 0.1});
  for (const double size : {1.0, 1.0, 1.0, 1e6}) {
    const Tensor before = copy(detach(x));
    optimizer.step({full({6, 4}, size, DType::f64)});
    BOOST_TEST(rms(x - before) <= 0.1 * rms(before) * (1 + 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(a_parameter_without_a_gradient_stays) {
  const Tensor x = variable(ones({3, 2})), none = variable(zeros({0, 4})),
               still = variable(ones({2}));
  Adafactor optimizer({x, none, still});
  for (int step = 0; step < 3; ++step)
    optimizer.step({tensor({{1, 2}, {0, 0}, {3, 0}}), zeros({0, 4}), zeros({2})});
  for (const Index column : {0, 1}) BOOST_TEST(x.at({1, column}) == 1);
  BOOST_TEST(x.at({2, 1}) == 1);
  BOOST_TEST(x.at({2, 0}) < 1);
  BOOST_TEST(same_bits(still, ones({2})));
}

BOOST_AUTO_TEST_CASE(it_remembers_a_row_and_a_column) {
  const Folder folder;
  const Tensor x = variable(ones({30, 40}), "x"), y = variable(ones({50}), "y");
  Adafactor optimizer({x, y});
  save_state(optimizer, folder / "state");
  const auto stored = read_safetensors(folder / "state").tensors;
  BOOST_TEST(stored.size() == 4u);
  BOOST_TEST((stored.at("row_moments.x").shape() == Shape{30}));
  BOOST_TEST((stored.at("column_moments.x").shape() == Shape{40}));
  BOOST_TEST((stored.at("row_moments.y").shape() == Shape{50}));
  BOOST_TEST((stored.at("column_moments.y").shape() == Shape{1}));
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit_of_it) {
  const int before = threads();
  const auto stepped = [](int count) {
    set_threads(count);
    Tensors parameters, gradients;
    for (std::uint64_t i = 0; i < 5; ++i) {
      parameters.push_back(variable(normal({20, 30}, 0, 1, Key(1).child(i))));
      gradients.push_back(normal({20, 30}, 0, 1, Key(2).child(i)));
    }
    Adafactor optimizer(parameters);
    for (int step = 0; step < 3; ++step) optimizer.step(gradients);
    return parameters;
  };
  const Tensors one = stepped(1);
  for (const int count : {2, 4}) BOOST_TEST(same_bits(stepped(count), one));
  set_threads(before);
}

BOOST_AUTO_TEST_CASE(invalid_settings_are_an_error) {
  const auto check = [](const AdafactorOptions& options, const std::string& text) {
    BOOST_CHECK_EXCEPTION(Adafactor({variable(ones({2}))}, options), Error,
                          says("optimizer: " + text));
  };
  check({.learning_rate = -1}, "the learning rate must be at least 0 and finite, got -1");
  check({.decay = 0}, "adafactor's decay must be above 0 and finite, got 0");
  check({.epsilon = 0}, "adafactor's epsilon must be above 0 and finite, got 0");
  check({.smallest = -1}, "adafactor's smallest size must be above 0 and finite, got -1");
  check({.clip = NAN}, "adafactor's clip must be above 0 and finite, got nan");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
