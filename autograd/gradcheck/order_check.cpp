#include "autograd/gradcheck/order_check.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <numbers>
#include <tuple>

#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// The probability that an error of the size the report states escapes all projections.
constexpr double missing_probability = 1e-3;
constexpr Index few_elements = 8;  // are measured one by one where bisection ends

bool agree_smoothly(const Slopes& slopes) {
  const auto smooth = [](const Derivative& d) { return d.kind == Derivative::Kind::smooth; };
  return slopes.all_agree() && std::ranges::all_of(slopes.numeric, smooth);
}

// A numeric derivative with a larger error than this, relative to the largest around, cannot
// decide.
constexpr double least_precision = 1e-3;

// Failures first; among kinks those of a single output, whose slopes are the function's own.
bool worse(const Finding& a, const Finding& b) {
  const auto rank = [](const Finding& f) {
    const bool single = f.kind == Finding::Kind::kink && !f.cotangent.starts_with("random");
    return std::tuple(f.failed(), single, f.relative);
  };
  return rank(a) > rank(b);
}

}  // namespace

OrderCheck::OrderCheck(const FlatFunction& f, int order, double rounding,
                       const GradcheckOptions& options, GradcheckReport& report)
    : f_(f),
      order_(order),
      options_(options),
      key_(options.key.child(at(order))),
      report_(report),
      both_(f, rounding, options, key_),
      coverage_{.order = order,
                .inputs = f.inputs(),
                .outputs = f.outputs(),
                .jacobian = cotangents().size() > at(options.cotangents),
                .cotangents = options.cotangents} {}

void OrderCheck::run(const std::set<Index>& left_out) {
  left_out_ = left_out;
  if (!has_finite_values() || !is_repeatable()) return;
  if (vanishes_for_zero()) compare();
  report_.coverage.push_back(coverage_);
}

std::set<Index> OrderCheck::kinks() const {
  std::set<Index> result = left_out_;
  for (const auto& [i, slopes] : measured_)
    if (slopes.any_kink()) result.insert(i);
  return result;
}

// ---- Preconditions ------------------------------------------------------------------------------

bool OrderCheck::has_finite_values() {
  const auto bad = std::ranges::find_if(f_.values, [](double y) { return !std::isfinite(y); });
  if (bad == f_.values.end()) return true;
  report_.add({.kind = Kind::not_finite,
               .order = order_,
               .where = f_.output_name(bad - f_.values.begin()),
               .relative = infinity,
               .note = text_from("the value is ", *bad)});
  return false;
}

// Whether a second run gives the same bits, in values and gradient.
bool OrderCheck::is_repeatable() {
  const FlatFunction again(f_.f, f_.xs, f_.names);
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  const auto same = [&](const Vector& first, const Vector& second, const char* what, auto name) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (i < second.size() && bits(first[i]) == bits(second[i])) continue;
      std::string note = text_from("two runs give ", what, ' ', first[i]);
      if (i < second.size())
        note += text_from(" and ", second[i], ", a difference of ", second[i] - first[i]);
      report_.add({.kind = Kind::nondeterministic,
                   .order = order_,
                   .where = (f_.*name)(static_cast<Index>(i)),
                   .note = note});
      return false;
    }
    return true;
  };
  const Cotangent& any = cotangents()[0];
  return same(f_.values, again.values, "the value", &FlatFunction::output_name) &&
         same(f_.gradient(any), again.gradient(any), "the derivative", &FlatFunction::input_name);
}

// A vjp is linear, so it maps the cotangent 0 to the gradient 0.
bool OrderCheck::vanishes_for_zero() {
  const Vector gradient = f_.gradient({"zero", -1, Vector(at(f_.outputs()))});
  const Vector& usual = both_.gradients[0];
  for (Index i = 0; i < f_.inputs(); ++i) {
    const double slope = gradient[at(i)];
    if (slope == 0 || !std::isfinite(usual[at(i)])) continue;
    const auto [input, element] = f_.input_position(i);
    report_.add({.kind = Kind::not_linear,
                 .order = order_,
                 .where = f_.input_name(i),
                 .cotangent = "zero",
                 .input = input,
                 .element = element,
                 .analytic = slope,
                 .relative = std::isfinite(slope) ? 1 : infinity,
                 .note = text_from("a cotangent of zero gives the gradient ", slope,
                                   ": does a term of the vjp lack the cotangent?")});
    return false;
  }
  return true;
}

