#include "autograd/gradcheck/diagnosis/diagnosis.h"

#include <algorithm>
#include <iterator>

#include "autograd/gradcheck/diagnosis/hypotheses.h"
#include "autograd/observer.h"

namespace adjoint::checking {
namespace {

using Kind = Diagnosis::Kind;

constexpr Hypothesis hypotheses[] = {
    is_zero,        is_multiple,         is_imprecise,          is_of_other_input,
    lacks_outputs,  is_transposed,       has_transposed_factor, is_shifted,
    has_extra_sum,  is_of_other_example, has_shifted_part,      has_wrong_elementwise_mask,
    has_other_ties, has_wrong_mask,      lacks_a_term,
};

Explanation explain(const Evidence& wrong, const Evidences& all) {
  if (!wrong.linear) return {Kind::unknown, "it is not linear in the cotangent"};
  for (const Hypothesis hypothesis : hypotheses)
    if (auto explanation = hypothesis(wrong, all)) return *explanation;
  return {Kind::unknown, "the measured elements follow no simple rule", 0, true};
}

// Kinds that concern how a function was computed, not only the gradient of one input.
bool concerns_all_inputs(Kind kind) {
  return kind == Kind::transposed || kind == Kind::shifted || kind == Kind::wrong_example ||
         kind == Kind::wrong_axis || kind == Kind::wrong_mask;
}

// One mistake is likelier than two: where all that can be said of an input is that its numbers are
// wrong, and another input shows why, that is why.
void share_reasons(std::vector<Explanation>& explanations, const std::vector<std::string>& names) {
  const auto clear = std::ranges::find_if(
      explanations, [](const Explanation& e) { return concerns_all_inputs(e.kind) && !e.vague; });
  if (clear == explanations.end()) return;
  const std::string& name = names[static_cast<std::size_t>(clear - explanations.begin())];
  for (Explanation& vague : explanations) {
    if (!vague.vague) continue;
    vague.kind = clear->kind;
    vague.text += "; " + name + " shows why";
  }
}

bool is_accused(const GradcheckReport& report, int order, int input) {
  return std::ranges::any_of(report.findings(), [&](const Finding& finding) {
    return finding.kind == Finding::Kind::mismatch && finding.order == order &&
           finding.input == input;
  });
}

}  // namespace

void diagnose(GradcheckReport& report) {
  const NoRecording guard;
  const Unobserved own_work;
  const int order = report.coverage().back().order;
  Evidences all, wrong;
  for (const Measurement& measurement : report.measurements())
    if (measurement.order == order && measurement.shape.numel() > 0) all.emplace_back(measurement);
  // Those with an element that failed; along random lines none is known to.
  const auto accused = [&](const Evidence& e) { return is_accused(report, order, e.input); };
  const bool any_accused = std::ranges::any_of(all, accused);
  std::ranges::copy_if(all, std::back_inserter(wrong), [&](const Evidence& e) {
    return any_accused ? accused(e) : report.count(Finding::Kind::mismatch) > 0 && e.wrong();
  });

  std::vector<Explanation> explanations;
  std::vector<std::string> names;
  for (const Evidence& evidence : wrong) {
    explanations.push_back(explain(evidence, all));
    names.push_back(evidence.name);
  }
  share_reasons(explanations, names);
  for (std::size_t k = 0; k < wrong.size(); ++k)
    report.add(Diagnosis{.kind = explanations[k].kind,
                         .order = order,
                         .input = wrong[k].input,
                         .name = names[k],
                         .factor = explanations[k].factor,
                         .text = explanations[k].text});
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
