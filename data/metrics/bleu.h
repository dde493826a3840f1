// BLEU in two forms: the book's, and sacreBLEU's.
#pragma once

#include <array>
#include <optional>

#include "data/metrics/metric_text.h"

namespace adjoint::data {

/// BLEU of one sentence as the book d2l defines it (chapter "Sequence-to-Sequence Learning for
/// Machine Translation", evaluation of predicted sequences), from 0 to 1:
///
///   exp(min(0, 1 − len_label / len_prediction)) · ∏ₙ pₙ^(1/2ⁿ),   n = 1 … min(k, len_prediction)
///
/// pₙ is the fraction of the prediction's n-grams that match the label's (clipped). Tokens are
/// separated by one space, and an empty text counts as one empty token, as in the book. The weights
/// 1/2ⁿ are the book's own, so its scores are not comparable with papers; corpus_bleu's are.
/// Error if k < 1.
double bleu(std::string_view prediction, std::string_view label, std::int64_t k);

/// The defaults are those of sacreBLEU for a corpus.
struct BleuOptions {
  /// How both sides are tokenized (data/metrics/metric_text.h): 13a, intl, char or none.
  std::string tokenizer = "13a";
  /// What an order of n-grams without a match counts as, after Chen and Cherry ("A systematic
  /// comparison of smoothing techniques for sentence-level BLEU", WMT 2014):
  /// - exp: 1/2 of a match for the first such order, 1/4 for the next, and so on
  /// - floor: `smoothing_value` of a match (default 0.1)
  /// - add-k: adds `smoothing_value` (default 1) to matches and total of every order but the first
  /// - none: 0, so the score is 0 too
  std::string smoothing = "exp";
  std::optional<double> smoothing_value = std::nullopt;
  /// For single sentences: average only over the orders that the hypothesis is long enough for,
  /// instead of all four.
  bool effective_order = false;
  bool lowercase = false;
};

/// What sacreBLEU reports, under its names. Entry i of an array is about n-grams of i + 1 tokens.
struct BleuScore {
  static constexpr std::size_t max_order = 4;

  double score = 0;                                 ///< 0 to 100
  std::array<double, max_order> precisions = {};    ///< 0 to 100, smoothed
  std::array<std::int64_t, max_order> counts = {};  ///< matching n-grams of the hypotheses
  std::array<std::int64_t, max_order> totals = {};  ///< n-grams of the hypotheses
  double bp = 0;                                    ///< the brevity penalty, 0 to 1
  std::int64_t sys_len = 0;                         ///< tokens of the hypotheses
  std::int64_t ref_len = 0;                         ///< tokens of the references
  /// sacreBLEU's without the version at its end: nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp
  std::string signature = {};
};

/// Corpus BLEU (Papineni et al., ACL 2002), equal to sacreBLEU's (Post, "A call for clarity in
/// reporting BLEU scores", WMT 2018) with the same signature:
///
///   100 · bp · (p₁ p₂ p₃ p₄)^¼,   bp = exp(min(0, 1 − ref_len / sys_len))
///
/// Counts and lengths are summed over the corpus before they are divided. With several references,
/// an n-gram may match as often as it occurs in any one of them, and the reference length is the
/// one nearest to the length of the hypothesis; ties go to the shorter. Without any match, or
/// any hypothesis of four tokens (unless effective_order or add-k is set), the score is 0. Pass
/// detokenized text.
/// Error for an unknown tokenizer or smoothing, a value out of range, or as for References.
BleuScore corpus_bleu(const std::vector<std::string>& hypotheses, const ReferenceSets& references,
                      const BleuOptions& options = {});

/// BLEU of one sentence against its references, by default with effective_order.
BleuScore sentence_bleu(const std::string& hypothesis, const std::vector<std::string>& references,
                        const BleuOptions& options = {.effective_order = true});

}  // namespace adjoint::data
