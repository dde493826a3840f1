// How OrderCheck judges what it measured, and what it reports.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <tuple>

#include "autograd/gradcheck/order_check.h"
#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// The probability that an error of the size the report states escapes all projections.
constexpr double missing_probability = 1e-3;

// The least precision of a verdict, relative to the derivatives around: an error in a formula is
// larger. Values that carry only the digits of f32 allow less.
constexpr double least_in_f64 = 1e-5, least_in_f32 = 2e-3;
constexpr double coarse_precision = 100;   // times as much, along random lines and in higher orders
constexpr double digits_of_f32 = 0x1p-25;  // noise relative to the values

// Failures first; among kinks those of a single output, whose slopes are the function's own.
bool worse(const Finding& a, const Finding& b) {
  const auto rank = [](const Finding& f) {
    const bool single = f.kind == Finding::Kind::kink && !f.cotangent.starts_with("random");
    return std::tuple(f.failed(), f.kind == Finding::Kind::undecidable, single, f.relative);
  };
  return rank(a) > rank(b);
}

}  // namespace

// ---- Judging -----------------------------------------------------------------------------------

// A random cotangent mixes outputs whose derivatives lie at different places between their slopes,
// so only single outputs can be judged at a kink.
bool OrderCheck::decides_at_kinks(std::size_t r) const {
  return cotangents()[r].single >= 0 || f_.outputs() == 1;
}

double OrderCheck::least_precision(const Slopes& slopes, std::size_t r) const {
  Cotangent absolute = cotangents()[r];
  for (double& weight : absolute.weights) weight = std::abs(weight);
  Vector sizes = f_.values;
  for (double& size : sizes) size = std::abs(size);
  const double noise = std::max(both_.rounding.values[r], slopes.numeric[r].noise);
  return noise > digits_of_f32 * absolute(sizes) ? least_in_f32 : least_in_f64;
}

// Whether nothing moves and the gradient is so small that any number of the size of the inputs or
// outputs hides it, as 1 does in x (1 + erf(x)) for x = −12.
//
// Gradients, which are the values in higher orders, hide more: terms of the size of the cotangent
// cancel in them.
bool OrderCheck::hidden(const Slopes& slopes, std::size_t r) const {
  const double numeric = slopes.numeric[r].value;
  if (order_ == 1 && numeric != 0) return false;
  double largest = 0;
  for (const Vector* numbers : {&f_.point, &f_.values})
    for (const double number : *numbers) largest = std::max(largest, std::abs(number));
  const double size = order_ == 1 ? std::abs(slopes.analytic[r])
                                  : std::max(std::abs(slopes.analytic[r]), std::abs(numeric));
  return size <= (order_ == 1 ? 0x1p-49 : 0x1p-45) * largest;
}

// Where the Jacobian is measured, its rows decide, and a random mixture of them only shows whether
// the vjp is linear. A derivative that cannot be seen is 0 if it is 0 beside the slope nearby, or
// if nothing moves and the gradient is no more than its own rounding.
bool OrderCheck::too_imprecise(const Slopes& slopes, std::size_t r, double around) const {
  if (coverage_.jacobian && cotangents()[r].single < 0) return false;
  if (coverage_.projections > 0) return false;  // the random lines decide
  // Gradients, the values in higher orders, are rounded more often than other values.
  const double least = least_precision(slopes, r) * (order_ > 1 ? coarse_precision : 1);
  const double tolerance = slopes.tolerance(r);
  const Derivative& d = slopes.numeric[r];
  if (tolerance <= least * std::max({std::abs(slopes.analytic[r]), std::abs(d.value), around}))
    return false;
  if (!slopes.vanish(r)) return true;
  if (tolerance <= least * d.steepness) return false;
  return d.moved || std::abs(slopes.analytic[r]) > safety * slopes.rounding[r];
}

// What one cotangent shows about one element, if anything; `around` is the size of the derivatives
// around it.
std::optional<Finding::Kind> OrderCheck::judge(const Slopes& slopes, std::size_t r,
                                               double around) const {
  const Derivative& d = slopes.numeric[r];
  if (!std::isfinite(slopes.analytic[r])) return Kind::not_finite;
  if (d.kind == Derivative::Kind::undefined)
    return slopes.thrown.empty() ? Kind::not_finite : Kind::undecidable;
  if (d.kind == Derivative::Kind::jump)
    return d.error > smallest_jump_ ? Kind::jump : Kind::undecidable;
  const bool mixed = slopes.any_kink() && !decides_at_kinks(r);
  if (!mixed && !slopes.agree(r)) return hidden(slopes, r) ? Kind::undecidable : Kind::mismatch;
  if (d.kind == Derivative::Kind::kink) return Kind::kink;
  if (!mixed && too_imprecise(slopes, r, around)) return Kind::undecidable;
  if (d.one_sided && !slopes.thrown.empty()) return Kind::domain;
  return std::nullopt;
}

// How large an error could hide in a projection that agrees.
void OrderCheck::note_precision(const Slopes& slopes) {
  const double escape = std::pow(missing_probability, 1.0 / options_.projections);
  const double factor = std::sqrt(2 / std::numbers::pi) / escape;
  for (std::size_t r = 0; r < slopes.norms.size(); ++r) {
    if (slopes.norms[r] == 0) continue;
    const double missed = factor * slopes.tolerance(r) / slopes.norms[r];
    if (missed > coarse_precision * least_precision(slopes, r)) {
      report_.add(finding(Kind::undecidable, -1, slopes, r));
      continue;
    }
    coverage_.could_be_missed = std::max(coverage_.could_be_missed, missed);
    report_.add_error(std::abs(slopes.analytic[r] - slopes.numeric[r].value) / slopes.norms[r]);
  }
}

