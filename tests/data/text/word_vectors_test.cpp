// Word vectors in text form: the forms that other programs write, and files that are damaged.
#include "data/text/word_vectors.h"

#include <boost/test/unit_test.hpp>

#include "autograd/support/files.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::data;
using namespace adjoint::testing;
namespace tt = boost::test_tools;
using Ids = std::vector<Vocabulary::Id>;
using Floats = std::vector<float>;

// the 4, cat 5, paris 6
const Vocabulary& some_words() {
  static const Vocabulary vocabulary(
      std::vector<Tokens>{{"the", "the", "the", "cat", "cat", "paris"}});
  return vocabulary;
}

WordVectors read(const std::string& text, std::int64_t width = 2,
                 Tokenizer::Kind kind = Tokenizer::Kind::words) {
  const Folder folder;
  put(folder / "vectors", text);
  try {
    return read_word_vectors(folder / "vectors", some_words(), {.kind = kind}, width);
  } catch (const Error& error) {  // without the folder's name
    std::string message = error.what();
    const std::string name = (folder / "vectors").string();
    if (const std::size_t at = message.find(name); at != std::string::npos)
      message.replace(at, name.size(), "FILE");
    throw Error(message);
  }
}

std::string complaint(const std::string& text, std::int64_t width = 2) {
  return error_of([&] { read(text, width); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(word_vectors)

BOOST_AUTO_TEST_CASE(reads_the_forms_of_other_programs) {
  const std::string glove = "cat 0.5 -1\nof 7 7\nthe 1e-3 +2\n";
  const std::string word2vec = "3 2\ncat 0.5 -1 \nof 7 7 \nthe 0.001 2 \n";
  const std::string windows =
      "\xEF\xBB\xBF"
      "cat\t0.5\t-1\r\nof\t7\t7\r\n\r\nthe\t.001\t2";
  for (const std::string& text : {glove, word2vec, windows}) {
    const WordVectors vectors = read(text);
    BOOST_TEST(vectors.ids == (Ids{4, 5}), tt::per_element());
    BOOST_TEST(vectors.values == (Floats{0.001F, 2, 0.5F, -1}), tt::per_element());
  }
}

BOOST_AUTO_TEST_CASE(the_same_word_comes_before_one_of_other_case) {
  BOOST_TEST(read("Paris 1 1\nPARIS 2 2\n").values == (Floats{1, 1}), tt::per_element());
  BOOST_TEST(read("Paris 1 1\nparis 3 3\nparis 4 4\n").values == (Floats{3, 3}), tt::per_element());
  BOOST_TEST(read("paris 3 3\nParis 1 1\n").values == (Floats{3, 3}), tt::per_element());
  // `blanks` keeps case
  BOOST_TEST(read("Paris 1 1\n", 2, Tokenizer::Kind::blanks).ids.empty());
  // `words` makes two tokens of it, so it is neither of them
  BOOST_TEST(read("cat, 1 1\n").ids.empty());
}

BOOST_AUTO_TEST_CASE(takes_no_reserved_symbol_and_no_word_that_is_not_utf8) {
  BOOST_TEST(read("<unk> 1 1\n</s> 1 1\n<pad> 1 1\ncaf\xE9 1 1\n").ids.empty());
}

BOOST_AUTO_TEST_CASE(a_word_may_have_blanks_in_it) {
  BOOST_TEST(read("the 1 2\n. . . 3 4\nat me@home 5 6\ncat 7 8\n").ids == (Ids{4, 5}),
             tt::per_element());
}

BOOST_AUTO_TEST_CASE(names_the_line_that_is_wrong) {
  BOOST_TEST(complaint("the 1 2\ncat 1\n") ==
             "FILE:2: expected a word and 2 numbers, found 2 parts");
  BOOST_TEST(complaint("the 1 2\ncat 1 2 3\n") ==
             "FILE:2: expected a word and 2 numbers, found 4 parts");
  BOOST_TEST(complaint("the 1 2\n 1 2\n") ==
             "FILE:2: expected a word and 2 numbers, found 2 parts");
  for (const std::string number : {"nan", "inf", "-inf", "1e39", "0x1", "1,5", "1.2.3", "--1", "x"})
    BOOST_TEST(complaint("of 1 2\ncat 1 " + number + "\n") ==
               "FILE:2: '" + number + "' is not a number that f32 can hold");
  BOOST_TEST(complaint("the 1 2\ncat \x1b[1m 2\n") ==
             "FILE:2: '\\u001b[1m' is not a number that f32 can hold");
}

BOOST_AUTO_TEST_CASE(names_the_width_that_is_needed) {
  BOOST_TEST(complaint("the 1 2 3\n") ==
             "FILE: its vectors have 3 numbers, but the embeddings of the model have 2");
  BOOST_TEST(complaint("2 300\nthe 1 2\n") ==
             "FILE: its vectors have 300 numbers, but the embeddings of the model have 2");
  // a width beyond any number is a word with one number
  BOOST_TEST(complaint("2 99999999999999999999\nthe 1 2\n") ==
             "FILE: its vectors have 1 numbers, but the embeddings of the model have 2");
}

BOOST_AUTO_TEST_CASE(says_what_kind_of_file_it_cannot_read) {
  using namespace std::string_literals;
  BOOST_TEST(complaint("") == "FILE: has no word vectors");
  BOOST_TEST(complaint("3 2\n\n") == "FILE: has no word vectors");
  BOOST_TEST(complaint("\x1F\x8B\x08 1 2\n") ==
             "FILE: is compressed with gzip; unpack it with gunzip");
  BOOST_TEST(complaint("PK\x03\x04 1 2\n") == "FILE: is compressed with zip; unpack it with unzip");
  BOOST_TEST(complaint("2 2\nthe \0\1\2\3\n"s) ==
             "FILE:2: a NUL byte: the file is binary; the text form is needed");
  BOOST_TEST(
      complaint("the 1 2\n" + std::string(3 << 20, 'x')) ==
      "FILE:2: a line of more than 1048576 bytes; this is not a file of word vectors in text "
      "form");
  const Folder folder;
  BOOST_CHECK_THROW(read_word_vectors(folder / "missing", some_words(), {}, 2), Error);
  BOOST_CHECK_THROW(read_word_vectors(folder.path, some_words(), {}, 2), Error);
}

BOOST_AUTO_TEST_CASE(lines_across_the_blocks_that_are_read_are_whole) {
  // Lines of 1,000 bytes do not end where a block of 1 MiB does. All have the same vector.
  std::string text, zeros;
  for (int i = 0; i < 495; ++i) zeros += " 0";
  for (int line = 0; line < 3000; ++line)
    text += (line % 1000 == 999 ? "cat " : "word") + zeros + " 1 2.5\n";
  const WordVectors vectors = read(text, 497);
  BOOST_TEST(vectors.ids == Ids{5}, tt::per_element());
  BOOST_TEST(vectors.values.back() == 2.5F);
}

BOOST_AUTO_TEST_CASE(damaged_files_give_vectors_or_one_line) {
  using namespace std::string_view_literals;
  Dice dice(Key(5));
  const std::string good = "3 2\ncat 0.5 -1\nParis 7 7\nthe 0.001 2\n";
  const std::string_view bytes = " \t\n\r0e.-+naif\0\xC3\xA9\xFF\xEF\xBB\xBF"sv;
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (Index changes = dice.between(1, 4); changes > 0; --changes) {
      const auto at = static_cast<std::size_t>(dice.between(0, std::ssize(text) - 1));
      const char byte = bytes[static_cast<std::size_t>(dice.between(0, std::ssize(bytes) - 1))];
      if (dice.coin())
        text[at] = byte;
      else if (dice.coin())
        text.insert(at, 1, byte);
      else
        text.erase(at, 1);
    }
    try {
      const WordVectors vectors = read(text);
      BOOST_TEST_REQUIRE(vectors.values.size() == 2 * vectors.ids.size());
      for (const float x : vectors.values) BOOST_TEST_REQUIRE(std::isfinite(x));
    } catch (const Error& error) {
      const std::string_view message = error.what();
      BOOST_TEST_REQUIRE(message.starts_with("FILE:"));
      BOOST_TEST_REQUIRE(message.find_first_of("\n\x1b") == std::string_view::npos);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
