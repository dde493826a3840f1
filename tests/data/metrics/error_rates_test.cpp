#include "data/metrics/error_rates.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <utility>
#include <vector>

#include "autograd/support/error.h"
#include "tests/autograd/support.h"
#include "tests/data/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Index;
using adjoint::Key;
using adjoint::testing::random_sentence;
using adjoint::testing::says;
using adjoint::testing::shuffled;
namespace tt = boost::test_tools;

const auto nearly = tt::tolerance(1e-12);

std::vector<Tokens> random_sentences(Key key) {
  std::vector<Tokens> sentences;
  for (std::uint64_t i = 0; i < 5; ++i) sentences.push_back(random_sentence(key.child(i)));
  return sentences;
}

/// The plain algorithm with the whole table (Wagner and Fischer).
std::int64_t plain_edit_distance(const Tokens& a, const Tokens& b) {
  std::vector<std::int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t diagonal = std::exchange(row[0], row[0] + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t least =
          std::min({diagonal + (a[i] == b[j] ? 0 : 1), row[j] + 1, row[j + 1] + 1});
      diagonal = std::exchange(row[j + 1], least);
    }
  }
  return row.back();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error_rates)

BOOST_AUTO_TEST_CASE(edit_distance_of_known_pairs) {
  // kitten → sitten → sittin → sitting
  BOOST_TEST(edit_distance({"k", "i", "t", "t", "e", "n"}, {"s", "i", "t", "t", "i", "n", "g"}) ==
             3);
  BOOST_TEST(edit_distance({}, {"a", "b"}) == 2);
  BOOST_TEST(edit_distance({"je", "suis", "là"}, {"je", "suis", "ici", "là"}) == 1);
}

BOOST_AUTO_TEST_CASE(edit_distance_is_a_metric) {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const Key key = Key(2).child(round);
    const Tokens a = random_sentence(key.child("a")), b = random_sentence(key.child("b")),
                 c = random_sentence(key.child("c"));
    const std::int64_t ab = edit_distance(a, b);
    BOOST_TEST((ab == 0) == (a == b));
    BOOST_TEST(ab == edit_distance(b, a));
    BOOST_TEST(edit_distance(a, c) <= ab + edit_distance(b, c));
    BOOST_TEST(ab <= static_cast<std::int64_t>(std::max(a.size(), b.size())));
  }
}

// Computing the table in strips of 64 rows gives the same distance for all lengths.
BOOST_AUTO_TEST_CASE(edit_distance_is_that_of_the_whole_table) {
  for (std::uint64_t round = 0; round < 300; ++round) {
    const Key key = Key(7).child(round);
    const std::string letters = round % 2 == 0 ? "ab" : "abcdefghij";
    const Tokens a = random_sentence(key.child("a"), 200, letters),
                 b = random_sentence(key.child("b"), 200, letters);
    BOOST_TEST(edit_distance(a, b) == plain_edit_distance(a, b));
  }
  for (const std::size_t length : {63, 64, 65, 127, 128, 129}) {
    const Tokens same(length, "a"), other(length, "b"), longer(length + 70, "a");
    BOOST_TEST(edit_distance(same, same) == 0);
    BOOST_TEST(edit_distance(same, other) == static_cast<std::int64_t>(length));
    BOOST_TEST(edit_distance(same, longer) == 70);
    BOOST_TEST(edit_distance(longer, same) == 70);
    BOOST_TEST(edit_distance(same, {}) == static_cast<std::int64_t>(length));
  }
}

// 2 of 3 words are wrong against the first reference, 1 of 4 against the second; the second
// sentence has no second reference.
BOOST_AUTO_TEST_CASE(of_several_references_the_one_with_the_lowest_rate_counts) {
  const std::vector<Tokens> hypotheses = {{"a", "b", "c"}, {"d"}};
  const std::vector<Tokens> first = {{"a", "x", "y"}, {"e"}};
  const std::vector<std::vector<Tokens>> more = {{{"a", "b", "c", "d"}, {}}};
  BOOST_TEST(word_error_rate(hypotheses, first).errors == 3);
  for (const auto rate : {word_error_rate, position_independent_error_rate}) {
    const ErrorRate best = rate(hypotheses, first, more);
    BOOST_TEST(best.errors == 2);
    BOOST_TEST(best.ref_len == 5);
    BOOST_TEST(best.rate == 40.0, nearly);
    BOOST_TEST(rate(hypotheses, first, {first}).errors == rate(hypotheses, first, {}).errors);
    BOOST_TEST(rate(hypotheses, first, {first, hypotheses}).errors == 0);
    BOOST_CHECK_THROW(rate(hypotheses, first, {{{"a"}}}), Error);
  }
}

