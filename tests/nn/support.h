// What the tests of layers share: small models, batches in both layouts, and comparisons. It
// includes the support of the engine's tests.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "nn/models/transformer.h"
#include "tests/autograd/support.h"

namespace adjoint::testing {

// ---- Models -------------------------------------------------------------------------------------

/// A Transformer of a few thousand weights, without dropout. Ids 0, 1 and 2 are padding, begin and
/// end.
nn::TransformerConfig small_config();
/// The same with unusual blocks: each option of a block at least once.
std::vector<nn::TransformerConfig> unusual_blocks();
/// A model in f64, with biases and gains moved away from their initial zeros and ones.
nn::Transformer small_transformer(const nn::TransformerConfig& config, Key key);

inline constexpr nn::Positions all_positions[] = {
    nn::Positions::none,          nn::Positions::sinusoidal, nn::Positions::learned,
    nn::Positions::convolutional, nn::Positions::rotary,     nn::Positions::linear_biases,
    nn::Positions::relative};

/// small_config() with each kind of positions, in each mode and place that it can be combined with.
std::vector<nn::TransformerConfig> position_configs();
/// The positions of a configuration, for messages.
std::string positions_of(const nn::TransformerConfig& config);

/// Adds noise to every parameter.
void shake(nn::Module& module, Key key, double deviation = 0.1);

/// The module with these tensors in place of its parameters.
template <class M>
M with_parameters(const M& module, const Tensors& values) {
  M result = module;
  std::size_t i = 0;
  nn::replace_parameters(result, [&](const std::string&, const Tensor&) { return values.at(i++); });
  return result;
}

std::vector<std::string> names_of(const nn::Module& module);

// ---- Batches ------------------------------------------------------------------------------------

/// `count` sequences of random tokens ≥ 3, of random lengths.
std::vector<nn::Ids> random_sequences(Dice& dice, std::size_t count, Index shortest, Index longest,
                                      Index tokens);
/// The same between a begin and an end symbol.
std::vector<nn::Ids> framed(std::vector<nn::Ids> sequences);

enum class In { padded, packed };
nn::Sequences batch(std::span<const nn::Ids> sequences, In layout);
inline nn::Sequences batch(const nn::Ids& sequence) {
  return nn::Sequences::padded(std::span(&sequence, 1), 0);
}

/// The rows of a tensor in this layout without padding: [real rows, width].
Tensor real_rows(const Tensor& x, const nn::Layout& layout);
/// The rows of one example: [length, width].
Tensor rows_of(const Tensor& x, const nn::Layout& layout, Index example);
/// A tensor in this layout with these real rows, and a value (such as NaN) in its padding.
Tensor in_layout(const Tensor& rows, const nn::Layout& layout, double padding = 0);

// ---- Comparing ----------------------------------------------------------------------------------

/// The largest distance() between tensors of two lists; infinite where the lists differ in length.
double distance(const Tensors& actual, const Tensors& expected);
bool same_bits(const Tensors& a, const Tensors& b);

/// Σ x ⊙ c with random normal c, so that a gradient shows where each element went.
Tensor weighed(const Tensor& x, Key key);

}  // namespace adjoint::testing
