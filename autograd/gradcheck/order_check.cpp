#include "autograd/gradcheck/order_check.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// The probability that an error of the size the report states escapes all projections.
constexpr double missing_probability = 1e-3;
// Bisection ends at this many elements, which are measured one by one.
constexpr Index few_elements = 8;

bool agree_smoothly(const Slopes& slopes) {
  const auto smooth = [](const Derivative& d) { return d.kind == Derivative::Kind::smooth; };
  return slopes.all_agree() && std::ranges::all_of(slopes.numeric, smooth);
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
               .note = "the value is " + std::to_string(*bad)});
  return false;
}

// Whether a second run gives the same bits, in values and gradient.
bool OrderCheck::is_repeatable() {
  const FlatFunction again = f_.rerun();
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  const auto same = [&](const Vector& first, const Vector& second, const char* what, auto name) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (i < second.size() && bits(first[i]) == bits(second[i])) continue;
      const std::string other =
          i < second.size()
              ? text_from(" and ", second[i], ", a difference of ", second[i] - first[i])
              : std::string();
      report_.add({.kind = Kind::nondeterministic,
                   .order = order_,
                   .where = (f_.*name)(static_cast<Index>(i)),
                   .note = text_from("two runs give ", what, ' ', first[i], other)});
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
  if (small)
    for (Index i = 0; i < f_.inputs(); ++i) measure(i);
  else
    project();
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
  for (std::size_t r = 0; r < cotangents().size(); ++r)
    if (const auto kind = judge(slopes, r, infinity); kind && *kind != Kind::kink) ++wrong_;
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

}  // namespace adjoint::checking
