#include "autograd/tools/anomaly.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <thread>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/pullback.h"
#include "autograd/support/threads.h"
#include "tests/autograd/ops/samples.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Tensor named(std::initializer_list<NestedList> list, const std::string& name = "x") {
  return variable(tensor(list, DType::f64), name);
}

// The error of a run, or an empty string if it has none.
template <class Run>
std::string complaint(const Run& run) {
  const DetectAnomaly guard;
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Its first line.
template <class Run>
std::string headline(const Run& run) {
  const std::string text = complaint(run);
  return text.substr(0, text.find('\n'));
}

template <class Run>
bool mentions(const Run& run, const std::string& part) {
  const std::string text = complaint(run);
  BOOST_TEST(text.find(part) != std::string::npos, text << "\nlacks " << part);
  return true;
}

// √x with derivative 0 at 0, computed by an inner sweep that meets infinity there.
struct CarefulRoot {
  static constexpr auto name = "test_careful_root";
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::transform(in[0].values<T>(), out[0].edit<T>().begin(),
                           [](T x) { return std::sqrt(x); });
  }
  Tensors vjp(const Pullback& back) const {
    const FlagGuard record(&Ambient::recording, true);
    const Tensor x = variable(back.input(0)), zero = scalar(0, x.dtype());
    const Tensor slope = grad(sum(sqrt(x)), {x})[0];
    return {back.cotangent() * where(equal(x, zero), zero, slope)};
  }
};

BOOST_AUTO_TEST_SUITE(anomaly)

// ---- A NaN behind where() -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_gradient_of_0_that_meets_an_infinite_slope_is_explained) {
  const Tensor zero = scalar(0, DType::f64), one = scalar(1, DType::f64);
  const std::string hint =
      "\n  its cotangent is 0 there, and 0 times an infinite slope is NaN. If a where() takes its "
      "other branch\n  at this element, make the operand safe inside it: not where(c, f(x), y) but "
      "where(c, f(where(c, x, one)), y)";
  const auto trapped = [&](Tensor (*f)(const Tensor&)) {
    const Tensor x = named({4, 0});
    grad(sum(where(greater(x, zero), f(x), x)), {x});
  };
  BOOST_TEST(complaint([&] {
               trapped(sqrt);
             }).starts_with("anomaly: sqrt: the gradient of input 0 ('x') is NaN at [1]" + hint));
  mentions([&] { trapped([](const Tensor& x) { return pow(x, 0.5); }); }, hint);
  // A NaN with another cause gets no such advice.
  const std::string other = complaint([&] {
    const Tensor x = named({0, 1});
    grad(Tensors{pow(x, 2)}, {x}, {tensor({nan, 1}, DType::f64)});
  });
  BOOST_TEST(other.find("where()") == std::string::npos);
  // The advice works.
  BOOST_TEST(complaint([&] {
               const Tensor x = named({4, 0});
               const Tensor c = greater(x, zero);
               grad(sum(where(c, sqrt(where(c, x, one)), x)), {x});
             }) == "");
}

// ---- Forward ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_operation_that_makes_an_infinity_or_nan_is_named_with_the_element) {
  BOOST_TEST(headline([] {
               log(named({{1, 2}, {3, 0}}));
             }) == "anomaly: log: the forward value is -inf at [1, 1]");
  BOOST_TEST(headline([] {
               div(tensor({1, 0}), tensor({1, 0}));
             }) == "anomaly: div: the forward value is NaN at [1]");
  BOOST_TEST(headline([] { exp(scalar(100)); }) == "anomaly: exp: the forward value is inf");
  BOOST_TEST(headline([] {
               sqrt(-named({1, 2}));
             }) == "anomaly: sqrt: the forward value is NaN at [0]");
  BOOST_TEST(headline([] {
               matmul(full({1, 2}, 1e30), full({2, 1}, 1e30));
             }) == "anomaly: matmul: the forward value is inf at [0, 0]");
  BOOST_TEST(headline([] {
               cast(tensor({1, 1e300}, DType::f64), DType::f32);
             }) == "anomaly: cast: the forward value is inf at [1]");
}

BOOST_AUTO_TEST_CASE(the_first_one_is_reported_not_what_follows) {
  BOOST_TEST(headline([] {
               const Tensor a = log(named({0, 1}));
               sum(a - a);
             }) == "anomaly: log: the forward value is -inf at [0]");
}

