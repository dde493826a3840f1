#include "data/pairs/batching.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "autograd/support/error.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::data;
using namespace adjoint::testing;

// Pairs of 1 to `longest` tokens per side; each source begins with the number of the pair.
EncodedPairs random_pairs(Dice& dice, Index count, Index longest) {
  EncodedPairs random;
  for (Index i = 0; i < count; ++i) {
    random.sources.emplace_back(static_cast<std::size_t>(dice.between(1, longest)), i);
    random.targets.emplace_back(static_cast<std::size_t>(dice.between(1, longest)), i);
  }
  return random;
}

Index longest_of(const EncodedPairs& pairs, std::span<const std::size_t> chosen) {
  std::size_t longest = 0;
  for (const std::size_t i : chosen)
    longest = std::max({longest, pairs.sources[i].size(), pairs.targets[i].size()});
  return static_cast<Index>(longest);
}

const std::vector<Pair> pairs = {{{"go", "on"}, {"continue"}}, {{"go"}, {"va", "!"}}};

BOOST_AUTO_TEST_SUITE(batching)

BOOST_AUTO_TEST_CASE(sources_end_and_targets_begin_and_end) {
  const Vocabulary source(sources(pairs)), target(targets(pairs));
  const EncodedPairs encoded = encode(pairs, source, target);
  BOOST_TEST(encoded.size() == 2u);
  BOOST_TEST((encoded.sources[0] == Ids{source.id("go"), source.id("on"), Vocabulary::eos}));
  BOOST_TEST((encoded.targets[1] ==
              Ids{Vocabulary::bos, target.id("va"), target.id("!"), Vocabulary::eos}));
}

BOOST_AUTO_TEST_CASE(unknown_words_are_unk) {
  const Vocabulary vocabulary(sources(pairs));
  BOOST_TEST((encode_source({"stay"}, vocabulary) == Ids{Vocabulary::unk, Vocabulary::eos}));
}

BOOST_AUTO_TEST_CASE(an_epoch_holds_every_pair_once) {
  for (const std::size_t count : {0u, 1u, 7u, 64u, 100u})
    for (const Index size : {1, 3, 64, 1000}) {
      std::multiset<std::size_t> seen;
      const auto batches = batch_order(count, size, Key(count));
      for (std::size_t b = 0; b < batches.size(); ++b) {
        seen.insert(batches[b].begin(), batches[b].end());
        if (b + 1 < batches.size()) BOOST_TEST(static_cast<Index>(batches[b].size()) == size);
      }
      BOOST_TEST(seen.size() == count);
      for (std::size_t i = 0; i < count; ++i) BOOST_TEST(seen.count(i) == 1u);
    }
}

BOOST_AUTO_TEST_CASE(the_key_decides_the_order) {
  BOOST_TEST((batch_order(50, 8, Key(1)) == batch_order(50, 8, Key(1))));
  BOOST_TEST((batch_order(50, 8, Key(1)) != batch_order(50, 8, Key(2))));
}

BOOST_AUTO_TEST_CASE(an_empty_batch_is_an_error) {
  BOOST_CHECK_EXCEPTION(batch_order(5, 0, Key(1)), Error, [](const Error& error) {
    return std::string(error.what()) == "batches: a batch needs at least one pair, got a size of 0";
  });
}

BOOST_AUTO_TEST_CASE(by_tokens_every_pair_comes_once_and_the_limit_holds) {
  Dice dice(Key(1));
  for (int round = 0; round < 50; ++round) {
    const Index longest = dice.between(1, 20), count = dice.between(0, 200);
    const EncodedPairs random = random_pairs(dice, count, longest);
    const Index limit = longest + dice.between(0, 100);
    std::multiset<std::size_t> seen;
    for (const auto& batch :
         batch_order_by_tokens(random, limit, Key(static_cast<std::uint64_t>(round)))) {
      BOOST_TEST(!batch.empty());
      BOOST_TEST(longest_of(random, batch) * static_cast<Index>(batch.size()) <= limit);
      seen.insert(batch.begin(), batch.end());
    }
    BOOST_TEST(seen.size() == random.size());
    BOOST_TEST((std::set(seen.begin(), seen.end()).size() == random.size()));
  }
}

