// Sources whose words can be copied.
#pragma once

#include "nn/batch/sequences.h"

namespace adjoint::nn {

/// A source token of a model that copies is one number for two: the id that the model reads, and
/// the id that a copy of the token writes, or `none` if it cannot be copied. A plain id is a token
/// that cannot be copied.
///
/// What is written is an id of the target's vocabulary, or one beyond it: these stand for words
/// that this vocabulary lacks. They mean something in one sentence only, so they may number its
/// unknown words in order. Two unknown words of a sentence may read alike and still be copied
/// apart.
inline Index copyable(Index reads, Index writes, Index source_tokens) {
  return reads + (writes + 1) * source_tokens;
}

/// A batch of such sources, taken apart.
struct CopyableSource {
  Sequences reads;
  Tensor writes;  // i64 [examples, steps]; `none` for padding and for what cannot be copied

  /// Error for an id that the model can neither read nor write: it reads `source_tokens` ids and
  /// writes `columns`.
  CopyableSource(const Sequences& source, Index source_tokens, Index columns);
};

/// Targets as a decoder reads them: ids beyond its vocabulary become the id of unknown words.
Sequences with_unknown(const Sequences& target, Index target_tokens, Index unknown);
/// The same for ids alone, i64 of any shape.
Tensor with_unknown(const Tensor& ids, Index target_tokens, Index unknown);

}  // namespace adjoint::nn
