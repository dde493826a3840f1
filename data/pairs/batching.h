// From sentence pairs to batches of ids.
#pragma once

#include "data/pairs/alignment.h"
#include "data/pairs/parallel_corpus.h"
#include "data/text/vocabulary.h"

namespace adjoint::data {

/// Pairs as a model reads them: a source ends with `<eos>`, a target stands between
/// `<bos>` and `<eos>`.
struct EncodedPairs {
  std::vector<Ids> sources, targets;
  std::vector<Links> alignments = {};  ///< of their tokens, one for each pair; or none at all
  std::size_t size() const { return sources.size(); }
};

Ids encode_source(const Tokens& tokens, const Vocabulary& vocabulary);
EncodedPairs encode(const std::vector<Pair>& pairs, const Vocabulary& source,
                    const Vocabulary& target);

/// The batches of one epoch, each a list of indices of pairs.
using BatchOrder = std::vector<std::vector<std::size_t>>;

/// All pairs in an order drawn from the key, in batches of `batch_size`; the last may be smaller.
/// Error unless the size is at least 1.
BatchOrder batch_order(std::size_t pairs, Index batch_size, Key key);

/// Batches of at most `tokens` tokens on each side, counted as longest sequence × number of
/// pairs. Pairs of similar length share a batch (length bucketing), so there is little padding and
/// all batches cost about the same. The pairs are shuffled, sorted by length and cut; then the
/// batches are shuffled. Error, naming it, for a pair over the limit.
BatchOrder batch_order_by_tokens(const EncodedPairs& pairs, Index tokens, Key key);

/// The pairs with these indices.
EncodedPairs select(const EncodedPairs& pairs, std::span<const std::size_t> indices);

/// The size of a batch: a number of pairs or of tokens, as in the two functions above.
struct BatchSize {
  /// What a size counts.
  enum class Unit { sentences, tokens };
  Index size;
  Unit unit = Unit::sentences;
};

/// An endless sequence of batches, epoch after epoch, each epoch in a different order:
///
///   while (batches.epoch() < epochs) {
///     const EncodedPairs batch = batches.next();
///     …
///     if (batches.batch() == 0) …  // that was the last batch of an epoch
///   }
class Batches {
 public:
  /// Keeps a reference to the pairs. Error when there are none, and as above.
  Batches(const EncodedPairs& pairs, BatchSize size, Key key);

  EncodedPairs next() { return select(pairs_, next_indices()); }
  /// The same as indices of the pairs.
  std::vector<std::size_t> next_indices();

  /// The number of completed epochs.
  Index epoch() const { return epoch_; }
  /// The number of batches taken from the current epoch; 0 after the last one.
  Index batch() const { return batch_; }
  /// The number of batches in the current epoch. By tokens it may vary from epoch to epoch.
  Index batches_in_epoch() const { return static_cast<Index>(order().size()); }
  /// A hash of all pairs, without alignments.
  Key digest() const { return digest_; }

  /// What a resumed run needs (nn/saving/checkpoint.h): the position. Pairs, size and key must
  /// be the same.
  template <class State>
  void state(State& visit) {
    visit.fixed("pairs", pairs_.size()).fixed("pairs_digest", digest_).fixed("key", key_);
    visit.fixed("unit", size_.unit == BatchSize::Unit::tokens ? "tokens" : "sentences");
    visit.fixed("size", size_.size);
    visit("epoch", epoch_)("batch", batch_);
  }

 private:
  const BatchOrder& order() const;  // of the current epoch

  const EncodedPairs& pairs_;
  BatchSize size_;
  Key key_, digest_;
  Index epoch_ = 0, batch_ = 0;
  mutable BatchOrder order_;
  mutable Index epoch_of_order_ = -1;
};

}  // namespace adjoint::data
