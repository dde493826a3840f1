// Elementwise arithmetic on two tensors, with broadcasting.

#include <cmath>

#include "autograd/apply.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/vector_math.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// Applies Op::value(a, b) to each pair of elements. Op::a_bar and Op::b_bar are the gradients of
// the operands as if neither had been repeated; sum_to adds them up where one was.
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
  Tensors vjp(const Pullback& back) const {
    return back.gradients([&] { return sum_to(Op::a_bar(back), back.shape(0)); },
                          [&] { return sum_to(Op::b_bar(back), back.shape(1)); });
  }
};

struct Add : Binary<Add> {
  static constexpr auto name = "add";
  static constexpr const char* rule[] = {"y = a + b", "ā = ȳ", "b̄ = ȳ"};
  static constexpr Operands reads = {};
  static auto value(auto a, auto b) { return a + b; }
  static Tensor a_bar(const Pullback& back) { return back.cotangent(); }
  static Tensor b_bar(const Pullback& back) { return back.cotangent(); }
};

struct Mul : Binary<Mul> {
  static constexpr auto name = "mul";
  static constexpr const char* rule[] = {"y = a b", "ā = ȳ b", "b̄ = ȳ a"};
  static constexpr Operands reads = {input(0), input(1)};
  static auto value(auto a, auto b) { return a * b; }
  static Tensor a_bar(const Pullback& back) { return back.cotangent() * back.input(1); }
  static Tensor b_bar(const Pullback& back) { return back.cotangent() * back.input(0); }
};

struct Sub : Binary<Sub> {
  static constexpr auto name = "sub";
  static constexpr const char* rule[] = {"y = a − b", "ā = ȳ", "b̄ = −ȳ"};
  static constexpr Operands reads = {};
  static auto value(auto a, auto b) { return a - b; }
  static Tensor a_bar(const Pullback& back) { return back.cotangent(); }
  static Tensor b_bar(const Pullback& back) { return -back.cotangent(); }
};

struct Div : Binary<Div> {
  static constexpr auto name = "div";
  static constexpr const char* rule[] = {"y = a / b", "ā = ȳ / b", "b̄ = −ȳ y / b"};
  static constexpr Operands reads = {input(1), output(0)};
  static auto value(auto a, auto b) { return a / b; }
  static Tensor a_bar(const Pullback& back) { return back.cotangent() / back.input(1); }
  static Tensor b_bar(const Pullback& back) {
    return -(back.cotangent() * back.output(0) / back.input(1));
  }
};

struct Pow : Binary<Pow> {
  static constexpr auto name = "pow";
  static constexpr const char* rule[] = {
      "y = aᵇ",
      "ā = ȳ b aᵇ⁻¹",
      "b̄ = ȳ y log a, and 0 where a = 0 and b ≥ 0",
  };
  static constexpr Operands reads = {input(0), input(1), output(0)};
  static auto value(auto a, auto b) { return kernels::pow(a, b); }
  static Tensor a_bar(const Pullback& back) {
    const Tensor &g = back.cotangent(), a = back.input(0), b = back.input(1);
    // a⁰ is constant, though at a = 0 the factor b aᵇ⁻¹ would be 0 · ∞.
    const Tensor both_zero = equal(abs(a) + abs(b), scalar(0, g.dtype()));
    return g * b * pow(a, where(both_zero, scalar(1, g.dtype()), b - 1));
  }
  static Tensor b_bar(const Pullback& back) {
    const Tensor &g = back.cotangent(), a = back.input(0), b = back.input(1);
    const Tensor zero = scalar(0, g.dtype());
    // y log a → 0 as a → 0 if b > 0, but log 0 is −∞. b < 0 needs no special case: y is infinite
    // there.
    const Tensor limit = where(less(b, zero), zero, cast(equal(a, zero), g.dtype()));
    const Tensor safe = where(greater(limit, zero), scalar(1, g.dtype()), a);
    return g * where(greater(limit, zero), zero, back.output(0)) * log(safe);
  }
};

// All of ȳ where x beats the other operand, half of it where they tie.
Tensor won_by(int x, const Pullback& back, Tensor (*beats)(const Tensor&, const Tensor&)) {
  const Tensor &g = back.cotangent(), own = back.input(x), other = back.input(1 - x);
  const Tensor tied = where(equal(own, other), 0.5 * g, scalar(0, g.dtype()));
  return where(beats(own, other), g, tied);
}

struct Maximum : Binary<Maximum> {
  static constexpr auto name = "maximum";
  static constexpr const char* rule[] = {
      "y = max(a, b)",
      "ā = ȳ where a > b, ȳ/2 where a = b, else 0",
      "b̄ = ȳ where b > a, ȳ/2 where a = b, else 0",
  };
  static constexpr Operands reads = {input(0), input(1)};
  static auto value(auto a, auto b) { return a > b || std::isnan(a) ? a : b; }
  static Tensor a_bar(const Pullback& back) { return won_by(0, back, greater); }
  static Tensor b_bar(const Pullback& back) { return won_by(1, back, greater); }
};

struct Minimum : Binary<Minimum> {
  static constexpr auto name = "minimum";
  static constexpr const char* rule[] = {
      "y = min(a, b)",
      "ā = ȳ where a < b, ȳ/2 where a = b, else 0",
      "b̄ = ȳ where b < a, ȳ/2 where a = b, else 0",
  };
  static constexpr Operands reads = {input(0), input(1)};
  static auto value(auto a, auto b) { return a < b || std::isnan(a) ? a : b; }
  static Tensor a_bar(const Pullback& back) { return won_by(0, back, less); }
  static Tensor b_bar(const Pullback& back) { return won_by(1, back, less); }
};

