// How many tokens and sentences are right or wrong: accuracy, perplexity, edit distance, WER, PER.
#pragma once

#include <span>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// The fraction of positions where the predicted id is the expected one, leaving out positions
/// whose expected id is `ignored` (padding). Error if the lengths differ or every position is
/// ignored.
double token_accuracy(std::span<const std::int64_t> predicted,
                      std::span<const std::int64_t> expected, std::int64_t ignored);

/// The fraction of sentences that equal the expected one. Error if there are none, or different
/// numbers of them.
double sequence_accuracy(const std::vector<Tokens>& predicted, const std::vector<Tokens>& expected);

/// exp(summed negative log-likelihood / count): the number of equally likely tokens that would
/// leave a model as uncertain. Error if count < 1.
double perplexity(double summed_negative_log_likelihood, std::int64_t count);

/// The least number of insertions, deletions and substitutions of tokens that turn one sentence
/// into the other (Levenshtein; Wagner and Fischer, JACM 1974).
std::int64_t edit_distance(const Tokens& a, const Tokens& b);

/// 100 · errors / length. If the length is 0, the rate is 0 without errors and 100 otherwise.
double error_rate(double errors, double length);

/// The errors of a corpus, relative to the length of its references.
struct ErrorRate {
  double rate = 0;           ///< error_rate of the two; exceeds 100 for long hypotheses
  std::int64_t errors = 0;   ///< summed over the sentences
  std::int64_t ref_len = 0;  ///< tokens of the references
};

/// WER: the summed edit distances. On phonemes it is the phoneme error rate (often called PER,
/// too). Error if there are no sentences, or not one reference for each hypothesis.
ErrorRate word_error_rate(const std::vector<Tokens>& hypotheses,
                          const std::vector<Tokens>& references);

/// PER, the position-independent error rate (Tillmann et al., "Accelerated DP based search for
/// statistical translation", Eurospeech 1997), which ignores the order of the tokens. The errors of
/// a sentence are
///
///   max(len_hypothesis, len_reference) − matching tokens
///
/// It never exceeds WER. Errors as for WER.
ErrorRate position_independent_error_rate(const std::vector<Tokens>& hypotheses,
                                          const std::vector<Tokens>& references);

}  // namespace adjoint::data
