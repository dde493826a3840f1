// A model that finds an answer in a passage: the book's encoder, and two scores for each token.
#pragma once

#include <functional>

#include "examples/experiments/questions/book_encoder.h"
#include "examples/experiments/squad/corpus.h"

namespace adjoint::squad {

/// Which questions share a batch.
enum class Batching {
  mixed,    ///< any
  similar,  ///< those of similar length, as loaders do to save padding
  equal,    ///< only those of the same length
};

/// A model and its training: Adam, a rate that rises for a tenth of the steps and then falls
/// linearly to 0, gradients of norm 1 at most.
struct SpanOptions {
  Index width = 64, heads = 4, blocks = 2;
  experiments::LengthOrder order = experiments::LengthOrder::repeat;
  QuestionPlace question = QuestionPlace::first;
  Index longest = 400;        ///< tokens of a sequence; a longer passage is cut
  Index longest_answer = 20;  ///< tokens of an answer when decoding
  Index steps = 2000, batch = 32;
  Batching batching = Batching::mixed;
  double learning_rate = 3e-3;
};

/// A batch of questions with their passages.
struct SpanBatch {
  Tensor ids, lengths;  // i64 [batch, steps] and [batch]
  Tensor in_passage;    // b8 [batch, steps, 1]: where an answer can stand
  Tensor starts, ends;  // i64 [batch]: the steps of the first and the last token of the answer
  std::vector<Sequence> sequences;
};

struct SpanModel : nn::Module {
  experiments::BookEncoder encoder;
  nn::Linear heads;  // width to the scores of start and end

  SpanModel(const SpanOptions& options, Index tokens, Key key);
  void fields(nn::Fields& visit) override { visit("encoder", encoder)("heads", heads); }

  /// The logits of start and end, very low outside the passage: [batch, steps, 2].
  Tensor operator()(const SpanBatch& batch,
                    const nn::Context& context = nn::Context::inference()) const;
  /// The mean over the batch of the cross-entropies of start and end, each a half.
  Tensor loss(const SpanBatch& batch) const;
};

SpanBatch span_batch(const Corpus& corpus, std::span<const std::size_t> questions,
                     const SpanOptions& options);

/// Where start score + end score is the largest, among first ≤ last < first + longest. The scores
/// are those of a passage's tokens: not empty, equally many.
TokenSpan best_span(std::span<const float> starts, std::span<const float> ends, Index longest);

/// Told after each step.
using OnStep = std::function<void(Index step, double loss)>;
/// Trains the model, and returns the mean loss of the last tenth of the steps. Questions whose
/// answer is cut off are left out; an Error if these are all. Throws nn::NotFinite.
double train(const SpanModel& model, const Corpus& corpus, const SpanOptions& options, Key key,
             const OnStep& on_step = {});

/// What a model does with questions.
struct SpanScores {
  double exact_match = 0, f1 = 0;  ///< percent
  double loss = 0;                 ///< mean over the questions whose answer is not cut off
  double on_padding = 0;  ///< percent of the attention of real tokens, all blocks and heads
};
/// Batches are made as in training.
SpanScores evaluate(const SpanModel& model, const Corpus& corpus, const SpanOptions& options);

}  // namespace adjoint::squad
