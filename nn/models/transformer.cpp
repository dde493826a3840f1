#include "nn/models/transformer.h"

#include <algorithm>

#include "nn/layers/recomputed.h"

namespace adjoint::nn {

// ---- The stack of blocks -----------------------------------------------------------------------

template <class Block>
TransformerStack<Block>::TransformerStack(const TransformerConfig& c, Index tokens, Index width,
                                          Index block_count, Reach reach, Key key)
    : embedding(tokens, c.position_options().width_without(width), key.child("embedding")),
      positions(
          positions_at(PositionPlace::before, c, width, key.child("positions"), reach, c.dropout)
              .value_or(PositionalEncoding(Positions::none, 0, width, c.dropout, key))),
      recomputed(c.recomputed),
      final_positions(
          positions_at(PositionPlace::after, c, width, key.child("final_positions"), reach)) {
  for (Index i = 0; i < block_count; ++i)
    blocks.emplace_back(c, key.child("blocks").child(static_cast<std::uint64_t>(i)));
  if (c.norm == NormPlacement::pre) final_norm.emplace(width, c.normalization);
}

template <class Block>
template <class F>
Tensor TransformerStack<Block>::run(const Sequences& ids, const Tensors& others,
                                    const Context& context, const F& run_block) const {
  Tensor x = positions(embedding(ids.ids), ids.layout, context.child("positions"));  // […, width]
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Context here = context.child("blocks", i);
    Tensors inputs = {x};
    inputs.insert(inputs.end(), others.begin(), others.end());
    const auto once_more = [run_block, here](const Block& block, const Tensors& in) {
      return run_block(block, in, here.again());
    };
    // A watched block is kept: its weights must be those that the sweep sees.
    const bool recomputes = recomputed && recording() && !here.watches_below();
    x = recomputes ? nn::recomputed<Block>(blocks[i], inputs, once_more)
                   : run_block(blocks[i], inputs, here);
  }
  return final_positions ? (*final_positions)(x, ids.layout, context.child("final_positions")) : x;
}

// ---- Encoder and decoder -----------------------------------------------------------------------

TransformerEncoder::TransformerEncoder(const TransformerConfig& c, Key key)
    : TransformerStack(c, c.source_tokens, c.width, c.encoder_blocks, Reach::both_sides, key) {}

Tensor TransformerEncoder::operator()(const Sequences& source, const Context& context) const {
  const Layout& layout = source.layout;
  const Mask mask(layout, layout);
  return normalised(
      run(source, {}, context, [=](const EncoderBlock& block, const Tensors& in, const Context& c) {
        return block(in[0], mask, layout, c);
      }));
}

TransformerDecoder::TransformerDecoder(const TransformerConfig& c, Key key)
    : TransformerStack(c, c.target_tokens, c.width_of_decoder(), c.decoder_blocks, Reach::back,
                       key),
      output(c.width_of_decoder(), c.target_tokens, key.child("output")) {}

Tensor TransformerDecoder::operator()(const Sequences& target, const Tensor& memory,
                                      const Layout& source, const Context& context) const {
  const Layout& layout = target.layout;
  const Mask self_mask = Mask(layout, layout).causal();
  const Mask memory_mask(layout, source);
  return normalised(run(target, {memory}, context,
                        [=](const DecoderBlock& block, const Tensors& in, const Context& c) {
                          return block(in[0], in[1], self_mask, memory_mask, layout, c);
                        }));
}

// ---- Both --------------------------------------------------------------------------------------

Transformer::Transformer(const TransformerConfig& c, Key key)
    : config(c.check()), encoder(c, key.child("encoder")), decoder(c, key.child("decoder")) {
  // A tensor in several places is one parameter: its gradient is the sum over its uses.
  if (c.tied_embeddings != TiedEmbeddings::none) decoder.output.weight = decoder.embedding.table;
  if (c.tied_embeddings == TiedEmbeddings::all) encoder.embedding.table = decoder.embedding.table;
  if (c.ids_beyond > 0)
    pointer.emplace(c.width_of_decoder(), c.width, c.ids_beyond, key.child("pointer"));
  prune_heads(*this, c.pruned_heads);
  name_parameters(*this);
}

Tensor Transformer::logits(const Sequences& source, const Sequences& target,
                           const Context& context) const {
  std::optional<CopyableSource> copied;
  if (pointer) copied.emplace(source, config.source_tokens, config.columns());
  const Tensor memory =
      encoder(copied ? copied->reads : source, context.child("encoder"));  // […, width]
  const Tensor h =
      decoder(pointer ? with_unknown(target, config.target_tokens, config.unknown) : target, memory,
              source.layout, context.child("decoder"));  // […, decoder's width]
  const Tensor logits = decoder.output(h);               // […, tokens]
  if (!pointer) return logits;
  return (*pointer)(h, logits, target.layout,
                    pointer->source(memory, source.layout, copied->writes),
                    context.child("pointer"));  // […, columns]
}

std::vector<std::string> Transformer::alignment_layers() const {
  const std::vector<std::string> layers = source_attention_layers();
  if (layers.empty()) return {};
  return {layers.back()};
}

void prune_heads(Transformer& model, const std::vector<AttentionHead>& heads) {
  TransformerConfig pruned = model.config;
  pruned.pruned_heads = heads;
  pruned.check();
  std::vector<MultiHeadAttention*> layers;  // in the order of attention_layers()
  for (EncoderBlock& block : model.encoder.blocks) layers.push_back(&block.attention);
  for (DecoderBlock& block : model.decoder.blocks) {
    layers.push_back(&block.attention);
    layers.push_back(&block.cross_attention);
  }
  const std::vector<std::string> paths = model.config.attention_layers();
  for (const auto& [layer, head] : heads) {
    const auto place = std::ranges::find(paths, layer) - paths.begin();
    layers[static_cast<std::size_t>(place)]->prune({head});
  }
}

}  // namespace adjoint::nn
