#include "autograd/tools/recomputation.h"

#include <boost/test/unit_test.hpp>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/storage.h"
#include "autograd/tools/anomaly.h"
#include "tests/autograd/ops/samples.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

Tensor random(const Shape& shape, std::uint64_t key) {
  return normal(shape, 0, 1, Key(key), DType::f64);
}

// Two results; uses the second input twice, an integer input, and random masks.
Tensors several(const Tensors& x) {
  const Tensor hidden = dropout(tanh(linear(x[0], x[1])), 0.3, Key(9));
  return {softmax(linear(hidden, x[1])) + x[0], sum(gather(hidden, x[2]) * hidden)};
}
Tensors inputs_of_several() {
  return {variable(random({3, 4}, 1), "x"), variable(random({4, 4}, 2), "w"),
          tensor({2, 0, 0}, DType::i64)};
}

// First derivatives, and second derivatives along them.
Tensors derivatives(const Function& f, const Tensors& inputs) {
  const Tensors xs = {inputs[0], inputs[1]};
  const Tensors ys = f(inputs);
  const Tensors cotangents = {random(ys[0].shape(), 3), random(ys[1].shape(), 4)};
  Tensors result = grad(ys, xs, cotangents, {.create_graph = true});
  const Tensors second = grad(sum(result[0] * result[0]) + sum(exp(result[1])), xs);
  result.insert(result.end(), second.begin(), second.end());
  result.insert(result.end(), ys.begin(), ys.end());
  return result;
}

BOOST_AUTO_TEST_SUITE(recomputation)

BOOST_AUTO_TEST_CASE(results_and_derivatives_are_those_of_the_function) {
  const Tensors inputs = inputs_of_several();
  const Function apart = [](const Tensors& x) { return recomputed(several, x); };
  const Tensors plain = derivatives(several, inputs), again = derivatives(apart, inputs);
  for (std::size_t i = 0; i < plain.size(); ++i) BOOST_TEST(distance(again[i], plain[i]) < 1e-12);
  const Tensors inner = derivatives([&](const Tensors& x) { return recomputed(apart, x); }, inputs);
  for (std::size_t i = 0; i < plain.size(); ++i) BOOST_TEST(distance(inner[i], plain[i]) < 1e-12);
}

BOOST_AUTO_TEST_CASE(first_gradients_are_the_same_bits) {
  const Tensors inputs = inputs_of_several();
  const auto gradient = [&](const Tensors& ys) {
    return grad(ys, {inputs[0], inputs[1]}, {random({3, 4}, 3), random({}, 4)}, {.consume = true});
  };
  const Tensors plain = gradient(several(inputs)), again = gradient(recomputed(several, inputs));
  for (std::size_t i = 0; i < plain.size(); ++i) BOOST_TEST(same_bits(again[i], plain[i]));
}

BOOST_AUTO_TEST_CASE(gradients_of_first_and_second_order_pass_the_check) {
  const Function f = [](const Tensors& x) {
    return recomputed(several, {x[0], x[1], tensor({2, 0, 0}, DType::i64)});
  };
  const Tensors inputs = inputs_of_several();
  BOOST_TEST(gradcheck(f, {inputs[0], inputs[1]}, {.order = 2}));
}

BOOST_AUTO_TEST_CASE(every_operation_keeps_its_derivatives) {
  for (const Sample& sample : samples()) {
    Tensors xs;
    for (const Tensor& x : sample.make(Key(1))) xs.push_back(variable(x));
    const Function f = [&](const Tensors& in) { return Tensors{sample.f(in)}; };
    const auto gradients = [&](const Tensor& y) {
      const GradOptions options{.create_graph = true, .zeros_if_independent = true};
      Tensors found = grad({y}, xs, {random(y.shape(), 2)}, options);
      Tensors cotangents;
      for (const Tensor& gradient : found) cotangents.push_back(random(gradient.shape(), 3));
      const Tensors second = grad(found, xs, cotangents, {.zeros_if_independent = true});
      found.insert(found.end(), second.begin(), second.end());
      return found;
    };
    if (xs.empty() || sample.f(xs).dtype() != DType::f64) continue;
    const Tensors plain = gradients(f(xs)[0]), again = gradients(recomputed(f, xs)[0]);
    BOOST_TEST_CONTEXT(sample.name())
    for (std::size_t i = 0; i < plain.size(); ++i) BOOST_TEST(same_bits(again[i], plain[i]));
  }
}

