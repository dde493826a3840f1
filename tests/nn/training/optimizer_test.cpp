#include "nn/training/optimizer.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <memory>

#include "autograd/support/threads.h"
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

// What an optimizer does to one weight w with gradient g at step 1, 2, …, remembering two numbers.
using Rule = std::function<void(double& w, double g, int step, double& first, double& second)>;

// Compares fifteen steps of the optimizer with the rule, number by number.
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

BOOST_AUTO_TEST_CASE(sgd_with_nesterovs_momentum) {
  check_steps(
      [](double& w, double g, int, double& v, double&) {
        v = 0.9 * v + g;
        w -= 0.1 * (g + 0.9 * v);
      },
      [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1, 0.9, Momentum::nesterov); });
}

// w is the point ahead: with u = w + μ η v this is equation 3 of Sutskever et al., which takes the
// gradient at u' = u + μ v'.
BOOST_AUTO_TEST_CASE(nesterovs_momentum_takes_the_gradient_ahead) {
  const auto gradient = [](double at) { return 3 * at; };  // of 3/2 x²
  const Tensor w = variable(full({1}, 1, DType::f64));
  Sgd nesterov({w}, 0.1, 0.8, Momentum::nesterov);
  double u = 1, v = 0;
  for (int step = 0; step < 20; ++step) {
    v = 0.8 * v - 0.1 * gradient(u + 0.8 * v);
    u += v;
    nesterov.step({full({1}, gradient(w.item()), DType::f64)});
    BOOST_TEST(w.item() == u + 0.8 * v, boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(lion) {
  for (const double decay : {0.0, 0.1}) {
    const LionOptions options{
        .learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = decay};
    check_steps(
        [=](double& w, double g, int, double& m, double&) {
          const double c = 0.8 * m + 0.2 * g;
          w = w * (1 - 0.02 * decay) - 0.02 * (c > 0 ? 1 : -1);
          m = 0.95 * m + 0.05 * g;
        },
        [&](const Tensors& p) { return std::make_unique<Lion>(p, options); });
  }
}

BOOST_AUTO_TEST_CASE(lion_leaves_weights_without_a_gradient_alone) {
  const Tensor w = variable(tensor({1, 1, 1}));
  Lion lion({w}, {.learning_rate = 0.5});
  lion.step({tensor({0, 1e-20, -1e20})});
  BOOST_TEST(same_bits(w, tensor({1, 0.5, 1.5})));
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

// By default β₂ is 0.999, and 1 − β₂ must be as exact as f32 allows.
BOOST_AUTO_TEST_CASE(adam_in_f32_is_as_exact_as_f32_allows) {
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

BOOST_AUTO_TEST_CASE(parameters_change_in_place_and_an_older_graph_notices) {
  const Tensor w = variable(ones({2}), "weight");
  const Tensor y = sum(w * w);
  Sgd({w}, 0.1).step({ones({2})});
  BOOST_TEST(distance(w, tensor({0.9, 0.9})) < 1e-7);
  BOOST_CHECK_THROW(grad(y, {w}), Error);
  BOOST_TEST(distance(grad(sum(w * w), {w})[0], tensor({1.8, 1.8})) < 1e-6);
}

// Momentum's product with the factor may be rounded once less.
BOOST_AUTO_TEST_CASE(a_step_scales_the_gradients) {
  using Make = std::function<std::unique_ptr<Optimizer>(const Tensors&)>;
  const std::vector<Make> makers = {
      [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1); },
      [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1, 0.9); },
      [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1, 0.9, Momentum::nesterov); },
      [](const Tensors& p) { return std::make_unique<Lion>(p, LionOptions{0.01}); },
      [](const Tensors& p) { return std::make_unique<Adam>(p); }};
  for (const Make& make : makers) {
    const Tensors scaled = some_parameters(), plain = some_parameters();
    const auto scaling = make(scaled), other = make(plain);
    for (std::uint64_t step = 0; step < 3; ++step) {
      const Tensors gradients = some_gradients(plain, step);
      Tensors tenths;
      for (const Tensor& gradient : gradients) tenths.push_back(gradient * 0.1);
      scaling->step(gradients, 0.1);
      other->step(tenths);
    }
    BOOST_TEST(distance(scaled, plain) < 1e-14);
    BOOST_TEST(distance(plain, some_parameters()) > 1e-3);
  }
}

// Some parameters share a chunk, some fill several.
BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit_of_a_step) {
  const int before = threads();
  const auto stepped = [](int count) {
    set_threads(count);
    const Tensors parameters = {variable(normal({300, 401}, 0, 1, Key(1))),
                                variable(normal({7}, 0, 1, Key(2))), variable(zeros({0, 3})),
                                variable(normal({40000}, 0, 1, Key(3), DType::f64))};
    Adam adam(parameters);
    for (std::uint64_t step = 0; step < 2; ++step) adam.step(some_gradients(parameters, step));
    return parameters;
  };
  const Tensors one = stepped(1);
  for (const int count : {2, 4}) BOOST_TEST(same_bits(stepped(count), one));
  set_threads(before);
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

BOOST_AUTO_TEST_CASE(an_optimizer_made_by_name_has_its_own_defaults) {
  using Make = std::function<std::unique_ptr<Optimizer>(const Tensors&)>;
  const std::vector<std::pair<std::string, Make>> makers = {
      {"sgd", [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1); }},
      {"momentum", [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1, 0.9); }},
      {"nesterov",
       [](const Tensors& p) { return std::make_unique<Sgd>(p, 0.1, 0.9, Momentum::nesterov); }},
      {"adam", [](const Tensors& p) { return std::make_unique<Adam>(p); }},
      {"adamw", [](const Tensors& p) { return std::make_unique<AdamW>(p); }},
      {"lion", [](const Tensors& p) { return std::make_unique<Lion>(p); }},
      {"adafactor", [](const Tensors& p) { return std::make_unique<Adafactor>(p); }}};
  BOOST_TEST(makers.size() == optimizer_names().size());
  for (const auto& [name, make] : makers) {
    const Tensors one = some_parameters(), other = some_parameters();
    const auto named = make_optimizer(name, one);
    const auto made = make(other);
    for (std::uint64_t step = 0; step < 3; ++step) {
      named->step(some_gradients(one, step));
      made->step(some_gradients(one, step));
    }
    BOOST_TEST(same_bits(one, other), name);
  }
}

