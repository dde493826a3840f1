#include "autograd/gradcheck/level.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <sstream>
#include <tuple>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// A numeric derivative with a larger error than this, beside the largest one around, says nothing.
constexpr double least_precision = 1e-3;
// With this probability an error of the size that the report states escapes all projections.
constexpr double missing_probability = 1e-3;
// So few elements are no longer halved but checked one by one.
constexpr Index few_elements = 8;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Failures first; of kinks those of a single output, whose slopes are the function's own.
bool worse(const Finding& a, const Finding& b) {
  const auto rank = [](const Finding& f) {
    const bool single = f.kind == Finding::Kind::kink && !f.cotangent.starts_with("random");
    return std::tuple(f.failed(), single, f.relative);
  };
  return rank(a) > rank(b);
}

std::string slopes_text(const Derivative& d) {
  std::ostringstream text;
  text << "slopes " << d.left << " and " << d.right;
  return text.str();
}

}  // namespace

Level::Level(const FlatFunction& f, int order, double feigned, const GradcheckOptions& options,
             GradcheckReport& report)
    : f_(f),
      order_(order),
      options_(options),
      key_(options.key.child(at(order))),
      report_(report),
      measuring_(f, feigned, options, key_) {}

void Level::check(const std::set<Index>& left_out) {
  left_out_ = left_out;
  const Index n = f_.inputs();
  coverage_ = {.order = order_, .inputs = n, .outputs = f_.outputs()};
  coverage_.cotangents = options_.cotangents;
  coverage_.jacobian = cotangents().size() > at(options_.cotangents);
  if (vanishes_for_zero()) compare();
  report_.add(coverage_);
}

std::set<Index> Level::kinks() const {
  std::set<Index> result = left_out_;
  for (const auto& [i, slopes] : measured_)
    if (slopes.any_kink()) result.insert(i);
  return result;
}

// ---- Strategy ----------------------------------------------------------------------------------

// A vjp is linear: no cotangent, no gradient. The numeric derivative of nothing needs no steps.
bool Level::vanishes_for_zero() {
  const Vector gradient = f_.gradient({"zero", -1, Vector(at(f_.outputs()))});
  const Vector& usual = measuring_.gradients()[0];
  for (Index i = 0; i < f_.inputs(); ++i) {
    if (gradient[at(i)] == 0 || !std::isfinite(usual[at(i)])) continue;
    Slopes slopes{{gradient[at(i)]}, {{}}, {0}};
    slopes.numeric[0].value = slopes.numeric[0].error = 0;
    Finding nonzero = finding(Kind::not_linear, i, slopes, 0);
    nonzero.cotangent = "zero";
    std::ostringstream note;
    note << "a cotangent of zero gives the gradient " << gradient[at(i)]
         << ": is there a term of the vjp without the cotangent?";
    nonzero.note = note.str();
    report_.add(nonzero);
    return false;
  }
  return true;
}

void Level::compare() {
  const bool small = f_.inputs() <= options_.elements_up_to;
  if (small)
    for (Index i = 0; i < f_.inputs(); ++i) measure(i);
  else
    project();
  judge();
  if (small || !report_) keep_measurements();
}

// Random directions and some single elements; if a direction disagrees, a search for the reason.
void Level::project() {
  bool clean = true;
  for (int k = 0; k < options_.projections && clean; ++k, ++coverage_.projections) {
    const Key key = key_.child("direction").child(at(k));
    const Slopes slopes = random_line(0, f_.inputs(), key, Care::full);
    clean &= agree(slopes);
    note_precision(slopes);
    if (!along_line_ && !slopes.any_kink() && !agree(slopes)) along_line_ = slopes;
  }
  const Key key = key_.child("coordinates");
  const Tensor chosen = random_integers({options_.coordinates}, 0, f_.inputs(), key);
  for (const Index i : chosen.values<Index>()) measure(i);
  if (clean || wrong_ > 0) return;
  search(0, f_.inputs());
  // When nothing is wrong with single elements, the difference along a line remains to be told.
  if (wrong_ == 0) report_along_line();
}

// Halves the elements, of which a random combination has disagreed, and ends at the first ones
// found wrong. If the first half is innocent it is the second.
void Level::search(Index begin, Index end) {
  if (wrong_ > 0 || coverage_.measured >= options_.elements_up_to) return;
  if (end - begin <= few_elements) {
    for (Index i = begin; i < end; ++i) measure(i);
    return;
  }
  const Index middle = begin + (end - begin) / 2;
  const Key key = key_.child("search").child(at(begin)).child(at(end));
  if (!agree(random_line(begin, middle, key, Care::hint))) search(begin, middle);
  search(middle, end);
}

// ---- Measuring ---------------------------------------------------------------------------------

void Level::measure(Index i) {
  if (left_out_.contains(i) || measured_.contains(i)) return;
  const Slopes& slopes = measured_[i] = measuring_.element(i);
  ++coverage_.measured;
  for (std::size_t r = 0; r < cotangents().size(); ++r)
    if (const auto kind = judge(slopes, r, infinity); kind && *kind != Kind::kink) ++wrong_;
}

Slopes Level::random_line(Index begin, Index end, Key key, Care care) const {
  std::vector<Index> elements;
  for (Index i = begin; i < end; ++i)
    if (!left_out_.contains(i)) elements.push_back(i);
  return measuring_.random_line(elements, key, care);
}

bool Level::agree(const Slopes& slopes) {
  const auto smooth = [](const Derivative& d) { return d.kind == Derivative::Kind::smooth; };
  return slopes.all_agree() && std::ranges::all_of(slopes.numeric, smooth);
}