// Code before and after f shares its tensors.
BOOST_AUTO_TEST_CASE(gradients_go_through_to_what_the_inputs_were_computed_from) {
  const Tensor w = variable(random({4, 4}, 1), "w"), x = variable(random({2, 4}, 2), "x");
  const auto loss = [&](bool apart) {
    const auto layer = [](const Tensors& in) { return Tensors{tanh(linear(in[0], in[1]))}; };
    Tensor h = x;
    for (int i = 0; i < 3; ++i) h = (apart ? recomputed(layer, {h, w}) : layer({h, w}))[0] + h;
    return sum(h * h);
  };
  const Tensors plain = grad(loss(false), {w, x}), again = grad(loss(true), {w, x});
  BOOST_TEST(distance(again[0], plain[0]) < 1e-12);
  BOOST_TEST(distance(again[1], plain[1]) < 1e-12);
  BOOST_TEST(same_bits(grad(loss(true), {x})[0], again[1]));
}

BOOST_AUTO_TEST_CASE(one_tensor_as_two_inputs_and_an_input_as_a_result) {
  const Tensor x = variable(random({3}, 1), "x");
  const Function f = [](const Tensors& in) { return Tensors{in[0] * in[1], in[0]}; };
  const Tensors ys = recomputed(f, {x, x});
  BOOST_TEST(same_bits(ys[1], detach(x)));
  const Tensor gradient = grad(sum(ys[0]) + sum(ys[1]), {x})[0];
  BOOST_TEST(distance(gradient, 2 * detach(x) + 1) < 1e-12);
  BOOST_TEST(same_bits(grad(sum(ys[1]), {x})[0], ones({3}, DType::f64)));
}

BOOST_AUTO_TEST_CASE(nothing_is_recorded_where_nothing_is_tracked) {
  const Function f = [](const Tensors& in) { return Tensors{exp(in[0])}; };
  const Tensor x = variable(random({3}, 1));
  BOOST_TEST(!recomputed(f, {detach(x)})[0].tracked());
  const NoRecording guard;
  BOOST_TEST(!recomputed(f, {x})[0].tracked());
}

BOOST_AUTO_TEST_CASE(between_forward_and_sweep_only_the_inputs_are_kept) {
  const Tensor x = variable(random({1000}, 1), "x");
  const auto deep = [](const Tensor& in) {
    Tensor h = in;
    for (int i = 0; i < 20; ++i) h = sin(exp(-h));
    return h;
  };
  const auto kept = [&](bool apart) {
    const std::size_t before = memory::in_use();
    const Tensor y = apart ? recomputed(deep, x) : deep(x);
    return memory::in_use() - before;
  };
  constexpr std::size_t one = 8 * 1024;  // bytes of a tensor, rounded up
  BOOST_TEST(kept(true) <= one + 4096);
  BOOST_TEST(kept(false) >= 20 * one);
}

BOOST_AUTO_TEST_CASE(a_tracked_tensor_from_outside_is_an_error) {
  const Tensor w = variable(ones({2}), "weight"), x = variable(ones({2}), "x");
  BOOST_CHECK_EXCEPTION(recomputed([&](const Tensor& in) { return exp(in) * w; }, x), Error,
                        says("recomputed: mul reads a tracked tensor 'weight' of shape [2] that "
                             "is not among the inputs: its gradient would be lost; pass it, or "
                             "detach() it"));
  const Tensor computed = x * x;
  BOOST_CHECK_EXCEPTION(
      recomputed([&](const Tensor& in) { return in + computed; }, x), Error,
      says("recomputed: add reads a tracked tensor of shape [2] that is not among the inputs: "
           "its gradient would be lost; pass it, or detach() it"));
  BOOST_CHECK_NO_THROW(recomputed([&](const Tensor& in) { return in * detach(w); }, x));
}

BOOST_AUTO_TEST_CASE(an_input_changed_before_the_sweep_is_an_error) {
  Tensor x = variable(ones({2}), "x");
  const Tensor y = sum(recomputed([](const Tensor& in) { return exp(in); }, x));
  x.edit<float>()[0] = 2;
  BOOST_CHECK_THROW(grad(y, {x}), Error);
}

BOOST_AUTO_TEST_CASE(anomaly_mode_looks_inside) {
  const Tensor x = variable(tensor({1, -1}), "x");
  const DetectAnomaly guard;
  BOOST_CHECK_EXCEPTION(
      recomputed([](const Tensor& in) { return log(in); }, x), Error,
      [](const Error& error) { return std::string(error.what()).starts_with("anomaly: log: "); });
}

BOOST_AUTO_TEST_CASE(empty_tensors_are_an_error) {
  const Function f = [](const Tensors&) { return Tensors{Tensor()}; };
  BOOST_CHECK_EXCEPTION(recomputed(f, {Tensor()}), Error, says("recomputed: input 0 is empty"));
  BOOST_CHECK_EXCEPTION(recomputed(f, {ones({1})}), Error,
                        says("recomputed: output 0 of the function is empty"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
