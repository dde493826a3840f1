// The stages of attention(), which leaves one node on the tape: its formula is computed once more.
#include <cmath>

#include "autograd/grad.h"
#include "autograd/observer.h"
#include "autograd/ops/attention_stages.h"
#include "autograd/tools/explorer/attention.h"
#include "autograd/tools/story_words.h"

namespace adjoint::exploring {
namespace {

// The cotangents of what the formula computes, in the given order; empty for what it left out.
Tensors cotangents_of(const AttentionStages& s, const Tensors& of, const Tensor& cotangent) {
  Tensors asked;
  for (const Tensor& x : of)
    if (x.defined()) asked.push_back(x);
  const Tensors found = grad({s.result}, asked, {cotangent}, {.zeros_if_independent = true});
  Tensors all;
  for (auto next = found.begin(); const Tensor& x : of) all.push_back(x.defined() ? *next++ : x);
  return all;
}

std::string about_heads(const AttentionStages& s, const AttentionOptions& options) {
  std::string text = text_from(telling::counted(options.heads, "head"),
                               options.heads > 1 ? " of width d = " : ", d = ", s.q.size(3), '.');
  if (options.dropout > 0) text += " Dropout acts on the weights.";
  return text;
}

}  // namespace

Attention fused_attention(const TapeStory& story, const TapeStory::Node& node) {
  const AttentionCall call = attention_call(*node.recorded).value();
  const Unobserved hidden_from_tools;
  const FlagGuard recording(&Ambient::recording, true), fused(&Ambient::composed, false);
  const auto input = [&](std::size_t i) { return variable(node.inputs[i].values); };
  AttentionStages s = attention_stages(input(0), input(1), input(2), *call.pattern, call.options);

  Attention result{.fused = true, .nodes = {node.number}};
  result.about =
      self_or_cross(story, node.inputs[0], node.inputs[1]) + ' ' + about_heads(s, call.options);
  result.hidden = hidden_by(*call.pattern);
  const TapeStory::Vjp* const vjp = vjp_of(story, node.number);
  Tensors back(9);
  if (vjp && vjp->cotangents[0].defined())
    back =
        cotangents_of(s, {s.q, s.k, s.v, s.scores, s.scaled, s.biased, s.weights, s.dropped, s.mix},
                      vjp->cotangents[0]);
  const auto stage = [&](const char* letter, const char* name, const std::string& formula,
                         const Tensor& values, std::size_t i) {
    return Stage{letter, name, formula, "", detach(values), back[i], node.number, node.number};
  };
  const bool biased = s.biased.defined(), drops = s.dropped.defined();
  // The formula leaves out hidden pairs; here each query is multiplied by each key.
  const Tensor products = matmul(detach(s.q), detach(s.k), Transposed::b);
  const double root = std::sqrt(static_cast<double>(std::max<Index>(1, s.q.size(3))));
  Tensor moved = products * (1 / root);  // all [examples, heads, queries, keys]
  result.add(stage("S", "scores", "q kᵀ", products, 3), "");
  result.add(stage("Z", "scaled", "S/√d", moved, 4), "Z̄/√d");
  if (biased) {
    moved = moved + PaddedPattern(*call.pattern).linear_biases(call.options.heads, moved.dtype());
    result.add(stage("B", "biased", "Z − slope · |distance|", moved, 5), "B̄");
  }
  if (result.hidden.defined())
    result.add(stage("M", "masked", result.last() + ", −∞ where hidden", moved, biased ? 5 : 4),
               "M̄, 0 where hidden");
  result.add(stage("W", "weights", "softmax(" + result.last() + ")", s.weights, 6),
             "W (W̄ − Σ W̄ W)");
  if (drops) result.add(stage("D", "after dropout", "W m", s.dropped, 7), "D̄ m");
  result.q = stage("q", "queries", "", s.q, 0);
  result.k = stage("k", "keys", "", s.k, 1);
  result.v = stage("v", "values", "", s.v, 2);
  result.q.gradient = "S̄ k";
  result.k.gradient = "S̄ᵀ q";
  result.v.gradient = result.last() + "ᵀ ȳ";
  result.add(stage("y", "mix", result.last() + " v", s.mix, 8), "ȳ vᵀ");
  return result;
}

}  // namespace adjoint::exploring
