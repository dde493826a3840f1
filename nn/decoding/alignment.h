// Which source tokens the tokens of a target come from, as a model's attention tells.
#pragma once

#include "nn/batch/attention_head.h"
#include "nn/decoding/decoding.h"

namespace adjoint::nn {

/// How much each token of a target attends to each token of its source while it is predicted:
/// [target tokens + 1, source tokens]. The last row is that of the end. The weights are those of
/// `heads`, and the mean of several; a layer without a head stands for the mean of those that are
/// not pruned. Without `heads` it is alignment_layers(). So a row sums to 1, or to less where heads
/// are pruned. Attention shows where a model looks, which need not be where a translator would.
///
/// One pass through the model for each batch of pairs. Targets come without begin and end, as
/// decoding returns them; of the options, begin and padding are used. Error if the numbers of
/// sources and targets differ, for a model without attention, and for a head that it lacks.
std::vector<Tensor> soft_alignments(const EncoderDecoder& model, std::span<const Ids> sources,
                                    std::span<const Ids> targets,
                                    const DecodingOptions& options = {},
                                    std::vector<AttentionHead> heads = {});

/// The source token, among the first `source_tokens`, that each of the first `target_tokens` rows
/// of a soft alignment attends to most; of equal ones the first. Leave the ends out: a token is not
/// aligned to an end. Error if there are fewer rows or columns, or no source token.
std::vector<Index> hard_alignment(const Tensor& soft, Index target_tokens, Index source_tokens);

}  // namespace adjoint::nn
