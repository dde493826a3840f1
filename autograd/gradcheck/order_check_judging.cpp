// How the measured derivatives are judged and reported.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "autograd/gradcheck/order_check.h"
#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// A numeric derivative with a larger error than this, relative to the largest around, is imprecise.
constexpr double least_precision = 1e-3;

// Failures first; among kinks those of a single output, whose slopes are the function's own.
bool worse(const Finding& a, const Finding& b) {
  const auto rank = [](const Finding& f) {
    const bool single = f.kind == Finding::Kind::kink && !f.cotangent.starts_with("random");
    return std::tuple(f.failed(), single, f.relative);
  };
  return rank(a) > rank(b);
}

std::string slopes_text(const Derivative& d) {
  return text_from("slopes ", d.left, " and ", d.right);
}

}  // namespace

// ---- Judging -----------------------------------------------------------------------------------

// What one cotangent shows about one element, if anything; `scale` is the size of derivatives
// around it. At a kink a random cotangent mixes outputs whose derivatives lie at different places
// between their slopes, so only single outputs can be judged.
std::optional<Finding::Kind> OrderCheck::judge(const Slopes& slopes, std::size_t r,
                                               double scale) const {
  const Derivative& d = slopes.numeric[r];
  if (!std::isfinite(slopes.analytic[r]) || d.kind == Derivative::Kind::undefined)
    return Kind::not_finite;
  if (d.kind == Derivative::Kind::jump && d.error > slopes.negligible) return Kind::jump;
  const bool mixed = slopes.any_kink() && cotangents()[r].single < 0;
  if (!mixed && !slopes.agree(r)) return Kind::mismatch;
  if (d.kind == Derivative::Kind::kink) return Kind::kink;
  if (!mixed && d.error > std::max(least_precision * scale, slopes.negligible))
    return Kind::imprecise;
  return std::nullopt;
}

// One finding for each element: the worst that any cotangent shows.
void OrderCheck::judge_all() {
  const Scales largest = largest_derivatives();
  for (const auto& [i, slopes] : measured_) {
    std::optional<Finding> worst;
    for (std::size_t r = 0; r < cotangents().size(); ++r) {
      const double around = largest.at({r, f_.input_position(i).tensor});
      // The derivative of a function that changes by its own size while its argument does.
      const double natural = std::abs(cotangents()[r](f_.values)) / both_.scales[at(i)];
      if (const auto kind = judge(slopes, r, std::max(around, natural))) {
        const Finding found = finding(*kind, i, slopes, r);
        if (!worst || worse(found, *worst)) worst = found;
      } else if (around > 0 && !slopes.any_kink()) {
        const double difference = std::abs(slopes.analytic[r] - slopes.numeric[r].value);
        report_.add_error(difference / std::max(around, both_.largest_derivative(i)));
      }
    }
    if (worst) report_.add(*worst);
  }
}

// The largest derivative, analytic or numeric, for each cotangent and input tensor.
OrderCheck::Scales OrderCheck::largest_derivatives() const {
  Scales largest;
  for (const auto& [i, slopes] : measured_)
    for (std::size_t r = 0; r < slopes.analytic.size(); ++r) {
      double& size = largest[{r, f_.input_position(i).tensor}];
      for (const double slope : {slopes.analytic[r], slopes.numeric[r].value})
        if (std::isfinite(slope)) size = std::max(size, std::abs(slope));
    }
  return largest;
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
  if (d.kind != Derivative::Kind::kink) return result;
  if (kind == Kind::kink) result.note = slopes_text(d);
  if (kind == Kind::mismatch)
    result.note =
        "the analytic " + std::to_string(analytic) + " is not between the " + slopes_text(d);
  return result;
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
      const bool known =
          found != measured_.end() && found->second.numeric[r].kind == Derivative::Kind::smooth;
      numeric.push_back(known ? found->second.numeric[r].value : nan);
      error.push_back(known ? found->second.numeric[r].error : infinity);
    }
  }
  const Index rows = std::ssize(cotangents());
  const Tensor weights = from(cotangent_rows, {rows, f_.outputs()});
  std::vector<Shape> outputs;
  for (const Tensor& y : f_.ys)
    if (is_real(y.dtype())) outputs.push_back(y.shape());
  for (Index begin = 0; const Tensor& x : f_.xs) {
    if (!is_real(x.dtype())) continue;
    const auto columns = [&](const Vector& all) {  // [cotangents, elements of x]
      return slice(from(all, {rows, f_.inputs()}), 1, begin, begin + x.numel());
    };
    const auto input = static_cast<int>(&x - f_.xs.data());
    report_.measurements.push_back({order_, input, f_.names[at(input)], x.shape(), outputs,
                                    coverage_.jacobian, weights, columns(analytic),
                                    columns(numeric), columns(error)});
    begin += x.numel();
  }
}

}  // namespace adjoint::checking
