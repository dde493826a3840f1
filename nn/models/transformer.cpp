#include "nn/models/transformer.h"

#include <algorithm>
#include <numeric>
#include <ranges>

#include "nn/layers/recomputed.h"

namespace adjoint::nn {

namespace {

// f(block, inputs, context): as it is, or remembered by its inputs alone.
template <class Block, class F>
Tensor run_block(const Block& block, const Tensors& inputs, const Context& context,
                 bool by_inputs_alone, const F& f) {
  if (!by_inputs_alone || !recording()) return f(block, inputs, context);
  return recomputed<Block>(block, inputs, [f, context](const Block& own, const Tensors& in) {
    return f(own, in, context.again());
  });
}

// What the configuration places before the stack; elsewhere that is dropout alone.
PositionalEncoding positions_before(const TransformerConfig& c, Index width, Key key, Reach reach) {
  if (c.position_options.place != PositionPlace::before)
    return {Positions::none, c.max_length, width, c.dropout, key};
  return {c.positions, c.max_length, width, c.dropout, key, c.position_options, reach};
}

// What it places in each block, or after the stack: nothing if they have another place.
std::optional<PositionalEncoding> positions_at(PositionPlace place, const TransformerConfig& c,
                                               Index width, Key key, Reach reach) {
  if (c.position_options.place != place) return std::nullopt;
  return PositionalEncoding(c.positions, c.max_length, width, 0, key, c.position_options, reach);
}

Tensor with(const std::optional<PositionalEncoding>& positions, const Tensor& x,
            const Layout& layout, const Context& context) {
  return positions ? (*positions)(x, layout, context) : x;
}

}  // namespace

// ---- Encoder -----------------------------------------------------------------------------------

namespace {

HeadOptions within_a_sequence(const TransformerConfig& c) {
  return {.bias = c.attention_bias,
          .positions = c.positions,
          .position_options = c.position_options,
          .score = c.score,
          .layout = c.head_layout};
}

// The distance between a word and one of another language says nothing.
HeadOptions to_the_memory(const TransformerConfig& c) {
  return {
      .bias = c.attention_bias, .score = c.score, .layout = c.head_layout, .memory_width = c.width};
}

}  // namespace

EncoderBlock::EncoderBlock(const TransformerConfig& c, Key key)
    : positions(positions_at(PositionPlace::each_block, c, c.width, key.child("positions"),
                             Reach::both_sides)),
      attention(c.width, c.heads, c.dropout, key.child("attention"), within_a_sequence(c)),
      norm1(c.width, c.norm, c.dropout, c.normalization),
      feed_forward(c.width, c.hidden, c.activation, key.child("feed_forward")),
      norm2(c.width, c.norm, c.dropout, c.normalization) {}

Tensor EncoderBlock::operator()(const Tensor& x, const Mask& mask, const Layout& layout,
                                const Context& context) const {
  const Tensor placed = with(positions, x, layout, context.child("positions"));
  const Tensor attended = norm1(placed, layout, context.child("norm1"), [&](const Tensor& h) {
    return attention(h, h, h, mask, context.child("attention"));
  });
  return norm2(attended, layout, context.child("norm2"),
               [&](const Tensor& h) { return feed_forward(h, context.child("feed_forward")); });
}

TransformerEncoder::TransformerEncoder(const TransformerConfig& c, Key key)
    : embedding(c.source_tokens, c.position_options.width_without(c.width), key.child("embedding"),
                c.scaled_embedding),
      positions(positions_before(c, c.width, key.child("positions"), Reach::both_sides)),
      recomputed(c.recomputed),
      final_positions(positions_at(PositionPlace::after, c, c.width, key.child("final_positions"),
                                   Reach::both_sides)) {
  for (Index i = 0; i < c.encoder_blocks; ++i)
    blocks.emplace_back(c, key.child("blocks").child(static_cast<std::uint64_t>(i)));
  if (c.norm == NormPlacement::pre) final_norm.emplace(c.width, c.normalization);
}

Tensor TransformerEncoder::operator()(const Sequences& source, const Context& context) const {
  const Layout& layout = source.layout;
  const Mask mask(layout, layout);
  Tensor x = positions(embedding(source.ids), layout, context.child("positions"));  // […, width]
  for (std::size_t i = 0; i < blocks.size(); ++i)
    x = run_block(blocks[i], {x}, context.child("blocks", i), recomputed,
                  [=](const EncoderBlock& block, const Tensors& in, const Context& here) {
                    return block(in[0], mask, layout, here);
                  });
  x = with(final_positions, x, layout, context.child("final_positions"));
  return final_norm ? (*final_norm)(x) : x;
}

// ---- Decoder -----------------------------------------------------------------------------------

DecoderBlock::DecoderBlock(const TransformerConfig& c, Key key)
    : positions(positions_at(PositionPlace::each_block, c, c.width_of_decoder(),
                             key.child("positions"), Reach::back)),
      attention(c.width_of_decoder(), c.heads, c.dropout, key.child("attention"),
                within_a_sequence(c)),
      norm1(c.width_of_decoder(), c.norm, c.dropout, c.normalization),
      cross_attention(c.width_of_decoder(), c.heads, c.dropout, key.child("cross_attention"),
                      to_the_memory(c)),
      norm2(c.width_of_decoder(), c.norm, c.dropout, c.normalization),
      feed_forward(c.width_of_decoder(), c.hidden, c.activation, key.child("feed_forward")),
      norm3(c.width_of_decoder(), c.norm, c.dropout, c.normalization) {}

template <class Self, class Cross>
Tensor DecoderBlock::run(const Tensor& x, const Layout& layout, const Context& context,
                         const Self& self, const Cross& cross) const {
  const Tensor a = norm1(x, layout, context.child("norm1"), self);
  const Tensor b = norm2(a, layout, context.child("norm2"), cross);
  return norm3(b, layout, context.child("norm3"),
               [&](const Tensor& h) { return feed_forward(h, context.child("feed_forward")); });
}

Tensor DecoderBlock::operator()(const Tensor& x, const Tensor& memory, const Mask& self_mask,
                                const Mask& memory_mask, const Layout& layout,
                                const Context& context) const {
  return run(
      with(positions, x, layout, context.child("positions")), layout, context,
      [&](const Tensor& h) { return attention(h, h, h, self_mask, context.child("attention")); },
      [&](const Tensor& h) {
        return cross_attention(h, memory, memory, memory_mask, context.child("cross_attention"));
      });
}

namespace {

// The first `steps` steps of the rows: y[i, t, :] = cache[rows[i], t, :] for t < steps
Tensor selected(const Tensor& cache, std::span<const Index> rows, Index steps) {
  const Index capacity = cache.size(1), width = cache.size(2);
  Tensor result({cache.shape().with(0, static_cast<Index>(rows.size())), cache.dtype()});
  dispatch(cache.dtype(), [&]<class T>() {
    const T* const from = cache.values<T>().data();
    T* to = result.edit<T>().data();
    for (const Index row : rows) {
      std::copy_n(from + row * capacity * width, steps * width, to);
      to += capacity * width;
    }
  });
  return result;
}

// cache[b, step, :] = rows[b, 0, :]
void write_step(Tensor& cache, const Tensor& rows, Index step) {
  const Index batch = cache.size(0), capacity = cache.size(1), width = cache.size(2);
  dispatch(cache.dtype(), [&]<class T>() {
    const T* const from = rows.values<T>().data();
    T* const to = cache.edit<T>().data();
    for (Index b = 0; b < batch; ++b)
      std::copy_n(from + b * width, width, to + (b * capacity + step) * width);
  });
}

}  // namespace

Tensor DecoderBlock::step(const Tensor& x, BlockCache& cache, const Mask& self_mask,
                          const Mask& memory_mask, const Layout& layout) const {
  const Context context = Context::inference();
  return run(
      positions ? positions->step(x, cache.recent, layout) : x, layout, context,
      [&](const Tensor& h) {
        write_step(cache.keys, attention.keys(h, layout.positions()), layout.first_position());
        write_step(cache.values, attention.value(h), layout.first_position());
        return attention.attend(h, cache.keys, cache.values, self_mask, context);
      },
      [&](const Tensor& h) {
        return cross_attention.attend(h, cache.memory_keys, cache.memory_values, memory_mask,
                                      context);
      });
}

TransformerDecoder::TransformerDecoder(const TransformerConfig& c, Key key)
    : embedding(c.target_tokens, c.position_options.width_without(c.width_of_decoder()),
                key.child("embedding"), c.scaled_embedding),
      positions(positions_before(c, c.width_of_decoder(), key.child("positions"), Reach::back)),
      recomputed(c.recomputed),
      final_positions(positions_at(PositionPlace::after, c, c.width_of_decoder(),
                                   key.child("final_positions"), Reach::back)),
      output(c.width_of_decoder(), c.target_tokens, key.child("output")) {
  for (Index i = 0; i < c.decoder_blocks; ++i)
    blocks.emplace_back(c, key.child("blocks").child(static_cast<std::uint64_t>(i)));
  if (c.norm == NormPlacement::pre) final_norm.emplace(c.width_of_decoder(), c.normalization);
}

Tensor TransformerDecoder::operator()(const Sequences& target, const Tensor& memory,
                                      const Layout& source, const Context& context) const {
  const Layout& layout = target.layout;
  const Mask self_mask = Mask(layout, layout).causal();
  const Mask memory_mask(layout, source);
  Tensor x = positions(embedding(target.ids), layout, context.child("positions"));  // […, width]
  for (std::size_t i = 0; i < blocks.size(); ++i)
    x = run_block(blocks[i], {x, memory}, context.child("blocks", i), recomputed,
                  [=](const DecoderBlock& block, const Tensors& in, const Context& here) {
                    return block(in[0], in[1], self_mask, memory_mask, layout, here);
                  });
  return predict(with(final_positions, x, layout, context.child("final_positions")));
}

Tensor TransformerDecoder::predict(const Tensor& x) const {
  return output(final_norm ? (*final_norm)(x) : x);
}

// ---- Both --------------------------------------------------------------------------------------

namespace {

// Decoding with the keys and values of earlier steps kept.
class CachedDecoding : public Decoding {
 public:
  CachedDecoding(const Transformer& model, const Sequences& source, Index capacity)
      : decoder_(model.decoder),
        source_(source.layout),
        batch_(source.layout.examples()),
        capacity_(capacity),
        sources_(static_cast<std::size_t>(batch_)) {
    std::iota(sources_.begin(), sources_.end(), Index{0});
    const NoRecording guard;
    const Tensor memory = model.encoder(source, Context::inference());
    const Shape shape{batch_, capacity, model.config.width_of_decoder()};
    for (const DecoderBlock& block : decoder_.blocks)
      caches_.push_back({Tensor({shape, memory.dtype()}), Tensor({shape, memory.dtype()}),
                         block.cross_attention.keys(memory, source_.positions()),
                         block.cross_attention.value(memory)});
  }

