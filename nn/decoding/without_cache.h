// Decoding any model without a cache.
#pragma once

#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

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
