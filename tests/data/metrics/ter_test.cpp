#include "data/metrics/ter.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/support/error.h"
#include "data/metrics/edit_table.h"
#include "data/metrics/error_rates.h"
#include "tests/autograd/support.h"
#include "tests/data/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Index;
using adjoint::Key;
using adjoint::testing::random_sentence;
using adjoint::testing::RandomCorpus;
using adjoint::testing::says;
using adjoint::testing::shuffled;
namespace tt = boost::test_tools;

const auto nearly = tt::tolerance(1e-12);

/// The words of a line.
Tokens w(const std::string& line) { return tokenize_none(line); }

/// The fewest edits by trying all moves of all phrases: breadth-first over the orders of the words,
/// and from each the edit distance.
std::int64_t fewest_edits(const Tokens& hypothesis, const Tokens& reference) {
  std::map<Tokens, std::int64_t> moves = {{hypothesis, 0}};
  std::deque<Tokens> queue = {hypothesis};
  std::int64_t fewest = edit_distance(hypothesis, reference);
  while (!queue.empty()) {
    const Tokens words = queue.front();
    queue.pop_front();
    const std::int64_t made = moves[words];
    fewest = std::min(fewest, made + edit_distance(words, reference));
    if (made + 1 >= fewest) continue;
    for (auto a = 0; a < std::ssize(words); ++a)
      for (auto b = a + 1; b < std::ssize(words); ++b)
        for (auto c = b + 1; c <= std::ssize(words); ++c) {
          Tokens moved = words;
          std::rotate(moved.begin() + a, moved.begin() + b, moved.begin() + c);
          if (moves.emplace(moved, made + 1).second) queue.push_back(moved);
        }
  }
  return fewest;
}

/// A long sentence: `length` words out of a thousand.
Tokens long_sentence(std::int64_t length, Key key) {
  const adjoint::Tensor numbers = adjoint::random_integers({length}, 0, 1000, key);
  Tokens tokens;
  for (const auto i : numbers.values<adjoint::Index>()) tokens.push_back(std::to_string(i));
  return tokens;
}

