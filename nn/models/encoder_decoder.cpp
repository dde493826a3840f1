#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

AttentionWeights attention_weights(const EncoderDecoder& model, const Sequences& source,
                                   const Sequences& target) {
  const NoRecording guard;
  AttentionWeights weights;
  model.logits(source, target, Context::inference().watching(weights));
  return weights;
}

}  // namespace adjoint::nn
