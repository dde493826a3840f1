#include "nn/models/ensemble.h"

#include <cmath>

namespace adjoint::nn {
namespace {

// log of the mean of softmax(logits) over the members: […, tokens].
Tensor log_of_mean(const Tensors& logits) {
  Tensors log_probabilities;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    require(logits[i].shape() == logits.front().shape(), "ensemble: member ", i, " predicts ",
            logits[i].size(-1), " tokens, member 0 ", logits.front().size(-1));
    log_probabilities.push_back(log_softmax(logits[i]));
  }
  const Tensor sum = logsumexp(stack(log_probabilities), {0});  // […, tokens]
  return sum - scalar(std::log(static_cast<double>(logits.size())), sum.dtype());
}

// Takes every member one token further.
class DecodingTogether : public Decoding {
 public:
  explicit DecodingTogether(std::vector<std::unique_ptr<Decoding>> members)
      : members_(std::move(members)) {}

  Tensor step(const Tensor& ids) override {
    const NoRecording guard;
    Tensors logits;  // each [batch, tokens]
    for (const auto& member : members_) logits.push_back(member->step(ids));
    return log_of_mean(logits);
  }

  void select(std::span<const Index> rows) override {
    for (const auto& member : members_) member->select(rows);
  }

 private:
  std::vector<std::unique_ptr<Decoding>> members_;
};

using Layers = std::vector<std::string> (EncoderDecoder::*)() const;

std::vector<std::string> layers_of_members(const std::vector<Ensemble::Member>& members,
                                           Layers of_member) {
  std::vector<std::string> layers;
  for (std::size_t i = 0; i < members.size(); ++i)
    for (const std::string& layer : (*members[i].*of_member)())
      layers.push_back(text_from("members.", i, '.', layer));
  return layers;
}

}  // namespace

Ensemble::Ensemble(std::vector<Member> members) : members_(std::move(members)) {
  require(!members_.empty(), "ensemble: needs at least one model");
}

Tensor Ensemble::logits(const Sequences& source, const Sequences& target,
                        const Context& context) const {
  Tensors each;
  for (std::size_t i = 0; i < members_.size(); ++i)
    each.push_back(members_[i]->logits(source, target, context.child("members", i)));
  return log_of_mean(each);  // […, tokens]
}

std::unique_ptr<Decoding> Ensemble::decode(const Sequences& source, Index capacity) const {
  std::vector<std::unique_ptr<Decoding>> decodings;
  for (const Member& member : members_) decodings.push_back(member->decode(source, capacity));
  return std::make_unique<DecodingTogether>(std::move(decodings));
}

std::vector<std::string> Ensemble::source_attention_layers() const {
  return layers_of_members(members_, &EncoderDecoder::source_attention_layers);
}

std::vector<std::string> Ensemble::alignment_layers() const {
  return layers_of_members(members_, &EncoderDecoder::alignment_layers);
}

}  // namespace adjoint::nn
