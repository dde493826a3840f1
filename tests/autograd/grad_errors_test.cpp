// What grad() refuses, and the mistakes that it finds in a graph or in an operation.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr GradOptions graph = {.create_graph = true};
constexpr GradOptions consuming = {.consume = true};
const auto nearly = boost::test_tools::tolerance(1e-12);

Tensor real(double value) { return scalar(value, DType::f64); }

// What all faulty ones share: y = x.
struct Same {
  static constexpr Operands reads = {};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
};
struct ReadsInputInSecret : Same {
  static constexpr auto name = "test_reads_input_in_secret";
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * back.input(0)}; }
};
struct ReadsOutputInSecret : Same {
  static constexpr auto name = "test_reads_output_in_secret";
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * back.output(0)}; }
};
// Two outputs, x and −x. The rule takes for granted that both are used.
struct Both {
  static constexpr auto name = "test_both";
  static constexpr Operands reads = {};
  std::array<Form, 2> form(Inputs in) const { return {in[0].form(), in[0].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    std::ranges::copy(x, out[0].edit<T>().begin());
    std::ranges::transform(x, out[1].edit<T>().begin(), std::negate());
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent(0) - back.cotangent(1)}; }
};
struct TooManyGradients : Same {
  static constexpr auto name = "test_too_many_gradients";
  Tensors vjp(const Pullback& back) const { return {back.cotangent(), back.cotangent()}; }
};
struct WrongShape : Same {
  static constexpr auto name = "test_wrong_shape";
  Tensors vjp(const Pullback& back) const { return {sum(back.cotangent())}; }
};

BOOST_AUTO_TEST_SUITE(grad_errors)

BOOST_AUTO_TEST_CASE(what_is_not_tracked_or_independent_is_named) {
  const Tensor x = variable(real(1), "x"), other = variable(real(2), "embedding.weight");
  BOOST_CHECK_EXCEPTION(grad(x * 2, {x, real(3)}), Error,
                        says("grad: x 1 is not tracked: make it with variable()"));
  BOOST_CHECK_EXCEPTION(
      grad(x * 2, {x, other}), Error,
      says("grad: the result does not depend on x 1 ('embedding.weight'): it was computed "
           "without x; compute it from this x"));
  BOOST_CHECK_EXCEPTION(grad(real(2), {x}), Error,
                        says("grad: the result does not depend on x 0 ('x'): the result is not "
                             "tracked: nothing that it was computed from is a variable(); make the "
                             "parameters with variable() before you compute with them"));
}

// There is one message for each way to lose the connection from x to the result.
BOOST_AUTO_TEST_CASE(why_a_result_does_not_depend_on_x_is_said) {
  const Tensor x = variable(real(2), "x");
  const auto check = [&](const Tensor& y, const std::string& reason) {
    BOOST_CHECK_EXCEPTION(grad(y, {x}), Error,
                          says("grad: the result does not depend on x 0 ('x'): " + reason));
  };
  const std::string
      untracked = "the result is not tracked: ",
      detached = "detach() dropped the history; use what detach() was given",
      copied = "copy() dropped the history; use what copy() was given",
      unrecorded =
          "it was computed while recording was off; compute it outside of NoRecording, or "
          "differentiate it with vjp() of functional.h, which records by itself",
      discrete =
          "it comes from an operation without a derivative, such as a comparison, "
          "argmax or a cast() to i64; use a differentiable one",
      gradient =
          "it comes from a gradient that was not recorded; pass {.create_graph = "
          "true} to that grad()";
  check(sin(detach(x)) * 2, untracked + detached);
  check(copy(x * 3) + 1, untracked + copied);
  check(copy(detach(x)), untracked + detached);
  const Tensor off = [&] {
    const NoRecording guard;
    return x * x;
  }();
  check(off * 2, untracked + unrecorded);
  check(cast(greater(x, real(0)), DType::f64), untracked + discrete);
  check(cast(cast(x, DType::i64), DType::f64), untracked + discrete);
  check(pow(grad(x * x, {x})[0], 2), untracked + gradient);
  check(grad(x * x, {x})[0], untracked + gradient);

  const Tensor w = variable(real(1), "w");
  const std::string way = "on the way from x, the history may end here:",
                    cut = "\n  a tensor that it was computed from is not tracked: ";
  check(w * detach(x), way + cut + detached);
  check(w * copy(x) * off, way + cut + copied + cut + unrecorded);
  check(w * variable(x * 2, "again"),
        way +
            "\n  the result depends on the leaf 'again' of shape [], which variable() made of "
            "another result; a leaf has no history: use that result itself");
  check(w * 2, "it was computed without x; compute it from this x");

  const Tensor y = x * 2;
  BOOST_CHECK_EXCEPTION(grad(y, {variable(x)}), Error,
                        says("grad: the result does not depend on x 0: x was made after the result "
                             "was computed; compute the result from this x"));
  BOOST_CHECK_EXCEPTION(grad(y, {detach(x)}), Error, says("grad: x 0 is not tracked: " + detached));
  BOOST_CHECK_EXCEPTION(backward(detach(y)), Error,
                        says("backward: y is not tracked: " + detached));
}

