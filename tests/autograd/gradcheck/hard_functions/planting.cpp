#include "tests/autograd/gradcheck/hard_functions/planting.h"

#include <algorithm>
#include <atomic>

namespace adjoint::testing {
namespace {

std::atomic<int> guards_against_mistakes = 0;

// y = x    x̄ = mistake(ȳ, x)
struct Misleading {
  static constexpr auto name = "test_misleading";
  static constexpr Operands reads = {input(0)};
  Mistake mistake;
  bool in_second_order;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    if (!mistakes_are_made()) return {back.cotangent()};
    if (in_second_order) return {planted(back.cotangent(), mistake)};
    return {mistake(back.cotangent(), back.input(0))};
  }
};

Tensor reordered(const Tensor& x, Index axis, std::function<Index(Index)> source) {
  const Index count = x.size(axis);
  return gather(x, generate({count}, DType::i64, source), axis);
}

}  // namespace

WithoutMistakes::WithoutMistakes() { ++guards_against_mistakes; }
WithoutMistakes::~WithoutMistakes() { --guards_against_mistakes; }
bool mistakes_are_made() { return guards_against_mistakes == 0; }

Tensor planted(const Tensor& x, Mistake mistake) {
  return apply(Misleading{std::move(mistake), false}, x);
}
Tensor planted_in_second_order(const Tensor& x, Mistake mistake) {
  return apply(Misleading{std::move(mistake), true}, x);
}
Tensor unseen(const Tensor& x) { return mistakes_are_made() ? detach(x) : x; }
Tensor ghost(const Tensor& x) { return x - (mistakes_are_made() ? detach(x) : x); }
Tensor disguised(const Tensor& value, const Tensor& derivatives_of) {
  return mistakes_are_made() ? detach(value) + ghost(derivatives_of) : value;
}

Function mistaken(Function f, Mistake mistake, std::size_t input) {
  return [=](const Tensors& x) {
    Tensors inputs = x;
    inputs[input] = planted(inputs[input], mistake);
    return f(inputs);
  };
}
Function mistaken_output(Function f, Mistake mistake, std::size_t output) {
  return [=](const Tensors& x) {
    Tensors outputs = f(x);
    outputs[output] = planted(outputs[output], mistake);
    return outputs;
  };
}

Mistake times(double c) {
  return [=](const Tensor& g, const Tensor&) { return c * g; };
}
Mistake times_at(Index element, double c) {
  return [=](const Tensor& g, const Tensor&) {
    return g * with_element(ones(g.shape(), g.dtype()), element, c);
  };
}
Mistake times_where(std::function<Tensor(const Tensor&)> condition, double c) {
  return [=](const Tensor& g, const Tensor& x) { return where(condition(detach(x)), c * g, g); };
}
Mistake plus(double c) {
  return [=](const Tensor& g, const Tensor&) { return g + c; };
}
Mistake clipped(double bound) {
  return [=](const Tensor& g, const Tensor&) { return clamp(g, -bound, bound); };
}
Mistake reversed() {
  return [](const Tensor& g, const Tensor&) {
    const Index last = g.size(-1) - 1;
    return reordered(g, g.rank() - 1, [=](Index i) { return last - i; });
  };
}
Mistake shifted() {
  return [](const Tensor& g, const Tensor&) {
    const Index count = g.numel();
    const Tensor moved = reordered(reshape(g, {-1}), 0, [=](Index i) { return (i + 1) % count; });
    return reshape(moved, g.shape());
  };
}
Mistake averaged() {
  return [](const Tensor& g, const Tensor&) { return broadcast_to(mean(g), g.shape()); };
}

Tensor hilbert(Index n) {
  return generate({n, n}, DType::f64,
                  [=](Index k) { return 1 / static_cast<double>(k / n + k % n + 1); });
}
Tensor with_element(const Tensor& x, Index position, double value) {
  Tensor result = copy(x);
  dispatch(x.dtype(), [&]<class T>() {
    result.edit<T>()[static_cast<std::size_t>(position)] = convert<T>("with_element", value);
  });
  return result;
}

}  // namespace adjoint::testing
