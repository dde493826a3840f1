#include "tests/nn/checks/culprits.h"

#include <algorithm>
#include <set>

#include "autograd/observer.h"
#include "autograd/tools/inspect.h"
#include "nn/training/loss.h"
#include "tests/nn/support.h"

namespace adjoint::testing {
namespace {

using namespace adjoint::nn;
using Kind = Diagnosis::Kind;

const Transformer& model() {
  static const Transformer model = [] {
    TransformerConfig config = small_config();
    config.source_tokens = config.target_tokens = 6;
    config.width = config.hidden = 4;
    config.max_length = 4;
    config.positions = Positions::learned;
    config.activation = Activation::gelu;  // without kinks
    config.dropout = 0.2;
    return small_transformer(config, Key(2));
  }();
  return model;
}

Tensors loss(const Tensors& weights) {
  const std::vector<Ids> sources = {{3, 4, 5}, {4, 3}}, inputs = {{1, 3}, {1, 4, 3}};
  const Transformer other = with_parameters(model(), weights);
  const Tensor logits = other.logits(batch(sources, In::packed), batch(inputs, In::packed),
                                     Context::training(Key(3)));
  return {masked_cross_entropy(logits, ints({3, 2, 4, 3, 2}), 0).sum};
}

Tensor wrong(Kind kind, const Tensor& gradient) {
  if (!gradient.defined()) return gradient;
  return kind == Kind::sign ? -gradient : kind == Kind::zero ? 0 * gradient : 0.5 * gradient;
}

}  // namespace

std::string PlantedCulprit::name() const {
  return operation + " in " + scope + ": " + name_of(kind);
}

GradcheckReport PlantedCulprit::check() const {
  Planted mistake(operation, scope, [k = kind](const Site&, Tensors& gradients) {
    for (Tensor& gradient : gradients) gradient = wrong(k, gradient);
  });
  const Observing guard(mistake);
  // Along lines: measuring single elements takes long and shows no more than the tape does.
  return gradcheck(loss, parameters(model()), {.elements_up_to = 0});
}

bool PlantedCulprit::named_by(const GradcheckReport& report) const {
  if (!report.walk || !report.walk->culprit) return false;
  const Culprit& culprit = *report.walk->culprit;
  return culprit.operation == operation && culprit.scope == scope;
}

bool PlantedCulprit::diagnosed_by(const GradcheckReport& report) const {
  if (!named_by(report)) return false;
  const std::vector<Diagnosis>& diagnoses = report.walk->culprit->report->diagnoses;
  return !diagnoses.empty() &&
         std::ranges::all_of(diagnoses, [&](const Diagnosis& d) { return d.kind == kind; });
}

std::vector<PlantedCulprit> planted_culprits() {
  constexpr Kind kinds[] = {Kind::sign, Kind::factor, Kind::zero};
  std::set<std::pair<std::string, std::string>> seen;
  std::vector<PlantedCulprit> result;
  for (const NodePtr& node : tape(loss(parameters(model()))[0]))
    if (!node->is_leaf() && seen.emplace(node->name(), node->scope()).second)
      result.push_back({node->name(), node->scope(), kinds[result.size() % 3]});
  return result;
}

}  // namespace adjoint::testing
