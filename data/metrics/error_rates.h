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

// Further references are in `more`: more[k][i] is another reference of sentence i, or empty if
// there is none.

/// The fraction of sentences that equal the expected one or one of its further references. Error if
/// there are no sentences, or if a set does not have one reference for each.
double sequence_accuracy(const std::vector<Tokens>& predicted, const std::vector<Tokens>& expected,
                         const std::vector<std::vector<Tokens>>& more = {});

/// exp(summed negative log-likelihood / count): the number of equally likely tokens that would
/// leave a model as uncertain. Error if count < 1.
double perplexity(double summed_negative_log_likelihood, std::int64_t count);

/// The least number of insertions, deletions and substitutions of tokens that turn one sentence
/// into the other (Levenshtein; Wagner and Fischer, JACM 1974). The time grows with the product of
/// the lengths, 64 pairs of tokens in one step; the memory with their sum.
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
/// too). Of several references of a sentence, the one with the lowest rate counts; ties go to the
/// first. Errors as for sequence_accuracy.
ErrorRate word_error_rate(const std::vector<Tokens>& hypotheses,
                          const std::vector<Tokens>& references,
                          const std::vector<std::vector<Tokens>>& more = {});

/// PER, the position-independent error rate (Tillmann et al., "Accelerated DP based search for
/// statistical translation", Eurospeech 1997), which ignores the order of the tokens. The errors of
/// a sentence are
///
///   max(len_hypothesis, len_reference) − matching tokens
///
/// It never exceeds WER. References and errors as for WER.
ErrorRate position_independent_error_rate(const std::vector<Tokens>& hypotheses,
                                          const std::vector<Tokens>& references,
                                          const std::vector<std::vector<Tokens>>& more = {});

}  // namespace adjoint::data
