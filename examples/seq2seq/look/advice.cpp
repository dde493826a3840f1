#include "examples/seq2seq/look/advice.h"

#include "examples/seq2seq/look/rules.h"

namespace adjoint::seq2seq {
namespace {

std::vector<Advice> apply(std::span<const Rule> rules, const Case& facts) {
  std::vector<Advice> advice;
  for (const Rule& rule : rules)
    if (rule.applies(facts)) advice.push_back({rule.name, rule.text(facts)});
  return advice;
}

}  // namespace

std::vector<Advice> advise(const Settings& settings, const Figures& figures) {
  return apply(rules_about_data(), {settings, figures, {}});
}

std::vector<Advice> advise(const Settings& settings, const Figures& figures,
                           const Outcome& outcome) {
  return apply(rules_about_runs(), {settings, figures, outcome});
}

}  // namespace adjoint::seq2seq
