#include <boost/test/unit_test.hpp>

#include "nn/models/transformer.h"
#include "nn/training/loss.h"
#include "tests/nn/layers/heads_as_examples.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const std::vector<Ids> sources = {{3, 4, 5}, {6}, {7, 8, 9, 10}},
                       targets = {{1, 3}, {1, 4, 5, 6}, {1}};

Tensor logits_of(const Transformer& model, In layout, const Context& context) {
  const Sequences target = batch(targets, layout);
  return real_rows(model.logits(batch(sources, layout), target, context), target.layout);
}

BOOST_AUTO_TEST_SUITE(transformer_heads)

BOOST_AUTO_TEST_CASE(weights_of_every_block_and_head) {
  std::vector<TransformerConfig> configs = unusual_blocks();
  configs.push_back(small_config());
  for (const TransformerConfig& config : configs)
    for (const In layout : {In::padded, In::packed}) {
      const Transformer model = small_transformer(config, Key(1));
      const AttentionWeights all =
          attention_weights(model, batch(sources, layout), batch(targets, layout));
      BOOST_TEST_REQUIRE(all.size() == 6u);  // 2 in the encoder, 2 · 2 in the decoder
      for (const std::string block : {"blocks.0.", "blocks.1."}) {
        BOOST_TEST((all.at("encoder." + block + "attention").shape() == Shape{3, 2, 4, 4}));
        BOOST_TEST((all.at("decoder." + block + "attention").shape() == Shape{3, 2, 4, 4}));
        const Grid cross(all.at("decoder." + block + "cross_attention"));
        BOOST_TEST((cross.shape == Shape{3, 2, 4, 4}));
        BOOST_TEST(
            (cross[{1, 1, 3, 0}] == 1 || config.pruned_heads.size() > 0));  // a source of one word
        BOOST_TEST((cross[{2, 0, 1, 0}] == 0));  // a target of one word has no second query
      }
      for (const auto& [name, weights] : all) BOOST_TEST(!weights.tracked());
    }
}

BOOST_AUTO_TEST_CASE(the_weights_are_those_that_the_model_used) {
  const Transformer model = small_transformer(small_config(), Key(1));
  const Sequences source = batch(sources, In::padded);
  const AttentionWeights all = attention_weights(model, source, batch(targets, In::padded));
  const Context inference = Context::inference();
  const Mask mask(source.layout, source.layout);
  const MultiHeadAttention& first = model.encoder.blocks[0].attention;
  const Tensor x =
      model.encoder.positions(model.encoder.embedding(source.ids), source.layout, inference);
  const Tensor weights = reshape(all.at("encoder.blocks.0.attention"), {6, 4, 4});
  const Tensor heads = matmul(weights, transpose_qkv(first.value(x), 2));  // [batch · heads, …]
  const auto real = [&](const Tensor& y) { return real_rows(y, source.layout); };
  BOOST_TEST(distance(real(first(x, x, x, mask, inference)),
                      real(first.output(transpose_output(heads, 2)))) < 1e-14);

  AttentionWeights seen;
  BOOST_TEST(same_bits(logits_of(model, In::padded, inference.watching(seen)),
                       logits_of(model, In::padded, inference)));
}

// Without biases, a decoder whose heads for the memory are all pruned ignores the source.
BOOST_AUTO_TEST_CASE(a_decoder_without_heads_for_the_memory_does_not_see_it) {
  Transformer model = small_transformer(small_config(), Key(1));
  const auto logits = [&](const Ids& source) {
    return model.logits(batch(source), batch({1, 4, 5}), Context::inference());
  };
  const std::string blocks = "decoder.blocks.";
  prune_heads(model, {{blocks + "0.cross_attention", 0}, {blocks + "0.cross_attention", 1}});
  BOOST_TEST(distance(logits({3, 4}), logits({9, 8, 7})) > 1e-3);
  prune_heads(model, {{blocks + "1.cross_attention", 1}, {blocks + "1.cross_attention", 0}});
  BOOST_TEST(distance(logits({3, 4}), logits({9, 8, 7})) == 0);
}

BOOST_AUTO_TEST_CASE(heads_are_pruned_by_the_configuration_as_by_hand) {
  TransformerConfig config = small_config();
  Transformer by_hand = small_transformer(config, Key(1));
  const Tensor before = logits_of(by_hand, In::packed, Context::inference());
  const std::vector<AttentionHead> heads = {{"encoder.blocks.1.attention", 0},
                                            {"decoder.blocks.0.attention", 1}};
  prune_heads(by_hand, heads);
  config.pruned_heads = heads;
  const Tensor after = logits_of(by_hand, In::packed, Context::inference());
  BOOST_TEST(same_bits(
      logits_of(small_transformer(config, Key(1)), In::packed, Context::inference()), after));
  BOOST_TEST(distance(after, before) > 1e-3);
  BOOST_TEST((by_hand.encoder.blocks[1].attention.pruned == std::vector<Index>{0}));
}

BOOST_AUTO_TEST_CASE(a_missing_head_is_an_error) {
  TransformerConfig config = small_config();
  config.encoder_blocks = config.decoder_blocks = 1;
  Transformer model(config, Key(1));
  BOOST_CHECK_EXCEPTION(
      prune_heads(model, {{"encoder.blocks.1.attention", 0}}), Error,
      says("transformer: pruned_heads: there is no attention layer 'encoder.blocks.1.attention'; "
           "there are encoder.blocks.0.attention, decoder.blocks.0.attention, "
           "decoder.blocks.0.cross_attention"));
  BOOST_CHECK_EXCEPTION(prune_heads(model, {{"encoder.blocks.0.attention", 2}}), Error,
                        says("transformer: pruned_heads: encoder.blocks.0.attention has no head 2; "
                             "with heads 2 they are 0 to 1"));
}

// ---- Widths ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_decoder_may_be_of_another_width) {
  TransformerConfig config = small_config();
  config.decoder_width = 12;
  const Transformer model(config, Key(1));
  const DecoderBlock& block = model.decoder.blocks[0];
  BOOST_TEST((model.encoder.embedding.table.shape() == Shape{11, 8}));
  BOOST_TEST((model.decoder.embedding.table.shape() == Shape{13, 12}));
  BOOST_TEST((block.cross_attention.query.weight.shape() == Shape{12, 12}));
  BOOST_TEST((block.cross_attention.key.weight.shape() == Shape{12, 8}));
  BOOST_TEST((block.cross_attention.value.weight.shape() == Shape{12, 8}));
  BOOST_TEST((block.attention.key.weight.shape() == Shape{12, 12}));
  BOOST_TEST((model.decoder.output.weight.shape() == Shape{13, 12}));
}

// Giving the decoder the same width explicitly changes nothing.
BOOST_AUTO_TEST_CASE(an_equal_decoder_width_changes_nothing) {
  TransformerConfig config = small_config();
  const Transformer once(config, Key(1));
  config.decoder_width = config.width;
  BOOST_TEST(same_bits(parameters(Transformer(config, Key(1))), parameters(once)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
