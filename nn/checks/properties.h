// Checks of what gradients cannot show. Most mistakes in sequence models compute a wrong function
// and differentiate it correctly. Even without knowing the right function one can check what it
// must not depend on, and which changes must leave it the same:
//
//   const auto f = [&](const Tensors& x) { return Tensors{my_attention(x[0], x[1])}; };
//   BOOST_TEST(nn::batch_independence(f, {x, lengths}, {.names = {"x", "lengths"}}));
//
// f may be any function of tensors and need not use our modules. It captures what a check should
// not vary (weights, a mask, the decoder's memory). Use models in f64 (nn::cast), random contents
// and different lengths: equal lengths, steps or weights hide mistakes. A check that passes says
// nothing about inputs unlike its own. Error if shapes do not match or inputs cannot show anything.
#pragma once

#include <optional>

#include "nn/checks/independence.h"
#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

// ---- What must not depend on what (properties.cpp), as Independence::require_none checks it -----

/// No example's output depends on another example. All inputs and outputs are [batch, …] with at
/// least 2 examples. Also, each example as a batch of one gives its row of the batch. Finds lengths
/// that follow the heads by `tile`, statistics over the batch, positions along the wrong axis.
/// Cannot find mistakes within an example.
PropertyReport batch_independence(const Function& f, const Tensors& inputs,
                                  const PropertyOptions& options = {});

/// What a step may depend on: itself and those before it, or only those before it.
enum class Sees { present, past };
/// The output of step t depends on steps 0 … t only, or with Sees::past on 0 … t − 1: then f maps
/// labels to what predicts them, and must not read the answer. Inputs and outputs have equally many
/// steps along `axis`, at least 2. Cannot find that too little is seen.
PropertyReport causality(const Function& f, const Tensors& inputs, Sees sees = Sees::present,
                         Index axis = 1, const PropertyOptions& options = {});

/// What is padding: valid lengths, i64 [batch], for each input and each output [batch, steps, …].
/// Without lengths, an input is left alone and an output (a loss) is compared as a whole.
struct Padding {
  Tensors inputs, outputs;
  /// Set this if f recognises padding by its value: then only the amount of padding changes.
  std::optional<double> value = {};
};
/// Neither the contents of padding nor its amount affect the valid output. The padded inputs are
/// lengthened together by 1 and by 3 steps, with the same valid lengths, so f must accept other
/// lengths. Finds padding that is attended to, and losses averaged over it.
PropertyReport padding_invariance(const Function& f, const Tensors& inputs, const Padding& padding,
                                  const PropertyOptions& options = {});

/// Row `row` of an embedding table [tokens, width] does not influence f(table) and is not trained.
/// f uses inputs that contain padding and returns something that must not depend on it (a loss).
PropertyReport padding_row(const Function& f, const Tensor& table, Index row,
                           const PropertyOptions& options = {});

/// Three runs give exactly the same values. Finds dropout left on in evaluation whose random
/// numbers change from call to call; batch_independence finds dropout that repeats them.
PropertyReport determinism(const Function& f, const Tensors& inputs,
                           const PropertyOptions& options = {});

// ---- Which changes leave the result the same (properties.cpp) ----------------------------------

/// f(Px) = P f(x) for three random orders P of the steps along `axis`, the same for all inputs and
/// outputs. Holds for self-attention without positions and causal mask, and for layers on rows.
/// Finds heads split without a transpose, and unintended positions.
PropertyReport permutation_equivariance(const Function& f, const Tensors& inputs, Index axis = 1,
                                        const PropertyOptions& options = {});

/// f(Px) = f(x). Holds for attention as a function of its keys and values.
PropertyReport permutation_invariance(const Function& f, const Tensors& inputs, Index axis = 1,
                                      const PropertyOptions& options = {});

/// Maps the input of one step, [batch, …], to its output, [batch, …], and remembers earlier steps.
using Step = std::function<Tensor(const Tensor&)>;
/// Decoding step by step gives, at each step, what a run over all steps gives there. x is [batch,
/// steps, …], full(x) is [batch, steps, …], start() begins a new sequence. Finds positions and
/// cache rows that are off, and a full run that sees the future. Cannot find a mistake that both
/// make.
PropertyReport cached_decoding(const std::function<Tensor(const Tensor&)>& full,
                               const std::function<Step()>& start, const Tensor& x,
                               const PropertyOptions& options = {});

// ---- Attention (attention_properties.cpp) ------------------------------------------------------

/// Attention sees the rows it should and no others: f maps keys and values [batch, keys, …] (one
/// input or several) to [batch, queries, …], with queries and mask of its own; `allowed`, b8
/// [batch, queries, keys], is what that mask should be, true = may attend. Masked rows have no
/// influence at all, in value and gradient; each visible row has some gradient. For a single layer,
/// since a stack mixes the rows. Error unless some rows are masked and some visible.
PropertyReport mask_polarity(const Function& f, const Tensors& inputs, const Tensor& allowed,
                             const PropertyOptions& options = {});

/// Attention is an average: if all values are equal it returns that value. f maps values [batch,
/// keys, d] to [batch, queries, d] without a final projection; each query sees a key. Finds a
/// softmax over the wrong axis, masks applied after it, dropout left on.
PropertyReport values_average(const Function& f, const Tensor& values,
                              const PropertyOptions& options = {});
/// The same for the weights […, queries, keys] themselves: none is negative, and they sum to one
/// over the keys. The cause names another axis if they sum to one there.
PropertyReport weights_average(const Tensor& weights, const PropertyOptions& options = {});

/// Weights are the softmax of q·k/√d (Vaswani et al. 2017, equation 1), so two nonzero weights of
/// one query satisfy log wᵢ − log wⱼ = q·(kᵢ − kⱼ)/√d. Takes weights […, queries, keys], query […,
/// queries, d] and key […, keys, d] after projection and splitting into heads. The cause names the
/// actual factor: not divided by √d, divided by d, or by the √ of another width.
PropertyReport score_scale(const Tensor& weights, const Tensor& query, const Tensor& key,
                           const PropertyOptions& options = {});

// ---- An EncoderDecoder (model_properties.cpp) --------------------------------------------------
// The same for a model's logits at inference, with ids and lengths as inputs. Error for packed
// sequences; padded ones should differ in length.

PropertyReport batch_independence(const EncoderDecoder& model, const Sequences& source,
                                  const Sequences& target, const PropertyOptions& options = {});
PropertyReport causality(const EncoderDecoder& model, const Sequences& source,
                         const Sequences& target, const PropertyOptions& options = {});
PropertyReport padding_invariance(const EncoderDecoder& model, const Sequences& source,
                                  const Sequences& target, const PropertyOptions& options = {});
/// Compares decode(source).step() with logits(). Every target step counts as a real token.
PropertyReport cached_decoding(const EncoderDecoder& model, const Sequences& source,
                               const Sequences& target, const PropertyOptions& options = {});

}  // namespace adjoint::nn
