#include "nn/layers/pointer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nn/batch/mask.h"

namespace adjoint::nn {
namespace {

Tensor lowest(DType dtype) { return scalar(-std::numeric_limits<double>::infinity(), dtype); }

// b8 [examples, 1, 1, steps]: which tokens can be copied.
Tensor can_be_copied(const Tensor& writes) {
  const Tensor result = greater(writes, scalar(none, DType::i64));
  return reshape(result, {writes.size(0), 1, 1, writes.size(1)});
}

// A word that a source writes, and the steps that write it.
struct Word {
  Index id;
  std::vector<Index> steps;
};

std::vector<Word> words_of(const Index* writes, Index steps) {
  std::vector<Word> words;
  for (Index step = 0; step < steps; ++step) {
    if (writes[step] == none) continue;
    auto word = std::ranges::find(words, writes[step], &Word::id);
    if (word == words.end()) word = words.insert(word, {writes[step], {}});
    word->steps.push_back(step);
  }
  return words;
}

// Where the words of each row's source are found, as places in flattened tensors; `none` where a
// row has fewer words than others, or a word fewer steps.
struct Places {
  Tensor weights;  // i64 [rows, words, repeats]: in [rows, steps]
  Tensor known;    // i64 [rows, words]: in [rows, tokens]
  Tensor beyond;   // i64 [rows, words]: in [rows, ids beyond]
  Tensor found;    // b8 [rows, ids beyond]
  Tensor any;      // b8 [rows, 1]: whether there are words

  Places(const Layout& layout, const Tensor& writes, Index tokens, Index ids_beyond) {
    const Index steps = writes.size(1), rows = layout.rows();
    std::vector<std::vector<Word>> sources;  // of each example
    Index most = 0, repeats = 1;
    for (Index example = 0; example < writes.size(0); ++example) {
      const Index* const first = writes.values<Index>().data() + example * steps;
      const std::vector<Word>& words = sources.emplace_back(words_of(first, steps));
      most = std::max(most, std::ssize(words));
      for (const Word& word : words) repeats = std::max(repeats, std::ssize(word.steps));
    }
    const auto nowhere = [](const Shape& shape) { return full(shape, none, DType::i64); };
    weights = nowhere({rows, most, repeats});
    known = nowhere({rows, most});
    beyond = nowhere({rows, most});
    found = zeros({rows, ids_beyond}, DType::b8);
    any = zeros({rows, 1}, DType::b8);
    Index *const weight = weights.edit<Index>().data(),
                 *const in_known = known.edit<Index>().data(),
                 *const in_beyond = beyond.edit<Index>().data();
    bool *const is_found = found.edit<bool>().data(), *const has_words = any.edit<bool>().data();
    for (Index example = 0; example < writes.size(0); ++example)
      for (Index step = 0; step < layout.length(example); ++step) {
        const Index row = layout.begin(example) + step;
        Index place = row * most;
        for (const Word& word : sources[static_cast<std::size_t>(example)]) {
          Index* at = weight + place * repeats;
          for (const Index source_step : word.steps) *at++ = row * steps + source_step;
          const Index id = row * ids_beyond + word.id - tokens;  // if it is beyond the vocabulary
          if (word.id < tokens)
            in_known[place] = row * tokens + word.id;
          else
            is_found[in_beyond[place] = id] = true;
          has_words[row] = true;
          ++place;
        }
      }
  }
};

}  // namespace

Pointer::Pointer(Index width, Index memory_width, Index ids_beyond, Key random)
    : query(width, width, random.child("query"), Bias::no),
      key(memory_width, width, random.child("key"), Bias::no),
      gate(width, 1, random.child("gate")),
      beyond(ids_beyond) {
  require(beyond >= 1, "pointer: needs at least one id beyond the vocabulary, has ", beyond);
}

PointedSource Pointer::source(const Tensor& memory, const Layout& layout,
                              const Tensor& writes) const {
  const Tensor keys = key(memory);  // […, width]
  if (!layout.is_packed()) return {keys, writes};
  Tensor rows = full(writes.shape(), none, DType::i64);  // i64 [examples, steps]
  Index* row = rows.edit<Index>().data();
  for (Index example = 0; example < layout.examples(); ++example, row += writes.size(1))
    for (Index step = 0; step < layout.length(example); ++step)
      row[step] = layout.begin(example) + step;
  return {gather(keys, rows), writes};  // [examples, steps, width]
}

// log aⱼ of each row, […, steps], where token j can be copied. Rows of no example are zeros.
Tensor Pointer::log_weights(const Tensor& h, const Layout& layout, const PointedSource& source,
                            const Context& context) const {
  const Index examples = source.keys.size(0), steps = source.keys.size(1), d = source.keys.size(2);
  const PaddedPattern padded = Mask(layout, Layout::full(examples, steps)).padded();
  const Tensor mask = where(can_be_copied(source.writes), padded.allowed, zeros({}, DType::b8));
  const Tensor keys = reshape(source.keys, {examples, 1, steps, d});
  const Tensor scores = masked_scores(padded.split_queries(query(h), 1), keys, mask) /
                        std::sqrt(static_cast<double>(d));  // [examples, 1, queries, steps]
  if (context.watches_attention()) context.see_attention(masked_softmax(scores, mask));
  const Tensor least = lowest(h.dtype());
  const Tensor total = logsumexp(where(mask, scores, least), {-1}, Keep::yes);
  const Tensor safe = where(equal(total, least), scalar(0, h.dtype()), total);
  return padded.join(scores - safe, h.shape());  // […, steps]
}

Tensor Pointer::operator()(const Tensor& h, const Tensor& logits, const Layout& layout,
                           const PointedSource& source, const Context& context) const {
  const NameScope scope(context.path());
  const Index rows = layout.rows(), tokens = logits.size(-1);
  const DType dtype = h.dtype();
  const Places places(layout, source.writes, tokens, beyond);
  const Tensor least = lowest(dtype), zero = scalar(0, dtype);

  const Tensor weights = reshape(log_weights(h, layout, source, context), {-1});
  const Tensor each = gather(weights, places.weights);  // [rows, words, repeats]
  const Tensor missing = equal(places.weights, scalar(none, DType::i64));
  const Tensor of_words = logsumexp(where(missing, least, each), {-1});  // [rows, words]

  const Tensor g = reshape(gate(h), {rows, 1});
  const Tensor generated = log_softmax(reshape(logits, {rows, tokens})) +
                           where(places.any, log_sigmoid(g), zero);  // [rows, tokens]
  const Tensor copied = of_words + log_sigmoid(-g);                  // [rows, words]

  // log(p + c) = log p + softplus(log c − log p) for the words of the vocabulary.
  const Tensor both = softplus(copied - gather(reshape(generated, {-1}), places.known));
  const Tensor known =
      generated + reshape(scatter_add(both, places.known, 0, rows * tokens), {rows, tokens});
  const Tensor new_words =
      where(places.found,
            reshape(scatter_add(copied, places.beyond, 0, rows * beyond), {rows, beyond}), least);
  return reshape(concat({known, new_words}, 1), logits.shape().with(-1, tokens + beyond));
}

}  // namespace adjoint::nn
