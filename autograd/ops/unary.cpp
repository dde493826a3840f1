// Functions of one tensor, element by element.

#include <cmath>
#include <numbers>

#include "autograd/apply.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/vector_math.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

// Applies Op::value(x) to each element.
template <class Op>
struct Unary {
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [](T x) { return Op::value(x); });
  }
};

struct Neg : Unary<Neg> {
  static constexpr auto name = "neg";
  static constexpr const char* rule[] = {"y = −x", "x̄ = −ȳ"};
  static constexpr Operands reads = {};
  static auto value(auto x) { return -x; }
  Tensors vjp(const Pullback& back) const { return {-back.cotangent()}; }
};

struct Exp : Unary<Exp> {
  static constexpr auto name = "exp";
  static constexpr const char* rule[] = {"y = eˣ", "x̄ = ȳ y"};
  static constexpr Operands reads = {output(0)};
  static auto value(auto x) { return kernels::exp(x); }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * back.output(0)}; }
};

struct Log : Unary<Log> {
  static constexpr auto name = "log";
  static constexpr const char* rule[] = {"y = log x", "x̄ = ȳ / x"};
  static constexpr Operands reads = {input(0)};
  static auto value(auto x) { return kernels::log(x); }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() / back.input(0)}; }
};

struct Expm1 : Unary<Expm1> {
  static constexpr auto name = "expm1";
  static constexpr const char* rule[] = {"y = eˣ − 1", "x̄ = ȳ eˣ"};
  static constexpr Operands reads = {input(0)};
  static auto value(auto x) { return std::expm1(x); }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * exp(back.input(0))}; }
};

struct Log1p : Unary<Log1p> {
  static constexpr auto name = "log1p";
  static constexpr const char* rule[] = {"y = log(1 + x)", "x̄ = ȳ / (1 + x)"};
  static constexpr Operands reads = {input(0)};
  static auto value(auto x) { return std::log1p(x); }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() / (1 + back.input(0))}; }
};

struct Sqrt : Unary<Sqrt> {
  static constexpr auto name = "sqrt";
  static constexpr const char* rule[] = {"y = √x", "x̄ = ȳ / (2 y)"};
  static constexpr Operands reads = {output(0)};
  static auto value(auto x) { return std::sqrt(x); }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() / (2 * back.output(0))}; }
};

struct Sin : Unary<Sin> {
  static constexpr auto name = "sin";
  static constexpr const char* rule[] = {"y = sin x", "x̄ = ȳ cos x"};
  static constexpr Operands reads = {input(0)};
  static auto value(auto x) { return kernels::sin(x); }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * cos(back.input(0))}; }
};

struct Cos : Unary<Cos> {
  static constexpr auto name = "cos";
  static constexpr const char* rule[] = {"y = cos x", "x̄ = −ȳ sin x"};
  static constexpr Operands reads = {input(0)};
  static auto value(auto x) { return kernels::cos(x); }
  Tensors vjp(const Pullback& back) const { return {-(back.cotangent() * sin(back.input(0)))}; }
};

struct Abs : Unary<Abs> {
  static constexpr auto name = "abs";
  static constexpr const char* rule[] = {"y = |x|", "x̄ = ȳ sign x"};
  static constexpr Operands reads = {input(0)};
  static auto value(auto x) { return std::abs(x); }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * sign(back.input(0))}; }
};

struct Sign : Unary<Sign> {
  static constexpr auto name = "sign";
  static constexpr const char* rule[] = {"y = sign x", "x̄ = 0"};
  static constexpr Operands reads = {};
  template <Real T>
  static T value(T x) {
    return x > 0 ? T{1} : x < 0 ? T{-1} : x;  // 0 stays 0, NaN stays NaN
  }
  Tensors vjp(const Pullback& back) const { return {zeros(back.shape(0), back.form(0).dtype)}; }
};

struct Erf : Unary<Erf> {
  static constexpr auto name = "erf";
  static constexpr const char* rule[] = {"y = erf x", "x̄ = ȳ · 2/√π · e^(−x²)"};
  static constexpr Operands reads = {input(0)};
  static auto value(auto x) { return kernels::erf(x); }
  Tensors vjp(const Pullback& back) const {
    return {back.cotangent() * (2 * std::numbers::inv_sqrtpi * exp(-pow(back.input(0), 2)))};
  }
};

