#include "autograd/grad.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "autograd/apply.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr GradOptions graph = {.create_graph = true};
constexpr GradOptions lenient = {.zeros_if_independent = true};
const auto nearly = boost::test_tools::tolerance(1e-12);

Tensor real(double value) { return scalar(value, DType::f64); }

// (x², x³) at once
struct Powers {
  static constexpr auto name = "test_powers";
  static constexpr Operands reads = {input(0), output(0)};
  std::array<Form, 2> form(Inputs in) const { return {in[0].form(), in[0].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const std::span<const T> x = in[0].values<T>();
    const std::span<T> square = out[0].edit<T>(), cube = out[1].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      square[i] = x[i] * x[i];
      cube[i] = square[i] * x[i];
    }
  }
  Tensors vjp(const Pullback& back) const {
    return {back.cotangent_or_zeros(0) * 2 * back.input(0) +
            back.cotangent_or_zeros(1) * 3 * back.output(0)};
  }
};

// a + b, and remembers which gradients were asked for
struct Watched {
  static constexpr auto name = "test_watched";
  static constexpr Operands reads = {};
  std::vector<int>* asked;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    for (std::size_t i = 0; i < out[0].edit<T>().size(); ++i)
      out[0].edit<T>()[i] = in[0].values<T>()[i] + in[1].values<T>()[i];
  }
  Tensors vjp(const Pullback& back) const {
    const auto rule = [&](int which) {
      asked->push_back(which);
      return back.cotangent();
    };
    return back.gradients([&] { return rule(0); }, [&] { return rule(1); });
  }
};

BOOST_AUTO_TEST_SUITE(grad)

using adjoint::grad;  // the suite has the same name

// ---- What comes out -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_node_used_twice_gets_both_gradients) {
  const Tensor x = variable(real(0.7));
  const Tensor s = sin(x);
  BOOST_TEST(grad(s * s, {x})[0].item() == std::sin(1.4), nearly);
  BOOST_TEST(grad(x + x, {x})[0].item() == 2);
  // A diamond whose sides differ in length.
  const Tensor a = exp(x), b = cos(sin(a)), y = a * b;
  const double e = std::exp(0.7);
  const double expected = e * std::cos(std::sin(e)) - e * std::sin(std::sin(e)) * std::cos(e) * e;
  BOOST_TEST(grad(y, {x})[0].item() == expected, nearly);
}

BOOST_AUTO_TEST_CASE(many_paths_are_walked_once) {
  const Tensor x = variable(real(1));
  Tensor y = x;
  for (int i = 0; i < 50; ++i) y = y + y;  // 2⁵⁰ paths
  BOOST_TEST(grad(y, {x})[0].item() == std::pow(2, 50));
}

BOOST_AUTO_TEST_CASE(the_same_answer_twice) {
  const Tensor x = variable(normal({4, 5}, 0, 1, Key(1), DType::f64));
  const Tensor y = sum(softmax(matmul(x, x, Transposed::b)) * exp(matmul(x, x, Transposed::b)));
  const Tensor once = grad(y, {x})[0];
  BOOST_TEST(same_bits(once, grad(y, {x})[0]));
  BOOST_TEST(same_bits(once, grad(y, {x}, graph)[0]));
  BOOST_TEST(!once.tracked());
  BOOST_TEST(!x.grad().defined());
}

BOOST_AUTO_TEST_CASE(orders_one_to_four) {
  const Tensor x = variable(real(0.7));
  Tensor power = pow(x, 5), wave = sin(x), product = x * x * x * x * x;
  const double of_power[] = {5 * std::pow(0.7, 4), 20 * std::pow(0.7, 3), 60 * 0.49, 120 * 0.7};
  const double of_wave[] = {std::cos(0.7), -std::sin(0.7), -std::cos(0.7), std::sin(0.7)};
  for (int order = 0; order < 4; ++order) {
    power = grad(power, {x}, graph)[0];
    wave = grad(wave, {x}, graph)[0];
    product = grad(product, {x}, graph)[0];
    BOOST_TEST(power.item() == of_power[order], nearly);
    BOOST_TEST(product.item() == of_power[order], nearly);
    BOOST_TEST(wave.item() == of_wave[order], nearly);
  }
}

