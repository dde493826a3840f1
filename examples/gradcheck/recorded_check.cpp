// The check of recorded values: the file stands in for the function, at the points that it holds.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <set>
#include <tuple>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "examples/gradcheck/recorded_function.h"

namespace adjoint::recorded {
namespace {

using checking::Derivative;
using Kind = Finding::Kind;

// A numeric derivative known less well than this, relative to the derivatives around, cannot
// decide.
constexpr double least_in_f64 = 1e-5, least_in_f32 = 1e-2;
constexpr double missing_probability = 1e-3;  // for Coverage::could_be_missed

bool is_open(const Finding& finding) {
  return finding.failed() || finding.kind == Kind::undecidable;
}

class Check {
 public:
  explicit Check(const Recording& recording) : f_(recording) {}

  GradcheckReport run() {
    if (!has_finite_values() || !vanishes_for_zero()) return report_;
    for (std::size_t k = 0; k < f_.directions.size(); ++k) measure(k);
    for (const bool alone : {true, false})
      for (std::size_t k = 0; k < f_.directions.size(); ++k)
        if ((f_.directions[k].single >= 0) == alone) judge(k);
    report_unexamined();
    report_drowned_outputs();
    report_coverage();
    keep_measurements();
    checking::diagnose(report_);
    return report_;
  }

 private:
  // ---- Preconditions: each adds a finding and returns false if it does not hold

  bool has_finite_values() {
    bool finite =
        is_finite(f_.point, f_.xs, "the input") && is_finite(f_.values, f_.ys, "the value");
    for (const Direction& direction : f_.directions)
      finite = finite && is_finite(direction.u, f_.xs, "its part of a direction");
    for (const auto& cotangent : f_.cotangents)
      finite = finite && is_finite(cotangent.weights, f_.ys, "its cotangent");
    return finite;
  }

  bool is_finite(const Vector& values, const std::vector<Place>& places, const char* what) {
    const auto bad = std::ranges::find_if(values, [](double v) { return !std::isfinite(v); });
    if (bad == values.end()) return true;
    report_.add({.kind = Kind::not_finite,
                 .where = places[static_cast<std::size_t>(bad - values.begin())].name,
                 .relative = checking::infinity,
                 .note = text_from(what, " is ", *bad)});
    return false;
  }

  // A vjp is linear, so it maps the cotangent 0 to the gradient 0.
  bool vanishes_for_zero() {
    const auto nonzero = [](double v) { return v != 0; };
    for (std::size_t r = 0; r < f_.cotangents.size(); ++r) {
      if (std::ranges::any_of(f_.cotangents[r].weights, nonzero)) continue;
      const Vector& gradient = f_.gradients[r];
      const auto bad = std::ranges::find_if(gradient, nonzero);
      if (bad == gradient.end()) continue;
      const Place& place = f_.xs[static_cast<std::size_t>(bad - gradient.begin())];
      report_.add({.kind = Kind::not_linear,
                   .where = place.name,
                   .cotangent = "zero",
                   .input = place.tensor,
                   .element = place.element,
                   .analytic = *bad,
                   .relative = 1,
                   .note = text_from("a cotangent of zero gives the gradient ", *bad)});
      return false;
    }
    return true;
  }

  // ---- Measuring

  void measure(std::size_t k) {
    const Slopes& slopes = slopes_.emplace_back(f_.slopes(k));
    const Direction& direction = f_.directions[k];
    if (direction.single < 0) return;
    measured_.insert(direction.single);
    for (std::size_t r = 0; r < f_.cotangents.size(); ++r) {
      double& largest = largest_[{r, f_.xs[at(direction.single)].tensor}];
      for (const double slope : {slopes.analytic[r], slopes.numeric[r].value})
        if (std::isfinite(slope)) largest = std::max(largest, std::abs(slope));
    }
  }

  // The size of derivatives around one along direction k.
  double size_around(std::size_t k, std::size_t r) const {
    const Direction& direction = f_.directions[k];
    const double size = direction.single >= 0 ? largest_.at({r, f_.xs[at(direction.single)].tensor})
                                              : slopes_[k].norms[r];
    return std::max(
        {size, std::abs(slopes_[k].analytic[r]), std::abs(slopes_[k].numeric[r].value)});
  }

  // ---- Judging: one finding for each direction, the worst that any cotangent shows

  void judge(std::size_t k) {
    const Direction& direction = f_.directions[k];
    const Slopes& slopes = slopes_[k];
    std::optional<Finding> worst;
    bool judged = false;
    for (std::size_t r = 0; r < f_.cotangents.size(); ++r) {
      const std::optional<Kind> kind = judge(k, r);
      const bool mixed = is_mixed(slopes, r);
      judged = judged || (kind != Kind::undecidable && !mixed);
      if (kind) {
        const Finding found = finding(*kind, direction, slopes, r);
        if (!worst || rank(found) > rank(*worst)) worst = found;
      } else if (const double around = size_around(k, r); !mixed && !is_zero(k, r)) {
        report_.add_error(std::abs(slopes.analytic[r] - slopes.numeric[r].value) / around);
        double& loosest = loosest_[direction.single >= 0];
        loosest = std::max(loosest, slopes.tolerance(r) / around);
      }
    }
    if (worst && !is_explained(*worst, direction)) report_.add(*worst);
    for (std::size_t i = 0; judged && i < f_.xs.size(); ++i)
      if (direction.u[i] != 0) examined_.insert(i);
  }