BOOST_AUTO_TEST_CASE(an_empty_result_or_x_is_named) {
  const Tensor x = variable(real(2), "x");
  const std::string text = " is empty: no value was assigned to it";
  BOOST_CHECK_EXCEPTION(grad(Tensor(), {x}), Error, says("grad: y" + text));
  BOOST_CHECK_EXCEPTION(backward(Tensor()), Error, says("backward: y" + text));
  BOOST_CHECK_EXCEPTION(grad(Tensors{x, Tensor()}, {x}, {real(1), real(1)}), Error,
                        says("grad: result 1" + text));
  BOOST_CHECK_EXCEPTION(grad(x * 2, {x, Tensor()}), Error, says("grad: x 1" + text));
}

// A write through an old span does not change the version. Builds with DEBUG=1 compare the bytes.
BOOST_AUTO_TEST_CASE(a_span_that_was_kept_and_written_is_found_out_in_debug_builds) {
  if (!versions_depend_on_bytes) return;
  for (const bool output : {false, true}) {
    Tensor w = variable(tensor({1, 2}, DType::f64), "w");
    Tensor y = output ? exp(w) : w * w;
    const std::span<double> kept = output ? y.edit<double>() : w.edit<double>();
    const Tensor loss = output ? sum(y * y) : sum(w * w);
    kept[0] = 100;
    BOOST_CHECK_THROW(grad(loss, {w}), Error);
  }
}

BOOST_AUTO_TEST_CASE(a_result_of_many_elements_needs_a_cotangent) {
  const Tensor x = variable(tensor({1, 2}));
  const std::string text =
      ": y must have exactly one element, its shape is [2]; give a cotangent, or reduce it with "
      "sum() or mean()";
  BOOST_CHECK_EXCEPTION(grad(x * 2, {x}), Error, says("grad" + text));
  BOOST_CHECK_EXCEPTION(backward(x * 2), Error, says("backward" + text));
}

BOOST_AUTO_TEST_CASE(cotangents_must_fit) {
  const Tensor x = variable(tensor({1, 2}));
  BOOST_CHECK_EXCEPTION(
      grad(Tensors{x * 2}, {x}, {}), Error,
      says("grad: 0 cotangents for 1 results; give one for each, an empty one for zeros"));
  BOOST_CHECK_EXCEPTION(grad(Tensors{x * 2}, {x}, {ones({1})}), Error,
                        says("grad: the cotangent of result 0 has shape [1] and type f32, the "
                             "result [2] and f32"));
  BOOST_CHECK_EXCEPTION(grad(Tensors{x * 2}, {x}, {ones({2}, DType::f64)}), Error,
                        says("grad: the cotangent of result 0 has shape [2] and type f64, the "
                             "result [2] and f32"));
}

BOOST_AUTO_TEST_CASE(a_consumed_graph_says_so) {
  const std::string swept =
      ": this graph was already swept by backward() or a consuming grad(), which drops its values; "
      "sweep it with grad(), which keeps them, or compute the result again";
  const Tensor x = variable(real(0.5));
  const Tensor s = sin(x), y = s * 2;
  BOOST_TEST(grad(y, {x}, consuming)[0].item() == 2 * std::cos(0.5), nearly);
  BOOST_CHECK_EXCEPTION(grad(y, {x}), Error, says("affine" + swept));
  BOOST_CHECK_EXCEPTION(grad(s + 1, {x}), Error, says("sin" + swept));
  const Tensor z = x * x;
  backward(z);
  BOOST_CHECK_EXCEPTION(backward(z), Error, says("mul" + swept));
}