struct Cast {
  static constexpr auto name = "cast";
  static constexpr const char* rule[] = {
      "y = x converted to dtype",
      "x̄ = ȳ converted back to x's type",
  };
  static constexpr Operands reads = {};
  DType dtype;
  Attributes attributes() const { return {{"dtype", dtype}}; }
  Form form(Inputs in) const { return {in[0].shape(), dtype}; }
  template <Scalar T>
  void forward(Inputs in, Outputs out) const {
    dispatch(dtype, [&]<class To>() {
      kernels::map(in[0].values<T>(), out[0].edit<To>(), [](T x) { return convert<To>(name, x); });
    });
  }
  Tensors vjp(const Pullback& back) const { return {cast(back.cotangent(), back.form(0).dtype)}; }
};

struct ReluVjp {
  static constexpr auto name = "relu_vjp";
  static constexpr const char* rule[] = {
      "z = g where y > 0, else 0",
      "ḡ = z̄ where y > 0, else 0",
      "ȳ = 0",
  };
  static constexpr Operands reads = {input(1)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::zip(in[0].values<T>(), in[1].values<T>(), out[0].edit<T>(),
                 [](T g, T y) { return y > 0 ? g : T{0}; });
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(ReluVjp{}, back.cotangent(), back.input(1)), Tensor()};
  }
};

struct Relu : Unary<Relu> {
  static constexpr auto name = "relu";
  static constexpr const char* rule[] = {"y = max(x, 0)", "x̄ = ȳ where y > 0, else 0"};
  static constexpr Operands reads = {output(0)};
  template <Real T>
  static T value(T x) {
    return x < 0 ? T{0} : x;  // NaN stays NaN
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(ReluVjp{}, back.cotangent(), back.output(0))};
  }
};

struct Clamp {
  static constexpr auto name = "clamp";
  static constexpr const char* rule[] = {
      "y = min(max(x, low), high)",
      "x̄ = ȳ where low ≤ x ≤ high, else 0; 0 if low = high",
  };
  static constexpr Operands reads = {input(0)};
  double low, high;
  Attributes attributes() const { return {{"low", low}, {"high", high}}; }
  Form form(Inputs in) const {
    require(low <= high, "clamp: needs low ≤ high, got low ", low, " and high ", high);
    return in[0].form();
  }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const T least = static_cast<T>(low), most = static_cast<T>(high);
    kernels::map(in[0].values<T>(), out[0].edit<T>(), [=](T x) {
      return x < least ? least : x > most ? most : x;
    });  // NaN stays NaN
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor x = back.input(0), zero = scalar(0, x.dtype());
    const Tensor least = scalar(low, x.dtype()), most = scalar(high, x.dtype());
    if (least.item() == most.item()) return {zeros(x.shape(), x.dtype())};  // y is constant
    const Tensor inside = where(less(x, least), zero, back.cotangent());
    return {where(greater(x, most), zero, inside)};
  }
};

struct Softplus : Unary<Softplus> {
  static constexpr auto name = "softplus";
  static constexpr const char* rule[] = {"y = log(1 + eˣ)", "x̄ = ȳ sigmoid(x)"};
  static constexpr Operands reads = {input(0)};
  template <Real T>
  static T value(T x) {
    return (x > 0 ? x : T{0}) + std::log1p(std::exp(-std::abs(x)));
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * sigmoid(back.input(0))}; }
};

struct LogSigmoid : Unary<LogSigmoid> {
  static constexpr auto name = "log_sigmoid";
  static constexpr const char* rule[] = {"y = log sigmoid(x)", "x̄ = ȳ sigmoid(−x)"};
  static constexpr Operands reads = {input(0)};
  template <Real T>
  static T value(T x) {
    return -Softplus::value(-x);
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent() * sigmoid(-back.input(0))}; }
};

// ---- Functions whose vjp would take several passes ---------------------------------------------

