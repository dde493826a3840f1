// A small encoder-decoder in the style of the book, written with public operations and without the
// layers of nn, in which one classic mistake can be planted. Each is one line; the rest is shared.
#pragma once

#include <memory>
#include <vector>

#include "autograd/ops.h"
#include "nn/checks/properties.h"

namespace adjoint::testing {

enum class Bug {
  none,
  tiled_lengths,
  heads_not_transposed,
  mask_inverted,
  not_causal_in_evaluation,
  position_0_at_each_step,
  positions_along_the_batch,
  label_not_shifted,
  loss_over_padding,
  softmax_over_queries,
  scale_missing,
  scale_squared,
  padding_as_a_word,
  dropout_in_evaluation,
  cross_masked_by_target,
  norm_over_steps,
  norm_over_batch,
  cache_one_row_late,
};
std::vector<Bug> all_bugs();  ///< Bug::none first
const char* name_of(Bug bug);

/// One encoder block, one decoder block, sinusoidal positions. Everything in f64.
class BookModel {
 public:
  static constexpr Index tokens = 9, width = 8, heads = 2, head_width = width / heads;
  static constexpr Index padding = 0, begin = 1;

  BookModel(Bug bug, Key key);

  /// The projections of one attention layer, each [width, width].
  struct Heads {
    Tensor query, key, value, output;
  };

  // ---- Attention
  /// [batch, steps, width] to [batch · heads, steps, head_width].
  Tensor split(const Tensor& x) const;
  Tensor join(const Tensor& x) const;
  /// b8 [batch · heads, queries, keys] from valid lengths i64 [batch].
  Tensor mask(const Tensor& lengths, Index queries, Index keys, bool causal) const;
  /// [batch · heads, queries, keys] of heads that have been split.
  Tensor weights(const Tensor& query, const Tensor& key, const Tensor& allowed) const;
  /// Without projections: query [batch, queries, width], key and value [batch, keys, width].
  Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& lengths,
                bool causal) const;
  Tensor multi_head(const Heads& layer, const Tensor& query, const Tensor& memory,
                    const Tensor& lengths, bool causal) const;

  // ---- Blocks: self-attention and normalisation, attention to the memory and normalisation
  Tensor encoder_block(const Tensor& x, const Tensor& lengths) const;
  /// x [batch, steps, width], `past` the rows its self-attention sees: x itself, or a cache.
  Tensor decoder_block(const Tensor& x, const Tensor& past, bool causal, const Tensor& memory,
                       const Tensor& memory_lengths) const;

  // ---- The model
  struct Source {
    Tensor vectors, lengths;  // [batch, steps, width], embedded; i64 [batch]
  };
  /// The lengths that mask the decoder's attention to the memory.
  Tensor memory_lengths(const Tensor& source, const Tensor& target) const;
  Tensor encode(const Source& source) const;
  /// Logits [batch, steps, tokens] of embedded decoder inputs [batch, steps, width].
  Tensor decode(const Tensor& inputs, const Tensor& target_lengths, const Source& source) const;
  /// The decoder's input while it is trained on these labels: i64 [batch, steps].
  Tensor inputs_for(const Tensor& labels) const;
  Tensor logits(const Tensor& labels, const Tensor& target_lengths, const Source& source) const;
  /// The mean over real tokens, a scalar.
  Tensor loss(const Tensor& logits, const Tensor& labels, const Tensor& target_lengths) const;
  /// Decoding with a cache: from ids [batch] to logits [batch, tokens].
  nn::Step start(const Source& source, const Tensor& target_lengths) const;

  Tensor source_table, target_table;  // [tokens, width]
  Heads encoder, decoder, cross;
  Tensor output;  // [tokens, width]

 private:
  Tensor with_positions(const Tensor& x, Index first) const;
  Tensor normalized(const Tensor& x) const;
  Tensor dropped(const Tensor& x) const;

  Bug bug_;
  // Counts dropout calls, like a generator with state. Copies of the model share it.
  std::shared_ptr<std::uint64_t> calls_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace adjoint::testing
