#include "autograd/gradcheck/diagnosis/diagnosis.h"

#include <algorithm>
#include <iterator>

#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// Derivatives are the same if they differ by less than this, relative to the largest of their row.
constexpr double same = 1e-6;
// A numeric derivative with a larger error, relative to the largest one, is no evidence.
constexpr double least_precision = 1e-4;

std::span<const double> numbers(const Tensor& x) { return x.values<double>(); }

// Some rows of the numeric derivative without imprecise elements, and the largest error of the
// others.
std::pair<Tensor, double> reliable(const Measurement& m, Index first, Index last) {
  const auto part = [&](const Tensor& all) { return slice(all, 0, first, last); };
  const double bound =
      least_precision * std::max(largest(part(m.numeric)), largest(part(m.analytic)));
  Tensor result = copy(part(m.numeric));
  double worst = 0;
  const Tensor error = part(m.error);
  const std::span<const double> errors = numbers(error);
  const std::span<double> values = result.edit<double>();
  for (std::size_t k = 0; k < values.size(); ++k)
    if (errors[k] <= bound)
      worst = std::max(worst, errors[k]);
    else
      values[k] = nan;
  return {result, worst};
}

// The rows of a measurement that belong to one output, or to all: [first, first + the outputs'
// elements). Without a Jacobian those of all random cotangents.
struct Rows {
  Index random;       // number of random cotangents
  Index first, last;  // rows
  Shape outputs;      // the axes they stand for; [rows] if they belong to several outputs
  bool flat;
};

Rows rows_of(const Measurement& m, std::optional<int> output) {
  Index outputs = 0;
  for (const Shape& shape : m.outputs) outputs += shape.numel();
  const Index all = m.cotangents.size(0), random = m.jacobian ? all - outputs : all;
  if (!m.jacobian) return {random, 0, all, {all}, true};
  if (!output && m.outputs.size() == 1) output = 0;
  if (!output) return {random, random, all, {outputs}, true};
  Index first = random;
  for (int j = 0; j < *output; ++j) first += m.outputs[at(j)].numel();
  const Shape& shape = m.outputs[at(*output)];
  const bool fits = shape.rank() + m.shape.rank() <= Shape::max_rank;
  return {random, first, first + shape.numel(), fits ? shape : Shape{shape.numel()}, !fits};
}

bool is_linear(const Measurement& m, Index random) {
  if (!m.jacobian) return true;
  const Index rows = m.cotangents.size(0);
  const Tensor jacobian = slice(m.analytic, 0, random, rows);                   // [outputs, inputs]
  const Tensor expected = matmul(slice(m.cotangents, 0, 0, random), jacobian);  // [random, inputs]
  const Tensor difference = expected - slice(m.analytic, 0, 0, random);
  const double rounding = smallest_of_interest * largest(m.numeric);
  return largest(difference) <= same * largest(expected) + rounding;
}

using Kind = Diagnosis::Kind;

constexpr Hypothesis* hypotheses[] = {
    is_not_linear,
    is_zero,
    is_multiple,
    is_imprecise,
    is_of_other_input,
    is_overwritten,
    lacks_outputs,
    is_transposed,
    has_transposed_factor,
    is_shifted,
    is_reversed,
    has_extra_sum,
    is_of_other_example,
    has_other_factor,
    is_complement,
    is_approximation,
    has_factor_by_row,
    has_shifted_part,
    has_wrong_elementwise_mask,
    has_other_ties,
    has_wrong_mask,
    lacks_a_term,
};

Explanation explain(const Evidence& wrong, const Evidences& all) {
  for (Hypothesis* hypothesis : hypotheses)
    if (auto explanation = hypothesis(wrong, all)) return *explanation;
  return {Kind::unknown, "the measured elements follow no simple rule", 0, true};
}

// What to call output j. In higher orders the outputs are the gradients of the inputs.
std::string output_name(const std::vector<Measurement>& measurements, Index j) {
  const Shape& shape = measurements[0].outputs[at(j)];
  const bool gradient = measurements[0].order > 1 && j < std::ssize(measurements) &&
                        measurements[at(j)].shape == shape;
  if (gradient) return "the gradient of " + measurements[at(j)].name;
  const std::vector<int>& numbers = measurements[0].output_numbers;
  return text_from("output ", numbers.empty() ? static_cast<int>(j) : numbers[at(j)]);
}

