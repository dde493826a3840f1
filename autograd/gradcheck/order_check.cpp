#include "autograd/gradcheck/order_check.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "autograd/gradcheck/dot_product.h"
#include "autograd/gradcheck/kinks.h"
#include "autograd/gradcheck/saturation.h"
#include "autograd/gradcheck/taylor.h"
#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

constexpr Index few_elements = 8;  // are measured one by one where bisection ends

constexpr int most_attempts = 4;    // at one line, while it meets kinks
constexpr int most_dormant = 32;    // elements that are examined for saturation
constexpr Index quick_factor = 16;  // quick searches for kinks for each full measurement

// Every other random line gives all inputs the same effect.
bool is_balanced(int line) { return line % 2 == 1; }

bool agree_smoothly(const Slopes& slopes) {
  const auto smooth = [](const Derivative& d) { return d.kind == Derivative::Kind::smooth; };
  return slopes.all_agree() && std::ranges::all_of(slopes.numeric, smooth);
}

}  // namespace

OrderCheck::OrderCheck(const FlatFunction& f, int order, const std::set<Index>& left_out,
                       const GradcheckOptions& options, GradcheckReport& report)
    : f_(f),
      order_(order),
      options_(options),
      key_(options.key.child(at(order))),
      report_(report),
      both_(f, left_out, options, key_),
      coverage_{.order = order,
                .inputs = f.inputs(),
                .outputs = f.outputs(),
                .jacobian = cotangents().size() > at(options.cotangents),
                .cotangents = options.cotangents},
      left_out_(left_out) {}

void OrderCheck::run() {
  for (const Vector* numbers : {&f_.point, &f_.values})
    for (const double number : *numbers)
      if (std::isfinite(number))
        smallest_jump_ = std::max(smallest_jump_, 1e-3 * smallest_of_interest * std::abs(number));
  smallest_jump_ = std::max(smallest_jump_, smallest_of_interest * both_.largest_effect);
  if (!has_elements()) return report_.coverage.push_back(coverage_);
  if (!has_finite_values() || !is_repeatable()) return;
  if (vanishes_for_zero()) {
    compare();
    take_taylor_rates(both_, kinks(), order_, options_, report_);
    if (order_ == 1 && options_.jvp) check_dot_products(both_, kinks(), options_, report_);
  }
  report_.coverage.push_back(coverage_);
}

std::set<Index> OrderCheck::kinks() const {
  std::set<Index> result = left_out_;
  for (const auto& [i, slopes] : measured_)
    if (slopes.any_kink()) result.insert(i);
  return result;
}

// ---- Preconditions ------------------------------------------------------------------------------

bool OrderCheck::has_elements() {
  if (f_.inputs() > 0 && f_.outputs() > 0) return true;
  report_.add({.kind = Kind::undecidable,
               .order = order_,
               .where = f_.inputs() > 0 ? "the outputs" : "the inputs",
               .note = "they have no elements, so nothing was checked"});
  return false;
}

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

