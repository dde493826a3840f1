#include "autograd/grad.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "autograd/kernels/parallel.h"
#include "autograd/operation.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr GradOptions graph = {.create_graph = true};
constexpr GradOptions consuming = {.consume = true};
constexpr GradOptions lenient = {.zeros_if_independent = true};
const auto nearly = boost::test_tools::tolerance(1e-12);

Tensor real(double value) { return scalar(value, DType::f64); }

// ---- Operations of our own ----------------------------------------------------------------------

// (x², x³) at once
struct Powers {
  static constexpr auto name = "test_powers";
  static constexpr Reads reads = {input(0), output(0)};
  static constexpr std::size_t outputs = 2;
  std::array<Form, 2> forms(Inputs in) const { return {in[0].form(), in[0].form()}; }
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

// What all faulty ones share: y = x.
struct Same {
  static constexpr Reads reads = {};
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
struct TooManyGradients : Same {
  static constexpr auto name = "test_too_many_gradients";
  Tensors vjp(const Pullback& back) const { return {back.cotangent(), back.cotangent()}; }
};
struct WrongShape : Same {
  static constexpr auto name = "test_wrong_shape";
  Tensors vjp(const Pullback& back) const { return {sum(back.cotangent())}; }
};

// a + b, and remembers which gradients were asked for
struct Watched {
  static constexpr auto name = "test_watched";
  static constexpr Reads reads = {};
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

// Runs f in a thread with a small stack; rethrows what it throws.
void on_small_stack(const std::function<void()>& f) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t bytes = 2u << 20;  // their frames and thread data are larger
#else
  constexpr std::size_t bytes = 256u << 10;
#endif
  struct Call {
    const std::function<void()>& f;
    std::exception_ptr error = nullptr;
  } call{f};
  const auto run = [](void* argument) -> void* {
    auto& own = *static_cast<Call*>(argument);
    try {
      own.f();
    } catch (...) {
      own.error = std::current_exception();
    }
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  BOOST_REQUIRE(pthread_attr_setstacksize(&attributes, bytes) == 0);
  BOOST_REQUIRE(pthread_create(&thread, &attributes, run, &call) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  if (call.error) std::rethrow_exception(call.error);
}

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

// ---- Errors -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_is_not_tracked_or_independent_is_named) {
  const Tensor x = variable(real(1), "x"), other = variable(real(2), "embedding.weight");
  BOOST_CHECK_EXCEPTION(grad(x * 2, {x, real(3)}), Error,
                        says("grad: x 1 is not tracked: make it with variable()"));
  BOOST_CHECK_EXCEPTION(grad(x * 2, {x, other}), Error,
                        says("grad: the result does not depend on x 1 ('embedding.weight')"));
  BOOST_CHECK_EXCEPTION(grad(x * 2, {variable(real(1))}), Error,
                        says("grad: the result does not depend on x 0"));
  BOOST_CHECK_EXCEPTION(grad(real(2), {x}), Error,
                        says("grad: the result does not depend on x 0 ('x')"));
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
  BOOST_CHECK_EXCEPTION(grad(Tensors{x * 2}, {x}, {}), Error,
                        says("grad: 0 cotangents for 1 results"));
  BOOST_CHECK_EXCEPTION(grad(Tensors{x * 2}, {x}, {ones({1})}), Error,
                        says("grad: the cotangent of result 0 has shape [1] and type f32, the "
                             "result [2] and f32"));
  BOOST_CHECK_EXCEPTION(grad(Tensors{x * 2}, {x}, {ones({2}, DType::f64)}), Error,
                        says("grad: the cotangent of result 0 has shape [2] and type f64, the "
                             "result [2] and f32"));
}

BOOST_AUTO_TEST_CASE(a_consumed_graph_says_so) {
  const Tensor x = variable(real(0.5));
  const Tensor s = sin(x), y = s * 2;
  BOOST_TEST(grad(y, {x}, consuming)[0].item() == 2 * std::cos(0.5), nearly);
  BOOST_CHECK_EXCEPTION(
      grad(y, {x}), Error,
      says("affine: this graph was already swept by backward() or a consuming grad()"));
  BOOST_CHECK_EXCEPTION(
      grad(s + 1, {x}), Error,
      says("sin: this graph was already swept by backward() or a consuming grad()"));
  const Tensor z = x * x;
  backward(z);
  BOOST_CHECK_EXCEPTION(
      backward(z), Error,
      says("mul: this graph was already swept by backward() or a consuming grad()"));
}

BOOST_AUTO_TEST_CASE(a_value_changed_after_it_was_recorded_is_named) {
  Tensor w = variable(tensor({2, 3}), "encoder.weight");
  const Tensor x = variable(tensor({1, 1}), "x");
  const Tensor y = sum(x * w);
  w.edit<float>()[0] = 5;
  const std::string text =
      "mul: input 1 ('encoder.weight') was changed after it was recorded and before its gradient "
      "was taken";
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
                             "gradient was taken"));
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
      "values: this operand was not kept for the vjp: list it in the operation's `reads`";
  BOOST_CHECK_EXCEPTION(grad(sum(apply(ReadsInputInSecret{}, x)), {x}), Error, says(not_kept));
  BOOST_CHECK_EXCEPTION(grad(sum(apply(ReadsOutputInSecret{}, x)), {x}), Error, says(not_kept));
  BOOST_CHECK_EXCEPTION(grad(sum(apply(TooManyGradients{}, x)), {x}), Error,
                        says("test_too_many_gradients: the vjp returned 2 gradients for 1 inputs"));
  BOOST_CHECK_EXCEPTION(
      grad(sum(apply(WrongShape{}, x)), {x}), Error,
      says("test_wrong_shape: the vjp's gradient of input 0 is f32 [], the input f32 [2]"));
}

BOOST_AUTO_TEST_CASE(a_failed_sweep_leaves_everything_as_it_was) {
  const Tensor x = variable(tensor({1, 2}));
  const Tensor y = sum(apply(ReadsInputInSecret{}, x * 2));
  BOOST_CHECK_THROW(grad(y, {x}), Error);
  BOOST_TEST(recording());
  BOOST_TEST(!ambient().scope);
  BOOST_TEST(numbers(grad(sum(x * 2), {x})[0]) == (std::vector<double>{2, 2}));
}

// ---- backward -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(backward_adds_to_the_leaves) {
  Tensor x = variable(tensor({1, 2}, DType::f64)), z = variable(tensor({3, 4}, DType::f64));
  backward(sum(x * z));
  BOOST_TEST(distance(x.grad(), tensor({3, 4}, DType::f64)) == 0);
  BOOST_TEST(distance(z.grad(), tensor({1, 2}, DType::f64)) == 0);
  BOOST_TEST(!x.grad().tracked());
  backward(sum(x * 10));
  BOOST_TEST(distance(x.grad(), tensor({13, 14}, DType::f64)) == 0);
  x.clear_grad();
  BOOST_TEST(!x.grad().defined());
  backward(sum(x));
  BOOST_TEST(distance(x.grad(), tensor({1, 1}, DType::f64)) == 0);
  BOOST_TEST(distance(z.grad(), tensor({1, 2}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(backward_from_nothing_is_an_error) {
  BOOST_CHECK_EXCEPTION(
      backward(real(1)), Error,
      says("backward: y is not tracked: nothing it was computed from is a variable()"));
}

BOOST_AUTO_TEST_CASE(backward_of_a_leaf) {
  const Tensor x = variable(real(3));
  backward(x);
  BOOST_TEST(x.grad().item() == 1);
}

// Scaling one leaf's gradient, as clipping does, must not scale another's.
BOOST_AUTO_TEST_CASE(collected_gradients_are_buffers_of_their_own) {
  const Tensor a = variable(tensor({1, 2})), b = variable(tensor({3, 4}));
  backward(sum(a + b));
  Tensor of_a = a.grad();
  of_a.edit<float>()[0] = 100;
  BOOST_TEST(numbers(a.grad()) == (std::vector<double>{100, 1}));
  BOOST_TEST(numbers(b.grad()) == (std::vector<double>{1, 1}));
}

BOOST_AUTO_TEST_CASE(backward_frees_what_was_saved) {
  const Tensor x = variable(zeros({1000, 100}));
  const std::size_t before = memory::in_use();
  const Tensor y = sum(sin(sin(sin(sin(x)))));
  BOOST_TEST(memory::in_use() - before > 1'000'000u);
  backward(y);
  BOOST_TEST(memory::in_use() - before < 600'000u);  // x's gradient and y
}

// ---- Recording ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(detach_stops_the_gradient) {
  const Tensor x = variable(real(3));
  BOOST_TEST(grad(x * detach(x * x), {x})[0].item() == 9);
  BOOST_CHECK_THROW(grad(detach(x) * 2, {x}), Error);
}

BOOST_AUTO_TEST_CASE(no_recording_leaves_no_history) {
  const Tensor x = variable(real(3));
  {
    const NoRecording guard;
    BOOST_TEST(!recording());
    BOOST_TEST(!(x * x).tracked());
    BOOST_TEST(x.tracked());
  }
  BOOST_TEST(recording());
  BOOST_TEST((x * x).tracked());
  BOOST_TEST(!(real(1) * real(2)).tracked());
}

BOOST_AUTO_TEST_CASE(without_create_graph_a_gradient_has_no_history) {
  const Tensor x = variable(real(3));
  BOOST_TEST(!grad(x * x, {x})[0].tracked());
  BOOST_TEST(grad(x * x, {x}, graph)[0].tracked());
  const NoRecording guard;  // a sweep that is asked to record itself does so
  const Tensor y = [&] {
    const FlagGuard record(&Ambient::recording, true);
    return x * x;
  }();
  BOOST_TEST(grad(y, {x}, graph)[0].tracked());
}

BOOST_AUTO_TEST_CASE(nodes_know_the_scope_they_were_made_in) {
  const Tensor x = variable(real(3));
  const auto scope = [](const Tensor& y) { return y.history().node->scope(); };
  BOOST_TEST(scope(x * x) == "");
  const NameScope encoder("encoder");
  BOOST_TEST(scope(x * x) == "encoder");
  Tensor y;
  {
    const NameScope attention("attention");
    y = exp(x);
    BOOST_TEST(scope(y) == "encoder.attention");
  }
  BOOST_TEST(scope(x * x) == "encoder");
  // What the sweep records of a node belongs to that node's scope.
  BOOST_TEST(scope(grad(y, {x}, graph)[0]) == "encoder.attention");
  BOOST_TEST(scope(x * x) == "encoder");
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
  BOOST_CHECK_EXCEPTION(grad(sum(outputs[0]), {outputs[1]}), Error,
                        says("grad: the result does not depend on x 0"));
}

// ---- Memory -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(values_that_no_vjp_reads_are_freed_early) {
  const Tensor x = variable(zeros({1000, 100}));
  const std::size_t before = memory::in_use();
  Tensor y = x;
  for (int i = 0; i < 20; ++i) y = y + 1;
  BOOST_TEST(memory::in_use() - before < 1'000'000u);  // one buffer, not twenty
}

BOOST_AUTO_TEST_CASE(a_dropped_graph_is_freed) {
  const std::size_t before = memory::in_use();
  {
    const Tensor x = variable(zeros({100, 100}, DType::f64));
    const Tensor y =
        sum(softmax(layer_norm(exp(x), ones({100}, DType::f64), zeros({100}, DType::f64))));
    const Tensor first = grad(y, {x}, graph)[0];
    grad(sum(first * first), {x});
    BOOST_TEST(memory::in_use() > before);
  }
  BOOST_TEST(memory::in_use() == before);
}

BOOST_AUTO_TEST_CASE(a_chain_of_a_million_operations) {
  constexpr int length = 1'000'000;
  const std::size_t before = memory::in_use();
  memory::reset_peak();
  double slope = 0, added = 0;
  std::uint64_t nodes = 0;
  on_small_stack([&] {
    const Tensor x = variable(real(1));
    Tensor y = x;
    for (int i = 0; i < length; ++i) y = y * 1.000001;
    nodes = y.history().node->number() - x.history().node->number();
    slope = grad(y, {x})[0].item();
    backward(y);  // consumes: freed while sweeping
    added = x.grad().item();

    y = x;
    for (int i = 0; i < length; ++i) y = sin(y);
    y = Tensor();  // freed without a sweep
  });
  BOOST_TEST(nodes == static_cast<std::uint64_t>(length));
  BOOST_TEST(slope == std::pow(1.000001, length), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(added == slope);
  BOOST_TEST(memory::in_use() == before);
  BOOST_TEST(memory::peak() - before < 512u << 20);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  BOOST_TEST(usage.ru_maxrss < 1 << 20);  // KiB: of the whole process, nodes included
#endif
}

BOOST_AUTO_TEST_CASE(a_long_chain_to_second_order_and_one_that_forks) {
  const std::size_t before = memory::in_use();
  double second = 0, forked = 0;
  on_small_stack([&] {
    const Tensor x = variable(real(0.5));
    Tensor y = x * x;
    for (int i = 0; i < 100'000; ++i) y = 1.0 * (y + 0.0);
    const Tensor first = grad(y, {x}, graph)[0];
    second = grad(first, {x})[0].item();

    Tensor z = x;
    for (int i = 0; i < 100'000; ++i) z = 0.5 * (z + z);
    forked = grad(z, {x})[0].item();
  });
  BOOST_TEST(second == 2);
  BOOST_TEST(forked == 1);
  BOOST_TEST(memory::in_use() == before);
}

// ---- Threads ------------------------------------------------------------------------------------

// A small model on shared parameters; data that differ from shard to shard.
struct Model {
  Tensors parameters = {variable(normal({16, 24}, 0, 0.3, Key(1)), "first"),
                        variable(normal({24}, 0, 0.3, Key(2)), "bias"),
                        variable(normal({24, 24}, 0, 0.3, Key(3)), "second"),
                        variable(ones({24}), "gain")};

  Tensor loss(std::uint64_t shard) const {
    const Tensor x = normal({2, 10, 16}, 0, 1, Key(100).child(shard));
    const Tensor h = linear(x, transpose(parameters[0]), parameters[1]);
    auto pattern = std::make_shared<AttentionPattern>(AttentionPattern::whole(2, 10, 10));
    const Tensor y = attention(h, h, matmul(h, parameters[2]), pattern,
                               {.heads = 2, .dropout = 0.1, .key = Key(shard)});
    return sum(pow(layer_norm(gelu(y), parameters[3], parameters[1]), 2));
  }
};

BOOST_AUTO_TEST_CASE(several_threads_record_and_sweep_at_once) {
  const Model model;
  constexpr std::uint64_t shards = 8;
  constexpr int rounds = 20;
  std::vector<Tensors> expected;
  for (std::uint64_t shard = 0; shard < shards; ++shard)
    expected.push_back(grad(model.loss(shard), model.parameters));

  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t shard = 0; shard < shards; ++shard)
    threads.emplace_back([&, shard] {
      for (int round = 0; round < rounds; ++round) {
        const bool twice = round % 5 == 4;
        const Tensors gradients =
            grad(model.loss(shard), model.parameters, {.create_graph = twice, .consume = !twice});
        for (std::size_t i = 0; i < gradients.size(); ++i)
          if (!same_bits(gradients[i], expected[shard][i])) ++wrong;
        if (twice) grad(sum(gradients[0] * gradients[0]), model.parameters);
      }
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(wrong == 0);
}

// Of whole numbers, whose sum does not depend on the order.
BOOST_AUTO_TEST_CASE(several_threads_add_to_the_same_leaves) {
  const Tensor x = variable(ones({50}, DType::f64)), z = variable(ones({50}, DType::f64));
  std::vector<std::thread> threads;
  for (int id = 1; id <= 8; ++id)
    threads.emplace_back([&, id] {
      for (int round = 0; round < 100; ++round) backward(sum(x * z * static_cast<double>(id)));
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(distance(x.grad(), Grid({50}, 3600)) == 0);
  BOOST_TEST(distance(z.grad(), Grid({50}, 3600)) == 0);
}

BOOST_AUTO_TEST_CASE(graphs_recorded_by_workers) {
  const int before = threads();
  set_threads(4);
  const Model model;
  std::vector<Tensors> results(8);
  {
    const NameScope scope("shards");
    parallel_tasks(8, [&](Index shard) {
      const auto own = static_cast<std::uint64_t>(shard);
      results[own] = grad(model.loss(own), model.parameters, consuming);
    });
  }
  for (std::uint64_t shard = 0; shard < 8; ++shard) {
    const Tensors alone = grad(model.loss(shard), model.parameters);
    for (std::size_t i = 0; i < alone.size(); ++i)
      BOOST_TEST(same_bits(results[shard][i], alone[i]));
  }
  set_threads(before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
