// How good is the output: BLEU in two forms, token accuracy, perplexity, edit distance.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer.h"

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
};

/// Corpus BLEU (Papineni et al., ACL 2002) with one reference a sentence, equal to the figure of
/// sacreBLEU with its defaults (Post, "A call for clarity in reporting BLEU scores", WMT 2018;
/// signature nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp):
///
///   100 · bp · (p₁ p₂ p₃ p₄)^¼,   bp = exp(min(0, 1 − ref_len / sys_len))
///
/// where counts and lengths are summed over the corpus before anything is divided. The n-th order
/// without a match counts as 1/2ⁿ matches ("exp": 1/2 for the first such order, 1/4 for the next);
/// with no match at all, or no hypothesis of four tokens, the score is 0. Give it detokenized text.
/// Error if there is no sentence, or not one reference for each hypothesis.
BleuScore corpus_bleu(const std::vector<std::string>& hypotheses,
                      const std::vector<std::string>& references);

/// The tokens that corpus_bleu counts: sacreBLEU's "13a", after NIST's mteval-v13a.pl. Entities
/// like &quot; are resolved; ASCII symbols stand alone, except the apostrophe and what follows; so
/// do `.` and `,` unless between digits, and `-` after a digit. Cut at Unicode white space.
Tokens tokenize_13a(std::string_view text);

/// The share of positions at which the predicted id is the expected one, among those where the
/// expected id is not `ignored` (padding), from 0 to 1.
/// Error if the lengths differ or no position counts.
double token_accuracy(std::span<const std::int64_t> predicted,
                      std::span<const std::int64_t> expected, std::int64_t ignored);

/// exp(summed negative log likelihood / number of tokens): the number of equally likely tokens
/// among which a model in the same doubt would choose. Error if count < 1.
double perplexity(double summed_negative_log_likelihood, std::int64_t count);

/// The least number of insertions, deletions and substitutions of tokens that turn one sentence
/// into the other (Levenshtein; Wagner and Fischer, JACM 1974).
std::int64_t edit_distance(const Tokens& a, const Tokens& b);

}  // namespace adjoint::data
