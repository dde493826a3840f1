// Multi-head attention as the book computes it, and an encoder around it. Each head of each example
// becomes an example of a larger batch, and products of matrices do the rest. Heads and valid
// lengths reach that batch by different ways, so their orders can differ:
//
//   heads     batch_major  b0h0 b0h1 b1h0 b1h1      lengths     repeat  b0 b0 b1 b1
//             head_major   b0h0 b1h0 b0h1 b1h1                  tile    b0 b1 b0 b1
//
// The lines belong together; crosswise, most heads get the length of another example. The book had
// batch_major with tile until December 2020, and has had batch_major with repeat since.
#pragma once

#include "nn/models/transformer.h"

namespace adjoint::experiments {

enum class HeadOrder { batch_major, head_major };
enum class LengthOrder { repeat, tile };

/// Which of them an attention uses.
struct Orders {
  HeadOrder heads = HeadOrder::batch_major;
  LengthOrder lengths = LengthOrder::repeat;
};

/// [batch, heads, …] to [batch · heads, …].
Tensor heads_as_examples(const Tensor& x, HeadOrder order);
/// Undoes it.
Tensor examples_as_heads(const Tensor& x, Index heads, HeadOrder order);
/// [batch, steps, width] to [batch · heads, steps, width / heads].
Tensor transpose_qkv(const Tensor& x, Index heads, HeadOrder order = HeadOrder::batch_major);
/// Undoes it.
Tensor transpose_output(const Tensor& x, Index heads, HeadOrder order = HeadOrder::batch_major);
/// Valid lengths [batch] or [batch, queries] for all heads: [batch · heads, …].
Tensor lengths_for_heads(const Tensor& lengths, Index heads, LengthOrder order);

/// The book's masked softmax: scores of keys that may not be seen become −10⁶. The mask is b8 and
/// broadcasts to the scores. Without a key that may be seen, all keys get equal weights; our
/// masked_softmax() gives such a row zeros.
Tensor filled_softmax(const Tensor& scores, const Tensor& allowed);

/// Self-attention with the weights of this layer: x [batch, steps, width] to the same shape. A
/// query sees the first n keys, where `lengths` i64 [batch] holds n. The context sees the attention
/// weights. The layer has dot products without positions, and no dropout.
Tensor book_attention(const nn::MultiHeadAttention& layer, const Tensor& x, const Tensor& lengths,
                      const Orders& orders, const nn::Context& context = nn::Context::inference());

/// The sizes of a BookEncoder.
struct BookEncoderOptions {
  Index tokens = 0;  ///< in the vocabulary, padding included
  Index width = 64, hidden = 64, heads = 4, blocks = 1;
  Index max_length = 256;  ///< the most steps of a batch
  Orders orders = {};
};

/// An encoder with the book's attention: the embedding times √width, plus sinusoidal positions,
/// then blocks of attention and a feed-forward network, each normalised after its residual
/// connection. Its weights begin as ours do, not as the book's. No dropout.
struct BookEncoder : nn::Module {
  nn::TransformerEncoder layers;
  Orders orders;

  BookEncoder(const BookEncoderOptions& options, Key key);
  void fields(nn::Fields& visit) override { layers.fields(visit); }

  /// Padded ids i64 [batch, steps] and their lengths i64 [batch] to [batch, steps, width].
  Tensor operator()(const Tensor& ids, const Tensor& lengths,
                    const nn::Context& context = nn::Context::inference()) const;
  /// The attention weights of each block: [batch, heads, queries, keys].
  Tensors weights(const Tensor& ids, const Tensor& lengths) const;
};

/// The share of attention, in [0, 1], that real queries give to padding: weights [batch, heads,
/// queries, keys], the true lengths i64 [batch].
double mass_on_padding(const Tensor& weights, const Tensor& lengths);

}  // namespace adjoint::experiments
