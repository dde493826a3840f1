// Elementwise arithmetic on two tensors, with broadcasting. Each vjp ends in sum_to: where an
// operand was repeated, its gradient is the sum over the repetitions.

#include <cmath>

#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/vector_math.h"
#include "autograd/apply.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// What all of them share: Op::value(a, b) is applied to each pair of elements.
template <class Op>
struct Binary {
  Form form(Inputs in) const {
    return {broadcast(Op::name, in[0].shape(), in[1].shape()), in[0].dtype()};
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::zip_broadcast(in[0].values<T>(), in[0].shape(), in[1].values<T>(), in[1].shape(),
                           out[0].edit<T>(), out[0].shape(),
                           [](T a, T b) { return Op::value(a, b); });
  }
};

// y = a + b        ā = ȳ,  b̄ = ȳ
struct Add : Binary<Add> {
  static constexpr auto name = "add";
  static constexpr Operands reads = {};
  template <Real T>
  static T value(T a, T b) {
    return a + b;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    return back.gradients([&] { return sum_to(g, back.shape(0)); },
                          [&] { return sum_to(g, back.shape(1)); });
  }
};

// y = a − b        ā = ȳ,  b̄ = −ȳ
struct Sub : Binary<Sub> {
  static constexpr auto name = "sub";
  static constexpr Operands reads = {};
  template <Real T>
  static T value(T a, T b) {
    return a - b;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    return back.gradients([&] { return sum_to(g, back.shape(0)); },
                          [&] { return sum_to(-g, back.shape(1)); });
  }
};

// y = a b          ā = ȳ b,  b̄ = ȳ a
struct Mul : Binary<Mul> {
  static constexpr auto name = "mul";
  static constexpr Operands reads = {input(0), input(1)};
  template <Real T>
  static T value(T a, T b) {
    return a * b;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    return back.gradients([&] { return sum_to(g * back.input(1), back.shape(0)); },
                          [&] { return sum_to(g * back.input(0), back.shape(1)); });
  }
};

// y = a / b        ā = ȳ / b,  b̄ = −ȳ y / b
struct Div : Binary<Div> {
  static constexpr auto name = "div";
  static constexpr Operands reads = {input(1), output(0)};
  template <Real T>
  static T value(T a, T b) {
    return a / b;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    const Tensor b = back.input(1);
    return back.gradients([&] { return sum_to(g / b, back.shape(0)); },
                          [&] { return sum_to(-(g * back.output(0) / b), back.shape(1)); });
  }
};

// y = aᵇ           ā = ȳ b aᵇ⁻¹,  b̄ = ȳ y log a
struct Pow : Binary<Pow> {
  static constexpr auto name = "pow";
  static constexpr Operands reads = {input(0), input(1), output(0)};
  template <Real T>
  static T value(T a, T b) {
    return kernels::pow(a, b);
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    const Tensor a = back.input(0), b = back.input(1);
    return back.gradients(
        [&] {
          // 0⁰ is constant in a, though b aᵇ⁻¹ would be 0 · ∞
          const Tensor both_zero = equal(abs(a) + abs(b), scalar(0, g.dtype()));
          const Tensor exponent = where(both_zero, scalar(1, g.dtype()), b - 1);
          return sum_to(g * b * pow(a, exponent), back.shape(0));
        },
        [&] { return sum_to(g * back.output(0) * log(a), back.shape(1)); });
  }
};

// How much of the gradient goes to the winner a: all, or half at a tie.
Tensor share(const Tensor& wins, const Tensor& ties, DType dtype) {
  return cast(wins, dtype) + 0.5 * cast(ties, dtype);
}

// y = max(a, b)    ā = ȳ where a > b, ȳ/2 where a = b; b̄ likewise
struct Maximum : Binary<Maximum> {
  static constexpr auto name = "maximum";
  static constexpr Operands reads = {input(0), input(1)};
  template <Real T>
  static T value(T a, T b) {
    return a > b || std::isnan(a) ? a : b;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    const Tensor a = back.input(0), b = back.input(1);
    const Tensor ties = equal(a, b);
    return back.gradients(
        [&] { return sum_to(g * share(greater(a, b), ties, g.dtype()), back.shape(0)); },
        [&] { return sum_to(g * share(less(a, b), ties, g.dtype()), back.shape(1)); });
  }
};

// y = min(a, b)    ā = ȳ where a < b, ȳ/2 where a = b; b̄ likewise
struct Minimum : Binary<Minimum> {
  static constexpr auto name = "minimum";
  static constexpr Operands reads = {input(0), input(1)};
  template <Real T>
  static T value(T a, T b) {
    return a < b || std::isnan(a) ? a : b;
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    const Tensor a = back.input(0), b = back.input(1);
    const Tensor ties = equal(a, b);
    return back.gradients(
        [&] { return sum_to(g * share(less(a, b), ties, g.dtype()), back.shape(0)); },
        [&] { return sum_to(g * share(greater(a, b), ties, g.dtype()), back.shape(1)); });
  }
};

