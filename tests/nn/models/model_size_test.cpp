#include "nn/models/model_size.h"

#include <boost/test/unit_test.hpp>

#include "nn/models/transformer.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

/// The number of elements in the computed table of an encoding, which is not a parameter.
double constants(const PositionalEncoding& positions) {
  return positions.kind == Positions::sinusoidal ? static_cast<double>(positions.table.numel()) : 0;
}

double constants(const auto& stack) {
  double count = constants(stack.positions);
  if (stack.final_positions) count += constants(*stack.final_positions);
  for (const auto& block : stack.blocks)
    if (block.positions) count += constants(*block.positions);
  return count;
}

void check_size(const TransformerConfig& config) {
  const Transformer model(config, Key(1));
  const ModelSize size = size_of(config);
  BOOST_TEST(size.parameters == static_cast<double>(parameter_count(model)));
  BOOST_TEST(size.constants == constants(model.encoder) + constants(model.decoder));
}

template <class Choice>
void choose(Choice& value, Dice& dice) {
  const auto last = static_cast<Index>(choices<Choice>.size()) - 1;
  value = (choices<Choice>.begin() + dice.between(0, last))->second;
}

/// A random configuration; its values may not fit together.
TransformerConfig random_config(Dice dice) {
  TransformerConfig c;
  c.source_tokens = dice.between(1, 9);
  c.target_tokens = dice.between(1, 9);
  c.heads = dice.between(1, 2);
  c.width = 4 * dice.between(1, 4);
  c.decoder_width = 4 * dice.between(0, 3);
  c.hidden = dice.between(1, 9);
  c.encoder_blocks = dice.between(0, 3);
  c.decoder_blocks = dice.between(0, 3);
  c.max_length = dice.between(1, 9);
  c.position_width = dice.between(1, 8);
  c.kernel = dice.between(2, 5);
  c.max_distance = dice.between(1, 5);
  c.relative_values = dice.between(0, 1) == 1;
  choose(c.positions, dice);
  choose(c.position_mode, dice);
  choose(c.position_place, dice);
  choose(c.norm, dice);
  choose(c.normalization, dice);
  choose(c.activation, dice);
  choose(c.score, dice);
  choose(c.attention_bias, dice);
  choose(c.tied_embeddings, dice);
  return c;
}

bool can_be_made(const TransformerConfig& config) {
  try {
    config.check();
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_size)

BOOST_AUTO_TEST_CASE(a_transformer_has_the_size_that_was_foreseen) {
  for (const auto& configs : {position_configs(), unusual_blocks()})
    for (const TransformerConfig& config : configs) check_size(config);
  int made = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const TransformerConfig config = random_config(Dice(Key(seed)));
    if (!can_be_made(config)) continue;
    check_size(config);
    ++made;
  }
  BOOST_TEST(made > 200);
}

BOOST_AUTO_TEST_CASE(a_recurrent_model_has_the_size_that_was_foreseen) {
  for (const Cell cell : {Cell::gru, Cell::lstm})
    for (const Index layers : {1, 2, 5}) {
      RecurrentConfig config = {.source_tokens = 5,
                                .target_tokens = 7,
                                .cell = cell,
                                .embedding = 3,
                                .hidden = 4,
                                .layers = layers};
      for (const Directions directions : {Directions::forward, Directions::both}) {
        config.encoder_directions = directions;
        const RecurrentSeq2Seq plain(config, Key(1));
        BOOST_TEST(
            (size_of(config, false) == ModelSize{static_cast<double>(parameter_count(plain)), 0}));
        const BahdanauSeq2Seq attending(config, Key(1));
        BOOST_TEST((size_of(config, true) ==
                    ModelSize{static_cast<double>(parameter_count(attending)), 0}));
      }
    }
}

BOOST_AUTO_TEST_CASE(the_largest_configurations_do_not_overflow) {
  TransformerConfig c;
  c.source_tokens = c.target_tokens = c.width = c.hidden = c.max_length = 1'000'000'000;
  c.encoder_blocks = c.decoder_blocks = 10'000;
  BOOST_TEST(size_of(c).parameters > 1e22);
  BOOST_TEST(size_of(c).constants == 2e18);
}

BOOST_AUTO_TEST_SUITE_END()
