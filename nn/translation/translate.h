// Lines in, lines out.
#pragma once

#include <span>

#include "nn/decoding/beam_search.h"
#include "nn/translation/model.h"

namespace adjoint::nn {

/// The best answer to a line: the likeliest token at each step, or with a beam wider than 1 what
/// beam_search() finds. A line without tokens gives an empty one. Error for a line that is longer
/// than the model can read, or not UTF-8.
std::string translate(const TranslationModel& model, std::string_view line,
                      const BeamOptions& beam = {.width = 1});

/// The same for many lines, which takes less time. Which other lines there are changes no answer
/// (except as nn/decoding/decoding.h says about logits). Errors give the number of the line.
std::vector<std::string> translate(const TranslationModel& model,
                                   std::span<const std::string> lines,
                                   const BeamOptions& beam = {.width = 1});

/// A good answer is at most about twice as long as its source, and a longer one is usually a loop:
/// the number of tokens at which decoding stops. It grows in coarse steps, so that sources of
/// different lengths can share a batch.
Index usual_limit(const TranslationConfig& config, const data::Tokens& source);

/// The tokens that begin, end and pad what these models write, and those that they never write.
DecodingOptions decoding_options();

}  // namespace adjoint::nn
