#include "examples/experiments/squad/span_model.h"

#include <algorithm>
#include <numeric>

#include "autograd/grad.h"
#include "data/pairs/batching.h"
#include "examples/experiments/squad/metrics.h"
#include "nn/training/gradients.h"
#include "nn/training/optimizer.h"

namespace adjoint::squad {
namespace {

experiments::BookEncoderOptions encoder_options(const SpanOptions& o, Index tokens) {
  experiments::BookEncoderOptions options;
  options.tokens = tokens;
  options.width = options.hidden = o.width;
  options.heads = o.heads;
  options.blocks = o.blocks;
  options.max_length = o.longest;
  options.orders.lengths = o.order;
  return options;
}

// Whether the answer is in the part of the passage that a sequence keeps.
bool is_whole(const ReadQuestion& question, const SpanOptions& options) {
  const Index kept = options.longest - 1 - std::ssize(question.ids);
  return question.span.first >= 0 && question.span.last < kept;
}

Index length_of(const Corpus& corpus, const ReadQuestion& question, const SpanOptions& options) {
  const Index passage = std::ssize(corpus.passages[question.passage].ids);
  return std::min(options.longest, std::ssize(question.ids) + 1 + passage);
}

// Batches of these questions, in this order or, for `similar` and `equal`, by length.
data::BatchOrder batches_of(const Corpus& corpus, std::vector<std::size_t> questions,
                            const SpanOptions& options) {
  const auto length = [&](std::size_t i) {
    return length_of(corpus, corpus.questions[i], options);
  };
  if (options.batching != Batching::mixed) std::ranges::stable_sort(questions, {}, length);
  data::BatchOrder batches;
  for (const std::size_t i : questions) {
    const bool ends_batch =
        batches.empty() || std::ssize(batches.back()) == options.batch ||
        (options.batching == Batching::equal && length(batches.back().back()) != length(i));
    if (ends_batch) batches.emplace_back();
    batches.back().push_back(i);
  }
  return batches;
}

template <class T>
std::vector<T> shuffled(const std::vector<T>& items, Key key) {
  std::vector<T> result;
  const Tensor order = permutation(std::ssize(items), key);
  for (const Index i : order.values<Index>()) result.push_back(items[static_cast<std::size_t>(i)]);
  return result;
}

// Epoch after epoch, each in another order.
class EndlessBatches {
 public:
  EndlessBatches(const Corpus& corpus, const SpanOptions& options, Key key)
      : corpus_(corpus), options_(options), key_(key) {
    for (std::size_t i = 0; i < corpus.questions.size(); ++i)
      if (is_whole(corpus.questions[i], options)) questions_.push_back(i);
    require(!questions_.empty(), "no question can be trained on: in each of ",
            corpus.questions.size(), " the answer stands after token ", options.longest);
  }
  SpanBatch next() {
    if (next_ == order_.size()) {
      const Key own = key_.child(epoch_++);
      order_ = shuffled(batches_of(corpus_, shuffled(questions_, own.child("questions")), options_),
                        own.child("batches"));
      next_ = 0;
    }
    return span_batch(corpus_, order_[next_++], options_);
  }

