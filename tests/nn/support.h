// What the layers' tests share: small models and batches, both layouts, and plain loops to compare
// with. The arrays and comparisons of the engine's tests are there, too.
#pragma once

#include <ostream>
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
/// The same with other blocks than the usual ones: each option of a block at least once.
std::vector<nn::TransformerConfig> unusual_blocks();
/// It in f64, with biases and gains moved away from the zeros and ones that they begin with.
nn::Transformer small_transformer(const nn::TransformerConfig& config, Key key);

inline constexpr nn::Positions all_positions[] = {
    nn::Positions::none,          nn::Positions::sinusoidal, nn::Positions::learned,
    nn::Positions::convolutional, nn::Positions::rotary,     nn::Positions::linear_biases,
    nn::Positions::relative};

/// A kind of positions with a mode and a place that go with it, for models of small_config().
struct PositionSetting {
  nn::Positions kind;
  nn::PositionOptions options;
};
/// All there are.
std::vector<PositionSetting> position_settings();
std::ostream& operator<<(std::ostream& stream, const PositionSetting& setting);

/// Adds noise to every parameter.
void shake(nn::Module& module, Key key, double deviation = 0.1);

/// The module computing with these tensors in the place of its parameters.
template <class M>
M with_parameters(const M& module, const Tensors& values) {
  M result = module;
  std::size_t i = 0;
  nn::replace_parameters(result, [&](const std::string&, const Tensor&) { return values.at(i++); });
  return result;
}

std::vector<std::string> names_of(const nn::Module& module);

// ---- Batches ------------------------------------------------------------------------------------

/// So many sequences of random tokens from 3 on, of random lengths.
std::vector<nn::Ids> random_sequences(Dice& dice, std::size_t count, Index shortest, Index longest,
                                      Index tokens);
/// The same between a begin and an end symbol.
std::vector<nn::Ids> framed(std::vector<nn::Ids> sequences);

enum class In { padded, packed };
nn::Sequences batch(std::span<const nn::Ids> sequences, In layout);
inline nn::Sequences batch(const nn::Ids& sequence) {
  return nn::Sequences::padded(std::span(&sequence, 1), 0);
}

/// The rows of a tensor in this layout that are no padding: [real rows, width].
Tensor real_rows(const Tensor& x, const nn::Layout& layout);
/// Those of one example: [length, width].
Tensor rows_of(const Tensor& x, const nn::Layout& layout, Index example);
/// A tensor of this layout with these real rows; padding is filled with a value, NaN say.
Tensor in_layout(const Tensor& rows, const nn::Layout& layout, double padding = 0);

// ---- Comparing ----------------------------------------------------------------------------------

/// The largest distance() between tensors of two lists; infinite where the lists differ in length.
double distance(const Tensors& actual, const Tensors& expected);
bool same_bits(const Tensors& a, const Tensors& b);

/// A number for each element, so that a gradient shows which elements went where: Σ x ⊙ c with
/// random normal c.
Tensor weighed(const Tensor& x, Key key);

}  // namespace adjoint::testing