// z = ȳ s(a) in one pass, s being the slope of Op as a function of its result or of its input:
//                  ȳ's gradient is z̄ s(a);  a's is z̄ ȳ s′(a), where s′ is Op::curvature
template <class Op>
struct SlopeVjp {
  static constexpr auto name = Op::name_of_vjp;
  static constexpr Rule rule = Op::rule_of_vjp;
  static constexpr Operands reads = {input(0), input(1)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    kernels::zip(in[0].values<T>(), in[1].values<T>(), out[0].edit<T>(),
                 [](T a, T g) { return g * Op::slope(a); });
  }
  Tensors vjp(const Pullback& back) const {
    const Tensor a = back.input(0), &z = back.cotangent();
    return back.gradients([&] { return z * back.input(1) * Op::curvature(a); },
                          [&] { return apply(SlopeVjp{}, a, z); });
  }
};

struct Tanh : Unary<Tanh> {
  static constexpr auto name = "tanh", name_of_vjp = "tanh_vjp";
  static constexpr const char* rule[] = {"y = tanh x", "x̄ = ȳ (1 − y²)"};
  static constexpr const char* rule_of_vjp[] = {"z = g (1 − y²)", "ȳ = −2 y g z̄", "ḡ = z̄ (1 − y²)"};
  static constexpr Operands reads = {output(0)};
  static auto value(auto x) { return kernels::tanh(x); }
  static auto slope(const auto& y) { return 1 - y * y; }
  static Tensor curvature(const Tensor& y) { return -2 * y; }
  Tensors vjp(const Pullback& back) const {
    const Tensor y = back.output(0), &g = back.cotangent();
    return {composed() ? g * slope(y) : apply(SlopeVjp<Tanh>{}, y, g)};
  }
};

struct Sigmoid : Unary<Sigmoid> {
  static constexpr auto name = "sigmoid", name_of_vjp = "sigmoid_vjp";
  static constexpr const char* rule[] = {"y = 1 / (1 + e⁻ˣ)", "x̄ = ȳ y (1 − y)"};
  static constexpr const char* rule_of_vjp[] = {
      "z = g y (1 − y)",
      "ȳ = z̄ g (1 − 2y)",
      "ḡ = z̄ y (1 − y)",
  };
  static constexpr Operands reads = {output(0)};
  template <Real T>
  static T value(T x) {
    const T e = kernels::exp(-std::abs(x));  // the exponent is never positive: no overflow
    return (x >= 0 ? T{1} : e) / (1 + e);
  }
  static auto slope(const auto& y) { return y * (1 - y); }
  static Tensor curvature(const Tensor& y) { return 1 - 2 * y; }
  Tensors vjp(const Pullback& back) const {
    const Tensor y = back.output(0), &g = back.cotangent();
    return {composed() ? g * slope(y) : apply(SlopeVjp<Sigmoid>{}, y, g)};
  }
};

struct GeluExact : Unary<GeluExact> {
  static constexpr auto name = "gelu_exact", name_of_vjp = "gelu_exact_vjp";
  static constexpr const char* rule[] = {
      "y = x Φ(x), Φ(x) = (1 + erf(x/√2)) / 2",
      "x̄ = ȳ (Φ(x) + x φ(x)), φ(x) = Φ′(x) = e^(−x²/2) / √(2π)",
  };
  static constexpr const char* rule_of_vjp[] = {
      "z = g (Φ(x) + x φ(x)), Φ and φ as in gelu_exact",
      "x̄ = z̄ g φ(x) (2 − x²)",
      "ḡ = z̄ (Φ(x) + x φ(x))",
  };
  static constexpr Operands reads = {input(0)};
  static constexpr double root_half = 1 / std::numbers::sqrt2;
  static constexpr double peak = std::numbers::inv_sqrtpi * root_half;  // φ(0)
  static Tensor formula(const Tensor& x) { return 0.5 * (x * (1 + erf(x * root_half))); }
  template <Real T>
  static T value(T x) {
    return x * (1 + kernels::erf(x * static_cast<T>(root_half))) / 2;
  }
  template <Real T>
  static T slope(T x) {
    const T distribution = (1 + kernels::erf(x * static_cast<T>(root_half))) / 2;
    return distribution + x * (static_cast<T>(peak) * kernels::exp(x * x / -2));
  }
  static Tensor curvature(const Tensor& x) {
    const Tensor square = pow(x, 2);
    return peak * exp(-0.5 * square) * (2 - square);
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(SlopeVjp<GeluExact>{}, back.input(0), back.cotangent())};
  }
};

