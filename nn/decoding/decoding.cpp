#include "nn/decoding/decoding.h"

#include <algorithm>
#include <cmath>

#include "autograd/kernels/reduce.h"
#include "nn/decoding/one_by_one.h"

namespace adjoint::nn {
namespace {

// NaN counts as largest, so that it is found.
Index argmax_of_row(const Tensor& logits, Index row) {
  const Index tokens = logits.size(1);
  Index best = 0;
  dispatch(logits.dtype(), [&]<class T>() {
    if constexpr (Real<T>)
      best = kernels::argmax(logits.values<T>().data() + row * tokens, tokens, 1);
  });
  return best;
}

// The likeliest token that the choice allows, mostly without having to know how likely it is.
Index likeliest(const Tensor& logits, Index row, const Choice& choice) {
  const Index best = choice.forced == none ? argmax_of_row(logits, row) : choice.forced;
  if (choice.allows(best) && std::isfinite(logits.at({row, best}))) return best;
  const Ids candidates = NextToken(logits, row, choice).likeliest(1);
  require_candidates(candidates, choice);
  return candidates.front();
}

std::vector<Ids> ids_of(std::vector<Hypothesis> hypotheses) {
  std::vector<Ids> ids;
  for (Hypothesis& hypothesis : hypotheses) ids.push_back(std::move(hypothesis.ids));
  return ids;
}

// Decoding that keeps the tokens and nothing else.
class UncachedDecoding : public Decoding {
 public:
  UncachedDecoding(const EncoderDecoder& model, const Sequences& source, Index capacity)
      : model_(model), capacity_(capacity) {
    const Index* const ids = source.ids.values<Index>().data();
    const Layout& layout = source.layout;
    for (Index i = 0; i < layout.examples(); ++i)
      sources_.emplace_back(ids + layout.begin(i), ids + layout.begin(i) + layout.length(i));
    targets_.resize(sources_.size());
  }

  Tensor step(const Tensor& ids) override {
    const NoRecording guard;
    const std::span<const Index> next = ids.values<Index>();
    require(next.size() == targets_.size(), "decoding: ", next.size(), " tokens for ",
            targets_.size(), " sequences");
    for (std::size_t i = 0; i < next.size(); ++i) targets_[i].push_back(next[i]);
    const Index steps = static_cast<Index>(targets_.empty() ? 0 : targets_.front().size());
    require(steps <= capacity_, "decoding: step ", steps - 1, " of a cache for ", capacity_);
    const Tensor all = model_.logits(Sequences::padded(sources_, 0), Sequences::padded(targets_, 0),
                                     Context::inference());  // [batch, steps, tokens]
    const Tensor last = slice(all, 1, steps - 1, steps);     // [batch, 1, tokens]
    return reshape(last, {all.size(0), all.size(2)});        // [batch, tokens]
  }

  void select(std::span<const Index> rows) override {
    const auto selected = [&](const std::vector<Ids>& sequences) {
      std::vector<Ids> result;
      for (const Index row : rows) {
        require(row >= 0 && row < std::ssize(sequences), "decoding: row ", row, " of a batch of ",
                sequences.size());
        result.push_back(sequences[static_cast<std::size_t>(row)]);
      }
      return result;
    };
    sources_ = selected(sources_);
    targets_ = selected(targets_);
  }

 private:
  const EncoderDecoder& model_;
  Index capacity_;
  std::vector<Ids> sources_, targets_;  // the targets begin with the begin symbol
};

}  // namespace

std::vector<Ids> greedy(const EncoderDecoder& model, std::span<const Ids> sources,
                        const DecodingOptions& options) {
  return ids_of(decode_one_by_one(model, sources, options,
                                  [](const Tensor& logits, Index row, const Choice& choice) {
                                    return Token{likeliest(logits, row, choice)};
                                  }));
}

std::vector<Hypothesis> greedy_hypotheses(const EncoderDecoder& model, std::span<const Ids> sources,
                                          const DecodingOptions& options) {
  return decode_one_by_one(model, sources, options,
                           [](const Tensor& logits, Index row, const Choice& choice) {
                             const Index id = likeliest(logits, row, choice);
                             return Token{id, NextToken(logits, row, choice).log_probability(id)};
                           });
}

std::vector<Ids> greedy_without_cache(const EncoderDecoder& model, std::span<const Ids> sources,
                                      const DecodingOptions& options) {
  return greedy(WithoutCache(model), sources, options);
}

std::unique_ptr<Decoding> WithoutCache::decode(const Sequences& source, Index capacity) const {
  return std::make_unique<UncachedDecoding>(model_, source, capacity);
}

}  // namespace adjoint::nn