// Comparisons yield b8 and have no derivative.
template <class Op>
struct Comparison {
  Form form(Inputs in) const {
    require(in[0].dtype() == in[1].dtype(), Op::name, ": compares ", in[0].dtype(), " with ",
            in[1].dtype());
    return {broadcast(Op::name, in[0].shape(), in[1].shape()), DType::b8};
  }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    kernels::zip_broadcast(in[0].values<T>(), in[0].shape(), in[1].values<T>(), in[1].shape(),
                           out[0].edit<bool>(), out[0].shape(),
                           [](T a, T b) { return Op::value(a, b); });
  }
};
struct Equal : Comparison<Equal> {
  static constexpr auto name = "equal";
  static constexpr NoDerivative vjp = {};
  static constexpr Operands reads = {};
  static bool value(auto a, auto b) { return a == b; }
};
struct Greater : Comparison<Greater> {
  static constexpr auto name = "greater";
  static constexpr NoDerivative vjp = {};
  static constexpr Operands reads = {};
  static bool value(auto a, auto b) { return a > b; }
};
struct Less : Comparison<Less> {
  static constexpr auto name = "less";
  static constexpr NoDerivative vjp = {};
  static constexpr Operands reads = {};
  static bool value(auto a, auto b) { return a < b; }
};

// y = a where c, else b        ā = ȳ where c, else 0;  b̄ = 0 where c, else ȳ
struct Where {
  static constexpr auto name = "where";
  static constexpr Operands constants = {input(0)};
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const { return in[1].form(); }  // where() has broadcast them
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const std::span<const bool> c = in[0].values<bool>();
    const std::span<const T> a = in[1].values<T>(), b = in[2].values<T>();
    const std::span<T> y = out[0].edit<T>();
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = c[i] ? a[i] : b[i];
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor& g = back.cotangent();
    const Tensor c = back.input(0), zero = scalar(0, g.dtype());
    return back.gradients([] { return Tensor(); }, [&] { return where(c, g, zero); },
                          [&] { return where(c, zero, g); });
  }
};

// y = scale x + shift          x̄ = scale ȳ
struct Affine {
  static constexpr auto name = "affine";
  static constexpr Operands reads = {};
  double scale, shift;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T a = static_cast<T>(scale), b = static_cast<T>(shift);
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [=](T x) { return a * x + b; });
  }
  Tensors vjp(const Pullback& back) const { return {affine(back.cotangent(), scale, 0)}; }
};

// y = xᵖ                       x̄ = ȳ p xᵖ⁻¹
struct Power {
  static constexpr auto name = "power";
  static constexpr Operands reads = {input(0)};
  double exponent;
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const std::span<const T> x = in[0].values<T>();
    const std::span<T> y = out[0].edit<T>();
    const T p = static_cast<T>(exponent);
    if (exponent == 1)
      kernels::map(x, y, [](T v) { return v; });
    else if (exponent == 2)
      kernels::map(x, y, [](T v) { return v * v; });
    else if (exponent == -1)
      kernels::map(x, y, [](T v) { return 1 / v; });
    else
      kernels::map(x, y, [=](T v) { return kernels::pow(v, p); });
  }
  Tensors vjp(const Pullback& back) const {
    if (exponent == 0)  // 0 · x⁻¹ would be NaN at 0
      return {zeros(back.shape(0), back.form(0).dtype)};
    return {back.cotangent() * (exponent * pow(back.input(0), exponent - 1))};
  }
};

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return apply(Add{}, a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return apply(Sub{}, a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return apply(Mul{}, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return apply(Div{}, a, b); }
Tensor pow(const Tensor& a, const Tensor& b) { return apply(Pow{}, a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return apply(Maximum{}, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return apply(Minimum{}, a, b); }
Tensor equal(const Tensor& a, const Tensor& b) { return apply(Equal{}, a, b); }
Tensor greater(const Tensor& a, const Tensor& b) { return apply(Greater{}, a, b); }
Tensor less(const Tensor& a, const Tensor& b) { return apply(Less{}, a, b); }
Tensor affine(const Tensor& x, double scale, double shift) {
  return apply(Affine{scale, shift}, x);
}
Tensor pow(const Tensor& x, double exponent) { return apply(Power{exponent}, x); }

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  require(condition.dtype() == DType::b8, "where: the condition must be b8, is ",
          condition.dtype());
  require(a.dtype() == b.dtype(), "where: a is ", a.dtype(), ", b is ", b.dtype());
  const Shape shape =
      broadcast("where", condition.shape(), broadcast("where", a.shape(), b.shape()));
  return apply(Where{}, broadcast_to(condition, shape), broadcast_to(a, shape),
               broadcast_to(b, shape));
}

}  // namespace adjoint
