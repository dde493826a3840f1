// Several heads of attention as the book computes them: each head of each example becomes an
// example of a larger batch, and all that is left are products of matrices. The examples of that
// batch can stand in two orders, and what is known of each example (a valid length) or of each head
// (a slope) has to follow in the same one:
//
//                                         of examples          of heads
//   batch-major   b0h0 b0h1 b1h0 b1h1     repeat: b0 b0 b1 b1  tile:   h0 h1 h0 h1
//   head-major    b0h0 b1h0 b0h1 b1h1     tile:   b0 b1 b0 b1  repeat: h0 h0 h1 h1
//
// The book's bug was batch-major with tiled lengths.
#pragma once

#include "nn/batch/context.h"
#include "nn/batch/mask.h"

namespace adjoint::nn {

enum class HeadOrder { batch_major, head_major };

/// [batch, steps, width] to [batch · heads, steps, width / heads]: in batch-major order all heads
/// of the first example, then all heads of the second, …
Tensor transpose_qkv(const Tensor& x, Index heads, HeadOrder order = HeadOrder::batch_major);
/// Undoes it.
Tensor transpose_output(const Tensor& x, Index heads, HeadOrder order = HeadOrder::batch_major);

/// What is known of each example, [batch, …], for each head of each example: [batch · heads, …].
Tensor for_each_head(const Tensor& of_examples, Index heads, HeadOrder order);
/// What is known of each head, [heads, …], for each head of each example: [batch · heads, …].
Tensor for_each_example(const Tensor& of_heads, Index batch, HeadOrder order);
/// Valid lengths for the batch-major order: each example's, once for each of its heads (1 2 to 1 1
/// 2 2: repeat, not tile). [batch] or [batch, queries].
inline Tensor repeat_for_heads(const Tensor& lengths, Index heads) {
  return for_each_head(lengths, heads, HeadOrder::batch_major);
}

/// The attention that a mask describes, in these terms. Rows in any layout become padded examples
/// and the results rows again.
class HeadsAsExamples {
 public:
  HeadsAsExamples(const Mask& mask, Index heads, HeadOrder order);

  /// Rows […, heads · d] of the queries, or of keys or values: [batch · heads, steps, d].
  Tensor queries(const Tensor& rows) const { return examples(rows, query_rows_); }
  Tensor keys(const Tensor& rows) const { return examples(rows, key_rows_); }
  /// What is known of each head, [heads, …]: [batch · heads, …].
  Tensor of_heads(const Tensor& x) const { return for_each_example(x, batch_, order_); }
  /// What ALiBi adds to the scores, −slope · distance: [batch · heads, queries, keys].
  Tensor linear_biases(DType dtype) const;

  /// Softmax of the scores over the keys that a query may attend to: [batch · heads, queries,
  /// keys].
  Tensor weights(const Tensor& scores) const;
  /// Dropout of the weights; each keeps or loses the same ones in either order and any layout.
  Tensor dropped(const Tensor& weights, double p, const Context& context) const;
  /// Weights as [batch, heads, queries, keys].
  Tensor by_head(const Tensor& weights) const;
  /// Results [batch · heads, queries, d] as rows with these leading axes: […, heads · d].
  Tensor rows(const Tensor& results, const Shape& leading) const;

 private:
  Tensor examples(const Tensor& rows, const Tensor& table) const;

  Index heads_, batch_;
  HeadOrder order_;
  Tensor allowed_;                // b8 [batch, queries, keys]
  Tensor query_rows_, key_rows_;  // i64 [batch, steps]: the row of each step, or none
  Tensor places_;                 // i64 [query rows]: where each row stands among [batch, queries]
  Tensor positions_;              // i64 [batch, queries]: of each query in its sequence
  Tensor numbers_;                // i64 [batch, queries]: names example and position, for dropout
};

}  // namespace adjoint::nn
