// Checks that gradients cannot make. A gradient check proves that the gradient belongs to the
// function; whether it is the right function it cannot know. Most mistakes in sequence models make
// a wrong function, and differentiate it correctly. What can be checked without knowing the right
// function is what it must not depend on, and under which changes it stays the same:
//
//   const auto f = [&](const Tensors& x) { return Tensors{my_attention(x[0], x[1])}; };
//   BOOST_TEST(nn::batch_independence(f, {x, lengths}, {.names = {"x", "lengths"}}));
//
// f may be any function of tensors and need know nothing of our modules. What a check should not
// vary (weights, a mask, the memory of a decoder) the function holds itself. Models are best made
// in f64 (nn::cast), contents random and lengths different: equal lengths, steps or weights hide
// mistakes. A check that passes says nothing of inputs unlike those it was given.
//
// Every check throws an Error when shapes do not fit, and where its inputs could show nothing.
#pragma once

#include <optional>

#include "nn/checks/independence.h"
#include "nn/models/encoder_decoder.h"

namespace adjoint::nn {

// ---- What must not depend on what (properties.cpp) ---------------------------------------------
// Each asks as Independence::require_none does: by a zero block of the Jacobian, exactly, and by
// replacing contents.

/// No example's output depends on another example. Inputs and outputs: [batch, …], at least 2; none
/// without that axis. Besides, each example alone, as a batch of one, gives its row of the batch.
/// Finds lengths that follow the heads by `tile`, statistics taken over the batch, positions along
/// the wrong axis. Cannot find what goes wrong within an example.
PropertyReport batch_independence(const Function& f, const Tensors& inputs,
                                  const PropertyOptions& options = {});

enum class Sees { present, past };
/// The output of step t depends on steps 0 … t at most; with Sees::past on 0 … t − 1: then f maps
/// the labels to what predicts them, and is caught if it can read the answer. Inputs and outputs
/// have equally many steps along `axis`, at least 2. Cannot find that too little is seen.
PropertyReport causality(const Function& f, const Tensors& inputs, Sees sees = Sees::present,
                         Index axis = 1, const PropertyOptions& options = {});

/// What is padding: valid lengths, i64 [batch], one tensor for each input and each output [batch,
/// steps, …]. An input without one is left alone; an output without one (a loss) counts as a whole.
struct Padding {
  Tensors inputs, outputs;
  /// If f recognises padding by this value: then its amount is changed only.
  std::optional<double> value = {};
};
/// Neither the contents of padding nor its amount change anything but padding. The padded inputs
/// are made longer by 1 and by 3 steps, all at once, so f has to work at other lengths, with the
/// same valid lengths. Finds padding that is attended to, and losses averaged over it.
PropertyReport padding_invariance(const Function& f, const Tensors& inputs, const Padding& padding,
                                  const PropertyOptions& options = {});

/// Row `row` of an embedding table [tokens, width] has no influence on f(table) and is never
/// trained. f: with inputs that contain padding, to something that should not depend on it (a
/// loss).
PropertyReport padding_row(const Function& f, const Tensor& table, Index row,
                           const PropertyOptions& options = {});

/// Three runs give exactly the same values. Finds dropout that is on in evaluation, where its
/// random numbers go on from call to call; with the same numbers each time it is batch_independence
/// that sees them.
PropertyReport determinism(const Function& f, const Tensors& inputs,
                           const PropertyOptions& options = {});

// ---- Under which changes the result is the same (properties.cpp) -------------------------------

/// f(Px) = P f(x) for three random orders P of the steps along `axis`, the same for all inputs and
/// outputs: self-attention without positions and without a causal mask, layers on rows. Finds heads
/// that are split without a transpose, and positions where there should be none.
PropertyReport permutation_equivariance(const Function& f, const Tensors& inputs, Index axis = 1,
                                        const PropertyOptions& options = {});

/// f(Px) = f(x): attention as a function of its keys and values, in whatever order they come.
PropertyReport permutation_invariance(const Function& f, const Tensors& inputs, Index axis = 1,
                                      const PropertyOptions& options = {});

/// From the input of one step, [batch, …], to its output, [batch, …]: it keeps what was before.
using Step = std::function<Tensor(const Tensor&)>;
/// Steps one after the other give at each step what a run over all of them gives there. x [batch,
/// steps, …]; full(x) [batch, steps, …]; start() begins anew. Finds positions and cache rows that
/// are off, and a full run that sees the future. Cannot find a mistake that both make.
PropertyReport cached_decoding(const std::function<Tensor(const Tensor&)>& full,
                               const std::function<Step()>& start, const Tensor& x,
                               const PropertyOptions& options = {});

// ---- Attention (attention_properties.cpp) ------------------------------------------------------

/// Which rows of the inputs attention may look at: f maps keys and values [batch, keys, …] (one
/// input or several) to [batch, queries, …], for queries and a mask of its own; `allowed`, b8
/// [batch, queries, keys], says what that mask is meant to be, true = may attend. What is masked
/// has no influence whatever, in contents and gradient; what is visible has some gradient. Error
/// unless something is masked and something visible. For one layer: a stack mixes the rows.
PropertyReport mask_polarity(const Function& f, const Tensors& inputs, const Tensor& allowed,
                             const PropertyOptions& options = {});

/// Attention is an average: over values that are all equal it returns that value. f maps values
/// [batch, keys, d] to [batch, queries, d] without a projection after it; each query sees a key.
/// Finds a softmax over the wrong axis, masks applied after it, dropout left on.
PropertyReport values_average(const Function& f, const Tensor& values,
                              const PropertyOptions& options = {});
/// The same of the weights […, queries, keys] themselves: none negative, and they add up to one
/// over the keys. Says so when they do over another axis.
PropertyReport weights_average(const Tensor& weights, const PropertyOptions& options = {});

/// Weights are the softmax of q·k/√d (Vaswani et al. 2017, equation 1), so that for the same query
/// log wᵢ − log wⱼ = q·(kᵢ − kⱼ)/√d wherever weights are not zero. weights […, queries, keys] of
/// query […, queries, d] and key […, keys, d], as they are after projection and split into heads.
/// Says by which factor it is wrong: not divided by √d, by d, by the √ of another width.
PropertyReport score_scale(const Tensor& weights, const Tensor& query, const Tensor& key,
                           const PropertyOptions& options = {});

// ---- An EncoderDecoder (model_properties.cpp) --------------------------------------------------
// The same of a model's logits at inference, with ids and lengths as inputs. Sequences are padded;
// they should differ in length. Error for packed ones.

PropertyReport batch_independence(const EncoderDecoder& model, const Sequences& source,
                                  const Sequences& target, const PropertyOptions& options = {});
PropertyReport causality(const EncoderDecoder& model, const Sequences& source,
                         const Sequences& target, const PropertyOptions& options = {});
PropertyReport padding_invariance(const EncoderDecoder& model, const Sequences& source,
                                  const Sequences& target, const PropertyOptions& options = {});
/// decode(source).step() against logits(), every step taken for a real token.
PropertyReport cached_decoding(const EncoderDecoder& model, const Sequences& source,
                               const Sequences& target, const PropertyOptions& options = {});

}  // namespace adjoint::nn
