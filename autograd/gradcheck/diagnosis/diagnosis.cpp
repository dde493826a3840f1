#include "autograd/gradcheck/diagnosis/diagnosis.h"

#include <algorithm>

#include "autograd/gradcheck/diagnosis/hypotheses.h"
#include "autograd/observer.h"

namespace adjoint::checking {
namespace {

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

// Kinds of mistakes in the computation as a whole, which affect the gradients of all inputs.
bool concerns_all_inputs(Kind kind) {
  return kind == Kind::transposed || kind == Kind::shifted || kind == Kind::wrong_example ||
         kind == Kind::wrong_axis || kind == Kind::wrong_mask;
}

// One mistake is likelier than two: a clear explanation of one input replaces the vague ones, which
// only say that the numbers are wrong.
void share_explanations(std::vector<Explanation>& explanations, const Evidences& inputs) {
  const auto clear = std::ranges::find_if(
      explanations, [](const Explanation& e) { return concerns_all_inputs(e.kind) && !e.vague; });
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

namespace adjoint {

const char* name_of(Diagnosis::Kind kind) {
  constexpr const char* names[] = {"zero",         "sign",        "factor",     "precision",
                                   "other input",  "transposed",  "shifted",    "wrong example",
                                   "extra sum",    "missing sum", "wrong axis", "wrong mask",
                                   "missing term", "unknown"};
  return names[static_cast<int>(kind)];
}

}  // namespace adjoint
