#include "data/pairs/alignment.h"

#include <boost/test/unit_test.hpp>

#include "autograd/support/error.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::data;
using adjoint::testing::says;

using Kind = Tokenizer::Kind;

Links links(const Links& words, const std::string& source, Kind source_kind,
            const std::string& target, Kind target_kind) {
  const Tokenizer from{.kind = source_kind}, to{.kind = target_kind};
  const Tokens source_tokens = from.tokenize(source), target_tokens = to.tokenize(target);
  Links result = links_of_tokens(words, {source, source_tokens, from}, {target, target_tokens, to});
  std::ranges::sort(result);
  return result;
}

BOOST_AUTO_TEST_SUITE(alignments)

BOOST_AUTO_TEST_CASE(lines_in_pharaoh_form) {
  const auto read = [](const std::vector<std::string>& lines) {
    return read_alignments({"links.txt", lines});
  };
  const std::vector<Links> expected = {{{0, 0}, {1, 2}, {10, 3}}, {}, {{2, 0}}, {{0, 1}, {1, 0}}};
  BOOST_TEST((read({"0-0 1-2  10-3 ", "", "\t2-0", "1-0 0-1 1-0"}) == expected));
  for (const std::string wrong : {"0", "0-", "-1", "0-0-0", "a-b", "0--1", "0-1,", "1.0-2",
                                  "99999999999999999999-0", "+1-0", "0p1"})
    BOOST_CHECK_EXCEPTION(read({"0-0", wrong}), Error,
                          says("links.txt:2: '" + wrong +
                               "' is not a link; expected source-target, as in 0-0 1-2, counted "
                               "from 0"));
}

BOOST_AUTO_TEST_CASE(a_word_links_all_of_its_tokens) {
  // how are you ?  /  ça va ?
  BOOST_TEST((links({{0, 0}, {2, 1}}, "How are you?", Kind::words, "Ça va?", Kind::words) ==
              Links{{0, 0}, {2, 1}, {2, 2}, {3, 1}, {3, 2}}));
  BOOST_TEST((links({{1, 0}}, "a bc", Kind::characters, "de f", Kind::characters) ==
              Links{{2, 0}, {2, 1}, {3, 0}, {3, 1}}));
  BOOST_TEST((links({{0, 1}, {1, 0}}, "A b", Kind::blanks, "cd e", Kind::blanks) ==
              Links{{0, 1}, {1, 0}}));
}

// Leading and repeated spaces, no-break spaces, and letters that composing makes one.
BOOST_AUTO_TEST_CASE(words_are_what_stands_between_white_space) {
  BOOST_TEST((links({{1, 1}, {2, 0}}, "  a  bc\u00A0d", Kind::words, "e\u0301  f",
                    Kind::characters) == Links{{1, 3}, {2, 0}}));
  for (const std::string space : {" ", "\u00A0", "\u202F", "\u3000"}) {  // in French and Chinese
    BOOST_TEST((links({{1, 0}}, "a" + space + "!", Kind::characters, "b", Kind::characters) ==
                Links{{2, 0}}));
    BOOST_TEST(
        (links({{0, 0}, {1, 0}}, "a " + space + " b", Kind::words, "c", Kind::words).size() == 2));
  }
}

BOOST_AUTO_TEST_CASE(without_links_the_words_need_not_be_found) {
  const Tokens tokens = {"<unk>"};
  const Tokenizer tokenizer;
  const TokenizedText side = {"a", tokens, tokenizer};
  BOOST_TEST(links_of_tokens({}, side, side).empty());
  BOOST_CHECK_EXCEPTION(links_of_tokens({{0, 0}}, side, side), Error,
                        says("the words of 'a' cannot be found in its tokens; leave the alignment "
                             "of this line empty"));
}

BOOST_AUTO_TEST_CASE(an_index_outside_of_a_side_is_an_error) {
  BOOST_CHECK_EXCEPTION(links({{2, 0}}, "a b.", Kind::words, "c", Kind::words), Error,
                        says("link 2-0: the source has 2 words, counted from 0"));
  BOOST_CHECK_EXCEPTION(links({{0, 1}}, "a b.", Kind::words, "c", Kind::words), Error,
                        says("link 0-1: the target has 1 word, counted from 0"));
}

BOOST_AUTO_TEST_CASE(pieces_of_another_cut) {
  const Tokens usual = {"\u2581hel", "lo", "\u2581you"};
  const Tokens drawn = {"\u2581", "h", "el", "l", "o", "\u2581you"};
  const std::vector<Index> around = pieces_around(usual, drawn);
  BOOST_TEST((around == std::vector<Index>{0, 0, 0, 1, 1, 2}));
  BOOST_TEST((links_of_other_cut({{0, 0}, {1, 0}}, around, {0}) ==
              Links{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}}));
  BOOST_CHECK_THROW(pieces_around({"ab"}, {"ac"}), Error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