// The same for a function of several outputs: each by itself, as their axes differ.
Explanation explain_outputs(const std::vector<Measurement>& measurements, const Evidence& wrong,
                            const Evidences& all) {
  std::vector<std::pair<std::string, Explanation>> found;  // of the outputs that are wrong
  std::size_t concerned = 0;                               // outputs that the input affects
  for (Index j = 0; j < std::ssize(measurements[0].outputs); ++j) {
    Evidences parts;
    for (const Measurement& m : measurements) parts.emplace_back(m, static_cast<int>(j));
    const Evidence& part = *std::ranges::find(parts, wrong.input, &Evidence::input);
    concerned += largest(part.numeric) > wrong.noise || largest(part.analytic) > wrong.noise;
    if (part.wrong()) found.emplace_back(output_name(measurements, j), explain(part, parts));
  }
  if (found.empty()) return explain(wrong, all);
  Explanation result = found[0].second;
  const bool alike =
      std::ranges::all_of(found, [&](const auto& each) { return each.second.text == result.text; });
  const bool first_order = measurements[0].order == 1;
  if (alike && first_order && found.size() == concerned) return result;
  if (first_order && found.size() == 1 && result.kind == Kind::zero)
    return {Kind::missing_term,
            "the term of " + found[0].first + " is missing: is its cotangent ignored?"};
  result.text.clear();
  for (const auto& [name, explanation] : found) {
    if (result.vague && !explanation.vague) result.kind = explanation.kind;
    result.vague = result.vague && explanation.vague;
    result.text += (result.text.empty() ? "of " : "; of ") + name + ": " + explanation.text;
  }
  if (!alike) result.factor = 0;
  return result;
}

// One mistake is likelier than two: a clear explanation of one input replaces the vague ones, if
// its kind is a mistake in the computation as a whole, which affects the gradients of all inputs.
void share_explanations(std::vector<Explanation>& explanations, const Evidences& inputs) {
  constexpr Kind shared[] = {Kind::transposed, Kind::shifted,    Kind::wrong_example,
                             Kind::wrong_axis, Kind::wrong_mask, Kind::reversed,
                             Kind::complement};
  const auto clear = std::ranges::find_if(explanations, [&](const Explanation& e) {
    return std::ranges::count(shared, e.kind) > 0 && !e.vague;
  });
  if (clear == explanations.end()) return;
  const std::string& name = inputs[static_cast<std::size_t>(clear - explanations.begin())].name;
  for (Explanation& vague : explanations) {
    if (!vague.vague) continue;
    vague.kind = clear->kind;
    vague.text += "; see " + name;
  }
}

// The inputs with an element that failed. If none is known to have one, since only random lines
// disagreed, those whose measured elements differ.
Evidences wrong_ones(const GradcheckReport& report, int order, const Evidences& all) {
  const auto failed = [&](const Evidence& e) {
    return std::ranges::any_of(report.findings, [&](const Finding& finding) {
      return finding.kind == Finding::Kind::mismatch && finding.order == order &&
             finding.input == e.input;
    });
  };
  const bool any_failed = std::ranges::any_of(all, failed);
  if (!any_failed && report.count(Finding::Kind::mismatch) == 0) return {};
  Evidences wrong = all;
  std::erase_if(wrong, [&](const Evidence& e) { return any_failed ? !failed(e) : !e.wrong(); });
  return wrong;
}

}  // namespace

Evidence::Evidence(const Measurement& m, std::optional<int> output)
    : input(m.input), name(m.name), jacobian(m.jacobian) {
  const auto [random, first, last, lead, is_flat] = rows_of(m, output);
  const Shape own = m.shape.rank() < Shape::max_rank ? m.shape : Shape{m.shape.numel()};
  const Shape arranged = lead.joined(own);
  const auto [precise, error] = reliable(m, first, last);
  analytic = reshape(slice(m.analytic, 0, first, last), arranged);
  numeric = reshape(precise, arranged);
  rows = {m.analytic, reliable(m, 0, m.cotangents.size(0)).first};
  flat = is_flat;
  leading = lead.rank();
  if (m.at.defined()) x = reshape(m.at, own);
  if (m.values.defined() && jacobian && !flat)
    y = reshape(slice(m.values, 0, first - random, last - random), lead);
  linear = is_linear(m, random);
  noise = std::max(safety * error, smallest_of_interest * largest(numeric));
}

