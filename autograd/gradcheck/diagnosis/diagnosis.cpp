#include "autograd/gradcheck/diagnosis/diagnosis.h"

#include <algorithm>

#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// Derivatives are the same if they differ by less than this, relative to the largest of their row.
constexpr double same = 1e-6;
// A numeric derivative with a larger error, relative to the largest one, is no evidence.
constexpr double least_precision = 1e-4;

std::span<const double> numbers(const Tensor& x) { return x.values<double>(); }

// The numeric derivative without imprecise elements, and the largest error of the others.
std::pair<Tensor, double> reliable(const Measurement& m) {
  const double bound = least_precision * std::max(largest(m.numeric), largest(m.analytic));
  Tensor result = copy(m.numeric);
  double worst = 0;
  const std::span<const double> errors = numbers(m.error);
  const std::span<double> values = result.edit<double>();
  for (std::size_t k = 0; k < values.size(); ++k)
    if (errors[k] <= bound)
      worst = std::max(worst, errors[k]);
    else
      values[k] = nan;
  return {result, worst};
}

// The axes of the output if there is only one and a tensor can hold all axes, else one axis.
Shape leading_shape(const Measurement& m, Index rows) {
  const bool fits =
      m.outputs.size() == 1 && m.outputs[0].rank() + m.shape.rank() <= Shape::max_rank;
  return m.jacobian && fits ? m.outputs[0] : Shape{rows};
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
    is_zero,        is_multiple,         is_imprecise,          is_of_other_input,
    lacks_outputs,  is_transposed,       has_transposed_factor, is_shifted,
    has_extra_sum,  is_of_other_example, has_shifted_part,      has_wrong_elementwise_mask,
    has_other_ties, has_wrong_mask,      lacks_a_term,
};

Explanation explain(const Evidence& wrong, const Evidences& all) {
  if (!wrong.linear) return {Kind::unknown, "it is not linear in the cotangent"};
  for (Hypothesis* hypothesis : hypotheses)
    if (auto explanation = hypothesis(wrong, all)) return *explanation;
  return {Kind::unknown, "the measured elements follow no simple rule", 0, true};
}

// One mistake is likelier than two: a clear explanation of one input replaces the vague ones, if
// its kind is a mistake in the computation as a whole, which affects the gradients of all inputs.
void share_explanations(std::vector<Explanation>& explanations, const Evidences& inputs) {
  constexpr Kind shared[] = {Kind::transposed, Kind::shifted, Kind::wrong_example, Kind::wrong_axis,
                             Kind::wrong_mask};
  const auto clear = std::ranges::find_if(explanations, [&](const Explanation& e) {
    return std::ranges::count(shared, e.kind) > 0 && !e.vague;
  });
  if (clear == explanations.end()) return;
  const std::string& name = inputs[static_cast<std::size_t>(clear - explanations.begin())].name;
  for (Explanation& vague : explanations) {
    if (!vague.vague) continue;
    vague.kind = clear->kind;
    vague.text += "; " + name + " shows why";
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

Evidence::Evidence(const Measurement& m) : input(m.input), name(m.name), jacobian(m.jacobian) {
  Index outputs = 0;
  for (const Shape& shape : m.outputs) outputs += shape.numel();
  const Index all = m.cotangents.size(0);
  const Index random = jacobian ? all - outputs : all;
  const Index first = jacobian ? random : 0;
  const Shape lead = leading_shape(m, all - first);
  const Shape own = m.shape.rank() < Shape::max_rank ? m.shape : Shape{m.shape.numel()};
  const auto arranged = [&](const Tensor& matrix) {  // [leading…, axes of the input…]
    return reshape(slice(matrix, 0, first, all), lead.joined(own));
  };
  const auto [precise, error] = reliable(m);
  analytic = arranged(m.analytic);
  numeric = arranged(precise);
  leading = lead.rank();
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
  return axis < leading ? text_from("axis ", axis, " of the cotangent")
                        : text_from("axis ", axis - leading, " of the gradient");
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
  Evidences all;
  for (const Measurement& measurement : report.measurements)
    if (measurement.order == order && measurement.shape.numel() > 0) all.emplace_back(measurement);

  const Evidences wrong = wrong_ones(report, order, all);
  std::vector<Explanation> explanations;
  for (const Evidence& evidence : wrong) explanations.push_back(explain(evidence, all));
  share_explanations(explanations, wrong);
  for (std::size_t k = 0; k < wrong.size(); ++k) {
    const auto& [kind, text, factor, vague] = explanations[k];
    report.diagnoses.push_back({kind, order, wrong[k].input, wrong[k].name, factor, text});
  }
}

}  // namespace adjoint::checking