/// The edit distance without moves, within the band.
std::int64_t banded_edit_distance(const Tokens& hypothesis, const Tokens& reference) {
  return ter_edits(hypothesis, reference, 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ter)

// --- published figures: test/test_ter.py of sacreBLEU 2.0 (github.com/mjpost/sacrebleu) ---

BOOST_AUTO_TEST_CASE(published_scores) {
  BOOST_TEST(corpus_ter({"aaaa bbbb cccc dddd"}, {"aaaa bbbb cccc dddd"}).score == 0.0);
  BOOST_TEST(corpus_ter({"dddd eeee ffff"}, {"aaaa bbbb cccc"}).score == 100.0);
  BOOST_TEST(corpus_ter({""}, {"a"}).score == 100.0);
  // a b c moves to the front, and everything matches
  BOOST_TEST(corpus_ter({"d e f g h a b c"}, {"a b c d e f g h"}).score == 12.5);
}

// The same, "realistic example from WMT dev data (2019)": 0.136.
BOOST_AUTO_TEST_CASE(published_score_of_five_sentences) {
  const std::vector<std::string> hypotheses = {
      R"(wählen Sie " Bild neu berechnen , " um beim Ändern der Bildgröße Pixel hinzuzufügen oder zu entfernen , damit das Bild ungefähr dieselbe Größe aufweist wie die andere Größe .)",
      R"(wenn Sie alle Aufgaben im aktuellen Dokument aktualisieren möchten , wählen Sie im Menü des Aufgabenbedienfelds die Option " Alle Aufgaben aktualisieren . ")",
      R"(klicken Sie auf der Registerkarte " Optionen " auf die Schaltfläche " Benutzerdefiniert " und geben Sie Werte für " Fehlerkorrektur-Level " und " Y / X-Verhältnis " ein .)",
      R"(Sie können beispielsweise ein Dokument erstellen , das ein Auto über die Bühne enthält .)",
      R"(wählen Sie im Dialogfeld " Neu aus Vorlage " eine Vorlage aus und klicken Sie auf " Neu . ")"};
  const std::vector<std::string> references = {
      R"(wählen Sie " Bild neu berechnen , " um beim Ändern der Bildgröße Pixel hinzuzufügen oder zu entfernen , damit die Darstellung des Bildes in einer anderen Größe beibehalten wird .)",
      R"(wenn Sie alle Aufgaben im aktuellen Dokument aktualisieren möchten , wählen Sie im Menü des Aufgabenbedienfelds die Option " Alle Aufgaben aktualisieren . ")",
      R"(klicken Sie auf der Registerkarte " Optionen " auf die Schaltfläche " Benutzerdefiniert " und geben Sie für " Fehlerkorrektur-Level " und " Y / X-Verhältnis " niedrigere Werte ein .)",
      R"(Sie können beispielsweise ein Dokument erstellen , das ein Auto enthalt , das sich über die Bühne bewegt .)",
      R"(wählen Sie im Dialogfeld " Neu aus Vorlage " eine Vorlage aus und klicken Sie auf " Neu . ")"};
  const TerScore ter = corpus_ter(hypotheses, references);
  BOOST_TEST(ter.score == 13.6, nearly);
  BOOST_TEST(ter.signature == "nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no");
}

// --- by hand ---

// The example of Snover et al. (2006), section 2: "this week" is moved, "the Saudis denied" becomes
// "Saudi Arabia denied" by two substitutions, and "American" is inserted: 4 edits of 13 words.
// The paper prints it in capitals and without marks.
BOOST_AUTO_TEST_CASE(the_papers_example) {
  const TerScore ter = corpus_ter(
      {"THIS WEEK THE SAUDIS denied information published in the new york times"},
      {"SAUDI ARABIA denied THIS WEEK information published in the AMERICAN new york times"});
  BOOST_TEST(ter.edits == 4);
  BOOST_TEST(ter.ref_len == 13.0);
  BOOST_TEST(ter.score == 400.0 / 13, nearly);
}

BOOST_AUTO_TEST_CASE(edits_of_small_pairs) {
  BOOST_TEST(ter_edits(w("a b"), w("b a")) == 1);          // one move
  BOOST_TEST(ter_edits(w("a b c d"), w("c d a b")) == 1);  // of a phrase
  BOOST_TEST(ter_edits(w("b a d c"), w("a b c d")) == 2);  // two moves
  BOOST_TEST(ter_edits(w("x a b"), w("b a y")) == 2);      // a b would be moved, but x y costs 1
  BOOST_TEST(ter_edits(w("a b c"), {}) == 3);
  BOOST_TEST(ter_edits({}, w("a b")) == 2);
  BOOST_TEST(ter_edits({}, {}) == 0);
}

// Small pairs that each depend on one tie-breaking rule, computed by a second program that follows
// sacreBLEU's definition. A different rule gives a different number.
BOOST_AUTO_TEST_CASE(tie_breaking_rules_decide) {
  // of equally short ways, a substitution before a removal before an insertion
  BOOST_TEST(ter_edits(w("4 4 3 1 0"), w("0 1 0 2 2")) == 4);
  // of moves with equal gain, the longest phrase,
  BOOST_TEST(ter_edits(w("2 1 1 0 2 2"), w("2 2 0 1 1 2")) == 2);
  // then the first phrase, moved nearest to the beginning
  BOOST_TEST(ter_edits(w("9 8 1 1 3"), w("8 3 9 1 1")) == 2);
  // a word in the right place stays, even if a move would save an edit in the end
  BOOST_TEST(ter_edits(w("2 0 2 1 1 2 2 1 0 0"), w("2 1 2 0 1 2")) == 6);
}

// A phrase of eleven words is too long: ten are moved, then one. Fifty words are not too far.
BOOST_AUTO_TEST_CASE(long_phrases_move_in_pieces_and_not_too_far) {
  const Tokens phrase = w("a b c d e f g h i j k");
  const auto swapped = [&](std::size_t words, std::int64_t distance) {
    const Tokens part(phrase.begin(), phrase.begin() + static_cast<std::ptrdiff_t>(words));
    const Tokens between = long_sentence(distance, Key(1));
    Tokens hypothesis = part, reference = between;
    hypothesis.insert(hypothesis.end(), between.begin(), between.end());
    reference.insert(reference.end(), part.begin(), part.end());
    return ter_edits(hypothesis, reference);
  };
  BOOST_TEST(swapped(10, 20) == 1);
  BOOST_TEST(swapped(11, 20) == 2);
  BOOST_TEST(swapped(1, 50) == 1);
  BOOST_TEST(swapped(1, 51) == 2);  // removed, and inserted
}

BOOST_AUTO_TEST_CASE(case_and_marks_count_as_the_options_say) {
  BOOST_TEST(corpus_ter({"A b."}, {"a b ."}).edits == 2);
  BOOST_TEST(corpus_ter({"A b."}, {"a b ."}, {.normalize = true}).edits == 0);
  BOOST_TEST(corpus_ter({"A b."}, {"a b"}, {.remove_punctuation = true}).edits == 0);
  const TercomOptions all = {.case_sensitive = true, .normalize = true, .remove_punctuation = true};
  const TerScore ter = corpus_ter({"A b."}, {"a b"}, all);
  BOOST_TEST(ter.edits == 1);
  BOOST_TEST(ter.signature == "nrefs:1|case:mixed|tok:tercom|norm:yes|punct:no|asian:no");
}

// The edits against the nearer reference, divided by the average length: 1 / 3.
BOOST_AUTO_TEST_CASE(of_several_references_the_one_with_the_fewest_edits_counts) {
  const std::vector<std::vector<std::string>> references = {{"a b x"}, {"c d e"}, {"x y z"}};
  const TerScore ter = corpus_ter({"a b c"}, references);
  BOOST_TEST(ter.edits == 1);
  BOOST_TEST(ter.ref_len == 3.0, nearly);
  const std::vector<std::vector<std::string>> uneven = {{"a b"}, {"a b c"}};
  BOOST_TEST(corpus_ter({"a b c"}, uneven).ref_len == 2.5, nearly);
}

BOOST_AUTO_TEST_CASE(ter_at_the_edges) {
  BOOST_TEST(corpus_ter({""}, {""}).score == 0.0);
  BOOST_TEST(corpus_ter({"a b"}, {""}).score == 100.0);
  BOOST_TEST(corpus_ter({"a b c"}, {"a"}).score == 200.0);
  BOOST_CHECK_EXCEPTION(corpus_ter({"a"}, {"a", "b"}), Error,
                        says("corpus_ter: 1 hypotheses, but 2 references"));
}

// --- properties ---

// The greedy search finds no fewer edits than there are, and never more than without moves.
BOOST_AUTO_TEST_CASE(edits_lie_between_the_fewest_and_the_edit_distance) {
  std::int64_t moved = 0, fewest_found = 0;
  constexpr std::uint64_t rounds = 1000;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const Key key = Key(1).child(round);
    const Tokens r = random_sentence(key.child("r"), 6, "abcdef");
    const Tokens h = round % 2 == 0 ? random_sentence(key.child("h"), 6, "abcdef")
                                    : shuffled(r, key.child("words"));
    const std::int64_t edits = ter_edits(h, r), fewest = fewest_edits(h, r);
    BOOST_TEST(edits >= fewest);
    BOOST_TEST(edits <= edit_distance(h, r));
    BOOST_TEST((edits == 0) == (h == r));
    moved += edits < edit_distance(h, r) ? 1 : 0;
    fewest_found += edits == fewest ? 1 : 0;
  }
  BOOST_TEST(moved > 100);  // the cases put the moves to work,
  BOOST_TEST(fewest_found > static_cast<std::int64_t>(rounds) * 9 / 10);  // and they do well
}

