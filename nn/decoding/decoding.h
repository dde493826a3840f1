// What all ways of decoding token sequences from a model have in common.
#pragma once

#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

// Every decoding function takes a span of sources and treats each on its own: neither the other
// sources nor the number of threads changes a result, except for the last bits of the logits, since
// the number of rows decides which kernel multiplies them (autograd/kernels). Of equally likely
// tokens, the one with the lower id comes first. Errors: options that contradict each other, logits
// that are NaN or infinite, and a prefix that is impossible or not in the vocabulary.

/// Which targets may be decoded. A target is complete when the end token is chosen, or without one
/// when it has `max_length` tokens, so the probabilities of all complete targets add up to 1.
struct DecodingOptions {
  Index begin = 1;    ///< id that starts a target
  Index end = 2;      ///< id that ends it and is not part of the result; `none`: there is no end
  Index padding = 0;  ///< pads short sources
  Index max_length = 64;  ///< most tokens of a target, without the end
  Index min_length = 0;   ///< with fewer tokens than this, the end is not chosen
  /// What each target must begin with: one list of tokens for each source, or no lists at all. The
  /// tokens are part of the result, of its length and of its probability.
  std::vector<Ids> prefixes = {};
  /// Tokens never to be chosen, such as padding. As with min_length, the probabilities of the other
  /// tokens do not change.
  Ids never = {};

  /// Error if the options contradict each other or do not fit the number of sources.
  void check(std::size_t sources) const;
  /// Error if they name a token that a model with this many tokens does not have.
  void check_vocabulary(Index tokens) const;
};

/// A decoded target.
struct Hypothesis {
  Ids ids;                     ///< without begin and end
  bool ended = false;          ///< whether the end was chosen; if not, max_length cut the target
  double log_probability = 0;  ///< Σ log p(token | source, tokens before), the end's included
  double score = 0;            ///< the rank: log_probability, divided by a length penalty if any
};

/// A model seen through its logits() alone: decoding runs the whole prefix through it again at each
/// step. This is slow, and the reference for every cache, under any search:
/// `beam_search(WithoutCache(model), …)`. A model that has no cache yet can implement decode() as
/// `return WithoutCache(*this).decode(source, capacity);`.
class WithoutCache : public EncoderDecoder {
 public:
  /// The model must outlive this and what decode() returns.
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