// Whether a second run gives the same bits, in values and gradient, or nearly the same if allowed.
bool OrderCheck::is_repeatable() {
  const FlatFunction again(f_.f, f_.xs, f_.names);
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  const auto same = [&](const Vector& first, const Vector& second, const char* what, auto name) {
    double size = 0;
    for (const double value : first) size = std::max(size, std::abs(value));
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (i < second.size() && (bits(first[i]) == bits(second[i]) ||
                                std::abs(first[i] - second[i]) < options_.nondeterminism * size))
        continue;
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
  compare_along_kinks();
  judge_all();
  if (order_ == 1 && wrong_ == 0) find_saturated();
  if (small || report_.verdict() == Verdict::failed) keep_measurements();
}

// An element that moves nothing has the derivative 0, and so it says. But if it moves something
// farther away, and that fades in smoothly, it is saturated: then every rule that is a multiple of
// the right one gives 0 here, and this point cannot tell right from wrong.
void OrderCheck::find_saturated() {
  int tried = 0;
  for (const auto& [i, slopes] : measured_) {
    if (!slopes.dormant()) continue;
    if (++tried > most_dormant) return;
    if (is_saturated(both_, i))
      report_.add({.kind = Kind::undecidable,
                   .order = order_,
                   .where = f_.input_name(i),
                   .input = f_.input_position(i).tensor,
                   .element = f_.input_position(i).element,
                   .note = "f(x ± h) = f(x), as it is saturated here: a wrong rule can give 0 as "
                           "well; check it at another point"});
  }
}

// Random directions and some single elements; bisection if a direction disagrees.
void OrderCheck::project() {
  std::optional<Slopes> disagreeing;
  while (coverage_.projections < options_.projections && wrong_ == 0 && !disagreeing) {
    const int number = coverage_.projections++;
    const Slopes slopes = project_once(number);
    if (!agree_smoothly(slopes))
      disagreeing = slopes;
    else if (!is_balanced(number))
      note_precision(slopes);
  }
  const Key key = key_.child("coordinates");
  const Tensor chosen = random_integers({options_.coordinates}, 0, f_.inputs(), key);
  for (const Index i : chosen.values<Index>()) measure(i);
  if (wrong_ > 0 || !disagreeing) return;
  // No single element is wrong: report the difference along the line itself.
  bool reported = false;
  for (std::size_t r = 0; r < cotangents().size() && !disagreeing->any_kink(); ++r)
    if (const auto kind = judge(*disagreeing, r, infinity)) {
      report_.add(finding(*kind, -1, *disagreeing, r));
      reported = true;
    }
  if (reported) return;
  report_.add({.kind = Kind::undecidable,
               .order = order_,
               .where = "along a random line",
               .note = text_from("f has kinks or jumps at more elements than were looked at, ",
                                 measured_.size(), " of ", f_.inputs(),
                                 ": the rest was not examined; raise elements_up_to, or check it "
                                 "at another point")});
}

// One direction through all elements without a kink. Those with a kink are found by bisection.
Slopes OrderCheck::project_once(int number) {
  const Key key = key_.child("direction").child(at(number));
  const bool balanced = is_balanced(number);
  Slopes slopes = along_random_line(0, f_.inputs(), key, Care::full, balanced);
  for (int attempt = 0; attempt < most_attempts && !agree_smoothly(slopes); ++attempt) {
    const std::size_t before = measured_.size();
    bisect(0, f_.inputs());
    if (wrong_ > 0 || exhausted() || measured_.size() == before) break;
    slopes = along_random_line(0, f_.inputs(), key.child(at(attempt)), Care::full, balanced);
  }
  return slopes;
}

// Narrows down elements whose random combination disagreed, and stops at the first that are wrong.
// If the first half agrees, the second is to blame.
void OrderCheck::bisect(Index begin, Index end) {
  if (wrong_ > 0 || exhausted()) return;
  if (end - begin <= few_elements) {
    for (Index i = begin; i < end; ++i) measure(i);
    return;
  }
  const Index middle = begin + (end - begin) / 2;
  const Key key = key_.child("search").child(at(begin)).child(at(end));
  const bool first = !agree_smoothly(along_random_line(begin, middle, key, Care::hint));
  if (first) bisect(begin, middle);
  if (!first || !agree_smoothly(along_random_line(middle, end, key.child(1), Care::hint)))
    bisect(middle, end);
}

// At a kink the gradient is one of many, but along a direction in which the kink does not show, as
// when the two arguments of a maximum move together, the derivative exists and is ⟨gradient, u⟩.
// In any other direction ⟨gradient, u⟩ lies between the slopes. (For a function that is convex
// there: Rockafellar, "Convex Analysis", 1970, theorem 23.2.)
void OrderCheck::compare_along_kinks() {
  if (wrong_ > 0) return;
  for (const KinkPair& pair : pairs_at_kinks(f_, measured_)) {
    const std::string names = f_.input_name(pair.first) + " and " + f_.input_name(pair.second);
    const Slopes together = both_.along_both(pair.first, pair.speed, pair.second, pair.other_speed);
    const Slopes apart = both_.along_both(pair.first, pair.speed, pair.second, -pair.other_speed);
    for (std::size_t r = 0; r < cotangents().size(); ++r) {
      if (!decides_at_kinks(r)) continue;
      // Two kinks that have nothing to do with each other may cancel, but then they do both ways.
      const auto smooth = [r](const Slopes& slopes) {
        return slopes.numeric[r].kind == Derivative::Kind::smooth;
      };
      if (smooth(together) && smooth(apart)) continue;
      if (report_along_kinks(names, together, r) || report_along_kinks(names, apart, r)) return;
    }
  }
  for (const std::vector<Index>& group : equal_at_kinks(f_, measured_)) {
    const Slopes slopes = both_.along_all(group);
    for (std::size_t r = 0; r < cotangents().size(); ++r)
      if (decides_at_kinks(r) &&
          report_along_kinks(f_.input_name(group[0]) + " and its equals", slopes, r))
        return;
  }
}

// Reports a difference, if there is one.
bool OrderCheck::report_along_kinks(const std::string& names, const Slopes& slopes, std::size_t r) {
  const Derivative& d = slopes.numeric[r];
  const bool known = d.kind == Derivative::Kind::smooth || d.kind == Derivative::Kind::kink;
  if (!known || !std::isfinite(slopes.analytic[r]) || slopes.agree(r)) return false;
  Finding found = finding(Kind::mismatch, -1, slopes, r);
  found.where = names + " together";
  if (d.kind == Derivative::Kind::smooth)
    found.note =
        text_from("they are at a kink; along all of them together the derivative exists and is ",
                  d.value, ", but the gradient gives ", slopes.analytic[r]);
  report_.add(found);
  return true;
}

// ---- Measuring ---------------------------------------------------------------------------------

void OrderCheck::measure(Index i) {
  if (left_out_.contains(i) || measured_.contains(i)) return;
  const bool many = f_.inputs() > options_.elements_up_to;
  if (const auto kink = many ? both_.quick_kink(i) : std::nullopt) {
    ++quick_kinks_;
    keep(i, *kink);
    return measure_alike(i);
  }
  ++coverage_.measured;
  keep(i, both_.along_element(i, !many));
}

// Where one element is at a kink, the others of its input with the same value often are, too.
void OrderCheck::measure_alike(Index i) {
  const auto [tensor, element] = f_.input_position(i);
  const Index begin = i - element, end = begin + f_.xs[at(tensor)].numel();
  for (Index k = begin; k < end && !exhausted(); ++k) {
    if (f_.point[at(k)] != f_.point[at(i)] || left_out_.contains(k) || measured_.contains(k))
      continue;
    const auto kink = both_.quick_kink(k);
    if (!kink) return;
    ++quick_kinks_;
    keep(k, *kink);
  }
}

void OrderCheck::keep(Index i, const Slopes& slopes) {
  measured_[i] = slopes;
  for (std::size_t r = 0; r < cotangents().size(); ++r) {
    double& largest = largest_[{r, f_.input_position(i).tensor}];
    for (const double slope : {slopes.analytic[r], slopes.numeric[r].value})
      if (std::isfinite(slope)) largest = std::max(largest, std::abs(slope) * both_.scales[at(i)]);
    const auto kind = judge(slopes, r, infinity);
    if (kind && *kind != Kind::kink && *kind != Kind::undecidable && *kind != Kind::domain)
      ++wrong_;
  }
}

// Whether the search for elements that disagree has taken all the time it may.
bool OrderCheck::exhausted() const {
  return coverage_.measured >= options_.elements_up_to + options_.coordinates ||
         quick_kinks_ >= quick_factor * options_.elements_up_to;
}

Slopes OrderCheck::along_random_line(Index begin, Index end, Key key, Care care,
                                     bool balanced) const {
  std::vector<Index> elements;
  for (Index i = begin; i < end; ++i) {
    const auto found = measured_.find(i);
    const bool kink = found != measured_.end() && found->second.any_kink();
    if (!kink && !left_out_.contains(i)) elements.push_back(i);
  }
  return both_.along_random_line(elements, key, care, balanced);
}

}  // namespace adjoint::checking
