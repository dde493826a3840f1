#include "examples/seq2seq/model/attention_heads.h"

namespace adjoint::seq2seq {
namespace {

// "members.2.attention" is "attention" of a member of an ensemble.
std::string within_member(const std::string& path) {
  constexpr std::string_view beginning = "members.";
  if (!path.starts_with(beginning)) return path;
  return path.substr(path.find('.', beginning.size()) + 1);
}

// Every head with attention from the target to the source, by layer. A pass over one token tells
// how many heads a layer has.
std::vector<nn::AttentionHead> all_heads(const nn::EncoderDecoder& network) {
  const nn::Ids source = {data::Vocabulary::eos}, target = {data::Vocabulary::bos};
  const nn::AttentionWeights weights = nn::attention_weights(
      network, nn::Sequences::packed({&source, 1}), nn::Sequences::packed({&target, 1}));
  std::vector<nn::AttentionHead> heads;
  for (const std::string& layer : network.source_attention_layers())
    for (Index head = 0; head < weights.at(layer).size(1); ++head) heads.push_back({layer, head});
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
  const auto wanted = nn::AttentionHead::from_name(name);
  std::vector<nn::AttentionHead> known;  // as they are named within a member
  heads.clear();
  for (const nn::AttentionHead& head : all_heads(*model.network)) {
    known.push_back({within_member(head.layer), head.head});
    if (known.back() == wanted) heads.push_back(head);
  }
  require(!heads.empty(), no_such_head(name, known.front(), known.back()));
  return heads;
}

}  // namespace adjoint::seq2seq