// ---- Strategy ----------------------------------------------------------------------------------

void OrderCheck::compare() {
  const bool small = f_.inputs() <= options_.elements_up_to;
  for (Index i = 0; small && i < f_.inputs(); ++i) measure(i);
  if (!small) project();
  judge_all();
  if (small || !report_) keep_measurements();
}

// Random directions and some single elements; bisection if a direction disagrees.
void OrderCheck::project() {
  bool clean = true;
  std::optional<Slopes> disagreeing;
  for (int k = 0; k < options_.projections && clean; ++k, ++coverage_.projections) {
    const Key key = key_.child("direction").child(at(k));
    const Slopes slopes = along_random_line(0, f_.inputs(), key, Care::full);
    clean = agree_smoothly(slopes);
    if (clean)
      note_precision(slopes);
    else if (!slopes.any_kink())
      disagreeing = slopes;
  }
  const Key key = key_.child("coordinates");
  const Tensor chosen = random_integers({options_.coordinates}, 0, f_.inputs(), key);
  for (const Index i : chosen.values<Index>()) measure(i);
  if (clean || wrong_ > 0) return;
  bisect(0, f_.inputs());
  if (wrong_ > 0 || !disagreeing) return;
  // No single element is wrong: report the difference along the line itself.
  for (std::size_t r = 0; r < cotangents().size(); ++r)
    if (const auto kind = judge(*disagreeing, r, infinity))
      report_.add(finding(*kind, -1, *disagreeing, r));
}

// Narrows down elements whose random combination disagreed, and stops at the first that are wrong.
// If the first half agrees, the second is to blame.
void OrderCheck::bisect(Index begin, Index end) {
  if (wrong_ > 0 || coverage_.measured >= options_.elements_up_to) return;
  if (end - begin <= few_elements) {
    for (Index i = begin; i < end; ++i) measure(i);
    return;
  }
  const Index middle = begin + (end - begin) / 2;
  const Key key = key_.child("search").child(at(begin)).child(at(end));
  if (!agree_smoothly(along_random_line(begin, middle, key, Care::hint))) bisect(begin, middle);
  bisect(middle, end);
}

// ---- Measuring ---------------------------------------------------------------------------------

void OrderCheck::measure(Index i) {
  if (left_out_.contains(i) || measured_.contains(i)) return;
  const Slopes& slopes = measured_[i] = both_.along_element(i);
  ++coverage_.measured;
  for (std::size_t r = 0; r < cotangents().size(); ++r) {
    double& largest = largest_[{r, f_.input_position(i).tensor}];
    for (const double slope : {slopes.analytic[r], slopes.numeric[r].value})
      if (std::isfinite(slope)) largest = std::max(largest, std::abs(slope));
    if (const auto kind = judge(slopes, r, infinity); kind && *kind != Kind::kink) ++wrong_;
  }
}

Slopes OrderCheck::along_random_line(Index begin, Index end, Key key, Care care) const {
  std::vector<Index> elements;
  for (Index i = begin; i < end; ++i)
    if (!left_out_.contains(i)) elements.push_back(i);
  return both_.along_random_line(elements, key, care);
}

// How large an error could hide in a projection that agrees.
void OrderCheck::note_precision(const Slopes& slopes) {
  const double escape = std::pow(missing_probability, 1.0 / options_.projections);
  const double factor = std::sqrt(2 / std::numbers::pi) / escape;
  for (std::size_t r = 0; r < slopes.norms.size(); ++r) {
    if (slopes.norms[r] == 0) continue;
    coverage_.could_be_missed =
        std::max(coverage_.could_be_missed, factor * slopes.tolerance(r) / slopes.norms[r]);
    report_.add_error(std::abs(slopes.analytic[r] - slopes.numeric[r].value) / slopes.norms[r]);
  }
}

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
    return Kind::undecidable;
  return std::nullopt;
}

// One finding for each element: the worst that any cotangent shows.
void OrderCheck::judge_all() {
  for (const auto& [i, slopes] : measured_) {
    std::optional<Finding> worst;
    for (std::size_t r = 0; r < cotangents().size(); ++r) {
      const double around = largest_.at({r, f_.input_position(i).tensor});
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
      const Derivative d = found == measured_.end() ? Derivative() : found->second.numeric[r];
      const bool known = d.kind == Derivative::Kind::smooth;
      numeric.push_back(known ? d.value : nan);
      error.push_back(known ? d.error : infinity);
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