struct Affine {
  static constexpr auto name = "affine";
  static constexpr const char* rule[] = {"y = scale x + shift", "x̄ = scale ȳ"};
  static constexpr Operands reads = {};
  double scale, shift;
  // Without the one that changes nothing: 2 x is a scale, x − 2 a shift.
  Attributes attributes() const {
    if (shift == 0) return {{"scale", scale}};
    if (scale == 1) return {{"shift", shift}};
    return {{"scale", scale}, {"shift", shift}};
  }
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T a = static_cast<T>(scale), b = static_cast<T>(shift);
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [=](T x) { return a * x + b; });
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * scale}; }
};

struct DivideBy {
  static constexpr auto name = "divide_by";
  static constexpr const char* rule[] = {"y = x / c", "x̄ = ȳ / c"};
  static constexpr Operands reads = {};
  double c;
  Attributes attributes() const { return {{"c", c}}; }
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::map(in[0].values<T>(), out[0].edit<T>(),
                 [d = static_cast<T>(c)](T x) { return x / d; });
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() / c}; }
};

struct Reciprocal {
  static constexpr auto name = "reciprocal";
  static constexpr const char* rule[] = {"y = c / x", "x̄ = −ȳ y / x"};
  static constexpr Operands reads = {input(0), output(0)};
  double c;
  Attributes attributes() const { return {{"c", c}}; }
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::map(in[0].values<T>(), out[0].edit<T>(),
                 [d = static_cast<T>(c)](T x) { return d / x; });
  }
  Tensors vjp(const Pullback& back) const {
    return {-(back.cotangent() * back.output(0) / back.input(0))};
  }
};

struct Power {
  static constexpr auto name = "power";
  static constexpr const char* rule[] = {"y = xᵖ", "x̄ = ȳ p xᵖ⁻¹"};
  static constexpr Operands reads = {input(0)};
  double exponent;
  Attributes attributes() const { return {{"p", exponent}}; }
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

// Comparisons yield b8 and have no derivative.
template <class Op>
struct Comparison {
  static constexpr NoDerivative vjp = {};
  Form form(Inputs in) const {
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
  static constexpr const char* rule[] = {"y = true where a = b, else false"};
  static constexpr NoDerivative vjp = {};
  static bool value(auto a, auto b) { return a == b; }
};
struct Greater : Comparison<Greater> {
  static constexpr auto name = "greater";
  static constexpr const char* rule[] = {"y = true where a > b, else false"};
  static constexpr NoDerivative vjp = {};
  static bool value(auto a, auto b) { return a > b; }
};
struct Less : Comparison<Less> {
  static constexpr auto name = "less";
  static constexpr const char* rule[] = {"y = true where a < b, else false"};
  static constexpr NoDerivative vjp = {};
  static bool value(auto a, auto b) { return a < b; }
};

struct Where {
  static constexpr auto name = "where";
  static constexpr const char* rule[] = {
      "y = a where c, else b",
      "c: no gradient",
      "ā = ȳ where c, else 0",
      "b̄ = 0 where c, else ȳ",
  };
  static constexpr Operands constants = {input(0)};
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const {
    require(in[0].dtype() == DType::b8, "where: the condition must be b8, is ", in[0].dtype(),
            "; make it with greater(), less() or equal()");
    const Shape shape = broadcast(name, in[1].shape(), in[2].shape());
    return {broadcast(name, in[0].shape(), shape), in[1].dtype()};
  }
  // Two passes, since a broadcasting loop takes two operands: first a everywhere, then b over it.
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    const Shape& shape = out[0].shape();
    const std::span<T> y = out[0].edit<T>();
    if (y.empty()) return;
    kernels::zip_broadcast(in[1].values<T>(), in[1].shape(), in[1].values<T>(), in[1].shape(), y,
                           shape, [](T a, T) { return a; });
    const bool* const c = in[0].values<bool>().data();
    const T* const b = in[2].values<T>().data();
    kernels::BroadcastWalk(shape, in[0].shape(), in[2].shape())
        .each_run([&](Index at, Index at_c, Index at_b, Index length, Index step_c, Index step_b) {
          T* const to = y.data() + at;
          for (Index i = 0; i < length; ++i)
            to[i] = c[at_c + i * step_c] ? to[i] : b[at_b + i * step_b];
        });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor &g = back.cotangent(), c = back.input(0), zero = scalar(0, g.dtype());
    return back.gradients([] { return Tensor(); },
                          [&] { return sum_to(where(c, g, zero), back.shape(1)); },
                          [&] { return sum_to(where(c, zero, g), back.shape(2)); });
  }
};

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) { return apply(Add{}, a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return apply(Sub{}, a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return apply(Mul{}, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return apply(Div{}, a, b); }
Tensor div(const Tensor& x, double c) { return apply(DivideBy{c}, x); }
Tensor div(double c, const Tensor& x) { return apply(Reciprocal{c}, x); }
Tensor pow(const Tensor& a, const Tensor& b) { return apply(Pow{}, a, b); }
Tensor pow(const Tensor& x, double exponent) { return apply(Power{exponent}, x); }
Tensor affine(const Tensor& x, double scale, double shift) {
  return apply(Affine{scale, shift}, x);
}
Tensor maximum(const Tensor& a, const Tensor& b) { return apply(Maximum{}, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return apply(Minimum{}, a, b); }
Tensor equal(const Tensor& a, const Tensor& b) { return apply(Equal{}, a, b); }
Tensor greater(const Tensor& a, const Tensor& b) { return apply(Greater{}, a, b); }
Tensor less(const Tensor& a, const Tensor& b) { return apply(Less{}, a, b); }
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return apply(Where{}, condition, a, b);
}

}  // namespace adjoint
