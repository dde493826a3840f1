// A Transformer that computes with functions of its parameters.
#pragma once

#include <functional>

#include "nn/decoding/decoding.h"
#include "nn/models/transformer.h"

namespace adjoint::experiments {

/// Computes with a copy of `model` that `change` has altered: with c·W in place of a weight W, for
/// example. A copy shares the weights, so what is trained are those of `model`.
struct Reparametrised : nn::EncoderDecoder {
  nn::Transformer model;
  std::function<void(nn::Transformer& copy)> change;

  Reparametrised(nn::Transformer original, std::function<void(nn::Transformer&)> alter)
      : model(std::move(original)), change(std::move(alter)) {}
  void fields(nn::Fields& visit) override { model.fields(visit); }

  nn::Transformer changed() const {
    nn::Transformer copy = model;
    change(copy);
    return copy;
  }
  Tensor logits(const nn::Sequences& source, const nn::Sequences& target,
                const nn::Context& context) const override {
    return changed().logits(source, target, context);
  }
  std::unique_ptr<nn::Decoding> decode(const nn::Sequences& source, Index capacity) const override {
    return nn::WithoutCache(*this).decode(source, capacity);
  }
};

}  // namespace adjoint::experiments