// One finding for each element: the worst that any cotangent shows.
void OrderCheck::judge_all() {
  for (const auto& [i, slopes] : measured_) {
    std::optional<Finding> worst;
    for (std::size_t r = 0; r < cotangents().size(); ++r) {
      const double around = largest_.at({r, f_.input_position(i).tensor}) / both_.scales[at(i)];
      if (const auto kind = judge(slopes, r, around)) {
        const Finding found = finding(*kind, i, slopes, r);
        if (!worst || worse(found, *worst)) worst = found;
      } else if (around > 0 && !slopes.any_kink() && !slopes.vanish(r)) {
        const double difference = std::abs(slopes.analytic[r] - slopes.numeric[r].value);
        report_.add_error(difference / std::max(around, both_.largest_derivative(i)));
      }
    }
    if (worst) report_.add(*worst);
  }
}

// ---- Reporting ---------------------------------------------------------------------------------

Finding OrderCheck::finding(Kind kind, Index i, const Slopes& slopes, std::size_t r) const {
  const Derivative& d = slopes.numeric[r];
  const double analytic = slopes.analytic[r];
  const double larger = std::max(std::abs(analytic), std::abs(d.value));
  const double difference = std::abs(analytic - d.value);
  Finding result{.kind = kind,
                 .order = order_,
                 .where = "along a random line",
                 .cotangent = cotangents()[r].name,
                 .analytic = analytic,
                 .numeric = d.value,
                 .error = d.error};
  result.relative = !std::isfinite(difference) ? infinity : larger > 0 ? difference / larger : 0;
  if (i >= 0) {
    result.where = f_.input_name(i);
    result.input = f_.input_position(i).tensor;
    result.element = f_.input_position(i).element;
  }
  const std::string slopes_text = text_from("slopes ", d.left, " and ", d.right);
  if (kind == Kind::kink) result.note = slopes_text;
  if (kind == Kind::mismatch && d.kind == Derivative::Kind::kink)
    result.note = text_from("the analytic ", analytic, " is not between the ", slopes_text);
  if (kind == Kind::domain)
    result.note = text_from("f throws at ", slopes.thrown, "; checked from the other side");
  if (kind == Kind::undecidable) result.note = reason(slopes, r);
  return result;
}

// Why the differences cannot decide, and what to do about it.
std::string OrderCheck::reason(const Slopes& slopes, std::size_t r) const {
  const Derivative& d = slopes.numeric[r];
  if (d.kind == Derivative::Kind::undefined)
    return text_from("f throws on both sides, at ", slopes.thrown,
                     "; state the domain of the input, or check it at another point");
  const double size = std::max(std::abs(slopes.analytic[r]), std::abs(d.value));
  return text_from("the gradient says ", slopes.analytic[r], ", the differences ", d.value, " ± ",
                   slopes.tolerance(r),
                   size > slopes.tolerance(r) ? ": too few digits to tell right from wrong"
                                              : ": rounding hides a derivative of this size",
                   "; check it at another point or in smaller parts",
                   slopes.thrown.empty() ? "" : "; f throws at ", slopes.thrown);
}

void OrderCheck::keep_measurements() {
  const Unobserved own_work;  // NaN marks what was not measured
  Vector cotangent_rows, analytic, numeric, error;
  for (std::size_t r = 0; r < cotangents().size(); ++r) {
    std::ranges::copy(flatten(f_.as_outputs(cotangents()[r], true)),
                      std::back_inserter(cotangent_rows));
    std::ranges::copy(both_.gradients[r], std::back_inserter(analytic));
    for (Index i = 0; i < f_.inputs(); ++i) {
      const auto found = measured_.find(i);
      const Derivative d = found == measured_.end() ? Derivative() : found->second.numeric[r];
      const bool known = d.kind == Derivative::Kind::smooth;
      numeric.push_back(known ? d.value : nan);
      error.push_back(known ? d.error : infinity);
    }
  }
  const Index rows = std::ssize(cotangents());
  const Tensor weights = from(cotangent_rows, {rows, f_.outputs()});
  std::vector<Shape> outputs;
  std::vector<int> numbers;
  for (std::size_t j = 0; j < f_.ys.size(); ++j)
    if (is_real(f_.ys[j].dtype())) {
      outputs.push_back(f_.ys[j].shape());
      numbers.push_back(static_cast<int>(j));
    }
  for (Index begin = 0; const Tensor& x : f_.xs) {
    if (!is_real(x.dtype())) continue;
    const auto columns = [&](const Vector& all) {  // [cotangents, elements of x]
      return slice(from(all, {rows, f_.inputs()}), 1, begin, begin + x.numel());
    };
    const auto input = static_cast<int>(&x - f_.xs.data());
    report_.measurements.push_back({order_, input, f_.names[at(input)], x.shape(), outputs,
                                    coverage_.jacobian, weights, columns(analytic),
                                    columns(numeric), columns(error), detach(x),
                                    from(f_.values, {f_.outputs()}), numbers});
    begin += x.numel();
  }
}

}  // namespace adjoint::checking
