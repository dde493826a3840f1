// Edit distance, and the error rates that are made from it: WER, phoneme error rate, PER.
#pragma once

#include <cstdint>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// The least number of insertions, deletions and substitutions of tokens that turn one sentence
/// into the other (Levenshtein; Wagner and Fischer, JACM 1974).
std::int64_t edit_distance(const Tokens& a, const Tokens& b);

/// Errors of a corpus in per cent of the length of its references.
struct ErrorRate {
  double rate = 0;           ///< 100 · errors / length, from 0 up, past 100 for long hypotheses
  std::int64_t errors = 0;   ///< summed over the sentences
  std::int64_t ref_len = 0;  ///< tokens of the references
};

/// WER: the edit distances of the sentences, summed. Error if there is no sentence, or not one
/// reference for each hypothesis. References without a token give 0 if there is no error, else 100.
ErrorRate word_error_rate(const std::vector<Tokens>& hypotheses,
                          const std::vector<Tokens>& references);

/// The same formula where the tokens are phonemes, as in reading words aloud (often "PER" too).
ErrorRate phoneme_error_rate(const std::vector<Tokens>& hypotheses,
                             const std::vector<Tokens>& references);

/// PER, position-independent error rate (Tillmann et al., "Accelerated DP based search for
/// statistical translation", Eurospeech 1997): as if the tokens of a sentence had no order. The
/// errors of a sentence are
///
///   max(len_hypothesis, len_reference) − tokens in common, each as often as on both sides
///
/// Never more than in WER. Errors as there.
ErrorRate position_independent_error_rate(const std::vector<Tokens>& hypotheses,
                                          const std::vector<Tokens>& references);

}  // namespace adjoint::data
