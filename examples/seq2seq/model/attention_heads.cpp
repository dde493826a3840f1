#include "examples/seq2seq/model/attention_heads.h"

#include "autograd/support/printable.h"

namespace adjoint::seq2seq {
namespace {

// "members.2.attention" is "attention" of a member of an ensemble.
std::string within_member(const std::string& path) {
  constexpr std::string_view beginning = "members.";
  if (!path.starts_with(beginning)) return path;
  return path.substr(path.find('.', beginning.size()) + 1);
}

// Every head with attention from the target to the source, found by a pass over two source tokens
// and one target token.
std::vector<nn::AttentionHead> all_heads(const nn::EncoderDecoder& network) {
  const nn::Ids source = {data::Vocabulary::eos, data::Vocabulary::eos};
  const nn::Ids target = {data::Vocabulary::bos};
  std::vector<nn::AttentionHead> heads;
  for (const auto& [layer, weights] : nn::attention_weights(
           network, nn::Sequences::packed({&source, 1}), nn::Sequences::packed({&target, 1})))
    if (weights.size(2) == 1 && weights.size(3) == 2)
      for (Index head = 0; head < weights.size(1); ++head) heads.push_back({layer, head});
  return heads;
}

}  // namespace

std::vector<nn::AttentionHead> attention_heads(const Model& model, const std::string& name,
                                               const std::string& option) {
  std::vector<nn::AttentionHead> heads;
  for (const std::string& layer : model.network->alignment_layers()) heads.push_back({layer});
  require(!heads.empty(), option,
          " needs a model with attention to its source: a Transformer, gru-attention or "
          "lstm-attention");
  if (name.empty()) return heads;
  const std::vector<nn::AttentionHead> all = all_heads(*model.network);
  heads.clear();
  for (const nn::AttentionHead& head : all)
    if (within_member(head.name()) == name) heads.push_back(head);
  require(!heads.empty(), "--alignment-head: there is no head '", printable_line(name),
          "'; the heads are ", within_member(all.front().name()), " to ",
          within_member(all.back().name()));
  return heads;
}

}  // namespace adjoint::seq2seq