// (1 substitution + 1 insertion) of (3 + 1) words; the sentences' own rates are 1/3 and 1/1.
BOOST_AUTO_TEST_CASE(word_errors_are_summed_before_they_are_divided) {
  const ErrorRate wer =
      word_error_rate({{"je", "suis", "ici"}, {"va", "!"}}, {{"je", "suis", "là"}, {"va"}});
  BOOST_TEST(wer.errors == 2);
  BOOST_TEST(wer.ref_len == 4);
  BOOST_TEST(wer.rate == 50.0, nearly);
}

// "read" pronounced R IY D instead of R EH D: one phoneme of three.
BOOST_AUTO_TEST_CASE(phonemes_are_counted_like_words) {
  BOOST_TEST(word_error_rate({{"R", "IY", "D"}}, {{"R", "EH", "D"}}).rate == 100.0 / 3, nearly);
}

// By hand: b c a against a b c d has all three words, one is missing (WER: a first, a and d last,
// that is 3 edits); a a b against a b b has a and b in common, and one wrong.
BOOST_AUTO_TEST_CASE(position_independent_errors_ignore_the_order) {
  const std::vector<Tokens> hypotheses = {{"b", "c", "a"}, {"a", "a", "b"}};
  const std::vector<Tokens> references = {{"a", "b", "c", "d"}, {"a", "b", "b"}};
  const ErrorRate per = position_independent_error_rate(hypotheses, references);
  BOOST_TEST(per.errors == 2);
  BOOST_TEST(per.rate == 200.0 / 7, nearly);
  BOOST_TEST(word_error_rate(hypotheses, references).errors == 3);
  BOOST_TEST(position_independent_error_rate({{"a", "b", "c"}}, {{"a"}}).rate == 200.0, nearly);
}

BOOST_AUTO_TEST_CASE(error_rates_at_the_edges) {
  for (const auto rate : {word_error_rate, position_independent_error_rate}) {
    BOOST_TEST(rate({{}}, {{}}, {}).rate == 0.0);
    BOOST_TEST(rate({{"a", "b"}}, {{}}, {}).rate == 100.0);
    BOOST_TEST(rate({{}}, {{"a", "b"}}, {}).rate == 100.0);
  }
  BOOST_CHECK_EXCEPTION(word_error_rate({}, {}), Error, says("word_error_rate: no sentences"));
  BOOST_CHECK_EXCEPTION(position_independent_error_rate({{}}, {{}, {}}), Error,
                        says("position_independent_error_rate: 1 hypotheses, but 2 references"));
}

BOOST_AUTO_TEST_CASE(error_rates_have_their_properties) {
  for (std::uint64_t round = 0; round < 500; ++round) {
    const Key key = Key(3).child(round);
    const std::vector<Tokens> h = random_sentences(key.child("h")), r = random_sentences(key);
    const ErrorRate wer = word_error_rate(h, r), per = position_independent_error_rate(h, r);
    BOOST_TEST(per.errors <= wer.errors);
    BOOST_TEST(per.rate >= 0);
    BOOST_TEST(position_independent_error_rate(r, h).errors == per.errors);
    BOOST_TEST(word_error_rate(r, h).errors == wer.errors);
    BOOST_TEST(word_error_rate(r, r).rate == 0.0);
    BOOST_TEST(word_error_rate(shuffled(h, key), shuffled(r, key)).rate == wer.rate);

    std::vector<Tokens> reordered;  // the words of each sentence, which PER does not see
    for (const Tokens& sentence : h) reordered.push_back(shuffled(sentence, key.child("words")));
    BOOST_TEST(position_independent_error_rate(reordered, r).errors == per.errors);
  }
}

BOOST_AUTO_TEST_SUITE_END()
