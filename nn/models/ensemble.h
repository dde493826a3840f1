// Several models that answer as one.
#pragma once

#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

/// Predicts the mean of its members' probabilities:
///
///   p(token) = (p₁(token) + … + pₙ(token)) / n
///
/// The logits are log p. The members may be models of different kinds, but must read the same
/// source tokens and predict the same target tokens. They are shared and keep their weights: an
/// ensemble has none of its own, and is neither trained nor saved.
class Ensemble : public EncoderDecoder {
 public:
  using Member = std::shared_ptr<const EncoderDecoder>;

  /// Error without a member.
  explicit Ensemble(std::vector<Member> members);
  void fields(Fields&) override {}

  /// Error if the members predict different numbers of tokens. The members' paths begin with
  /// members.0, members.1 and so on.
  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override;
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override;
  /// Those of all members.
  std::vector<std::string> source_attention_layers() const override;
  std::vector<std::string> alignment_layers() const override;

 private:
  std::vector<Member> members_;
};

}  // namespace adjoint::nn