  // Failures first; among kinks those of a single output, whose slopes are the function's own.
  std::tuple<bool, bool, bool, double> rank(const Finding& finding) const {
    const bool own = std::ranges::any_of(f_.cotangents, [&](const auto& cotangent) {
      return cotangent.single >= 0 && cotangent.name == finding.cotangent;
    });
    return {finding.failed(), is_open(finding), finding.kind == Kind::kink && own,
            finding.relative};
  }

  // Whether one of the elements that move shows the same by itself.
  bool is_explained(const Finding& finding, const Direction& direction) const {
    return direction.single < 0 && std::ranges::any_of(report_.findings, [&](const Finding& other) {
             const auto i = std::ranges::find(f_.xs, other.where, &Place::name) - f_.xs.begin();
             return other.kind == finding.kind && i < std::ssize(f_.xs) && direction.u[at(i)] != 0;
           });
  }

  // At a kink a cotangent of several outputs mixes derivatives that lie at different places between
  // their slopes.
  bool is_mixed(const Slopes& slopes, std::size_t r) const {
    return slopes.any_kink() && f_.cotangents[r].single < 0;
  }

  std::optional<Kind> judge(std::size_t k, std::size_t r) const {
    const Slopes& slopes = slopes_[k];
    const Derivative& d = slopes.numeric[r];
    if (!std::isfinite(slopes.analytic[r]) || d.kind == Derivative::Kind::undefined)
      return Kind::not_finite;
    if (d.kind == Derivative::Kind::jump && d.error > slopes.negligible[r]) return Kind::jump;
    const bool mixed = is_mixed(slopes, r);
    if (!mixed && !slopes.agree(r)) return Kind::mismatch;
    if (d.kind == Derivative::Kind::kink) return Kind::kink;
    return !mixed && is_too_imprecise(k, r) ? std::optional(Kind::undecidable) : std::nullopt;
  }

  // A derivative of 0 is hidden by noise of its own size; it needs to be known beside the slope of
  // a function that changes as much as its arguments. Where the Jacobian is known, its rows decide.
  bool is_too_imprecise(std::size_t k, std::size_t r) const {
    if (f_.jacobian && f_.cotangents[r].single < 0) return false;
    const double size = is_zero(k, r) ? f_.natural_slope(k, r) : size_around(k, r);
    return slopes_[k].tolerance(r) > std::max(least_precision() * size, slopes_[k].negligible[r]);
  }
  double least_precision() const { return f_.single_precision() ? least_in_f32 : least_in_f64; }

  bool is_zero(std::size_t k, std::size_t r) const {
    const Slopes& slopes = slopes_[k];
    return std::abs(slopes.analytic[r]) <= slopes.negligible[r] &&
           std::abs(slopes.numeric[r].value) <= slopes.tolerance(r);
  }

  Finding finding(Kind kind, const Direction& direction, const Slopes& slopes,
                  std::size_t r) const {
    const Derivative& d = slopes.numeric[r];
    const double analytic = slopes.analytic[r];
    const double larger = std::max(std::abs(analytic), std::abs(d.value));
    const double difference = std::abs(analytic - d.value);
    Finding result{.kind = kind,
                   .where = direction.where,
                   .cotangent = f_.cotangents[r].name,
                   .analytic = analytic,
                   .numeric = d.value,
                   .error = d.error};
    result.relative = !std::isfinite(difference) ? checking::infinity
                      : larger > 0               ? difference / larger
                                                 : 0;
    if (direction.single >= 0) {
      result.input = f_.xs[at(direction.single)].tensor;
      result.element = f_.xs[at(direction.single)].element;
    }
    const std::string sides = text_from("slopes ", d.left, " and ", d.right);
    if (kind == Kind::kink) result.note = sides;
    if (kind == Kind::mismatch && d.kind == Derivative::Kind::kink)
      result.note = text_from("the analytic ", analytic, " is not between the ", sides);
    if (kind == Kind::not_finite && d.kind == Derivative::Kind::undefined)
      result.note = "fewer than 3 steps have finite outputs: record smaller ones";
    if (kind == Kind::undecidable)
      result.note = text_from("the differences know the derivative only up to ", d.error,
                              ": record more steps, or in f64");
    return result;
  }

  // ---- Reporting

  // What no direction or no cotangent shows is not known to be right.
  void report_unexamined() {
    const auto moves = [&](std::size_t i) {
      return std::ranges::any_of(f_.directions, [&](const Direction& d) { return d.u[i] != 0; });
    };
    const auto weighs = [&](std::size_t j) {
      return std::ranges::any_of(f_.cotangents, [&](const auto& c) { return c.weights[j] != 0; });
    };
    const auto examined = [&](std::size_t i) { return !moves(i) || examined_.contains(i); };
    const bool silent = std::ranges::none_of(report_.findings, is_open);
    report_those_without(moves, f_.xs, "of the input elements move in no direction");
    report_those_without(weighs, f_.ys, "of the output elements have no cotangent but zero");
    if (silent)
      report_those_without(
          examined, f_.xs,
          "of the input elements move only across kinks of several outputs: record "
          "a cotangent for each output by itself");
  }