// Third order runs through the derivatives of fused backwards.
BOOST_AUTO_TEST_CASE(third_order_through_a_fused_backward) {
  const Tensor value = normal({2, 4}, 0, 1, Key(2), DType::f64);
  const Tensor gain = normal({4}, 0, 1, Key(3), DType::f64);
  const auto third = [&] {
    const Tensor x = variable(value);
    Tensor y = sum(pow(layer_norm(x, gain, gain, 0.1), 3)) +
               sum(pow(cross_entropy(x, ints({1, 3}), {.smoothing = 0.1}), 2));
    for (int order = 0; order < 3; ++order) y = sum(pow(grad(y, {x}, graph)[0], 2));
    return y;
  };
  const double fused = third().item();
  const Composed guard;
  BOOST_TEST(fused == third().item(), boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(with_respect_to_tensors_in_the_middle) {
  const Tensor x = variable(real(2));
  const Tensor a = x * 3, b = a * a;
  const Tensors gradients = grad(b, {a, x, a, b});
  BOOST_TEST(gradients[0].item() == 12);
  BOOST_TEST(gradients[1].item() == 36);
  BOOST_TEST(gradients[2].item() == 12);
  BOOST_TEST(gradients[3].item() == 1);
  BOOST_TEST(grad(x, {x})[0].item() == 1);
}

BOOST_AUTO_TEST_CASE(several_results_with_cotangents) {
  const Tensor x = variable(tensor({1, 2}, DType::f64));
  const Tensor a = x * x, b = x * 3;
  const Tensor g = tensor({1, 10}, DType::f64);
  BOOST_TEST(distance(grad(Tensors{a, b}, {x}, {g, g})[0], tensor({5, 70}, DType::f64)) == 0);
  BOOST_TEST(distance(grad(Tensors{a, b}, {x}, {g, Tensor()})[0], tensor({2, 40}, DType::f64)) ==
             0);
  BOOST_TEST(distance(grad(Tensors{a, a}, {x}, {g, g})[0], tensor({4, 80}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(given_cotangents_are_left_alone) {
  const Tensor x = variable(tensor({1, 2}, DType::f64));
  const Tensor g = tensor({1, 10}, DType::f64), before = copy(g);
  grad(Tensors{x + x, x * 2, x}, {x}, {g, g, g});
  BOOST_TEST(same_bits(g, before));
}

BOOST_AUTO_TEST_CASE(independent_inputs_get_zeros_when_asked_for) {
  const Tensor x = variable(real(1)), z = variable(tensor({1, 2}, DType::f64), "z");
  const Tensors gradients = grad(x * 2, {x, z, tensor({5, 6})}, lenient);
  BOOST_TEST(gradients[0].item() == 2);
  BOOST_TEST(distance(gradients[1], Grid({2})) == 0);
  BOOST_TEST((gradients[2].form() == Form{{2}, DType::f32}));
}

BOOST_AUTO_TEST_CASE(gradients_that_nobody_asks_for_are_not_computed) {
  std::vector<int> asked;
  const Tensor a = variable(real(1)), b = variable(real(2)), constant = real(3);
  const auto count = [&](const Tensor& y, const Tensors& xs) {
    asked.clear();
    grad(y, xs);
    return asked;
  };
  BOOST_TEST(count(apply(Watched{&asked}, a, b), {a}) == (std::vector<int>{0}));
  BOOST_TEST(count(apply(Watched{&asked}, a, b), {b}) == (std::vector<int>{1}));
  BOOST_TEST(count(apply(Watched{&asked}, a, b), {a, b}) == (std::vector<int>{0, 1}));
  BOOST_TEST(count(apply(Watched{&asked}, a, constant), {a}) == (std::vector<int>{0}));
  BOOST_TEST(count(apply(Watched{&asked}, a, apply(Watched{&asked}, a, constant)), {a}) ==
             (std::vector<int>{0, 1, 0}));
}

// ---- Several outputs ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(outputs_that_nothing_depends_on_count_as_zero) {
  const Tensor x = variable(tensor({2, 3}, DType::f64));
  const auto [square, cube] = apply_all(Powers{}, x);
  BOOST_TEST(distance(grad(sum(square), {x})[0], tensor({4, 6}, DType::f64)) == 0);
  BOOST_TEST(distance(grad(sum(cube), {x})[0], tensor({12, 27}, DType::f64)) == 0);
  BOOST_TEST(distance(grad(sum(square + cube), {x})[0], tensor({16, 33}, DType::f64)) == 0);
  BOOST_TEST(distance(grad(sum(square * cube), {x})[0], tensor({80, 405}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(several_outputs_to_second_order_and_as_inputs) {
  const Tensor x = variable(tensor({2, 3}, DType::f64));
  const auto outputs = apply_all(Powers{}, x);
  const Tensor y = sum(outputs[0] * outputs[1]);  // x⁵
  const Tensor first = grad(y, {x}, graph)[0];
  BOOST_TEST(distance(grad(sum(first), {x})[0], tensor({160, 540}, DType::f64)) < 1e-12);
  const Tensors middle = grad(y, {outputs[0], outputs[1]});
  BOOST_TEST(distance(middle[0], detach(outputs[1])) == 0);
  BOOST_TEST(distance(middle[1], detach(outputs[0])) == 0);
  BOOST_CHECK_EXCEPTION(
      grad(sum(outputs[0]), {outputs[1]}), Error,
      says("grad: the result does not depend on x 0: it was computed without x; compute it from "
           "this x"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
