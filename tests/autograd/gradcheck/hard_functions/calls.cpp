// Functions and vjps that are right or wrong depending on how they are called: how often, after
// what, with which cotangents, for which inputs.
#include <algorithm>
#include <atomic>
#include <memory>

#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

using Rule = std::function<Tensors(const Pullback&)>;

// y = x, with any vjp.
struct Ruled {
  static constexpr auto name = "test_ruled";
  static constexpr Operands reads = {input(0)};
  Rule rule;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    std::ranges::copy(in[0].values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const { return rule(back); }
};
Function ruled(Rule rule) {
  return fn([=](const Tensor& x) { return sin(apply(Ruled{rule}, x)); });
}

// y = a · b, with any vjp.
struct RuledProduct {
  static constexpr auto name = "test_ruled_product";
  static constexpr Operands reads = {input(0), input(1)};
  Rule rule;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    for (std::size_t i = 0; i < in[0].values<T>().size(); ++i)
      out[0].edit<T>()[i] = in[0].values<T>()[i] * in[1].values<T>()[i];
  }
  Tensors vjp(const Pullback& back) const { return rule(back); }
};
Function ruled_product(Rule rule) {
  return fn([=](const Tensors& x) { return apply(RuledProduct{rule}, x[0], x[1]); });
}
Tensors right_product(const Pullback& back) {
  return back.gradients([&] { return back.cotangent() * back.input(1); },
                        [&] { return back.cotangent() * back.input(0); });
}

// y₀ = x, y₁ = 2 x, with any vjp.
struct RuledPair {
  static constexpr auto name = "test_ruled_pair";
  static constexpr Operands reads = {};
  Rule rule;
  std::array<Form, 2> form(Inputs in) const { return {in[0].form(), in[0].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    for (std::size_t i = 0; i < in[0].values<T>().size(); ++i) {
      out[0].edit<T>()[i] = in[0].values<T>()[i];
      out[1].edit<T>()[i] = 2 * in[0].values<T>()[i];
    }
  }
  Tensors vjp(const Pullback& back) const { return rule(back); }
};
Function ruled_pair(Rule rule) {
  return fn([=](const Tensor& x) {
    const auto [first, second] = apply_all(RuledPair{rule}, x);
    return Tensors{sin(first), cos(second)};
  });
}

// y = x², with a vjp that reads what the last forward left in a buffer.
struct StaleSquare {
  static constexpr auto name = "test_stale_square";
  static constexpr Operands reads = {};
  std::shared_ptr<Tensor> buffer;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    *buffer = copy(in[0]);
    for (std::size_t i = 0; i < in[0].values<T>().size(); ++i)
      out[0].edit<T>()[i] = in[0].values<T>()[i] * in[0].values<T>()[i];
  }
  Tensors vjp(const Pullback& back) const { return {2 * *buffer * back.cotangent()}; }
};

// y = 3 x, and in f32 3.03 x.
struct InexactInF32 {
  static constexpr auto name = "test_inexact_in_f32";
  static constexpr Operands reads = {};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const double factor = mistakes_are_made() && std::is_same_v<T, float> ? 3.03 : 3;
    for (std::size_t i = 0; i < in[0].values<T>().size(); ++i)
      out[0].edit<T>()[i] = static_cast<T>(factor) * in[0].values<T>()[i];
  }
  Tensors vjp(const Pullback& back) const { return {3 * back.cotangent()}; }
};

// y = x², in f32 only.
struct SingleSquare {
  static constexpr auto name = "test_single_square";
  static constexpr Operands reads = {input(0)};
  double factor;
  Form form(Inputs in) const { return in[0].form(); }
  template <std::same_as<float> T>
  void forward(Inputs in, Outputs out) const {
    for (std::size_t i = 0; i < in[0].values<T>().size(); ++i)
      out[0].edit<T>()[i] = in[0].values<T>()[i] * in[0].values<T>()[i];
  }
  Tensors vjp(const Pullback& back) const { return {factor * back.input(0) * back.cotangent()}; }
};
Function single_square(double factor) {
  return fn([=](const Tensor& x) { return apply(SingleSquare{factor}, x); });
}

// Multiplies a tensor in place.
void scale(Tensor x, double factor) {
  dispatch(x.dtype(), [&]<class T>() {
    if constexpr (Real<T>)
      for (T& value : x.edit<T>()) value *= static_cast<T>(factor);
  });
}