  // An output much smaller than the rounding of those it is always mixed with.
  void report_drowned_outputs() {
    for (std::size_t v = 0; v < f_.recording.outputs.size(); ++v) {
      const auto part = [&](std::size_t r) { return f_.part_of_output(r, static_cast<int>(v)); };
      bool weighed = false, visible = false;
      for (std::size_t r = 0; r < f_.cotangents.size(); ++r) {
        weighed = weighed || part(r) > 0;
        visible = visible || (part(r) > 0 && f_.noise(r) <= least_precision() * part(r));
      }
      if (!weighed || visible) continue;
      report_.add({.kind = Kind::undecidable,
                   .where = f_.recording.outputs[v].name,
                   .note = "it is lost in the rounding of the other outputs: record cotangents for "
                           "it alone"});
    }
  }

  void report_those_without(const auto& property, const std::vector<Place>& places,
                            const char* problem) {
    std::vector<std::size_t> without;
    for (std::size_t i = 0; i < places.size(); ++i)
      if (!property(i)) without.push_back(i);
    if (without.empty()) return;
    report_.add({.kind = Kind::undecidable,
                 .where = places[without[0]].name,
                 .note = text_from(without.size(), " of ", places.size(), ' ', problem)});
  }

  void report_coverage() {
    const auto outputs = static_cast<int>(f_.ys.size());
    const auto several = std::ranges::count(f_.directions, -1, &Direction::single);
    Coverage coverage{.order = 1,
                      .inputs = std::ssize(f_.xs),
                      .outputs = outputs,
                      .measured = std::ssize(measured_),
                      .jacobian = f_.jacobian,
                      .cotangents = static_cast<int>(f_.cotangents.size())};
    if (f_.jacobian) coverage.cotangents -= outputs;
    coverage.could_be_missed = loosest_[true];
    if (several > 0 && coverage.measured < coverage.inputs) {
      const double escape = std::pow(missing_probability, 1 / static_cast<double>(several));
      coverage.projections = static_cast<int>(several);
      coverage.could_be_missed = std::sqrt(2 / std::numbers::pi) / escape * loosest_[false];
    }
    report_.coverage.push_back(coverage);
  }

  void keep_measurements() {
    const NoRecording guard;
    const Unobserved own_work;  // NaN marks what was not measured
    const std::size_t columns = f_.xs.size(), cells = f_.cotangents.size() * columns;
    Vector cotangents, analytic, numeric(cells, checking::nan), error(cells, checking::infinity);
    for (std::size_t r = 0; r < f_.cotangents.size(); ++r) {
      std::ranges::copy(f_.cotangents[r].weights, std::back_inserter(cotangents));
      std::ranges::copy(f_.gradients[r], std::back_inserter(analytic));
      for (std::size_t k = 0; k < f_.directions.size(); ++k) {
        const Index i = f_.directions[k].single;
        const Derivative& d = slopes_[k].numeric[r];
        if (i < 0 || d.kind != Derivative::Kind::smooth) continue;
        numeric[r * columns + at(i)] = d.value;
        error[r * columns + at(i)] = d.error;
      }
    }
    const Index rows = std::ssize(f_.cotangents);
    const Tensor weights = from(cotangents, {rows, std::ssize(f_.ys)});
    std::vector<Shape> outputs;
    for (const Output& y : f_.recording.outputs)
      if (is_real(y.value.dtype())) outputs.push_back(y.value.shape());
    Index begin = 0;
    for (const Input& x : f_.recording.inputs) {
      if (!is_real(x.value.dtype())) continue;
      const auto columns_of_x = [&](const Vector& all) {
        return slice(from(all, {rows, std::ssize(f_.xs)}), 1, begin, begin + x.value.numel());
      };
      const auto number = static_cast<int>(&x - f_.recording.inputs.data());
      report_.measurements.push_back({1, number, x.name, x.value.shape(), outputs, f_.jacobian,
                                      weights, columns_of_x(analytic), columns_of_x(numeric),
                                      columns_of_x(error)});
      begin += x.value.numel();
    }
  }

  RecordedFunction f_;
  std::vector<Slopes> slopes_;      // for each direction
  std::set<Index> measured_;        // elements with a direction of their own
  std::set<std::size_t> examined_;  // elements that move in a direction that could be judged
  // The largest derivative, analytic or numeric, for each cotangent and input.
  std::map<std::pair<std::size_t, int>, double> largest_;
  // The largest tolerance relative to the derivatives around: along several elements, and along
  // one.
  double loosest_[2] = {0, 0};
  GradcheckReport report_;
};

}  // namespace

GradcheckReport check(const Recording& recording) { return Check(recording).run(); }

}  // namespace adjoint::recorded