// The targets of a batch have similar lengths, and the batches are about equally full.
BOOST_AUTO_TEST_CASE(by_tokens_there_is_little_padding) {
  Dice dice(Key(2));
  const EncodedPairs random = random_pairs(dice, 5000, 50);
  Index real = 0, padded = 0;
  const auto batches = batch_order_by_tokens(random, 1000, Key(1));
  for (const auto& batch : batches) {
    std::size_t longest = 0;
    for (const std::size_t i : batch) {
      real += static_cast<Index>(random.targets[i].size());
      longest = std::max(longest, random.targets[i].size());
    }
    padded += static_cast<Index>(longest * batch.size());
  }
  BOOST_TEST(static_cast<double>(real) > 0.95 * static_cast<double>(padded));
  // The batches are not sorted by length.
  const auto shorter_than = [&](std::size_t limit) {
    return random.targets[batches.front().front()].size() < limit &&
           random.targets[batches[1].front()].size() < limit &&
           random.targets[batches[2].front()].size() < limit;
  };
  BOOST_TEST(!shorter_than(10));
}

BOOST_AUTO_TEST_CASE(by_tokens_the_key_decides_the_order) {
  Dice dice(Key(3));
  const EncodedPairs random = random_pairs(dice, 100, 5);
  const auto order = [&](std::uint64_t seed) {
    return batch_order_by_tokens(random, 40, Key(seed));
  };
  BOOST_TEST((order(1) == order(1)));
  const auto sets = [](const std::vector<std::vector<std::size_t>>& batches) {
    std::set<std::set<std::size_t>> result;
    for (const auto& batch : batches) result.emplace(batch.begin(), batch.end());
    return result;
  };
  BOOST_TEST((sets(order(1)) != sets(order(2))));  // not only the order of the same batches
}

BOOST_AUTO_TEST_CASE(a_pair_longer_than_a_batch_is_an_error) {
  const EncodedPairs two{{{5}, {6, 6, 6}}, {{5, 5}, {6}}};
  BOOST_CHECK_EXCEPTION(batch_order_by_tokens(two, 2, Key(1)), Error,
                        says("batches: pair 1 has 3 tokens, more than the 2 that fit in a batch"));
  BOOST_CHECK_NO_THROW(batch_order_by_tokens(two, 3, Key(1)));
}

BOOST_AUTO_TEST_CASE(batches_come_epoch_after_epoch_each_in_its_own_order) {
  Dice dice(Key(4));
  const EncodedPairs random = random_pairs(dice, 23, 6);
  for (const BatchSize size : {BatchSize{5}, BatchSize{30, BatchSize::Unit::tokens}}) {
    Batches batches(random, size, Key(1));
    std::vector<Ids> orders;
    for (Index epoch = 0; epoch < 3; ++epoch) {
      BOOST_TEST(batches.epoch() == epoch);
      Ids order;
      const Index count = batches.batches_in_epoch();
      for (Index taken = 0; taken < count; ++taken) {
        BOOST_TEST(batches.batch() == taken);
        for (const Ids& source : batches.next().sources) order.push_back(source[0]);
      }
      BOOST_TEST(batches.batch() == 0);
      BOOST_TEST((std::set(order.begin(), order.end()).size() == 23u));
      orders.push_back(order);
    }
    BOOST_TEST((orders[0] != orders[1] && orders[1] != orders[2] && orders[0] != orders[2]));
  }
}

BOOST_AUTO_TEST_CASE(batches_without_pairs_are_an_error) {
  BOOST_CHECK_EXCEPTION(Batches({}, {5}, Key(1)), Error, says("batches: no pairs"));
  const EncodedPairs one{{{5}}, {{6}}};
  BOOST_CHECK_THROW(Batches(one, {0}, Key(1)), Error);
  BOOST_CHECK_THROW(Batches(one, {0, BatchSize::Unit::tokens}, Key(1)), Error);
}

BOOST_AUTO_TEST_CASE(selecting_keeps_sides_together) {
  const EncodedPairs all{{{5}, {6}, {7}}, {{15}, {16}, {17}}};
  const std::vector<std::size_t> chosen = {2, 0};
  const EncodedPairs some = select(all, chosen);
  BOOST_TEST((some.sources == std::vector<Ids>{{7}, {5}}));
  BOOST_TEST((some.targets == std::vector<Ids>{{17}, {15}}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