BOOST_AUTO_TEST_CASE(invalid_settings_are_an_error) {
  const auto check = [](const std::string& name, const OptimizerOptions& options,
                        const std::string& text) {
    BOOST_CHECK_EXCEPTION(make_optimizer(name, some_parameters(), options), Error,
                          says("optimizer: " + text));
  };
  check("adagrad", {},
        "'adagrad' is not one of sgd, momentum, nesterov, adam, adamw, lion and adafactor");
  check("adafactor", {.weight_decay = 0.1}, "adafactor has no weight decay");
  check("sgd", {.momentum = 0.9}, "sgd has no momentum");
  check("nesterov", {.beta1 = 0.9}, "nesterov has no beta1");
  check("adam", {.weight_decay = 0.1}, "adam has no weight decay");
  check("lion", {.epsilon = 0.1}, "lion has no epsilon");
  check("adam", {.beta2 = 1}, "beta2 must be at least 0 and below 1, got 1");
  check("lion", {.beta1 = -0.5}, "beta1 must be at least 0 and below 1, got -0.5");
  check("nesterov", {.momentum = 0}, "Nesterov's momentum must be above 0");
  check("sgd", {.learning_rate = -1}, "the learning rate must be at least 0 and finite, got -1");
  check("adamw", {.weight_decay = -1}, "the weight decay must be at least 0 and finite, got -1");
  check("adam", {.epsilon = 0}, "epsilon must be above 0 and finite, got 0");
  check("adam", {.epsilon = NAN}, "epsilon must be above 0 and finite, got nan");
  check("adam", {.learning_rate = INFINITY},
        "the learning rate must be at least 0 and finite, got inf");
  check("lion", {.beta2 = NAN}, "beta2 must be at least 0 and below 1, got nan");
  check("sgd", {.learning_rate = NAN}, "the learning rate must be at least 0 and finite, got nan");
}

