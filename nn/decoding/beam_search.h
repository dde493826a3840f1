// Beam search: the likeliest targets, by following several hypotheses at a time.
#pragma once

#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// What a log-probability is divided by, so that targets of different lengths can be compared:
///   lp(n) = ((offset + n) / (offset + 1))^alpha
/// With offset 5 that is equation 14 of Wu et al. 2016 ("Google's neural machine translation
/// system"); with offset 0 it is n^alpha, and with alpha 1 then the mean over the tokens. With
/// alpha 0 nothing is divided. n counts the tokens whose probabilities are multiplied: those of
/// the target and its end, if it has one.
struct LengthPenalty {
  double alpha = 0.6;  ///< 0 or more; the larger, the longer the targets that win
  double offset = 5;   ///< 0 or more

  double operator()(Index length) const;
};

struct BeamOptions {
  Index width = 4;  ///< hypotheses followed at a time; 1 is greedy decoding
  Index best = 1;   ///< how many targets to return, at most `width`
  LengthPenalty penalty{};
};

/// The best targets found for each source, highest score log p / lp(n) first; fewer than `best`
/// where there are not so many. Of equal scores the one that was complete earlier comes first, then
/// the one that continues the likelier hypothesis, then the one with the lower id at that place.
///
/// A step continues every unfinished hypothesis with every token and keeps the likeliest. What is
/// complete leaves the beam (Sutskever et al. 2014, section 3.2) and leaves it one place narrower,
/// so that a beam of 1 is greedy decoding. Only hypotheses of equal length compete for places;
/// there a penalty changes nothing.
///
/// The search of a source ends when nothing is unfinished or when no unfinished hypothesis can
/// overtake any more: a log-probability l only falls as tokens are added, and n is at most
/// max_length, so no continuation scores above l / lp(max_length). When `best` finished ones score
/// at least that for the likeliest unfinished one, they stand. So stopping never changes a result.
///
/// Error when width < 1, best is not within 1 … width, or alpha or offset is negative.
std::vector<std::vector<Hypothesis>> beam_search(const EncoderDecoder& model,
                                                 std::span<const Ids> sources,
                                                 const BeamOptions& beam = {},
                                                 const DecodingOptions& options = {});

}  // namespace adjoint::nn
