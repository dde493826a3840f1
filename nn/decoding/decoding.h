// From a model to token sequences: what all ways to decode have in common, and the simplest way.
#pragma once

#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

/// Which targets may be decoded. A target is complete when the end is chosen, or else, without an
/// end, when it has `max_length` tokens; so the probabilities of all complete targets add up to 1.
struct DecodingOptions {
  Index begin = 1;        ///< id that starts a target
  Index end = 2;          ///< id that ends it; not part of the result; `none`: no token ends it
  Index padding = 0;      ///< fills up short sources
  Index max_length = 64;  ///< tokens at most, without the end
  Index min_length = 0;   ///< tokens at least: before, the end is not chosen
  /// What each target has to begin with, one list of tokens for each source; or no list at all.
  /// These tokens are part of the result, of its length and of its probability.
  std::vector<Ids> prefixes = {};
  /// Tokens that are not chosen: marks that mean nothing in a target, such as padding. As with the
  /// end before min_length, the probabilities of the others stay what they are.
  Ids never = {};
};

/// A decoded target.
struct Hypothesis {
  Ids ids;                     ///< without begin and end
  bool ended = false;          ///< whether the end was chosen; else it was cut at max_length
  double log_probability = 0;  ///< Σ log p(token | source, tokens before), the end's included
  double score = 0;  ///< what it was ranked by: log_probability, over a length penalty if any
};

// What all decoding functions share. They take a span of sources and treat each by itself: neither
// the company nor the number of threads changes a result (but for the last bits of the logits,
// since the number of rows decides which kernel multiplies them, autograd/README.md). Of equally
// likely tokens the one of the lower id comes first. Errors: options that contradict each other;
// logits that are NaN or infinite; a prefix that is impossible or not of the vocabulary.

/// The likeliest token at each step, fed back as the next input, until the end. One result for each
/// source. Computed step by step with a cache; equal to running the whole prefix again at each
/// step.
std::vector<Ids> greedy(const EncoderDecoder& model, std::span<const Ids> sources,
                        const DecodingOptions& options = {});

/// The same targets with their probabilities, which take a little time.
std::vector<Hypothesis> greedy_hypotheses(const EncoderDecoder& model, std::span<const Ids> sources,
                                          const DecodingOptions& options = {});

/// The same by running the whole prefix again: greedy(WithoutCache(model), …).
std::vector<Ids> greedy_without_cache(const EncoderDecoder& model, std::span<const Ids> sources,
                                      const DecodingOptions& options = {});

/// A model seen through its logits() alone: decode() keeps no cache and runs the whole prefix again
/// at each step. Slow; to hold every cache to, under whatever search: `beam_search(WithoutCache(m),
/// …)`. And a model that has no cache yet can return `WithoutCache(*this).decode(source,
/// capacity)`.
class WithoutCache : public EncoderDecoder {
 public:
  /// The model has to outlive this, and what decode() returns.
  explicit WithoutCache(const EncoderDecoder& model) : model_(model) {}
  void fields(Fields&) override {}  // no weights of its own

  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override {
    return model_.logits(source, target, context);
  }
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override;

 private:
  const EncoderDecoder& model_;
};

}  // namespace adjoint::nn