  Tensor step(const Tensor& ids) override {
    require(position_ < capacity_, "decoding: step ", position_, " of a cache for ", capacity_);
    const NoRecording guard;
    const Layout now = Layout::full(batch_, 1).placed(0, position_);
    const Layout past = Layout::padded(
        std::vector<Index>(static_cast<std::size_t>(batch_), position_ + 1), capacity_);
    const Mask self_mask(now, past), memory_mask(now, source_);

    const Tensor embedded = decoder_.embedding(reshape(ids, {batch_, 1}));  // [batch, 1, width]
    Tensor x = decoder_.positions.step(embedded, recent_, now);
    for (std::size_t i = 0; i < caches_.size(); ++i)
      x = decoder_.blocks[i].step(x, caches_[i], self_mask, memory_mask, now);
    if (decoder_.final_positions) x = decoder_.final_positions->step(x, recent_at_end_, now);
    ++position_;
    const Tensor logits = decoder_.predict(x);          // [batch, 1, tokens]
    return reshape(logits, {batch_, logits.size(-1)});  // [batch, tokens]
  }

  void select(std::span<const Index> rows) override {
    for (const Index row : rows)
      require(row >= 0 && row < batch_, "decoding: row ", row, " of a batch of ", batch_);
    if (std::ranges::equal(rows, std::views::iota(Index{0}, batch_))) return;
    const NoRecording guard;
    for (BlockCache& cache : caches_) {
      cache.keys = selected(cache.keys, rows, position_);
      cache.values = selected(cache.values, rows, position_);
      select_recent(cache.recent, rows);
    }
    select_recent(recent_, rows);
    select_recent(recent_at_end_, rows);
    select_memory(rows);
    batch_ = static_cast<Index>(rows.size());
  }