 private:
  const Corpus& corpus_;
  const SpanOptions& options_;
  Key key_;
  std::vector<std::size_t> questions_;
  data::BatchOrder order_;
  std::size_t next_ = 0;
  std::uint64_t epoch_ = 0;
};

// Up to `peak` within a tenth of the steps, then down to 0, in straight lines.
double rate(double peak, Index step, Index steps) {
  const double rise = std::max(1.0, 0.1 * static_cast<double>(steps));
  const auto now = static_cast<double>(step), all = static_cast<double>(steps);
  return peak * std::min((now + 1) / rise, (all - now) / std::max(1.0, all - rise));
}

}  // namespace

// ---- The model ----------------------------------------------------------------------------------

SpanModel::SpanModel(const SpanOptions& options, Index tokens, Key key)
    : encoder(encoder_options(options, tokens), key.child("encoder")),
      heads(options.width, 2, key.child("heads")) {}

Tensor SpanModel::operator()(const SpanBatch& batch, const nn::Context& context) const {
  const Tensor x = encoder(batch.ids, batch.lengths, context);  // [batch, steps, width]
  const Tensor logits = heads(x);                               // [batch, steps, 2]
  return where(batch.in_passage, logits, scalar(-1e6, logits.dtype()));
}

Tensor SpanModel::loss(const SpanBatch& batch) const {
  const Tensor logits = permute((*this)(batch), {2, 0, 1});  // [2, batch, steps]
  return mean(cross_entropy(logits, stack({batch.starts, batch.ends})));
}

SpanBatch span_batch(const Corpus& corpus, std::span<const std::size_t> questions,
                     const SpanOptions& options) {
  SpanBatch batch;
  std::vector<Ids> ids;
  std::vector<Index> starts, ends, begins_of_passages, ends_of_passages;
  for (const std::size_t i : questions) {
    const ReadQuestion& question = corpus.questions[i];
    Sequence read = sequence(corpus, question, options.question, options.longest);
    // An answer that is cut off has no step: 0 stands for it, and nobody asks for its loss.
    const bool whole = is_whole(question, options);
    starts.push_back(whole ? read.begin + question.span.first : 0);
    ends.push_back(whole ? read.begin + question.span.last : 0);
    begins_of_passages.push_back(read.begin);
    ends_of_passages.push_back(read.end);
    ids.push_back(read.ids);
    batch.sequences.push_back(std::move(read));
  }
  const nn::Sequences padded = nn::Sequences::padded(ids, data::Vocabulary::pad);
  batch.ids = padded.ids;                                // [batch, steps]
  batch.lengths = nn::indices(padded.layout.lengths());  // [batch]
  batch.starts = nn::indices(starts);
  batch.ends = nn::indices(ends);
  const auto column = [](const std::vector<Index>& values) {
    return reshape(nn::indices(values), {-1, 1, 1});  // [batch, 1, 1]
  };
  const Tensor step = reshape(arange(padded.layout.steps(), DType::i64), {1, -1, 1});
  batch.in_passage = where(less(step, column(begins_of_passages)), scalar(0, DType::b8),
                           less(step, column(ends_of_passages)));  // [batch, steps, 1]
  return batch;
}

// ---- Training -----------------------------------------------------------------------------------

double train(const SpanModel& model, const Corpus& corpus, const SpanOptions& options, Key key,
             const OnStep& on_step) {
  const Tensors parameters = nn::parameters(model);
  nn::Adam optimizer(parameters);
  EndlessBatches batches(corpus, options, key);
  const Index last = std::max<Index>(1, options.steps / 10);
  double end_loss = 0;
  for (Index step = 0; step < options.steps; ++step) {
    const Tensor loss = model.loss(batches.next());
    const Tensors gradients = grad(loss, parameters);
    const double norm = nn::global_norm(gradients);
    if (!std::isfinite(norm))
      throw nn::NotFinite(text_from("training: a gradient is not finite in step ", step));
    optimizer.set_learning_rate(rate(options.learning_rate, step, options.steps));
    optimizer.step(gradients, nn::clipping_factor(norm, 1));
    if (step >= options.steps - last) end_loss += loss.item() / static_cast<double>(last);
    if (on_step) on_step(step, loss.item());
  }
  return end_loss;
}

// ---- Answers ------------------------------------------------------------------------------------

TokenSpan best_span(std::span<const float> starts, std::span<const float> ends, Index longest) {
  const Index count = std::ssize(starts);
  TokenSpan best{0, 0};
  float best_score = -std::numeric_limits<float>::infinity();
  for (Index first = 0; first < count; ++first)
    for (Index last = first; last < std::min(count, first + longest); ++last) {
      const float score =
          starts[static_cast<std::size_t>(first)] + ends[static_cast<std::size_t>(last)];
      if (score > best_score) best_score = score, best = {first, last};
    }
  return best;
}

SpanScores evaluate(const SpanModel& model, const Corpus& corpus, const SpanOptions& options) {
  const NoRecording guard;
  std::vector<std::size_t> all(corpus.questions.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  SpanScores sums;
  double whole = 0, queries = 0;
  for (const std::vector<std::size_t>& questions : batches_of(corpus, all, options)) {
    const SpanBatch batch = span_batch(corpus, questions, options);
    nn::AttentionWeights attention;
    const Tensor logits = permute(model(batch, nn::Context::inference().watching(attention)),
                                  {2, 0, 1});  // [2, batch, steps]
    const Tensor losses =
        mean(cross_entropy(logits, stack({batch.starts, batch.ends})), {0});  // [batch]
    const Index steps = logits.size(2);
    const std::span<const float> starts =
        logits.values<float>().first(static_cast<std::size_t>(std::ssize(questions) * steps));
    const std::span<const float> ends = logits.values<float>().subspan(starts.size());
    for (std::size_t row = 0; row < questions.size(); ++row) {
      const ReadQuestion& question = corpus.questions[questions[row]];
      if (is_whole(question, options)) {
        whole += 1;
        sums.loss += losses.values<float>()[row];
      }
      const Sequence& read = batch.sequences[row];
      if (read.begin == read.end) continue;  // the question alone is too long: nothing is found
      const auto first = static_cast<std::size_t>(static_cast<Index>(row) * steps + read.begin);
      const auto length = static_cast<std::size_t>(read.end - read.begin);
      const TokenSpan span = best_span(starts.subspan(first, length), ends.subspan(first, length),
                                       options.longest_answer);
      const std::string answer = corpus.passages[question.passage].text(span);
      sums.exact_match += exact_match(answer, question.answers);
      sums.f1 += f1(answer, question.answers);
    }
    const std::span<const Index> lengths = batch.lengths.values<Index>();
    const double real = std::accumulate(lengths.begin(), lengths.end(), 0.0);
    for (const auto& [layer, weights] : attention) {
      sums.on_padding += real * experiments::mass_on_padding(weights, batch.lengths);
      queries += real;
    }
  }
  const auto count = static_cast<double>(corpus.questions.size());
  return {100 * sums.exact_match / count, 100 * sums.f1 / count, whole > 0 ? sums.loss / whole : 0,
          100 * sums.on_padding / queries};
}

}  // namespace adjoint::squad
