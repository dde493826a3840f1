// Hypotheses that compare each element of the analytic derivative A with the same element of the
// numeric one N: a factor that is a value of the function, a limit, an approximation.
#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Diagnosis::Kind;

// What A / N may be, as a function of a value v.
struct Ratio {
  Kind kind;
  double (*of)(double v);
  const char* text;  // the name of the value follows
};

constexpr std::array ratios = {
    Ratio{Kind::elementwise_factor, [](double v) { return 1 / v; },
          "a factor is missing for each element: the value of "},
    Ratio{Kind::elementwise_factor, [](double v) { return v; },
          "a factor is one too many for each element: the value of "},
    Ratio{Kind::elementwise_factor, [](double v) { return 1 / (1 - v); },
          "a factor is missing for each element: 1 − z, where z is "},
    Ratio{Kind::elementwise_factor, [](double v) { return 1 - v; },
          "a factor is one too many for each element: 1 − z, where z is "},
    Ratio{Kind::elementwise_factor, [](double v) { return 1 / (1 - v * v); },
          "a factor is missing for each element: 1 − z², where z is "},
    Ratio{Kind::complement, [](double v) { return v / (1 - v); },
          "z in place of 1 − z, where z is "},
    Ratio{Kind::complement, [](double v) { return (1 - v) / v; },
          "1 − z in place of z, where z is "},
    Ratio{Kind::complement, [](double v) { return v * v / (1 - v * v); },
          "z² in place of 1 − z², where z is "},
};

// A value, with axes that let it multiply the Jacobian.
struct Value {
  std::string name;
  Tensor values;
};

// The value with its axes aligned to [first, last) of an array of that shape; empty if they differ.
Tensor aligned(const Tensor& value, const Shape& shape, Index first, Index last) {
  if (!value.defined() || value.rank() > last - first) return {};
  Shape result;
  for (Index axis = 0; axis < shape.rank(); ++axis) {
    const Index own = axis - (last - value.rank());
    const Index size = axis < last && own >= 0 ? value.size(own) : 1;
    if (size != 1 && size != shape[axis]) return {};
    result = result.inserted(axis, size);
  }
  return reshape(value, result);
}

// All values that may multiply the derivative, each along the axes of the input and of the output.
std::vector<Value> values_around(const Evidence& wrong, const Evidences& all) {
  std::vector<Value> values;
  const Shape& shape = wrong.numeric.shape();
  const auto add = [&](const std::string& name, const Tensor& value) {
    for (const bool of_input : {true, false}) {
      if (!of_input && !wrong.jacobian) continue;
      const Tensor fitting = aligned(value, shape, of_input ? wrong.leading : 0,
                                     of_input ? shape.rank() : wrong.leading);
      if (fitting.defined()) values.push_back({name, fitting});
    }
  };
  for (const Evidence& one : all) add(one.name, one.x);
  add("the output", wrong.y);
  for (const Evidence& one : all)
    if (one.x.defined()) {
      add("sigmoid(" + one.name + ")", sigmoid(one.x));
      add("tanh(" + one.name + ")", tanh(one.x));
    }
  return values;
}

// ratio(values), NaN where that says nothing.
Tensor ratio_of(const Ratio& ratio, const Tensor& values) {
  const double too_small = 1e-3 * largest(values);
  Tensor result = copy(values);
  for (double& value : result.edit<double>()) {
    const bool usable = std::min(std::abs(value), std::abs(1 - value)) > too_small;
    value = usable ? ratio.of(value) : nan;
  }
  return result;
}

// "0.5, 0.25, …": the first two of the finite elements.
std::string example_of(const Tensor& x) {
  TextStream text;
  int count = 0;
  for (const double value : x.values<double>())
    if (std::isfinite(value) && count++ < 2) text << std::setprecision(3) << value << ", ";
  return text.str() + "…";
}

// The finite elements of N that differ from A.
std::vector<std::pair<double, double>> differing(const Evidence& wrong) {
  const auto a = wrong.analytic.values<double>(), n = wrong.numeric.values<double>();
  std::vector<std::pair<double, double>> result;
  for (std::size_t k = 0; k < a.size(); ++k)
    if (std::isfinite(n[k]) && std::abs(a[k] - n[k]) > wrong.noise) result.emplace_back(a[k], n[k]);
  return result;
}

// A = N limited to [−c, c], with elements on both sides of the limit.
std::optional<double> limit(const Tensor& analytic, const Tensor& numeric, double noise) {
  const double c = largest(analytic);
  const auto a = analytic.values<double>(), n = numeric.values<double>();
  Index limited = 0, free = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!std::isfinite(n[k])) continue;
    if (std::abs(a[k] - std::clamp(n[k], -c, c)) > 1e-6 * c + noise) return std::nullopt;
    limited += std::abs(n[k]) > (1 + 1e-3) * c;
    free += std::abs(n[k]) < (1 - 1e-3) * c && std::abs(n[k]) > noise;
  }
  return limited >= 2 && free >= 2 ? std::optional(c) : std::nullopt;
}

}  // namespace