BOOST_AUTO_TEST_CASE(all_operands_are_described) {
  const auto run = [] {
    const NameScope block("encoder.blocks.0");
    const NameScope layer("attention");
    div(named({{1, 0, 3}}, "scores"), tensor({{2}, {0}}, DType::f64));
  };
  BOOST_TEST(
      complaint(run) ==
      "anomaly: div: the forward value is NaN at [1, 1]\n"
      "  in encoder.blocks.0.attention\n"
      "  input 0 ('scores')  f64 [1, 3]  min 0, max 3, mean 1.33333; zeros 1, NaN 0, infinite 0\n"
      "  input 1             f64 [2, 1]  min 0, max 2, mean 1; zeros 1, NaN 0, infinite 0\n"
      "  output 0            f64 [2, 3]  min 0, max 1.5, mean 0.666667; zeros 1, NaN 1, infinite "
      "2");
}

BOOST_AUTO_TEST_CASE(values_from_outside_are_reported_as_such) {
  const Tensor weight = variable(tensor({{1, 2}, {nan, 4}}), "weight");
  BOOST_TEST(headline([&] {
               matmul(ones({1, 2}), weight);
             }) ==
             "anomaly: matmul: input 1 ('weight') already holds NaN at [1, 0]: it came from "
             "outside");
  BOOST_TEST(headline([] {
               exp(tensor({0, nan}));
             }) == "anomaly: exp: input 0 already holds NaN at [1]: it came from outside");
  BOOST_TEST(headline([] {
               2 * named({1, infinity}, "gain");
             }) ==
             "anomaly: affine: input 0 ('gain') already holds inf at [1]: it came from outside");
  const Tensor before = log(scalar(-1));
  BOOST_TEST(headline([&] { before * 2; }) ==
             "anomaly: affine: input 0 already holds NaN: it came from outside");
}

BOOST_AUTO_TEST_CASE(infinite_constants_may_be_passed_on) {
  const Tensor lowest = scalar(-infinity, DType::f64), x = named({{1, 2, 3}});
  const auto masked = [&](const Tensor& mask) {
    const Tensor scores = reshape(where(mask, x, lowest), {3, 1});
    grad(sum(exp(scores - max(scores)) * scalar(2, DType::f64)), {x});
  };
  BOOST_TEST(complaint([&] { masked(bools({{1, 0, 1}})); }) == "");
  // Nothing left: −∞ − (−∞)
  BOOST_TEST(headline([&] {
               masked(bools({{0, 0, 0}}));
             }) == "anomaly: sub: the forward value is NaN at [0, 0]");
  mentions([&] { masked(bools({{0, 0, 0}})); }, "\n  input 0 already contained -inf at [0, 0]\n");
  BOOST_TEST(complaint([] { logsumexp(zeros({2, 0}), {1}); }) == "");
  BOOST_TEST(complaint([&] { logsumexp(full({2}, -infinity)); }) == "");
}

// ---- Backward -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(gradients_are_checked) {
  const Tensor x = named({1, 4, 0});
  BOOST_TEST(headline([&] { grad(sum(sqrt(x)), {x}); }) ==
             "anomaly: sqrt: the gradient of input 0 ('x') is inf at [2]");
  // 0 · ∞: the value is 0, its derivative NaN.
  BOOST_TEST(headline([&] { grad(sum(sqrt(x) * sqrt(x)), {x}); }) ==
             "anomaly: sqrt: the gradient of input 0 ('x') is NaN at [2]");
}

BOOST_AUTO_TEST_CASE(a_report_on_a_gradient_describes_cotangents_too) {
  const Tensor x = named({1, 4, 0});
  const auto run = [&] {
    const NameScope scope("norm");
    grad(3 * sum(sqrt(x)), {x});
  };
  BOOST_TEST(complaint(run) ==
             "anomaly: sqrt: the gradient of input 0 ('x') is inf at [2]\n"
             "  in norm\n"
             "  input 0 ('x')  f64 [3]  not kept: the vjp does not read it\n"
             "  output 0       f64 [3]  min 0, max 2, mean 1; zeros 1, NaN 0, infinite 0\n"
             "  cotangent 0    f64 [3]  min 3, max 3, mean 3; zeros 0, NaN 0, infinite 0\n"
             "  gradient 0     f64 [3]  min 0.75, max 1.5, mean 1.125; zeros 0, NaN 0, infinite 1");
}