void Level::note_precision(const Slopes& slopes) {
  if (!agree(slopes)) return;
  const double escape = std::pow(missing_probability, 1.0 / options_.projections);
  const double factor = std::sqrt(2 / std::numbers::pi) / escape;
  for (std::size_t r = 0; r < slopes.norms.size(); ++r) {
    if (slopes.norms[r] == 0) continue;
    const Derivative& d = slopes.numeric[r];
    const double tolerance = std::max(safety * d.error, slopes.negligible);
    coverage_.could_be_missed =
        std::max(coverage_.could_be_missed, factor * tolerance / slopes.norms[r]);
    report_.add_error(std::abs(slopes.analytic[r] - d.value) / slopes.norms[r]);
  }
}

// ---- Judging -----------------------------------------------------------------------------------

// What one cotangent shows of one element, if anything; `scale` is the size of derivatives around
// it. At a kink random cotangents mix outputs whose derivatives lie at different places between
// their slopes: only single outputs can be judged there.
std::optional<Finding::Kind> Level::judge(const Slopes& slopes, std::size_t r, double scale) const {
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
void Level::judge() {
  const Scales largest = largest_derivatives();
  for (const auto& [i, slopes] : measured_) {
    std::optional<Finding> worst;
    for (std::size_t r = 0; r < cotangents().size(); ++r) {
      const double around = largest.at({r, f_.input_place(i).tensor});
      // What a function's derivative is that changes by its own size while its argument does.
      const double natural = std::abs(cotangents()[r](f_.values())) / measuring_.scale(i);
      if (const auto kind = judge(slopes, r, std::max(around, natural))) {
        const Finding found = finding(*kind, i, slopes, r);
        if (!worst || worse(found, *worst)) worst = found;
      } else if (around > 0 && !slopes.any_kink()) {
        const double difference = std::abs(slopes.analytic[r] - slopes.numeric[r].value);
        report_.add_error(difference / std::max(around, measuring_.largest_derivative(i)));
      }
    }
    if (worst) report_.add(*worst);
  }
}

// The largest derivative, analytic or numeric, for each cotangent and input tensor.
Level::Scales Level::largest_derivatives() const {
  Scales largest;
  for (const auto& [i, slopes] : measured_)
    for (std::size_t r = 0; r < slopes.analytic.size(); ++r) {
      double& size = largest[{r, f_.input_place(i).tensor}];
      for (const double slope : {slopes.analytic[r], slopes.numeric[r].value})
        if (std::isfinite(slope)) size = std::max(size, std::abs(slope));
    }
  return largest;
}

// ---- Reporting ---------------------------------------------------------------------------------

Finding Level::finding(Kind kind, Index i, const Slopes& slopes, std::size_t r) const {
  const Derivative& d = slopes.numeric[r];
  const double analytic = slopes.analytic[r];
  const double larger = std::max(std::abs(analytic), std::abs(d.value));
  const double difference = std::abs(analytic - d.value);
  Finding result{.kind = kind, .order = order_, .where = "along a random line"};
  result.cotangent = cotangents()[r].name;
  result.analytic = analytic;
  result.numeric = d.value;
  result.error = d.error;
  result.relative = !std::isfinite(difference) ? infinity : larger > 0 ? difference / larger : 0;
  if (i >= 0) {
    result.where = f_.input_name(i);
    result.input = f_.input_place(i).tensor;
    result.element = f_.input_place(i).element;
  }
  if (d.kind == Derivative::Kind::kink && kind == Kind::kink) result.note = slopes_text(d);
  if (d.kind == Derivative::Kind::kink && kind == Kind::mismatch)
    result.note =
        "the analytic " + std::to_string(analytic) + " is not between the " + slopes_text(d);
  return result;
}

void Level::report_along_line() {
  if (!along_line_) return;
  for (std::size_t r = 0; r < cotangents().size(); ++r)
    if (const auto kind = judge(*along_line_, r, infinity))
      report_.add(finding(*kind, -1, *along_line_, r));
}

void Level::keep_measurements() {
  const auto rows = static_cast<Index>(cotangents().size());
  Vector weights;
  for (const Cotangent& cotangent : cotangents()) {
    const Vector row = flatten(f_.as_outputs(cotangent, true));
    weights.insert(weights.end(), row.begin(), row.end());
  }
  const Tensor matrix = from(weights, {rows, f_.outputs()});
  Index begin = 0;
  for (std::size_t number = 0; number < f_.names().size(); ++number) {
    const Tensor& x = f_.input_tensors()[number];
    if (!is_real(x.dtype())) continue;
    report_.add(measurement(static_cast<int>(number), begin, begin + x.numel(), matrix));
    begin += x.numel();
  }
}

// Of the input with that number, whose elements are [begin, end) among all.
Measurement Level::measurement(int number, Index begin, Index end, const Tensor& cotangents) const {
  Vector analytic, numeric, error;
  std::vector<Shape> outputs;
  for (const Tensor& y : f_.as_outputs(measuring_.cotangents()[0])) outputs.push_back(y.shape());
  for (std::size_t r = 0; r < measuring_.cotangents().size(); ++r)
    for (Index i = begin; i < end; ++i) {
      const auto found = measured_.find(i);
      const bool known =
          found != measured_.end() && found->second.numeric[r].kind == Derivative::Kind::smooth;
      const Derivative d = known ? found->second.numeric[r] : Derivative();
      analytic.push_back(measuring_.gradients()[r][at(i)]);
      numeric.push_back(d.value);
      error.push_back(d.error);
    }
  const Shape shape = {cotangents.size(0), end - begin};
  return {order_,
          number,
          f_.names()[at(number)],
          f_.input_tensors()[at(number)].shape(),
          outputs,
          coverage_.jacobian,
          cotangents,
          from(analytic, shape),
          from(numeric, shape),
          from(error, shape)};
}

}  // namespace adjoint::checking
