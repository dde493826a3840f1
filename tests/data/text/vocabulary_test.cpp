#include "data/text/vocabulary.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::write_file;
using adjoint::testing::Folder;
using adjoint::testing::says;
using Ids = std::vector<Vocabulary::Id>;
namespace fs = std::filesystem;
namespace tt = boost::test_tools;

const Vocabulary& letters() {
  static const Vocabulary vocabulary(std::vector<Tokens>{{"b", "a", "c"}, {"c", "b", "d"}, {"c"}});
  return vocabulary;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(vocabulary)

BOOST_AUTO_TEST_CASE(begins_with_the_reserved_symbols) {
  const Vocabulary empty;
  BOOST_TEST(empty.size() == 4);
  BOOST_TEST(empty.token(Vocabulary::pad) == "<pad>");
  BOOST_TEST(empty.token(Vocabulary::bos) == "<bos>");
  BOOST_TEST(empty.token(Vocabulary::eos) == "<eos>");
  BOOST_TEST(empty.token(Vocabulary::unk) == "<unk>");
}

BOOST_AUTO_TEST_CASE(orders_by_falling_frequency_then_by_alphabet) {
  // c occurs three times, b twice, a and d once
  BOOST_TEST(letters().size() == 8);
  BOOST_TEST(letters().encode({"c", "b", "a", "d"}) == (Ids{4, 5, 6, 7}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(leaves_out_rare_tokens) {
  const Vocabulary vocabulary({{"b", "a", "c"}, {"c", "b", "d"}, {"c"}}, {.min_frequency = 2});
  BOOST_TEST(vocabulary.size() == 6);
  BOOST_TEST(vocabulary.contains("b"));
  BOOST_TEST(!vocabulary.contains("a"));
  BOOST_TEST(vocabulary.id("a") == Vocabulary::unk);
}

BOOST_AUTO_TEST_CASE(keeps_the_most_frequent_tokens_up_to_a_size) {
  const std::vector<Tokens> sentences = {{"b", "a", "c"}, {"c", "b", "d"}, {"c"}};
  const Vocabulary six(sentences, {.max_size = 6});
  BOOST_TEST(six.size() == 6);
  BOOST_TEST(six.encode({"c", "b", "a", "d"}) == (Ids{4, 5, 3, 3}), tt::per_element());
  BOOST_TEST((Vocabulary(sentences, {.max_size = 0}) == letters()));
  BOOST_TEST((Vocabulary(sentences, {.max_size = 100}) == letters()));
  // both limits: b and c occur twice or more, and there is room for one of them
  BOOST_TEST(Vocabulary(sentences, {.min_frequency = 2, .max_size = 5}).decode({4}) == Tokens{"c"},
             tt::per_element());
  BOOST_TEST(Vocabulary(sentences, {.min_frequency = 2, .max_size = 8}).size() == 6);
  BOOST_CHECK_EXCEPTION(Vocabulary(sentences, {.max_size = 4}), Error,
                        says("vocabulary: the maximum size must exceed the 4 reserved symbols, or "
                             "be 0 for no limit, got 4"));
}

BOOST_AUTO_TEST_CASE(a_reserved_symbol_in_the_text_takes_no_room) {
  const Vocabulary vocabulary({{"<pad>", "<pad>", "<pad>", "a", "a", "b"}}, {.max_size = 5});
  BOOST_TEST(vocabulary.encode({"a", "b"}) == (Ids{4, 3}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(extended_it_keeps_its_ids_and_adds_new_tokens_by_frequency) {
  const std::vector<Tokens> more = {{"y", "x", "a"}, {"x", "<eos>", "y", "z"}, {"x"}};
  const Vocabulary extended = letters().extended(more);
  BOOST_TEST(extended.encode({"c", "b", "a", "d"}) == (Ids{4, 5, 6, 7}), tt::per_element());
  BOOST_TEST(extended.encode({"x", "y", "z"}) == (Ids{8, 9, 10}), tt::per_element());
  BOOST_TEST(extended.size() == 11);
  BOOST_TEST((letters().extended({}) == letters()));
  // the limits are for the new ones: the old ones stay, even beyond the size
  BOOST_TEST(letters().extended(more, {.min_frequency = 2}).size() == 10);
  BOOST_TEST(letters().extended(more, {.max_size = 9}).decode({8}) == Tokens{"x"},
             tt::per_element());
  BOOST_TEST((letters().extended(more, {.max_size = 5}) == letters()));
  BOOST_CHECK_EXCEPTION(letters().extended({{""}}), Error, says("vocabulary: a token is empty"));
}

BOOST_AUTO_TEST_CASE(finds_its_tokens_in_another_vocabulary) {
  const Vocabulary other(std::vector<Tokens>{{"d", "d", "x", "a"}});
  std::vector<Vocabulary::Id> found;
  for (const auto id : letters().ids_in(other)) found.push_back(id.value_or(-1));
  // pad, bos, eos and unk are themselves; then c, b, a, d
  BOOST_TEST(found == (Ids{0, 1, 2, 3, -1, -1, 5, 4}), tt::per_element());
}

BOOST_AUTO_TEST_CASE(the_rate_of_unknown_words_counts_each_occurrence) {
  // letters() knows a b c d. Of 8 tokens x x y <eos> are unknown.
  BOOST_TEST(unknown_rate({{"a", "x", "y"}, {"x", "b", "<eos>"}, {"c", "c"}}, letters()) == 0.5);
  BOOST_TEST(unknown_rate({}, letters()) == 0.0);
  BOOST_TEST(unknown_rate({{"a", "d"}}, letters()) == 0.0);
}

BOOST_AUTO_TEST_CASE(words_of_the_text_never_become_reserved_ids) {
  const Vocabulary vocabulary({{"a", "<eos>", "<eos>", "<pad>", "<unk>"}});
  BOOST_TEST(vocabulary.size() == 5);  // the reserved four and a
  BOOST_TEST(vocabulary.encode({"<pad>", "<bos>", "<eos>", "<unk>"}) == (Ids{3, 3, 3, 3}),
             tt::per_element());
  BOOST_TEST(!vocabulary.contains("<eos>"));
}

BOOST_AUTO_TEST_CASE(decoding_ends_at_eos_and_drops_padding) {
  BOOST_TEST(letters().decode({1, 4, 3, 0, 6, 2, 5, 0}) == (Tokens{"c", "<unk>", "a"}),
             tt::per_element());
  BOOST_TEST(letters().decode({}).empty());
}

BOOST_AUTO_TEST_CASE(refuses_invalid_ids_and_tokens) {
  BOOST_CHECK_EXCEPTION(letters().token(8), Error,
                        says("vocabulary: token id 8 is out of range; there are 8 tokens"));
  BOOST_CHECK_EXCEPTION(letters().decode({-1}), Error,
                        says("vocabulary: token id -1 is out of range; there are 8 tokens"));
  BOOST_CHECK_EXCEPTION(Vocabulary(std::vector<Tokens>{{"a"}}, {.min_frequency = 0}), Error,
                        says("vocabulary: the minimum frequency must be at least 1, got 0"));
  BOOST_CHECK_EXCEPTION(Vocabulary(std::vector<Tokens>{{""}}), Error,
                        says("vocabulary: a token is empty"));
  BOOST_CHECK_EXCEPTION(Vocabulary(std::vector<Tokens>{{"a\nb"}}), Error,
                        says("vocabulary: a token contains a line break"));
  BOOST_CHECK_EXCEPTION(Vocabulary(std::vector<Tokens>{{"\xFF"}}), Error,
                        says("vocabulary: a token is not UTF-8"));
}

BOOST_AUTO_TEST_CASE(round_trips_through_ids_and_through_a_file) {
  const Folder folder;
  for (std::uint64_t round = 0; round < 20; ++round) {
    const adjoint::Tensor numbers = adjoint::random_integers({100}, 0, 60, adjoint::Key(round));
    Tokens tokens;
    for (const auto number : numbers.values<adjoint::Index>())
      tokens.push_back("é" + std::to_string(number));
    const Vocabulary vocabulary(std::vector<Tokens>{tokens});
    BOOST_TEST(vocabulary.decode(vocabulary.encode(tokens)) == tokens, tt::per_element());
    for (Vocabulary::Id id = 4; id < vocabulary.size(); ++id) {
      BOOST_TEST(vocabulary.id(vocabulary.token(id)) == id);
    }
    vocabulary.save(folder / "tokens.txt");
    const Vocabulary loaded = Vocabulary::load(folder / "tokens.txt");
    BOOST_TEST((loaded == vocabulary));
    BOOST_TEST(loaded.encode(tokens) == vocabulary.encode(tokens), tt::per_element());
  }
}

BOOST_AUTO_TEST_CASE(is_saved_as_one_token_per_line) {
  const Folder folder;
  letters().save(folder / "tokens.txt");
  BOOST_TEST(adjoint::read_file(folder / "tokens.txt") ==
             "<pad>\n<bos>\n<eos>\n<unk>\nc\nb\na\nd\n");
}

BOOST_AUTO_TEST_CASE(bad_files_are_named_with_the_line) {
  const Folder folder;
  const fs::path path = folder / "tokens.txt";
  const std::string reserved = "<pad>\n<bos>\n<eos>\n<unk>\n";
  const auto check = [&](const std::string& text, const std::string& complaint) {
    write_file(path, text);
    BOOST_CHECK_EXCEPTION(Vocabulary::load(path), Error, says(path.string() + complaint));
  };
  check("", ": the file is empty");
  check("the\n", ":1: expected the reserved symbol <pad>");
  check("<pad>\n<eos>\n<bos>\n<unk>\n", ":2: expected the reserved symbol <bos>");
  check("<pad>\n<bos>\n", ":3: expected the reserved symbol <eos>, found the end of the file");
  check(reserved + "a\n\nb\n", ":6: the line is empty");
  check(reserved + "a\nb\na\n", ":7: the token a occurs twice");
  check(reserved + "a\n<eos>\n", ":6: the reserved symbol <eos> occurs twice");
  check(reserved + "a\n\xC3\n", ":6: the token is not UTF-8");
  check(reserved + "a\rb\n", ":5: the token contains a line break");
  BOOST_CHECK_EXCEPTION(
      Vocabulary::load(folder / "none.txt"), Error,
      says("cannot read " + (folder / "none.txt").string() + ": No such file or directory"));
}

BOOST_AUTO_TEST_CASE(a_file_edited_on_windows_is_read) {
  const Folder folder;
  write_file(folder / "tokens.txt", "\xEF\xBB\xBF<pad>\r\n<bos>\r\n<eos>\r\n<unk>\r\na\r\nb");
  const Vocabulary expected(std::vector<Tokens>{{"a", "b"}});
  BOOST_TEST((Vocabulary::load(folder / "tokens.txt") == expected));
}

BOOST_AUTO_TEST_SUITE_END()