// The gradient of Σⱼ ȳⱼ eⱼ is not the sum of ȳⱼ times that of eⱼ.
std::optional<Explanation> is_not_linear(const Evidence& wrong, const Evidences&) {
  if (wrong.linear) return std::nullopt;
  const auto& [analytic, numeric] = wrong.rows;
  if (const auto c = limit(analytic, numeric, wrong.noise))
    return Explanation{Kind::not_linear,
                       text_from("not linear in the cotangent: clipped, no element "
                                 "is larger than ",
                                 *c)};
  return Explanation{
      Kind::not_linear,
      "not linear in the cotangent: is it clipped, squared or rounded, or does a term "
      "lack it?"};
}

// A ≈ N with the same zeros: that of a function which is nearly the same.
std::optional<Explanation> is_approximation(const Evidence& wrong, const Evidences&) {
  constexpr double close = 1e-2;
  const auto a = wrong.analytic.values<double>(), n = wrong.numeric.values<double>();
  const double size = largest(wrong.numeric);
  double worst = 0;
  Index compared = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!std::isfinite(n[k])) continue;
    if (wrong.is_zero(a[k]) != wrong.is_zero(n[k])) return std::nullopt;
    if (std::abs(a[k] - n[k]) > 2 * close * std::max(std::abs(n[k]), 0.2 * size))
      return std::nullopt;
    worst = std::max(worst, std::abs(a[k] - n[k]));
    compared += !wrong.is_zero(n[k]);
  }
  if (compared < 2 || worst > close * size) return std::nullopt;
  return Explanation{
      Kind::approximation,
      text_from("close, but not equal: within ", std::setprecision(2), worst / size,
                " of the largest element. Is it the derivative of an approximation of "
                "f, does a constant such as ε differ, or is a small term missing?")};
}

// A = N r(v), where v is the value of an input or of the output.
std::optional<Explanation> has_other_factor(const Evidence& wrong, const Evidences& all) {
  for (const Value& value : values_around(wrong, all)) {
    for (const Ratio& ratio : ratios)
      if (wrong.explained_by(wrong.numeric * ratio_of(ratio, value.values)))
        return Explanation{ratio.kind, ratio.text + value.name};
  }
  return std::nullopt;
}

// A + N = c where they are not zero: z of c (1 − z), where z is no value that is known here.
std::optional<Explanation> is_complement(const Evidence& wrong, const Evidences&) {
  const auto pairs = differing(wrong);
  if (pairs.size() < 3) return std::nullopt;
  const double total = pairs[0].first + pairs[0].second;
  double least = infinity, most = -infinity;
  for (const auto& [a, n] : pairs) {
    if (std::abs(a + n - total) > 1e-6 * std::abs(total) + wrong.noise) return std::nullopt;
    if (wrong.is_zero(a) || wrong.is_zero(n) || a * n < 0) return std::nullopt;
    least = std::min(least, n);
    most = std::max(most, n);
  }
  if (most - least < 1e-3 * std::abs(total)) return std::nullopt;
  return Explanation{Kind::complement, text_from("z in place of 1 − z (or the reverse): analytic + "
                                                 "numeric is ",
                                                 std::setprecision(6), total, " everywhere")};
}

// A[j, i] = r[j] N[j, i] or N[j, i] r[i], where r varies: a factor of each element of the cotangent
// or of the gradient. It says something only if many elements share one r.
std::optional<Explanation> has_factor_by_row(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  const Index rows = wrong.numeric.shape().numel(0, wrong.leading), columns = wrong.shape().numel();
  const Tensor a = reshape(wrong.analytic, {rows, columns});
  const Tensor n = reshape(wrong.numeric, {rows, columns});
  for (const bool of_row : {true, false}) {
    const Axes along = {of_row ? 1 : 0};
    const Tensor known = where(equal(n, n), n, 0 * a);  // NaN differs from itself
    const Tensor squares = sum(known * known, along, Keep::yes);
    const Tensor nonzero = greater(abs(known), full(known.shape(), wrong.noise, DType::f64));
    const Tensor counts = sum(cast(nonzero, DType::f64), along);
    const Tensor r = sum(a * known, along, Keep::yes) / squares;  // NaN where N is zero
    const auto enough = [](double count) { return count == 0 || count >= 2; };
    if (!std::ranges::all_of(counts.values<double>(), enough)) continue;
    const auto vanishes = [](double factor) { return std::abs(factor) < 1e-6; };  // a mask
    if (std::ranges::any_of(r.values<double>(), vanishes)) continue;
    if (!wrong.explained_by(reshape(n * r, wrong.numeric.shape()))) continue;
    return Explanation{Kind::elementwise_factor,
                       text_from("right up to a factor for each element of the ",
                                 of_row ? "cotangent" : "gradient", " (", example_of(r),
                                 "): is it multiplied by another value or derivative than in f?")};
  }
  return std::nullopt;
}

}  // namespace adjoint::checking