struct GeluTanh : Unary<GeluTanh> {
  static constexpr auto name = "gelu_tanh", name_of_vjp = "gelu_tanh_vjp";
  static constexpr const char* rule[] = {
      "y = x (1 + t) / 2, t = tanh u, u = √(2/π) (x + c x³), c = 0.044715",
      "x̄ = ȳ ((1 + t)/2 + x (1 − t²) u′/2), u′ = √(2/π) (1 + 3c x²)",
  };
  static constexpr const char* rule_of_vjp[] = {
      "z = g s, s = (1 + t)/2 + x (1 − t²) u′/2, t and u as in gelu_tanh",
      "x̄ = z̄ g s′, s′ = (1 − t²) (u′ + x (u″/2 − t u′²)), u″ = √(2/π) 6c x",
      "ḡ = z̄ s",
  };
  static constexpr Operands reads = {input(0)};
  static constexpr double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  static constexpr double cubic = 0.044715;
  static Tensor inner(const Tensor& x) { return scale * (x + cubic * pow(x, 3)); }
  static Tensor formula(const Tensor& x) { return 0.5 * (x * (1 + tanh(inner(x)))); }
  template <Real T>
  static T value(T x) {
    const T u = static_cast<T>(scale) * (x + static_cast<T>(cubic) * x * x * x);
    return x * (1 + kernels::tanh(u)) / 2;
  }
  template <Real T>
  static T slope(T x) {
    constexpr T c = static_cast<T>(cubic), s = static_cast<T>(scale);
    const T t = kernels::tanh(s * (x + c * x * x * x));
    return (1 + t) / 2 + x * (1 - t * t) / 2 * s * (1 + 3 * c * x * x);
  }
  static Tensor curvature(const Tensor& x) {
    const Tensor t = tanh(inner(x)), square = pow(x, 2);
    const Tensor first = scale * (1 + 3 * cubic * square);  // u′
    return (1 - pow(t, 2)) * (first + 3 * cubic * scale * square - x * t * pow(first, 2));
  }
  Tensors vjp(const Pullback& back) const {
    return {apply(SlopeVjp<GeluTanh>{}, back.input(0), back.cotangent())};
  }
};

}  // namespace

Tensor neg(const Tensor& x) { return apply(Neg{}, x); }
Tensor exp(const Tensor& x) { return apply(Exp{}, x); }
Tensor log(const Tensor& x) { return apply(Log{}, x); }
Tensor expm1(const Tensor& x) { return apply(Expm1{}, x); }
Tensor log1p(const Tensor& x) { return apply(Log1p{}, x); }
Tensor sqrt(const Tensor& x) { return apply(Sqrt{}, x); }
Tensor sin(const Tensor& x) { return apply(Sin{}, x); }
Tensor cos(const Tensor& x) { return apply(Cos{}, x); }
Tensor abs(const Tensor& x) { return apply(Abs{}, x); }
Tensor sign(const Tensor& x) { return apply(Sign{}, x); }
Tensor erf(const Tensor& x) { return apply(Erf{}, x); }
Tensor cast(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : apply(Cast{dtype}, x); }
Tensor relu(const Tensor& x) { return apply(Relu{}, x); }
Tensor softplus(const Tensor& x) { return apply(Softplus{}, x); }
Tensor log_sigmoid(const Tensor& x) { return apply(LogSigmoid{}, x); }
Tensor clamp(const Tensor& x, double low, double high) { return apply(Clamp{low, high}, x); }
Tensor tanh(const Tensor& x) { return apply(Tanh{}, x); }
Tensor sigmoid(const Tensor& x) { return apply(Sigmoid{}, x); }
Tensor gelu(const Tensor& x, Gelu form) {
  if (composed()) return form == Gelu::exact ? GeluExact::formula(x) : GeluTanh::formula(x);
  return form == Gelu::exact ? apply(GeluExact{}, x) : apply(GeluTanh{}, x);
}

}  // namespace adjoint