BOOST_AUTO_TEST_CASE(within_the_band_the_distance_is_the_edit_distance) {
  for (std::uint64_t round = 0; round < 500; ++round) {
    const Key key = Key(2).child(round);
    const Tokens a = random_sentence(key.child("a"), 25, "abc"),
                 b = random_sentence(key, 25, "abc");
    BOOST_TEST(banded_edit_distance(a, b) == edit_distance(a, b));
    BOOST_TEST(banded_edit_distance(a, b) == banded_edit_distance(b, a));
  }
}

// Sixty words moved by forty: the matching diagonal is outside the band.
BOOST_AUTO_TEST_CASE(matches_outside_the_band_are_not_seen) {
  const Tokens words = long_sentence(100, Key(3));
  Tokens rotated = words;
  std::ranges::rotate(rotated, rotated.begin() + 40);
  BOOST_TEST(edit_distance(words, rotated) == 80);
  BOOST_TEST(banded_edit_distance(words, rotated) > 80);
  for (const std::int64_t length : {1, 2, 3, 10, 400}) {  // however different the lengths
    const Tokens other = long_sentence(length, Key(4));
    const std::int64_t distance = banded_edit_distance(other, words);
    BOOST_TEST((distance >= edit_distance(other, words) && distance <= std::max(length, 100L)));
  }
}

// The updated table equals one computed from scratch.
BOOST_AUTO_TEST_CASE(a_changed_table_is_that_of_the_changed_words) {
  const auto words_of = [](Key key, Index length, Index different) {
    const adjoint::Tensor drawn = adjoint::random_integers({length}, 0, different, key);
    return Words(drawn.values<Index>().begin(), drawn.values<Index>().end());
  };
  const auto draw = [](Index end, Key key) {
    return static_cast<Position>(adjoint::random_integers({}, 0, end, key).item());
  };
  for (std::uint64_t round = 0; round < 300; ++round) {
    const Key key = Key(6).child(round);
    const Index length = 1 + draw(150, key.child("length")), different = 1 + draw(20, key);
    Words words = words_of(key.child("words"), length, different);
    const Words reference =
        words_of(key.child("reference"), draw(200, key.child("other")), different);
    EditTable table(words, reference);
    const Position a = draw(length + 1, key.child("a")), b = draw(length + 1, key.child("b")),
                   begin = std::min(a, b), end = std::max(a, b);
    const Words fresh = words_of(key.child("fresh"), end - begin, different);
    std::ranges::copy(fresh, words.begin() + begin);
    const std::int64_t expected = EditTable(words, reference).distance();
    BOOST_TEST(table.distance_after(begin, end) == expected);
    table.update(begin);
    BOOST_TEST(table.distance() == expected);
  }
}

BOOST_AUTO_TEST_CASE(ter_ignores_the_order_of_sentences) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    const Key key = Key(5).child(round);
    const RandomCorpus corpus(key);
    const TerScore ter = corpus_ter(corpus.hypotheses, corpus.references);
    BOOST_TEST(ter.score >= 0);
    const auto h = shuffled(corpus.hypotheses, key), r = shuffled(corpus.references, key);
    BOOST_TEST(corpus_ter(h, r).score == ter.score);
    BOOST_TEST(corpus_ter(h, h).score == 0.0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
