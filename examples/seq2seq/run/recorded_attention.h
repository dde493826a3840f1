// The attention of a model for one sentence, as its run records it.
#pragma once

#include "examples/seq2seq/run/records.h"

namespace adjoint::seq2seq {

/// The weights of each attention layer while the model reads the reference, so that a row means the
/// same in every epoch. Empty for a model without attention.
std::vector<Records::Attention> recorded_attention(const Model& model, const data::Pair& sentence);

/// How many weights they are, of all layers and heads.
Index count_weights(const std::vector<Records::Attention>& layers);

}  // namespace adjoint::seq2seq