HardFunctions right() {
  const Tensor x = wide({0.5, -1, 2});
  const auto calls = std::make_shared<std::atomic<int>>(0);
  return {
      {"a vjp returns its cotangent",
       ruled([](const Pullback& back) { return Tensors{back.cotangent()}; }),
       {x}},
      {"a vjp returns nothing for a derivative of 0",
       fn([](const Tensor& v) {
         return sin(v) + 0 * apply(Ruled{[](const Pullback&) { return Tensors{Tensor()}; }}, 0 * v);
       }),
       {x}},
      {"a vjp computes what is needed", ruled_product(right_product), {x, x + 1}},
      {"a vjp with an empty cotangent",
       ruled_pair([](const Pullback& back) {
         return Tensors{back.cotangent_or_zeros(0) + 2 * back.cotangent_or_zeros(1)};
       }),
       {x}},
      {"f computes a constant without recording",
       fn([](const Tensor& v) {
         Tensor count;
         {
           const NoRecording guard;
           count = sum(0 * v) + 3;
         }
         return sin(v) * count;
       }),
       {x}},
      {"f counts its calls",
       fn([=](const Tensor& v) {
         ++*calls;
         return sin(v);
       }),
       {x}},
      {"f edits a copy of its input",
       fn([](const Tensor& v) {
         Tensor constant = copy(v);
         scale(constant, 0);
         return sin(v) + constant;
       }),
       {x}},
      {"one tensor as two outputs",
       fn([](const Tensor& v) {
         const Tensor y = sin(v);
         return Tensors{y, y};
       }),
       {x}},
      {"an input and a view of it as outputs",
       fn([](const Tensor& v) {
         return Tensors{v, reshape(v, {3, 1})};
       }),
       {x}},
      {"one gradient for two inputs",
       fn([](const Tensors& v) { return sin(v[0] + v[1]); }),
       {x, x}},
      {"an operation in f32 only", single_square(2), {tensor({0.5, -1, 2})}},
      {"a vjp with a buffer that it copies",
       ruled([buffer = std::make_shared<Tensor>()](const Pullback& back) {
         *buffer = copy(back.cotangent());
         return Tensors{copy(*buffer)};
       }),
       {x}},
  };
}