std::vector<Index> Evidence::axes() const {
  std::vector<Index> result;
  for (Index axis = leading; axis < numeric.rank(); ++axis) result.push_back(axis);
  for (Index axis = 0; axis < leading && jacobian; ++axis) result.push_back(axis);
  std::erase_if(result, [&](Index axis) { return numeric.size(axis) < 2; });
  return result;
}

std::string Evidence::axis_name(Index axis) const {
  return axis < leading ? flat ? "the elements of the cotangent, in row-major order"
                               : text_from("axis ", axis, " of the cotangent")
                        : text_from("axis ", axis - leading, " of the gradient");
}

std::string Evidence::first(const std::function<bool(double, double)>& holds) const {
  const std::span<const double> a = numbers(analytic), n = numbers(numeric);
  const Index columns = shape().numel();
  for (Index k = 0; k < std::ssize(a); ++k) {
    if (!holds(a[at(k)], n[at(k)])) continue;
    const std::string element = name + index_text(shape(), k % columns);
    if (!jacobian || flat) return element;
    return text_from(element, " for output",
                     index_text(analytic.shape().part(0, leading), k / columns));
  }
  return "";
}

bool Evidence::wrong() const {
  const std::span<const double> a = numbers(analytic), n = numbers(numeric);
  for (std::size_t k = 0; k < a.size(); ++k)
    if (std::abs(a[k] - n[k]) > noise) return true;
  return false;
}

bool Evidence::explained_by(const Tensor& prediction) const {
  const auto a = numbers(analytic), n = numbers(numeric), p = numbers(prediction);
  const auto columns = static_cast<std::size_t>(shape().numel());
  Index covered = 0, uncovered = 0;
  for (std::size_t row = 0; row < a.size(); row += columns) {
    double scale = 0;
    for (std::size_t k = row; k < row + columns; ++k)
      if (std::isfinite(p[k])) scale = std::max({scale, std::abs(p[k]), std::abs(a[k])});
    for (std::size_t k = row; k < row + columns; ++k) {
      if (std::isfinite(p[k]) && !(std::abs(a[k] - p[k]) <= same * scale + noise)) return false;
      if (std::abs(a[k] - n[k]) > noise) ++(std::isfinite(p[k]) ? covered : uncovered);
    }
  }
  return covered > 0 && covered >= uncovered;
}

std::set<Tie> ties(const Evidence& evidence, const Tensor& jacobian) {
  const Shape out = jacobian.shape().part(0, evidence.leading), in = evidence.shape();
  std::set<Tie> result;
  for (Index p = 0; p < out.rank(); ++p)
    for (Index q = 0; q < in.rank(); ++q)
      if (out[p] == in[q] && out[p] > 1) result.insert({p, q});
  const std::span<const double> values = numbers(jacobian);
  const auto index_along = [&](Index axis, Index k) {
    return k / jacobian.shape().numel(axis + 1, jacobian.rank()) % jacobian.size(axis);
  };
  for (Index k = 0; k < jacobian.numel(); ++k)
    if (!evidence.is_zero(values[at(k)]))
      std::erase_if(result, [&](const Tie& tie) {
        return index_along(tie.first, k) != index_along(evidence.leading + tie.second, k);
      });
  return result;
}

double largest(const Tensor& x) {
  double result = 0;
  for (const double value : numbers(x))
    if (std::isfinite(value)) result = std::max(result, std::abs(value));
  return result;
}

void diagnose(GradcheckReport& report) {
  if (report.coverage.empty()) return;
  const NoRecording guard;
  const Unobserved own_work;
  const int order = report.coverage.back().order;
  std::vector<Measurement> measurements;
  std::ranges::copy_if(
      report.measurements, std::back_inserter(measurements),
      [&](const Measurement& m) { return m.order == order && m.shape.numel() > 0; });
  const Evidences all(measurements.begin(), measurements.end());

  const Evidences wrong = wrong_ones(report, order, all);
  std::vector<Explanation> explanations;
  for (const Evidence& evidence : wrong) {
    const bool several = evidence.jacobian && measurements[0].outputs.size() > 1;
    explanations.push_back(several && evidence.linear ? explain_outputs(measurements, evidence, all)
                                                      : explain(evidence, all));
  }
  share_explanations(explanations, wrong);
  for (std::size_t k = 0; k < wrong.size(); ++k) {
    const auto& [kind, text, factor, vague] = explanations[k];
    report.diagnoses.push_back({kind, order, wrong[k].input, wrong[k].name, factor, text});
  }
}

}  // namespace adjoint::checking
