#include "data/pairs/batching.h"

#include <algorithm>

#include "autograd/support/error.h"

namespace adjoint::data {

Ids encode_source(const Tokens& tokens, const Vocabulary& vocabulary) {
  Ids ids = vocabulary.encode(tokens);
  ids.push_back(Vocabulary::eos);
  return ids;
}

EncodedPairs encode(const std::vector<Pair>& pairs, const Vocabulary& source,
                    const Vocabulary& target) {
  EncodedPairs encoded;
  for (const Pair& pair : pairs) {
    encoded.sources.push_back(encode_source(pair.source, source));
    Ids& ids = encoded.targets.emplace_back(encode_source(pair.target, target));
    ids.insert(ids.begin(), Vocabulary::bos);
  }
  return encoded;
}

BatchOrder batch_order(std::size_t pairs, Index batch_size, Key key) {
  require(batch_size >= 1, "batches: a batch needs at least one pair, got a size of ", batch_size);
  BatchOrder batches;
  const Tensor order = permutation(static_cast<Index>(pairs), key);
  for (const Index pair : order.values<Index>()) {
    if (batches.empty() || static_cast<Index>(batches.back().size()) == batch_size)
      batches.emplace_back();
    batches.back().push_back(static_cast<std::size_t>(pair));
  }
  return batches;
}

BatchOrder batch_order_by_tokens(const EncodedPairs& pairs, Index tokens, Key key) {
  const auto lengths = [&](std::size_t i) {
    return std::pair(pairs.targets[i].size(), pairs.sources[i].size());
  };
  const auto longer = [&](std::size_t i) {
    return static_cast<Index>(std::max(pairs.sources[i].size(), pairs.targets[i].size()));
  };
  const Tensor order = permutation(static_cast<Index>(pairs.size()), key.child("pairs"));
  std::vector<std::size_t> by_length(order.values<Index>().begin(), order.values<Index>().end());
  std::ranges::stable_sort(by_length, {}, lengths);

  BatchOrder cut;
  Index longest = 0;
  for (const std::size_t pair : by_length) {
    require(longer(pair) <= tokens, "batches: pair ", pair, " has ", longer(pair),
            " tokens, more than the ", tokens, " that fit in a batch");
    longest = std::max(longest, longer(pair));
    if (cut.empty() || longest * static_cast<Index>(cut.back().size() + 1) > tokens) {
      cut.emplace_back();
      longest = longer(pair);
    }
    cut.back().push_back(pair);
  }

  BatchOrder batches;
  const Tensor shuffled = permutation(static_cast<Index>(cut.size()), key.child("batches"));
  for (const Index batch : shuffled.values<Index>())
    batches.push_back(std::move(cut[static_cast<std::size_t>(batch)]));
  return batches;
}

EncodedPairs select(const EncodedPairs& pairs, std::span<const std::size_t> indices) {
  EncodedPairs selected;
  for (const std::size_t i : indices) {
    selected.sources.push_back(pairs.sources[i]);
    selected.targets.push_back(pairs.targets[i]);
    if (!pairs.alignments.empty()) selected.alignments.push_back(pairs.alignments[i]);
  }
  return selected;
}

namespace {

// FNV-1a over all ids and lengths.
std::uint64_t digest_of(const EncodedPairs& pairs) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3; };
  for (const std::vector<Ids>* side : {&pairs.sources, &pairs.targets})
    for (const Ids& ids : *side) {
      add(ids.size());
      for (const Index id : ids) add(static_cast<std::uint64_t>(id));
    }
  return hash;
}

}  // namespace

Batches::Batches(const EncodedPairs& pairs, BatchSize size, Key key)
    : pairs_(pairs), size_(size), key_(key), digest_(digest_of(pairs)) {
  require(pairs.size() > 0, "batches: no pairs");
  order();  // reports a size that is impossible
}

const BatchOrder& Batches::order() const {
  if (epoch_of_order_ == epoch_) return order_;
  const Key key = key_.child(static_cast<std::uint64_t>(epoch_ + 1));  // the first epoch is 1
  order_ = size_.unit == BatchSize::Unit::tokens ? batch_order_by_tokens(pairs_, size_.size, key)
                                                 : batch_order(pairs_.size(), size_.size, key);
  epoch_of_order_ = epoch_;
  return order_;
}

std::vector<std::size_t> Batches::next_indices() {
  require(batch_ < batches_in_epoch(), "batches: the saved state is at batch ", batch_,
          " of an epoch with ", batches_in_epoch(), " batches");
  std::vector<std::size_t> taken = order()[static_cast<std::size_t>(batch_)];
  if (++batch_ == batches_in_epoch()) {
    batch_ = 0;
    ++epoch_;
  }
  return taken;
}

}  // namespace adjoint::data
