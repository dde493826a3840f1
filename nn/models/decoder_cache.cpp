// Decoding step by step, with a cache.
#include <algorithm>
#include <numeric>
#include <ranges>

#include "nn/models/transformer.h"

namespace adjoint::nn {
namespace {

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

// y[i, t, :] = cache[rows[i], t, :] for t < steps
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

void select_recent(Tensor& recent, std::span<const Index> rows) {
  if (recent.defined()) recent = gather(recent, indices(rows));
}

// Decoding that keeps the keys and values of earlier steps.
class CachedDecoding : public Decoding {
 public:
  CachedDecoding(const Transformer& model, const Sequences& source, Index capacity)
      : model_(model),
        decoder_(model.decoder),
        source_(source.layout),
        batch_(source.layout.examples()),
        capacity_(capacity),
        sources_(static_cast<std::size_t>(batch_)) {
    std::iota(sources_.begin(), sources_.end(), Index{0});
    const NoRecording guard;
    std::optional<CopyableSource> copied;
    if (model.pointer) copied.emplace(source, model.config.source_tokens, model.config.columns());
    const Tensor memory = model.encoder(copied ? copied->reads : source, Context::inference());
    if (copied) pointed_ = model.pointer->source(memory, source_, copied->writes);
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

    const Tensor read = model_.pointer
                            ? with_unknown(ids, model_.config.target_tokens, model_.config.unknown)
                            : ids;
    const Tensor embedded = decoder_.embedding(reshape(read, {batch_, 1}));  // [batch, 1, width]
    Tensor x = decoder_.positions.step(embedded, recent_, now);
    for (std::size_t i = 0; i < caches_.size(); ++i)
      x = decoder_.blocks[i].step(x, caches_[i], self_mask, memory_mask, now);
    if (decoder_.final_positions) x = decoder_.final_positions->step(x, recent_at_end_, now);
    ++position_;
    const Tensor h = decoder_.normalised(x);   // [batch, 1, width]
    const Tensor logits = decoder_.output(h);  // [batch, 1, tokens]
    const Tensor predicted =
        model_.pointer ? (*model_.pointer)(h, logits, now, pointed_, Context::inference()) : logits;
    return reshape(predicted, {batch_, predicted.size(-1)});  // [batch, tokens]
  }

  void select(std::span<const Index> rows) override {
    require_rows(rows, batch_);
    if (std::ranges::equal(rows, std::views::iota(Index{0}, batch_))) return;
    const NoRecording guard;
    for (BlockCache& cache : caches_) cache.select(rows, position_);
    select_recent(recent_, rows);
    select_recent(recent_at_end_, rows);
    select_memory(rows);
    batch_ = static_cast<Index>(rows.size());
  }

 private:
  // Hypotheses of one source share its memory, so there is usually nothing to do.
  void select_memory(std::span<const Index> rows) {
    std::vector<Index> sources, lengths, memory_rows;
    for (const Index row : rows) sources.push_back(sources_[static_cast<std::size_t>(row)]);
    if (sources == sources_) return;
    for (const Index row : rows) {
      lengths.push_back(source_.length(row));
      for (Index step = 0; step < source_.length(row); ++step)
        memory_rows.push_back(source_.begin(row) + step);
    }
    const Tensor chosen = indices(memory_rows);
    const auto packed = [&](const Tensor& x) {
      const Tensor flat = reshape(x, {source_.rows(), x.size(-1)});  // [rows, width]
      return gather(flat, chosen);                                   // [real rows, width]
    };
    for (BlockCache& cache : caches_) {
      cache.memory_keys = packed(cache.memory_keys);
      cache.memory_values = packed(cache.memory_values);
    }
    if (pointed_.keys.defined()) pointed_ = pointed_.select(indices(rows));
    source_ = Layout::packed(std::move(lengths));
    sources_ = std::move(sources);
  }

  const Transformer& model_;
  const TransformerDecoder& decoder_;
  Layout source_;
  Index batch_, capacity_, position_ = 0;
  std::vector<Index> sources_;  // the number of each row's source
  std::vector<BlockCache> caches_;
  PointedSource pointed_;          // of a model that copies
  Tensor recent_, recent_at_end_;  // of the encodings before and after the blocks
};

}  // namespace

void BlockCache::write(const Tensor& step_keys, const Tensor& step_values, Index step) {
  write_step(keys, step_keys, step);
  write_step(values, step_values, step);
}

void BlockCache::select(std::span<const Index> rows, Index steps) {
  keys = selected(keys, rows, steps);
  values = selected(values, rows, steps);
  select_recent(recent, rows);
}

std::unique_ptr<Decoding> Transformer::decode(const Sequences& source, Index capacity) const {
  return std::make_unique<CachedDecoding>(*this, source, capacity);
}

}  // namespace adjoint::nn