// A setting that is valid in f64 may be 0, 1 or infinite in f32, in which the rule computes.
BOOST_AUTO_TEST_CASE(settings_that_f32_rounds_to_nonsense_are_an_error_for_f32_parameters) {
  struct Setting {
    const char* rule;
    OptimizerOptions options;
    std::string text;
  };
  const std::string parameter = " when rounded to f32, the type of a parameter";
  const std::string one = " of 0.99999999999900002 is 1" + parameter + "; give at most 0.99999994";
  const std::string zero = " of 1e-50 is 0" + parameter + "; give at least 1.17549e-38";
  const std::vector<Setting> settings = {
      {"adam", {.epsilon = 1e-50}, "epsilon" + zero},
      {"adamw", {.epsilon = 1e-50}, "epsilon" + zero},
      {"adafactor", {.epsilon = 1e-50}, "adafactor's epsilon" + zero},
      {"adam", {.beta1 = 1 - 1e-12}, "beta1" + one},
      {"adam", {.beta2 = 1 - 1e-12}, "beta2" + one},
      {"lion", {.beta2 = 1 - 1e-12}, "beta2" + one},
      {"momentum", {.momentum = 1 - 1e-12}, "momentum" + one},
      {"sgd", {.learning_rate = 1e-50}, "the learning rate" + zero},
      {"sgd", {.learning_rate = 1e39}, "the learning rate of 1e+39 is infinite" + parameter},
      {"adamw",
       {.learning_rate = 1e20, .weight_decay = 1e20},
       "the learning rate times the weight decay of 1e+40 is infinite" + parameter}};
  for (const auto& [rule, options, text] : settings) {
    const auto make = [rule = rule, options = options](DType dtype) {
      make_optimizer(rule, {variable(ones({2}, DType::f64)), variable(ones({2}, dtype))}, options);
    };
    BOOST_CHECK_EXCEPTION(make(DType::f32), Error, says("optimizer: " + text));
    BOOST_CHECK_NO_THROW(make(DType::f64));
  }
}

BOOST_AUTO_TEST_CASE(rates_and_scales_that_are_not_numbers_are_refused) {
  const Tensors parameters = {variable(ones({2}))};
  Sgd optimizer(parameters, 0.1);
  for (const double rate : {-1.0, double{NAN}, double{INFINITY}, 1e39})
    BOOST_CHECK_THROW(optimizer.set_learning_rate(rate), Error);
  BOOST_TEST(optimizer.learning_rate() == 0.1);
  BOOST_CHECK_EXCEPTION(optimizer.step({ones({2})}, NAN), Error,
                        says("optimizer: the scale of the gradients must be finite, got nan"));
  BOOST_TEST(optimizer.steps() == 0);
}

// Its moments are 0, and the rule must not compute 0/0.
BOOST_AUTO_TEST_CASE(a_weight_without_a_gradient_stays_as_it_is) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const char* rule : {"sgd", "momentum", "nesterov", "adam", "lion"}) {
      const Tensor w = variable(tensor({1, 2}, dtype));
      const auto optimizer = make_optimizer(rule, {w});
      for (int step = 0; step < 3; ++step) optimizer->step({tensor({0, 1}, dtype)});
      BOOST_TEST(w.at({0}) == 1, rule);
      BOOST_TEST(w.at({1}) < 2, rule);
    }
  const Tensor w = variable(tensor({1, 2}));
  Adam smallest({w}, {.epsilon = 1e-38});
  smallest.step({tensor({0, 1})});
  BOOST_TEST(w.at({0}) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
