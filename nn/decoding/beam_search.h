// Beam search: the likeliest targets, found by following several hypotheses at a time.
#pragma once

#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// Log-probabilities are divided by it, so that targets of different lengths can be compared:
///
///   lp(n) = ((offset + n) / (offset + 1))^alpha
///
/// With offset 5 this is equation 14 of Wu et al. 2016 ("Google's neural machine translation
/// system"). With offset 0 it is n^alpha; alpha 1 then gives the mean over the tokens. With alpha 0
/// nothing is divided. n counts the tokens whose probabilities are multiplied: the target's and its
/// end, if it has one.
struct LengthPenalty {
  double alpha = 0.6;  ///< at least 0; larger values favour longer targets
  double offset = 5;   ///< at least 0

  double operator()(Index length) const;
};

/// How widely beam_search() searches, and how it ranks what it finds.
struct BeamOptions {
  Index width = 4;  ///< hypotheses followed at a time; 1 is greedy decoding
  Index best = 1;   ///< number of targets to return, at most `width`
  LengthPenalty penalty{};
};

/// The best targets found for each source, highest score log p / lp(n) first; fewer than `best` if
/// no more are found. Ties go to the target completed earlier, then to the one that
/// continues the likelier hypothesis, then to the one with the lower id there.
///
/// A step continues every unfinished hypothesis with every token and keeps the likeliest. A
/// complete hypothesis leaves the beam (Sutskever et al. 2014, section 3.2), which becomes one
/// narrower, so that a beam of 1 is greedy decoding. Only hypotheses of equal length compete for
/// places, so the penalty does not matter there.
///
/// The search of a source ends when no hypothesis is unfinished, or when none can overtake any
/// more: a log-probability l only falls as tokens are added, and n is at most max_length, so no
/// continuation scores above l / lp(max_length). Once `best` finished hypotheses score at least
/// that for the likeliest unfinished one, they are final. So stopping never changes a result.
///
/// Error if width < 1, best is not within 1 … width, or alpha or offset is negative.
std::vector<std::vector<Hypothesis>> beam_search(const EncoderDecoder& model,
                                                 std::span<const Ids> sources,
                                                 const BeamOptions& beam = {},
                                                 const DecodingOptions& options = {});

}  // namespace adjoint::nn
