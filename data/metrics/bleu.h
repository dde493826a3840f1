// BLEU in two forms: the book's, and sacreBLEU's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/metrics/references.h"

namespace adjoint::data {

/// BLEU of one sentence as the book d2l defines it (chapter "Sequence-to-Sequence Learning for
/// Machine Translation", evaluation of predicted sequences), from 0 to 1:
///
///   exp(min(0, 1 − len_label / len_prediction)) · ∏ₙ pₙ^(1/2ⁿ),   n = 1 … min(k, len_prediction)
///
/// pₙ is the share of the prediction's n-grams that occur in the label, each used as often as it
/// occurs there. The texts are tokens with one space between them, and the empty text counts as one
/// empty token, both as in the book. The weights 1/2ⁿ are the book's own: its figures compare with
/// those of no paper. For that, use corpus_bleu. Error if k < 1.
double bleu(std::string_view prediction, std::string_view label, std::int64_t k);

/// The defaults are sacreBLEU's for a corpus.
struct BleuOptions {
  /// How both sides are cut (data/metrics/metric_tokens.h): 13a, intl, char or none.
  std::string tokenizer = "13a";
  /// What an order n of n-grams without a match counts as, after Chen and Cherry ("A systematic
  /// comparison of smoothing techniques for sentence-level BLEU", WMT 2014):
  /// - exp: 1/2 of a match for the first such order, 1/4 for the next, and so on
  /// - floor: `smoothing_value` of a match (0.1 unless given)
  /// - add-k: every order but the first has `smoothing_value` (1 unless given) added to its matches
  ///   and to its total
  /// - none: nothing, and the score is 0
  std::string smoothing = "exp";
  std::optional<double> smoothing_value = std::nullopt;
  /// Average over the orders that the hypotheses are long enough for, and not always over four: for
  /// the BLEU of single sentences.
  bool effective_order = false;
  bool lowercase = false;
};

/// What sacreBLEU reports; the names are its own. Entry i of an array is about n-grams of i + 1
/// tokens.
struct BleuScore {
  static constexpr std::size_t max_order = 4;

  double score = 0;                                 ///< 0 to 100
  std::array<double, max_order> precisions = {};    ///< 0 to 100, smoothed
  std::array<std::int64_t, max_order> counts = {};  ///< n-grams of the hypotheses that match
  std::array<std::int64_t, max_order> totals = {};  ///< n-grams of the hypotheses
  double bp = 0;                                    ///< the brevity penalty, 0 to 1
  std::int64_t sys_len = 0;                         ///< tokens of the hypotheses
  std::int64_t ref_len = 0;                         ///< tokens of the references
  /// How it was computed, as sacreBLEU has it but for the version at its end:
  /// nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp
  std::string signature = {};
};

/// Corpus BLEU (Papineni et al., ACL 2002), equal to the figure of sacreBLEU (Post, "A call for
/// clarity in reporting BLEU scores", WMT 2018) with the same signature:
///
///   100 · bp · (p₁ p₂ p₃ p₄)^¼,   bp = exp(min(0, 1 − ref_len / sys_len))
///
/// where counts and lengths are summed over the corpus before anything is divided. With several
/// references an n-gram may be used as often as it occurs in the one that has it most often, and
/// the length that counts is the one nearest to the hypothesis's, the shorter of two as near. With
/// no match at all, or no hypothesis of four tokens (unless effective_order is set, or add-k), the
/// score is 0. Give it detokenized text.
/// Error for an unknown tokenizer or smoothing, a value that makes no sense, and as References.
BleuScore corpus_bleu(const std::vector<std::string>& hypotheses, ReferenceSets references,
                      const BleuOptions& options = {});

/// The same with one reference a sentence.
BleuScore corpus_bleu(const std::vector<std::string>& hypotheses,
                      const std::vector<std::string>& references, const BleuOptions& options = {});

/// BLEU of one sentence against its references, with the effective order unless told otherwise.
BleuScore sentence_bleu(const std::string& hypothesis, const std::vector<std::string>& references,
                        const BleuOptions& options = {.effective_order = true});

}  // namespace adjoint::data
