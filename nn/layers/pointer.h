// A pointer to the source, for models that copy words.
#pragma once

#include "nn/batch/context.h"
#include "nn/batch/layout.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

/// What a pointer chooses from: the encoded source of each example.
struct PointedSource {
  Tensor keys;    // [examples, steps, width]
  Tensor writes;  // i64 [examples, steps]: the id that a copy of each token writes, or `none`

  /// The same with these examples.
  PointedSource select(const Tensor& examples) const {
    return {gather(keys, examples), gather(writes, examples)};
  }
};

/// Mixes the decoder's distribution with one over the words of the source (the pointer-generator of
/// See, Liu and Manning 2017, "Get to the point", equations 8 and 9):
///
///   p(w) = g · p_vocabulary(w) + (1 − g) · Σ aⱼ over the source tokens j that write w
///
/// g = σ(a linear function of the decoder's last row). The weights aⱼ = softmax(q · kⱼ / √d) are
/// those of one head of its own, so that any decoder can have a pointer, whatever its attention.
///
/// The result is log p, which are logits of p: its softmax is p, and its cross-entropy that of p.
/// It is computed from logarithms alone, so a word of tiny probability has a gradient like any
/// other. A word beyond the vocabulary that a source lacks has log p = −∞. Therefore no label
/// smoothing.
struct Pointer : Module {
  Linear query, key;  // to width
  Linear gate;        // to 1: g before σ
  Index beyond;       // number of ids beyond the vocabulary

  /// Error unless 1 ≤ ids_beyond.
  Pointer(Index width, Index memory_width, Index ids_beyond, Key key);
  void fields(Fields& visit) override { visit("query", query)("key", key)("gate", gate); }

  /// Encoded sources in this layout, […, memory width], with writes i64 [examples, steps].
  PointedSource source(const Tensor& memory, const Layout& layout, const Tensor& writes) const;
  /// log p […, tokens + beyond], from the decoder's last rows h […, width] and its logits
  /// […, tokens] in this layout. Where a source has no token to copy, g = 1.
  Tensor operator()(const Tensor& h, const Tensor& logits, const Layout& layout,
                    const PointedSource& source, const Context& context) const;

 private:
  Tensor log_weights(const Tensor& h, const Layout& layout, const PointedSource& source,
                     const Context& context) const;
};

}  // namespace adjoint::nn
