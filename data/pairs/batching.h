// From sentence pairs to batches of ids.
#pragma once

#include <span>
#include <vector>

#include "autograd/random.h"
#include "data/pairs/parallel_corpus.h"
#include "data/text/vocabulary.h"

namespace adjoint::data {

/// Pairs as a model reads them: a source ends with <eos>; a target stands between <bos> and <eos>.
struct EncodedPairs {
  std::vector<Ids> sources, targets;
  std::size_t size() const { return sources.size(); }
};

Ids encode_source(const Tokens& tokens, const Vocabulary& vocabulary);
EncodedPairs encode(const std::vector<Pair>& pairs, const Vocabulary& source,
                    const Vocabulary& target);

/// Which pairs form which batch in one epoch: all pairs in an order drawn from the key, cut every
/// `batch_size`; the last batch may be smaller. Another key, another order. Error unless the size
/// is at least 1.
std::vector<std::vector<std::size_t>> batch_order(std::size_t pairs, Index batch_size, Key key);

/// The same with as many pairs in a batch as stay within a number of tokens, the longest sequence
/// of the batch times its pairs, on each side; pairs of about the same length stand together
/// (length bucketing), so that little is padding and batches are about equally dear. The pairs are
/// put in an order drawn from the key, then in order of length, cut, and the batches put in a
/// drawn order. Error, naming it, for a pair that is longer than the limit.
std::vector<std::vector<std::size_t>> batch_order_by_tokens(const EncodedPairs& pairs, Index tokens,
                                                            Key key);

/// The chosen pairs, with lengths as they are.
EncodedPairs select(const EncodedPairs& pairs, std::span<const std::size_t> chosen);

/// How large a batch is: so many pairs, or so many tokens (the two functions above).
struct BatchSize {
  enum class Unit { sentences, tokens };
  Index size;
  Unit unit = Unit::sentences;
};

/// Batch after batch of one epoch after the other, each epoch in an order of its own:
///
///   while (batches.epoch() < epochs) {
///     const EncodedPairs batch = batches.next();
///     …
///     if (batches.batch() == 0) …  // that was the last of an epoch
///   }
class Batches {
 public:
  /// Keeps the pairs, which have to outlive it. Error when there are none, and as above.
  Batches(const EncodedPairs& pairs, BatchSize size, Key key);

  EncodedPairs next();

  /// How many epochs have been finished.
  Index epoch() const { return epoch_; }
  /// How many batches of the present one have been taken: 0 after the last of an epoch.
  Index batch() const { return batch_; }
  /// How many it has. By tokens that may be another number in each.
  Index batches_in_epoch() const { return static_cast<Index>(order().size()); }

  /// What a stopped run needs to go on (nn/saving/training_state.h): the place. Pairs, size and key
  /// have to be the same.
  template <class State>
  void state(State& visit) {
    visit.fixed("pairs", pairs_.size()).fixed("pairs_digest", Key(digest_)).fixed("key", key_);
    visit.fixed("unit", size_.unit == BatchSize::Unit::tokens ? "tokens" : "sentences");
    visit.fixed("size", size_.size);
    visit("epoch", epoch_)("batch", batch_);
  }

 private:
  using Order = std::vector<std::vector<std::size_t>>;
  /// That of the present epoch.
  const Order& order() const;

  const EncodedPairs& pairs_;
  BatchSize size_;
  Key key_;
  std::uint64_t digest_;
  Index epoch_ = 0, batch_ = 0;
  mutable Order order_;
  mutable Index epoch_of_order_ = -1;
};

}  // namespace adjoint::data