BOOST_AUTO_TEST_CASE(a_value_changed_after_it_was_recorded_is_named) {
  Tensor w = variable(tensor({2, 3}), "encoder.weight");
  const Tensor x = variable(tensor({1, 1}), "x");
  const Tensor y = sum(x * w);
  w.edit<float>()[0] = 5;
  const std::string text =
      "mul: input 1 ('encoder.weight') was changed after it was recorded and before its gradient "
      "was taken; take the gradient first, or edit a copy()";
  BOOST_CHECK_EXCEPTION(grad(y, {x}), Error, says(text));
  // ∂y/∂w does not read w, and what is recorded afresh is fine.
  BOOST_TEST(numbers(grad(y, {w})[0]) == (std::vector<double>{1, 1}));
  BOOST_TEST(numbers(grad(sum(x * w), {x})[0]) == (std::vector<double>{5, 3}));
  BOOST_CHECK_EXCEPTION(backward(y), Error, says(text));
}

BOOST_AUTO_TEST_CASE(a_changed_result_is_found_out_too) {
  const Tensor x = variable(tensor({1, 2}));
  Tensor y = exp(x);
  y.edit<float>()[1] = 0;
  BOOST_CHECK_EXCEPTION(grad(sum(y), {x}), Error,
                        says("exp: output 0 was changed after it was recorded and before its "
                             "gradient was taken; take the gradient first, or edit a copy()"));
  // Also through a handle that shares the storage.
  const Tensor z = tanh(x);
  Tensor flat = reshape(z, {2, 1});
  flat.edit<float>()[0] = 0;
  BOOST_CHECK_THROW(grad(sum(z), {x}), Error);
}

BOOST_AUTO_TEST_CASE(what_no_vjp_reads_may_change) {
  Tensor x = variable(tensor({1, 2}));
  const Tensor y = sum(x + x);
  x.edit<float>()[0] = 7;
  BOOST_TEST(numbers(grad(y, {x})[0]) == (std::vector<double>{2, 2}));
}

BOOST_AUTO_TEST_CASE(operations_with_mistakes_are_found_out) {
  const Tensor x = variable(tensor({1, 2}));
  const std::string not_kept =
      ": values: this operand was not kept for the vjp: list it in the operation's `reads`";
  BOOST_CHECK_EXCEPTION(grad(sum(apply(ReadsInputInSecret{}, x)), {x}), Error,
                        says("the vjp of test_reads_input_in_secret" + not_kept));
  const NameScope scope("layer.0");
  BOOST_CHECK_EXCEPTION(grad(sum(apply(ReadsOutputInSecret{}, x)), {x}), Error,
                        says("the vjp of test_reads_output_in_secret in layer.0" + not_kept));
  BOOST_CHECK_EXCEPTION(grad(sum(apply(TooManyGradients{}, x)), {x}), Error,
                        says("test_too_many_gradients: the vjp returned 2 gradients for 1 inputs"));
  BOOST_CHECK_EXCEPTION(
      grad(sum(apply(WrongShape{}, x)), {x}), Error,
      says("test_wrong_shape: the vjp's gradient of input 0 is f32 [], the input f32 [2]"));
}

BOOST_AUTO_TEST_CASE(a_vjp_that_reads_an_empty_cotangent_is_named_with_the_remedy) {
  const Tensor x = variable(tensor({1, 2}));
  BOOST_CHECK_EXCEPTION(
      grad(sum(apply_all(Both{}, x)[0]), {x}), Error,
      says("the vjp of test_both: sub: input 1 is empty: no value was assigned to it; the "
           "cotangent of output 1 is empty, which means zero: use cotangent_or_zeros(1)"));
}

BOOST_AUTO_TEST_CASE(where_recording_is_off_vjp_is_recommended) {
  const NoRecording guard;
  const Tensor x = real(2);
  BOOST_CHECK_EXCEPTION(grad(x * x, {x}), Error,
                        says("grad: x 0 is not tracked: recording is off here; use vjp() of "
                             "functional.h, which records by itself"));
}

BOOST_AUTO_TEST_CASE(a_failed_sweep_leaves_everything_as_it_was) {
  const Tensor x = variable(tensor({1, 2}));
  const Tensor y = sum(apply(ReadsInputInSecret{}, x * 2));
  BOOST_CHECK_THROW(grad(y, {x}), Error);
  BOOST_TEST(recording());
  BOOST_TEST(!ambient().scope);
  BOOST_TEST(numbers(grad(sum(x * 2), {x})[0]) == (std::vector<double>{2, 2}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
