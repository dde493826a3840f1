// The heads whose attention says which words of a source an answer comes from.
#pragma once

#include "examples/seq2seq/model/model.h"
#include "nn/decoding/alignment.h"

namespace adjoint::seq2seq {

/// The head that is named "layer:head", which is one of attention from the answer to the source (a
/// pointer has none); of an ensemble, that head of each member that has it.
/// Without a name, those of the network's alignment_layers(). Error, which begins with `option`, if
/// there is no such head, or no attention to the source.
std::vector<nn::AttentionHead> attention_heads(const Model& model, const std::string& name,
                                               const std::string& option);

}  // namespace adjoint::seq2seq