 private:
  static void select_recent(Tensor& recent, std::span<const Index> rows) {
    if (recent.defined()) recent = gather(recent, from(rows, {static_cast<Index>(rows.size())}));
  }

  // Hypotheses of one source have the same memory, so this mostly finds nothing to do.
  void select_memory(std::span<const Index> rows) {
    std::vector<Index> sources, lengths, memory_rows;
    for (const Index row : rows) sources.push_back(sources_[static_cast<std::size_t>(row)]);
    if (sources == sources_) return;
    for (const Index row : rows) {
      lengths.push_back(source_.length(row));
      for (Index step = 0; step < source_.length(row); ++step)
        memory_rows.push_back(source_.begin(row) + step);
    }
    const Tensor indices = from(memory_rows, {static_cast<Index>(memory_rows.size())});
    const auto packed = [&](const Tensor& x) {  // […, width] to [real rows, width]
      return gather(reshape(x, {source_.rows(), x.size(-1)}), indices);
    };
    for (BlockCache& cache : caches_) {
      cache.memory_keys = packed(cache.memory_keys);
      cache.memory_values = packed(cache.memory_values);
    }
    source_ = Layout::packed(std::move(lengths));
    sources_ = std::move(sources);
  }

  const TransformerDecoder& decoder_;
  Layout source_;
  Index batch_, capacity_, position_ = 0;
  std::vector<Index> sources_;  // whose memory each row has
  std::vector<BlockCache> caches_;
  Tensor recent_, recent_at_end_;  // of the positions before and after the stack
};

void require_config(const TransformerConfig& c) {
  require(c.source_tokens > 0 && c.target_tokens > 0, "transformer: the vocabularies are empty");
  require(c.width > 0 && c.decoder_width >= 0 && c.hidden > 0 && c.encoder_blocks >= 0 &&
              c.decoder_blocks >= 0,
          "transformer: sizes must be positive");
  require(c.dropout >= 0 && c.dropout < 1, "transformer: dropout must lie in [0, 1), is ",
          c.dropout);
  for (const Index width : {c.width, c.width_of_decoder()})
    require_positions(c.positions, c.position_options, width);
  require(c.tied_embeddings != TiedEmbeddings::all || c.source_tokens == c.target_tokens,
          "transformer: tying all embeddings needs one vocabulary, the source has ",
          c.source_tokens, " tokens, the target ", c.target_tokens);
  require(c.tied_embeddings == TiedEmbeddings::none ||
              c.position_options.width_without(c.width) == c.width,
          "transformer: a tied embedding needs the whole width, which is split with positions");
  require(c.tied_embeddings != TiedEmbeddings::all || c.width_of_decoder() == c.width,
          "transformer: tying all embeddings needs one width, the encoder has ", c.width,
          ", the decoder ", c.decoder_width);
}

// A tensor in several places is one parameter: its gradient is the sum over its uses.
void tie(TransformerEncoder& encoder, TransformerDecoder& decoder, TiedEmbeddings tied) {
  if (tied == TiedEmbeddings::none) return;
  decoder.output.weight = decoder.embedding.table;
  if (tied == TiedEmbeddings::all) encoder.embedding.table = decoder.embedding.table;
}

}  // namespace

Transformer::Transformer(const TransformerConfig& c, Key key)
    : config((require_config(c), c)),
      encoder(c, key.child("encoder")),
      decoder(c, key.child("decoder")) {
  tie(encoder, decoder, c.tied_embeddings);
  prune_heads(*this, c.pruned_heads);
  name_parameters(*this);
}

Tensor Transformer::logits(const Sequences& source, const Sequences& target,
                           const Context& context) const {
  const Tensor memory = encoder(source, context.child("encoder"));
  return decoder(target, memory, source.layout, context.child("decoder"));
}

std::unique_ptr<Decoding> Transformer::decode(const Sequences& source, Index capacity) const {
  return std::make_unique<CachedDecoding>(*this, source, capacity);
}

}  // namespace adjoint::nn
