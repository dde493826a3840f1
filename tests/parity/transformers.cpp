// Encoder and decoder blocks, and a whole Transformer, padded and packed.
#include <boost/test/unit_test.hpp>

#include "nn/models/transformer.h"
#include "nn/training/loss.h"
#include "tests/parity/vectors.h"

namespace adjoint::parity {
namespace {

using namespace nn;

// Both layouts of the same batch.
std::vector<Layout> layouts(const Layout& padded) {
  return {padded, Layout::packed(padded.lengths())};
}

TransformerConfig block_config(const Case& stored) {
  TransformerConfig config;
  config.width = 8;
  config.hidden = 12;
  config.heads = 2;
  config.dropout = 0;
  config.attention_bias = Bias::yes;
  config.norm = stored.name().ends_with("pre") ? NormPlacement::pre : NormPlacement::post;
  return config;
}

// Σ over real rows of output ⊙ cotangent.
Tensor scored(const Tensor& output, const Layout& layout, const Tensor& cotangent,
              const Layout& padded) {
  return sum(output * arranged(cotangent, layout, padded));
}

void check_encoder_block(Case& stored) {
  const Layout padded = Layout::padded(stored.lengths("lengths"), 5);
  for (const Layout& layout : layouts(padded)) {
    stored.again();
    const auto block = stored.module(EncoderBlock(block_config(stored), Key(1)));
    const Tensor x = arranged(stored.input("x"), layout, padded);
    const Tensor output = block(x, Mask(layout, layout), layout, Context::inference());
    stored.compare_rows("output", output, layout);
    stored.compare_gradients_of(scored(output, layout, stored.constant("cotangent"), padded));
  }
}

void check_decoder_block(Case& stored) {
  const Layout whole = Layout::full(3, 4);
  const Layout padded_memory = Layout::padded(stored.lengths("memory_lengths"), 5);
  for (const Layout& layout : layouts(whole))
    for (const Layout& source : layouts(padded_memory)) {
      stored.again();
      const auto block = stored.module(DecoderBlock(block_config(stored), Key(1)));
      const Tensor x = arranged(stored.input("x"), layout, whole);
      const Tensor memory = arranged(stored.input("memory"), source, padded_memory);
      const Tensor output = block(x, memory, Mask(layout, layout).causal(), Mask(layout, source),
                                  layout, Context::inference());
      stored.compare_rows("output", output, layout);
      stored.compare_gradients_of(scored(output, layout, stored.constant("cotangent"), whole));
    }
}

void check_transformer(Case& stored) {
  TransformerConfig config = block_config(stored);
  config.source_tokens = 11;
  config.target_tokens = 13;
  config.hidden = 16;
  config.max_length = 5;
  config.attention_bias = Bias::no;
  stored.compare("positions", sinusoids(5, 8, stored.dtype()));

  const Layout padded_source = Layout::padded(stored.lengths("source_lengths"), 5);
  const Layout padded_target = Layout::padded(stored.lengths("target_lengths"), 4);
  const auto sequences = [&](const std::string& key, const Layout& layout, const Layout& padded) {
    return Sequences{arranged(stored.constant(key), layout, padded), layout};
  };
  for (const Layout& source_layout : layouts(padded_source))
    for (const Layout& target_layout : layouts(padded_target)) {
      stored.again();
      const auto model = stored.module(Transformer(config, Key(1)));
      const Context context = Context::inference();
      const Sequences source = sequences("source", source_layout, padded_source);
      const Sequences target = sequences("target_input", target_layout, padded_target);
      stored.compare_rows("memory", model.encoder(source, context), source_layout);
      const Tensor logits = model.logits(source, target, context);
      stored.compare_rows("logits", logits, target_layout);

      const Tensor expected = arranged(stored.constant("target"), target_layout, padded_target);
      const LossSum loss = masked_cross_entropy(logits, expected, 0);
      stored.compare("loss/sum", loss.sum);
      stored.compare("loss/count", static_cast<double>(loss.count));
      stored.compare("loss/mean", loss.sum / static_cast<double>(loss.count));
      stored.compare_gradients_of(loss.sum);
    }
}

}  // namespace

const Checks& transformer_checks() {
  static const Checks checks = {
      {"encoder_block_post", check_encoder_block}, {"encoder_block_pre", check_encoder_block},
      {"decoder_block_post", check_decoder_block}, {"decoder_block_pre", check_decoder_block},
      {"transformer", check_transformer},
  };
  return checks;
}

}  // namespace adjoint::parity