HardFunctions wrong() {
  const Tensor x = wide({0.5, -1, 2});
  const auto clears_cotangent = [](const Pullback& back) {
    const Tensor gradient = copy(back.cotangent());
    scale(back.cotangent(), 0);
    return Tensors{gradient};
  };
  const auto into_buffer = [](std::shared_ptr<Tensor> buffer) {
    return [=](const Pullback& back) {
      const auto gradient = back.cotangent().values<double>();
      if (!buffer->defined()) *buffer = copy(back.cotangent());
      std::ranges::copy(gradient, buffer->edit<double>().begin());
      return Tensors{*buffer};
    };
  };
  const auto buffer = [] { return std::make_shared<Tensor>(); };
  const auto count = [] { return std::make_shared<std::atomic<int>>(0); };
  return {
      {"a vjp doubles its cotangent in place",
       ruled([](const Pullback& back) {
         scale(back.cotangent(), 2);
         return Tensors{back.cotangent()};
       }),
       {x}},
      {"a vjp clears its cotangent",
       fn([=](const Tensor& v) { return apply(Ruled{clears_cotangent}, v); }),
       {x}},
      {"a vjp clears a cotangent that another needs",
       fn([=](const Tensor& v) {
         const Tensor first = cos(v);
         return first + apply(Ruled{clears_cotangent}, v);
       }),
       {x}},
      {"a vjp is wrong if the second input needs no gradient",
       ruled_product([](const Pullback& back) {
         Tensors gradients = right_product(back);
         if (!back.needs(1)) gradients[0] = 2 * gradients[0];
         return gradients;
       }),
       {x, x + 1}},
      {"a vjp is wrong if the first input needs no gradient",
       ruled_product([](const Pullback& back) {
         Tensors gradients = right_product(back);
         if (!back.needs(0)) gradients[1] = gradients[1] * 0;
         return gradients;
       }),
       {x, x + 1}},
      {"cotangents beyond 10 are clipped", mistaken(fn(sin), clipped(10)), {x}},
      {"cotangents beyond 1 are clipped", mistaken(fn(sin), clipped(1)), {x}},
      {"small cotangents are dropped",
       mistaken(fn(sin),
                [](const Tensor& g, const Tensor&) {
                  return where(greater(abs(g), full64({}, 1e-4)), g, zeros64({}));
                }),
       {x}},
      {"cotangents are squashed",
       mistaken(fn(sin), [](const Tensor& g, const Tensor&) { return 50 * tanh(g / 50); }),
       {x}},
      {"cotangents are normalised",
       mistaken(fn(sin), [](const Tensor& g, const Tensor&) { return g / (norm(g) + 1e-300); }),
       {x}},
      {"only the sizes of cotangents count",
       mistaken(fn(sin), [](const Tensor& g, const Tensor&) { return abs(g); }),
       {x}},
      {"a gradient plus 1e-3", mistaken(fn(sin), plus(1e-3)), {x}},
      {"a gradient plus 1e-6", mistaken(fn(sin), plus(1e-6)), {x}},
      {"a vjp reads what the last forward left",
       fn([b = buffer()](const Tensor& v) { return apply(StaleSquare{b}, v); }),
       {x}},
      {"a vjp adds to what it returned before",
       ruled([b = buffer()](const Pullback& back) {
         *b = b->defined() ? *b + back.cotangent() : back.cotangent();
         return Tensors{*b};
       }),
       {x}},
      {"a vjp returns its buffer",
       fn([rule = into_buffer(buffer())](const Tensor& v) { return apply(Ruled{rule}, v); }),
       {x}},
      {"a vjp returns its buffer, twice in f",
       fn([rule = into_buffer(buffer())](const Tensor& v) {
         return sin(apply(Ruled{rule}, v)) + cos(apply(Ruled{rule}, v));
       }),
       {x}},
      {"a vjp edits the input that it saved",
       ruled([](const Pullback& back) {
         scale(back.input(0), 1.5);
         return Tensors{back.cotangent()};
       }),
       {wide({0.5, -1, 2})}},
      {"f edits its input",
       fn([](const Tensor& v) {
         scale(v, 1.0001);
         return sin(v);
       }),
       {wide({0.5, -1, 2})}},
      {"f depends on how often it was called",
       fn([c = count()](const Tensor& v) { return sin(v) * (1 + 1e-6 * ++*c); }),
       {x}},
      {"a gradient with noise of 1e-3",
       ruled([c = count()](const Pullback& back) {
         const Tensor noise = random64(back.shape(0), static_cast<std::uint64_t>(++*c));
         return Tensors{back.cotangent() * (1 + 1e-3 * noise)};
       }),
       {x}},
      {"every third gradient is wrong",
       ruled([c = count()](const Pullback& back) {
         return Tensors{++*c % 3 == 0 ? 2 * back.cotangent() : back.cotangent()};
       }),
       {x}},
      {"an empty cotangent counts as ones",
       ruled_pair([](const Pullback& back) {
         const auto given = [&](std::size_t j) {
           return back.cotangent(j).defined() ? back.cotangent(j) : ones(back.shape(0), DType::f64);
         };
         return Tensors{given(0) + 2 * given(1)};
       }),
       {x}},
      {"of two cotangents the second is ignored",
       ruled_pair([](const Pullback& back) {
         return Tensors{back.cotangent(0).defined() ? back.cotangent(0) : 2 * back.cotangent(1)};
       }),
       {x}},
      {"a short cut for cotangents with one element",
       mistaken(fn(sin),
                [](const Tensor& g, const Tensor&) {
                  const auto values = g.values<double>();
                  return std::ranges::count(values, 0) + 1 == std::ssize(values) ? 1.01 * g : g;
                }),
       {x}},
      {"a vjp is wrong while it is recorded",
       mistaken(fn(sin), [](const Tensor& g, const Tensor&) { return recording() ? 1.01 * g : g; }),
       {x},
       {.order = 2}},
      {"a forward in f32 is 1% off",
       fn([](const Tensor& v) { return apply(InexactInF32{}, v); }),
       {tensor({0.5, -1, 2})}},
      {"an operation in f32 only, without 2", single_square(1), {tensor({0.5, -1, 2})}},
      {"a vjp that throws",
       ruled([](const Pullback&) -> Tensors { fail("sin: no derivative yet"); }),
       {x}},
  };
}

}  // namespace

RightAndWrong with_calls() { return {right(), wrong()}; }

}  // namespace adjoint::testing
