// Edit distance, and the error rates based on it: WER, PER.
#pragma once

#include <cstdint>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// The least number of insertions, deletions and substitutions of tokens that turn one sentence
/// into the other (Levenshtein; Wagner and Fischer, JACM 1974).
std::int64_t edit_distance(const Tokens& a, const Tokens& b);

/// The errors of a corpus, relative to the length of its references.
struct ErrorRate {
  double rate = 0;           ///< 100 · errors / length; exceeds 100 for long hypotheses
  std::int64_t errors = 0;   ///< summed over the sentences
  std::int64_t ref_len = 0;  ///< tokens of the references
};

/// WER: the summed edit distances. On phonemes it is the phoneme error rate (often called PER,
/// too). If the references have no tokens, the rate is 0 without errors and 100 otherwise. Error if
/// there are no sentences, or not one reference for each hypothesis.
ErrorRate word_error_rate(const std::vector<Tokens>& hypotheses,
                          const std::vector<Tokens>& references);

/// PER, the position-independent error rate (Tillmann et al., "Accelerated DP based search for
/// statistical translation", Eurospeech 1997), which ignores the order of the tokens. The errors of
/// a sentence are
///
///   max(len_hypothesis, len_reference) − matching tokens
///
/// Never more than for WER. Errors as there.
ErrorRate position_independent_error_rate(const std::vector<Tokens>& hypotheses,
                                          const std::vector<Tokens>& references);

}  // namespace adjoint::data
