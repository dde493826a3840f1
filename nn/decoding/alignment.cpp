#include "nn/decoding/alignment.h"

#include "nn/decoding/next_token.h"

namespace adjoint::nn {
namespace {

// The mean over the heads; a head that is pruned has weights of 0. Padding gets 0.
Tensor mean_of_heads(const Tensor& weights) {
  const Tensor sum_of_heads = sum(weights, {1});            // [batch, targets, sources]
  const Tensor heads = sum(sum_of_heads, {-1}, Keep::yes);  // [batch, targets, 1]
  const Tensor none_left = equal(heads, scalar(0, heads.dtype()));
  return sum_of_heads / where(none_left, scalar(1, heads.dtype()), heads);
}

// Of one head, or the mean of all: [batch, targets, sources].
Tensor weights_of(const AttentionHead& which, const AttentionWeights& all) {
  const auto layer = all.find(which.layer);
  require(layer != all.end(), "alignment: the model has no attention '", which.layer, "'");
  const Tensor& weights = layer->second;  // [batch, heads, targets, sources]
  if (which.head == none) return mean_of_heads(weights);
  require(which.head >= 0 && which.head < weights.size(1), "alignment: there is no head ",
          which.head, " among ", weights.size(1));
  const Tensor one = slice(weights, 1, which.head, which.head + 1);
  return reshape(one, one.shape().without(1));
}

}  // namespace

std::vector<Tensor> soft_alignments(const EncoderDecoder& model, std::span<const Ids> sources,
                                    std::span<const Ids> targets, const DecodingOptions& options,
                                    std::vector<AttentionHead> heads) {
  require(sources.size() == targets.size(), "alignment: ", sources.size(), " sources and ",
          targets.size(), " targets");
  if (heads.empty())
    for (const std::string& layer : model.alignment_layers()) heads.push_back({layer});
  require(!heads.empty(), "alignment: the model has no attention to its source");
  return in_batches(sources, rows_per_batch, [&](std::span<const Ids> batch, Index first) {
    std::vector<Ids> inputs;
    for (const Ids& target : targets.subspan(static_cast<std::size_t>(first), batch.size())) {
      inputs.emplace_back(target);
      inputs.back().insert(inputs.back().begin(), options.begin);
    }
    const AttentionWeights all = attention_weights(model, Sequences::padded(batch, options.padding),
                                                   Sequences::padded(inputs, options.padding));
    Tensor mean;  // [batch, targets, sources]
    for (const AttentionHead& head : heads) {
      const Tensor weights = weights_of(head, all);
      mean = mean.defined() ? mean + weights : weights;
    }
    mean = mean / static_cast<double>(heads.size());
    std::vector<Tensor> alignments;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto example = static_cast<Index>(i);
      const Index rows = std::ssize(inputs[i]), columns = std::ssize(batch[i]);
      const Tensor padded = slice(mean, 0, example, example + 1);  // [1, targets, sources]
      const Tensor used = slice(slice(padded, 1, 0, rows), 2, 0, columns);
      alignments.push_back(reshape(used, {rows, columns}));
    }
    return alignments;
  });
}

std::vector<Index> hard_alignment(const Tensor& soft, Index target_tokens, Index source_tokens) {
  require(soft.rank() == 2 && soft.size(0) >= target_tokens && soft.size(1) >= source_tokens &&
              source_tokens > 0,
          "alignment: weights ", soft.shape(), " for ", target_tokens, " target and ",
          source_tokens, " source tokens");
  const Tensor weights = slice(soft, 1, 0, source_tokens);  // [rows, source tokens]
  std::vector<Index> aligned;
  for (Index row = 0; row < target_tokens; ++row) aligned.push_back(argmax_of_row(weights, row));
  return aligned;
}

}  // namespace adjoint::nn
