// Lesson 11: gradients of gradients.
//
// After it you can put a gradient into a loss, multiply by a Hessian without storing it, and find
// the mistake that only second derivatives show. It takes 20 minutes and builds on lessons 6 and 7.

#include <algorithm>
#include <cmath>

#include "adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part, lesson::predict, lesson::quick, lesson::say;

struct LogCosh {
  static constexpr auto name = "log_cosh";
  static constexpr const char* rule[] = {"y = log cosh x", "x̄ = ȳ tanh x"};
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::transform(in[0].values<T>(), out[0].edit<T>().begin(), [](T x) {
      return std::abs(x) + std::log1p(std::exp(-2 * std::abs(x))) - std::log(T{2});
    });
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * tanh(back.input(0))}; }
};
// The planted bug: the same numbers, cut off from x. Differentiated again, tanh x is a constant.
struct Detached : LogCosh {
  static constexpr auto name = "log_cosh, detached";
  Tensors vjp(const Pullback& back) const {
    return {back.cotangent() * tanh(detach(back.input(0)))};
  }
};

// f(x) = x²/2 + log cosh x − x. Its minimum lies where f'(x) = x + tanh x − 1 is 0.
template <class Op>
Tensor f(const Tensor& x) {
  return 0.5 * x * x + apply(Op{}, x) - x;
}

// Newton's method, x ← x − f'(x) / f''(x), looks for the zero of f'. Returns |f'| at each step.
std::vector<double> newton(const TensorFunction& function, double x, int steps) {
  std::vector<double> slopes;
  for (int step = 0; step < steps; ++step) {
    const Tensor at = variable(scalar(x, DType::f64), "x");
    const Tensor slope = grad(function(at), {at}, {.create_graph = true})[0];
    const Tensor curvature = grad(slope, {at})[0];
    slopes.push_back(std::abs(slope.item()));
    x -= slope.item() / curvature.item();
  }
  return slopes;
}

struct Network {   // y(x), with 16 hidden units
  Tensor w, b, v;  // [1, 16], [16], [16, 1]
  Tensor operator()(const Tensor& x) const { return matmul(tanh(matmul(x, w) + b), v); }
};

// How far the network is from y' = −y and y(0) = 1 at points [n, 1]. No solution is given. Gradient
// penalties of any kind, such as (‖∂y/∂x‖ − 1)², are written in the same way.
Tensor penalty(const Network& y, const Tensor& points) {
  const Tensor x = variable(points, "x"), value = y(x);  // [n, 1]
  // Row i of y depends on row i of x alone, so row i of the sum's gradient is y'(xᵢ).
  const Tensor slope = grad(sum(value), {x}, {.create_graph = true})[0];  // [n, 1]
  const Tensor law = slope + value, start = y(zeros({1, 1}, DType::f64)) - 1;
  return mean(law * law) + sum(start * start);
}

void a_gradient_is_a_tensor() {
  part("A gradient is a computation like any other");
  predict("what are the first four derivatives of x⁴ at 2?");
  const Tensor x = variable(scalar(2, DType::f64), "x");
  Tensor y = x * x * x * x;
  for (const double expected : {32, 48, 48, 24}) {
    y = grad(y, {x}, {.create_graph = true})[0];
    claim("the next one", y.item(), expected);
  }
  say("A vjp is made of operations, and create_graph records them. Without it, the library says:");
  say(lesson::error_of([&] { grad(grad(x * x, {x})[0], {x}); }));
}

void newtons_method() {
  part("Newton's method");
  predict("gradient descent gains a digit every few steps. And Newton's method?");
  const std::vector<double> slopes = newton(f<LogCosh>, 3, 7);
  for (std::size_t i = 0; i < 6; ++i) say(text_from("  step ", i, ", |f'| = ", slopes[i]));
  for (std::size_t i = 2; i < 5; ++i)
    claim("the digits double, or are all there", slopes[i + 1] < slopes[i] * slopes[i] + 1e-15);
  claim("it has arrived", slopes.back() < 1e-14);
}

void break_and_repair() {
  part("Break: a gradient detached");
  predict("the wrong operation has the right f', but not the right f''. Will it arrive?");
  claim("after 7 steps it is far away", newton(f<Detached>, 3, 7).back() > 0.1);
  say("Steps of a wrong length still lead downhill, since f' is right.");
  claim("after 200 it is there: no result shows it", newton(f<Detached>, 3, 200).back() < 1e-12);
  const Tensor x = variable(tensor({-1.5, 0.3, 2.0}, DType::f64), "x");
  const auto check = [&](const auto& op, int order) {
    return gradcheck([&](const Tensor& at) { return apply(op, at); }, x, {.order = order});
  };
  claim("the gradient check of order 1 passes", bool(check(Detached{}, 1)));
  const std::string named = text_from(check(Detached{}, 2));
  say(named);
  claim("that of order 2 names it", named.find("is a value detached") != std::string::npos);
  part("Repair: nothing detached");
  claim("the check of order 2 passes", bool(check(LogCosh{}, 2)));
}

void a_gradient_in_the_loss() {
  part("A gradient in the loss");
  predict("can a network learn e⁻ˣ if it is only told y' = −y and y(0) = 1?");
  const Network y{nn::normal_weight({1, 16}, 1, Key(1), DType::f64),
                  nn::normal_weight({16}, 1, Key(2), DType::f64),
                  nn::normal_weight({16, 1}, 1, Key(3), DType::f64)};
  const Tensors parameters = {y.w, y.b, y.v};
  const Tensor points = reshape(arange(21, DType::f64) / 10, {21, 1});  // 0 … 2
  nn::Adam optimizer(parameters, {.learning_rate = 1e-2});
  for (int step = 0; step < (quick() ? 300 : 2000); ++step)
    optimizer.step(grad(penalty(y, points), parameters));
  const double off = max(abs(y(points) - exp(-points))).item();
  claim("the largest distance from e⁻ˣ", off, 0, quick() ? 0.3 : 0.02);
}

void hessian_vector_products() {
  part("Hessian-vector products");
  predict("the Hessian H of a million weights has 10¹² numbers. How long does H v take?");
  const TensorFunction loss = [](const Tensor& w) { return logsumexp(w * w); };
  const Tensor w = tensor({1, -2, 0.5}, DType::f64), v = tensor({3, 1, -1}, DType::f64);
  claim("H v = ∂⟨∇f, v⟩/∂w is two sweeps, and differs from the product by",
        norm(hvp(loss, w, v) - matmul(hessian(loss, w), v)).item(), 0);
}

void lesson_of_second_order() {
  a_gradient_is_a_tensor();
  newtons_method();
  break_and_repair();
  a_gradient_in_the_loss();
  hessian_vector_products();
}

}  // namespace

int main(int argc, char** argv) { return lesson::run(argc, argv, lesson_of_second_order); }

// Break it yourself: let newton() subtract twice as much. It never arrives.
// Exercise: how large may the learning rate be? Ask hvp(). See solutions/11_second_order.cpp.
