#include "data/batching.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "autograd/error.h"

namespace {

using namespace adjoint;
using namespace adjoint::data;

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

BOOST_AUTO_TEST_CASE(selecting_keeps_sides_together) {
  const EncodedPairs all{{{5}, {6}, {7}}, {{15}, {16}, {17}}};
  const std::vector<std::size_t> chosen = {2, 0};
  const EncodedPairs some = select(all, chosen);
  BOOST_TEST((some.sources == std::vector<Ids>{{7}, {5}}));
  BOOST_TEST((some.targets == std::vector<Ids>{{17}, {15}}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