BOOST_AUTO_TEST_CASE(a_cotangent_from_outside_is_reported_as_such) {
  const Tensor x = named({1, 4});
  BOOST_TEST(headline([&] {
               grad({sin(x)}, {x}, {tensor({0, nan}, DType::f64)});
             }) ==
             "anomaly: sin: cotangent 0 already holds NaN at [1]: it came from outside, or a "
             "sum of gradients overflowed");
}

BOOST_AUTO_TEST_CASE(second_derivatives_are_checked) {
  // y = x^1.5: y' = 0 and y'' = ∞ at 0
  const Tensor x = named({1, 0});
  std::string first;
  const std::string second = complaint([&] {
    const Tensor slope = grad(sum(pow(x, 1.5)), {x}, {.create_graph = true})[0];
    first = "fine";
    grad(sum(slope), {x});
  });
  BOOST_TEST(first == "fine");
  BOOST_TEST(second.starts_with("anomaly: power: the gradient of input 0 ('x') is inf at [1]\n"),
             second);
}

BOOST_AUTO_TEST_CASE(what_a_vjp_masks_out_is_no_anomaly) {
  const Tensor root = named({0, 4});
  BOOST_TEST(complaint([&] { grad(sum(apply(CarefulRoot{}, root)), {root}); }) == "");
  // −∞ within the formulas of a fused operation, and in sweeps through them
  Dice dice(Key(1));
  const Tensor x = variable(dice.tensor({2, 3}), "x");
  const Tensor mask = bools({{1, 0, 1}, {0, 0, 0}});
  const auto run = [&] {
    const Tensor y = sum(sin(masked_softmax(x, mask)));
    const Tensor slope = grad(y, {x}, {.create_graph = true})[0];
    grad(sum(slope * slope), {x});
  };
  BOOST_TEST(complaint(run) == "");
  const Composed formulas;
  BOOST_TEST(complaint(run) == "");
}

// ---- All else -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(healthy_runs_are_not_disturbed) {
  for (const Sample& sample : samples()) BOOST_TEST_CONTEXT(sample.name()) {
      const auto run = [&] {
        Tensors xs = sample.make(Key(1));
        for (Tensor& x : xs) x = variable(x);
        const Tensor y = sample.f(xs);
        if (!is_real(y.dtype())) return;
        const Tensors first = grad({y}, xs, {ones(y.shape(), y.dtype())},
                                   {.create_graph = true, .zeros_if_independent = true});
        Tensors cotangents;
        for (const Tensor& x : first) cotangents.push_back(ones(x.shape(), x.dtype()));
        grad(first, xs, cotangents, {.zeros_if_independent = true});
      };
      BOOST_TEST(complaint(run) == "");
      const Composed formulas;
      BOOST_TEST(complaint(run) == "");
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_checked_outside_the_guard) {
  { const DetectAnomaly guard; }
  BOOST_CHECK_NO_THROW(log(scalar(0)));
  const DetectAnomaly guard;
  std::thread([] { BOOST_CHECK_NO_THROW(log(scalar(0))); }).join();  // not one of our workers
}

BOOST_AUTO_TEST_CASE(the_guard_still_works_after_an_error) {
  const Tensor x = named({0, 1});
  const DetectAnomaly guard;
  BOOST_CHECK_THROW(grad(sum(sqrt(x)), {x}), Error);
  BOOST_CHECK_THROW(log(x), Error);
  BOOST_CHECK_NO_THROW(grad(sum(sin(x)), {x}));
}

BOOST_AUTO_TEST_CASE(workers_are_checked_and_their_errors_arrive) {
  const Tensor x = named({1, 4, 0});
  BOOST_TEST(headline([&] {
               parallel_tasks(4, [&](Index i) {
                 const NameScope scope("shard");
                 if (i == 2) grad(sum(sqrt(x)), {x});
               });
             }) == "anomaly: sqrt: the gradient of input 0 ('x') is inf at [2]");
  BOOST_TEST(headline([&] { parallel_tasks(4, [&](Index) { log(x - 4); }); }) ==
             "anomaly: log: the forward value is NaN at [0]");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
