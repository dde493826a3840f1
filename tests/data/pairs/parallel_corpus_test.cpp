#include "data/pairs/parallel_corpus.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "data/pairs/batching.h"
#include "data/text/vocabulary.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Index;
using adjoint::Key;
using adjoint::testing::says;
namespace fs = std::filesystem;

const Tokenizer words = {.kind = Tokenizer::Kind::words};
const Tokenizer characters = {.kind = Tokenizer::Kind::characters};

/// A file pairs.tsv in a temporary folder.
struct PairsFile {
  explicit PairsFile(const std::string& text = "") { write(text); }
  void write(const std::string& text) const { adjoint::write_file(path(), text); }
  fs::path path() const { return folder / "pairs.tsv"; }
  adjoint::testing::Folder folder;
};

/// Two files in a temporary folder.
struct TwoFiles {
  TwoFiles(const std::string& source_text, const std::string& target_text) {
    adjoint::write_file(source, source_text);
    adjoint::write_file(target, target_text);
  }
  adjoint::testing::Folder folder;
  fs::path source = folder / "pairs.en", target = folder / "pairs.fr";
};

std::vector<Pair> read(const std::string& text, const Tokenizer& tokenizer = words) {
  const PairsFile file(text);
  return read_corpus(file.path(), tokenizer).pairs;
}

/// Pairs in random order, several of them with the same source.
std::vector<Pair> random_pairs(Index count, Key key) {
  const adjoint::Tensor numbers = adjoint::random_integers({count}, 0, count, key);
  std::vector<Pair> pairs;
  for (const Index number : numbers.values<Index>())
    pairs.push_back({{"s" + std::to_string(number)}, {"t" + std::to_string(pairs.size())}});
  return pairs;
}

std::set<Tokens> distinct(const std::vector<Tokens>& sides) { return {sides.begin(), sides.end()}; }

/// Ten pairs with the sources 0 to 9.
std::vector<Pair> ten_pairs() {
  std::vector<Pair> pairs;
  for (int i = 0; i < 10; ++i) pairs.push_back({{std::to_string(i)}, {"x"}});
  return pairs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parallel_corpus)

BOOST_AUTO_TEST_CASE(reads_two_columns_and_the_attribution_form) {
  const std::vector<Pair> expected = {{{"go", "."}, {"va", "!"}}, {{"hi", "."}, {"salut", "!"}}};
  BOOST_TEST((read("Go.\tVa !\nHi.\tSalut\u202F!\n") == expected));
  BOOST_TEST((read("Go.\tVa !\tCC-BY 2.0 (France)\nHi.\tSalut !\t\n") == expected));
}

BOOST_AUTO_TEST_CASE(reads_files_from_any_editor) {
  const std::vector<Pair> expected = read("Go.\tVa !\nHi.\tSalut !\n");
  BOOST_TEST((read("Go.\tVa !\r\nHi.\tSalut !\r\n") == expected));
  BOOST_TEST((read("\xEF\xBB\xBFGo.\tVa !\nHi.\tSalut !") == expected));
}

BOOST_AUTO_TEST_CASE(reads_characters) {
  const std::vector<Pair> expected = {{{"G", "o", "␣", "!"}, {"V", "a"}}};
  BOOST_TEST((read("Go !\tVa\n", characters) == expected));
}

BOOST_AUTO_TEST_CASE(reads_what_editors_and_joined_files_leave_behind) {
  const std::vector<Pair> expected = read("Go.\tVa !\nHi.\tSalut !\n");
  for (const char* text : {
           "Go.\tVa !\nHi.\tSalut !\n\n\r\n \n\t\n\u200B\n",  // blank lines at the end
           "Go.\tVa !\t\t\nHi.\tSalut !\t\t\t\t\n",           // tabs at the end
           "Go.\tVa !\r\r\nHi.\tSalut !\r\r\n",               // more than one carriage return
           "Go.\tVa !\rHi.\tSalut !\r",                       // carriage returns alone
           "\uFEFFGo.\tVa !\n\uFEFFHi.\tSalut !\n\uFEFF",     // byte order marks
           "\uFEFF\uFEFFGo.\t\uFEFFVa !\n \uFEFFHi.\tSa\uFEFFlut !\n",
       })
    BOOST_TEST((read(text) == expected));
  BOOST_TEST(read("Go.\tVa !\nHi.\tSalut !\n")[1].line == 2);
}

// As Tatoeba exports them, with the ids of the sentences.
BOOST_AUTO_TEST_CASE(columns_can_be_chosen) {
  const std::string text = "1276\tGo.\t5\tVa !\n77\tHi.\t9\tSalut !\n";
  const PairsFile file(text);
  const std::vector<Pair> expected = read("Go.\tVa !\nHi.\tSalut !\n");
  const auto read_columns = [&](const std::string& columns) {
    return read_corpus(file.path(), words, {.columns = Columns::from_text(columns)}).pairs;
  };
  BOOST_TEST((read_columns("2,4") == expected));
  const std::vector<Pair> turned = read_columns("4,2");
  BOOST_TEST((turned[0].source == expected[0].target && turned[0].target == expected[0].source));
  BOOST_CHECK_EXCEPTION(
      read_columns("2,5"), Error,
      says(file.path().string() + ":1: 4 columns, but --columns asks for column 5"));
  for (const char* wrong : {"", "2", "2,", ",2", "0,1", "2,2", "2,4,5", "-1,2", "a,b", "2;4"})
    BOOST_CHECK_EXCEPTION(
        Columns::from_text(wrong), Error,
        says("expected the numbers of two columns, as in 2,4; got '" + std::string(wrong) + "'"));
}

BOOST_AUTO_TEST_CASE(bad_lines_are_named) {
  const PairsFile file;
  const auto check = [&](const std::string& text, const std::string& complaint) {
    file.write(text);
    for (const Tokenizer& tokenizer : {words, characters}) {
      BOOST_CHECK_EXCEPTION(read_corpus(file.path(), tokenizer), Error,
                            says(file.path().string() + complaint));
    }
  };
  check("", ": the file is empty");
  check("\xEF\xBB\xBF", ": the file is empty");
  check("\n\n", ": the file has only empty lines");
  check(" \n\u200B\n", ": the file is empty");
  check("a\tb\nc d\n", ":2: no tab; expected source, tab, target");
  check("a\tb\n\nc\td\n", ":2: the line is empty");
  check("a\tb\nc\td\te\tf",
        ":2: 4 columns; expected source, target and optionally an attribution; choose two, as in "
        "--columns 2,4");
  check("a\tb\nc\td\n\te\n", ":3: the source is empty");
  check("a\t\n", ":1: the target is empty");
  for (const char* invisible : {" ", " \u00A0", "\u200B", "\u3000", "\u200B\u2060", "\u00AD"}) {
    check(std::string("a\t") + invisible + "\tb\n",
          ":1: the target is empty but for invisible characters");
    check(std::string(invisible) + "\ta\n", ":1: the source is empty but for invisible characters");
  }
  check("\uFEFFa\t\uFEFF\n", ":1: the target is empty but for invisible characters");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_named_with_their_place) {
  using namespace std::string_literals;
  const PairsFile file;
  const auto check = [&](const std::string& text, const std::string& complaint) {
    file.write(text);
    BOOST_CHECK_EXCEPTION(read_corpus(file.path(), words), Error,
                          says(file.path().string() + complaint));
  };
  const std::string convert = "; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8";
  check("a\tb\r\nc\td\xFF\r\n", ":2:4: not UTF-8 (byte 0xFF)" + convert);
  check("é\tü\xE9\n", ":1:4: not UTF-8 (byte 0xE9)" + convert);  // counted in characters
  check("a\tb\nc\t\0d\n"s, ":2:3: a NUL byte; the file is UTF-16 or not text");
  check("\xFF\xFEg\0o\0\t\0v\0a\0\n\0"s, ": is UTF-16; convert it with iconv -f UTF-16 -t UTF-8");
  check("\xFE\xFF\0g\0o\0\t\0v\0a\0\n"s, ": is UTF-16; convert it with iconv -f UTF-16 -t UTF-8");
  check("\xFF\xFE\0\0g\0\0\0"s, ": is UTF-32; convert it with iconv -f UTF-32 -t UTF-8");
  check("g\0o\0\t\0v\0a\0\n\0"s, ":1:2: a NUL byte; the file is UTF-16 or not text");
  check("\x1F\x8B\x08\0\0\0"s, ": is compressed with gzip; unpack it with gunzip");
  check("PK\x03\x04\x14\0\0\0\x08\0\xFF"s, ": is a zip archive; unpack it with unzip");
  BOOST_TEST((read("BZh.\tBonjour.\n") == read("bzh.\tbonjour.\n")));  // text nevertheless
}

// A line of a million words is read, and is too long.
BOOST_AUTO_TEST_CASE(a_very_long_line_is_an_error_like_others) {
  std::string line = "a\t";
  for (int i = 0; i < 1'000'000; ++i) line += "b ";
  const PairsFile file(line);
  BOOST_CHECK_EXCEPTION(
      read_corpus(file.path(), words, {.max_tokens = 60}), Error,
      says(file.path().string() + ":1: the target has 1000000 tokens; the limit is 60"));
}

BOOST_AUTO_TEST_CASE(bad_lines_can_be_left_out) {
  const PairsFile file("a\tb\n\nno tab\nc\t\u200B\n\xFF\tx\n1\tx\t2\ty\nd\te\n");
  const Corpus corpus = read_corpus(file.path(), words, {.bad_line = BadLine::skip});
  const std::vector<Pair> expected = {{{"a"}, {"b"}}, {{"d"}, {"e"}}};
  BOOST_TEST((corpus.pairs == expected));
  BOOST_TEST(corpus.bad() == 5);
  BOOST_TEST(corpus.problems.front().first == file.path().string() + ":2: the line is empty");
  BOOST_TEST(corpus.skipped == 0);

  // A sentence that is too long is another matter.
  file.write("a b c\td\nbad\n");
  BOOST_CHECK_EXCEPTION(
      read_corpus(file.path(), words, {.bad_line = BadLine::skip, .max_tokens = 2}), Error,
      says(file.path().string() + ":1: the source has 3 tokens; the limit is 2"));
  file.write("bad\nworse\n");
  BOOST_CHECK_EXCEPTION(read_corpus(file.path(), words, {.bad_line = BadLine::skip}), Error,
                        says(file.path().string() + ": no line is a pair; the first problem is " +
                             file.path().string() + ":1: no tab; expected source, tab, target"));
  const TwoFiles files("a\n\nc\n", "x\ny\nz\n");
  const Corpus two =
      read_parallel_files(files.source, files.target, words, {.bad_line = BadLine::skip});
  BOOST_TEST(two.pairs.size() == 2u);
  BOOST_TEST(two.bad() == 1);
}

BOOST_AUTO_TEST_CASE(lines_that_are_left_out_are_counted_by_reason) {
  const TextLines text = text_lines("a\tb\nx\n\ny\n\xFFq\tb\nc d e\tf\n", "standard input");
  const Corpus corpus = read_corpus(
      text, words, {.bad_line = BadLine::skip, .max_tokens = 2, .too_long = TooLong::skip});
  BOOST_TEST(corpus.skipped == 1);
  BOOST_TEST(corpus.longest_left_out == 3);
  BOOST_REQUIRE(corpus.problems.size() == 3u);
  BOOST_TEST(corpus.problems[0].reason == "no tab; expected source, tab, target");
  BOOST_TEST(corpus.problems[0].lines == 2);
  BOOST_TEST(corpus.problems[0].first == "standard input:2: no tab; expected source, tab, target");
  BOOST_TEST(corpus.problems[1].reason == "the line is empty");
  BOOST_TEST(corpus.problems[2].first.starts_with("standard input:5:1: not UTF-8 (byte 0xFF)"));
}

BOOST_AUTO_TEST_CASE(each_side_has_its_tokenizer) {
  const PairsFile file("Go on!\tB C\n");
  const std::vector<Pair> expected = {{{"go", "on", "!"}, {"B", "␣", "C"}}};
  BOOST_TEST((read_corpus(file.path(), {words, characters}).pairs == expected));
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_are_named) {
  const PairsFile file("a\tb\n");
  const fs::path none = file.folder / "none.tsv";
  BOOST_CHECK_EXCEPTION(read_corpus(none, words), Error,
                        says("cannot read " + none.string() + ": No such file or directory"));
  BOOST_CHECK_EXCEPTION(read_corpus(file.folder.path, words), Error,
                        says("cannot read " + file.folder.path.string() + ": Is a directory"));
}

BOOST_AUTO_TEST_CASE(any_bytes_give_pairs_or_an_error) {
  constexpr std::string_view frequent[] = {"\t", "\t", "\n", "\r", "a",      "b",
                                           " ",  "!",  ".",  "é",  "\uFEFF", "\u200B"};
  const PairsFile file;
  Index read = 0;
  for (std::uint64_t round = 0; round < 500; ++round) {
    const Key key = Key(9).child(round);
    const adjoint::Tensor drawn = adjoint::random_integers({40}, 0, 600, key);
    std::string text;
    for (const Index i : drawn.values<Index>())
      if (i < 16)
        text += static_cast<char>(17 * i);  // any byte
      else
        text += frequent[static_cast<std::size_t>(i) % std::size(frequent)];
    file.write(text);
    for (const BadLine bad_line : {BadLine::error, BadLine::skip}) {
      try {
        for (const Pair& pair : read_corpus(file.path(), words, {.bad_line = bad_line}).pairs) {
          BOOST_TEST((!pair.source.empty() && !pair.target.empty() && pair.line > 0));
          ++read;
        }
      } catch (const Error& error) {
        BOOST_TEST(std::string(error.what()).starts_with(file.path().string()));
      }
    }
  }
  BOOST_TEST(read > 100);
}

// As a model keeps its held-out pairs: written as lines, and read again.
BOOST_AUTO_TEST_CASE(pairs_written_as_lines_are_read_back_the_same) {
  constexpr std::string_view pieces[] = {
      "a",      "B",      "\u00E9", "e\u0301", " ",      "\u00A0", "\uFEFF", ".",     "!",
      "\u200B", "\u3000", "\u202F", "\r",      "\u2028", "\x1B",   "\"",     "\u00AD"};
  const PairsFile file, again;
  const auto draw = [](Index end, Key key) {
    return static_cast<std::size_t>(adjoint::random_integers({}, 0, end, key).item());
  };
  for (std::uint64_t round = 0; round < 100; ++round) {
    std::string text = "a\tb\n";
    for (std::uint64_t line = 0; line < 20; ++line) {
      for (std::uint64_t i = 0; i < 12; ++i) {
        const Key key = Key(8).child(round).child(line).child(i);
        text += i == 6 ? "\t" : std::string(pieces[draw(std::ssize(pieces), key)]);
      }
      text += '\n';
    }
    file.write(text);
    for (const Tokenizer& tokenizer : {words, characters}) {
      const std::vector<Pair> pairs =
          read_corpus(file.path(), tokenizer, {.bad_line = BadLine::skip}).pairs;
      std::string lines;
      for (const Pair& pair : pairs)
        lines +=
            tokenizer.detokenize(pair.source) + '\t' + tokenizer.detokenize(pair.target) + '\n';
      again.write(lines);
      BOOST_TEST((read_corpus(again.path(), tokenizer).pairs == pairs));
    }
  }
}

// --- two files ---

BOOST_AUTO_TEST_CASE(two_files_give_what_one_gives) {
  const TwoFiles files("\xEF\xBB\xBFGo.\nHi there.\r\n", "Va !\nSalut à toi !");
  const std::vector<Pair> expected = read("Go.\tVa !\nHi there.\tSalut à toi !\n");
  BOOST_TEST((read_parallel_files(files.source, files.target, words).pairs == expected));
}

BOOST_AUTO_TEST_CASE(blank_lines_at_the_end_of_two_files_are_dropped) {
  const TwoFiles files("Go.\nHi.\n\n \n", "Va !\nSalut !\n\n");
  const std::vector<Pair> expected = read("Go.\tVa !\nHi.\tSalut !\n");
  BOOST_TEST((read_parallel_files(files.source, files.target, words).pairs == expected));
}

BOOST_AUTO_TEST_CASE(two_files_that_do_not_match_are_named) {
  const auto check = [](const std::string& source, const std::string& target, bool in_target,
                        const std::string& complaint) {
    const TwoFiles files(source, target);
    const fs::path& named = in_target ? files.target : files.source;
    BOOST_CHECK_EXCEPTION(read_parallel_files(files.source, files.target, words), Error,
                          says(named.string() + complaint));
  };
  check("", "a\n", false, ": the file is empty");
  check("a\n", "", true, ": the file is empty");
  check(" \n", "\n\n", true, ": the file has only empty lines");
  check("a\n\nb\n", "a\nb\nc\n", false, ":2: the source is empty");
  check("a\nb\nc\n", "a\nb\n \n", true, ":3: the target is empty but for invisible characters");
  const std::string convert = "; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8";
  check("a\nb\xFF\n", "a\nb\n", false, ":2:2: not UTF-8 (byte 0xFF)" + convert);
  check("a\nb\n", "a\xC3\nb\n", true, ":1:2: not UTF-8 (byte 0xC3)" + convert);

  // Most likely a file of pairs was given by mistake.
  check("a\nb\tc\n", "a\nb\n", false, ":2: unexpected tab; expected one sentence per line");
  check("a\nb\n", "a\tx\nb\n", true, ":1: unexpected tab; expected one sentence per line");

  const TwoFiles uneven("a\nb\n", "a\nb\nc");
  BOOST_CHECK_EXCEPTION(
      read_parallel_files(uneven.source, uneven.target, words), Error,
      says(uneven.source.string() + " has 2 lines, but " + uneven.target.string() + " has 3"));
  BOOST_CHECK_EXCEPTION(
      read_parallel_files(uneven.source, uneven.folder / "none", words), Error,
      says("cannot read " + (uneven.folder / "none").string() + ": No such file or directory"));
}

BOOST_AUTO_TEST_CASE(two_files_have_the_same_limits) {
  const TwoFiles files("a b\na\n", "x\nx y z\n");
  BOOST_CHECK_EXCEPTION(
      read_parallel_files(files.source, files.target, words, {.max_tokens = 2}), Error,
      says(files.target.string() + ":2: the target has 3 tokens; the limit is 2"));
  const ReadOptions skip = {.max_tokens = 2, .too_long = TooLong::skip};
  const Corpus corpus = read_parallel_files(files.source, files.target, words, skip);
  BOOST_TEST(corpus.skipped == 1);
  BOOST_TEST(corpus.pairs.size() == 1u);
}

// --- a corpus that contains the reserved symbols ---

BOOST_AUTO_TEST_CASE(reserved_symbols_in_a_corpus_are_words_like_others) {
  const std::string text = "<pad> <BOS> a\t<eos> b <unk>\na\tb <eos>\n";
  for (const Tokenizer& tokenizer : {words, characters}) {
    const std::vector<Pair> pairs = read(text, tokenizer);
    const Vocabulary source(sources(pairs)), target(targets(pairs));
    const EncodedPairs encoded = encode(pairs, source, target);
    for (const auto& ids : encoded.sources) {  // the one eos is that which encode puts at the end
      BOOST_TEST(std::ranges::count(ids, Vocabulary::pad) == 0);
      BOOST_TEST(std::ranges::count(ids, Vocabulary::bos) == 0);
      BOOST_TEST(std::ranges::count(ids, Vocabulary::eos) == 1);
      BOOST_TEST(ids.back() == Vocabulary::eos);
    }
    for (const auto& ids : encoded.targets) {
      BOOST_TEST(std::ranges::count(ids, Vocabulary::bos) == 1);
      BOOST_TEST(std::ranges::count(ids, Vocabulary::eos) == 1);
    }
  }
  // As characters they even survive the round trip.
  const std::vector<Pair> pairs = read(text, characters);
  const Vocabulary vocabulary(sources(pairs));
  const Tokens back = vocabulary.decode(vocabulary.encode(pairs[0].source));
  BOOST_TEST(characters.detokenize(back) == "<pad> <BOS> a");
}

BOOST_AUTO_TEST_CASE(long_sentences_are_an_error_or_skipped) {
  const PairsFile file("a b\tx\na b c\tx\na\tx y z\na\tx\n");
  const std::string name = file.path().string();
  BOOST_CHECK_EXCEPTION(read_corpus(file.path(), words, {.max_tokens = 2}), Error,
                        says(name + ":2: the source has 3 tokens; the limit is 2"));
  BOOST_CHECK_EXCEPTION(
      read_corpus(file.path(), words, {.max_tokens = 2, .advice = "; try another"}), Error,
      says(name + ":2: the source has 3 tokens; the limit is 2; try another"));

  const ReadOptions skip = {.max_tokens = 2, .too_long = TooLong::skip};
  const Corpus corpus = read_corpus(file.path(), words, skip);
  const std::vector<Pair> expected = {{{"a", "b"}, {"x"}}, {{"a"}, {"x"}}};
  BOOST_TEST((corpus.pairs == expected));
  BOOST_TEST(corpus.skipped == 2);

  file.write("a\tx y z\n");
  BOOST_CHECK_EXCEPTION(read_corpus(file.path(), words, {.max_tokens = 2}), Error,
                        says(name + ":1: the target has 3 tokens; the limit is 2"));
  BOOST_CHECK_EXCEPTION(read_corpus(file.path(), words, skip), Error,
                        says(name + ": every pair has a side of more than 2 tokens"));
  BOOST_CHECK_EXCEPTION(read_corpus(file.path(), words, {.max_tokens = -1}), Error,
                        says("read_corpus: max_tokens must not be negative, got -1"));
}

BOOST_AUTO_TEST_CASE(sides_are_separated) {
  const std::vector<Pair> pairs = {{{"a"}, {"b"}}, {{"c"}, {"d"}}};
  BOOST_TEST((sources(pairs) == std::vector<Tokens>{{"a"}, {"c"}}));
  BOOST_TEST((targets(pairs) == std::vector<Tokens>{{"b"}, {"d"}}));
}

BOOST_AUTO_TEST_CASE(the_parts_share_no_source_and_no_pair_is_lost) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<Pair> pairs = random_pairs(60, Key(seed));
    const Split split = split_by_fraction(pairs, 0.3, Key(seed));
    const std::set<Tokens> train = distinct(sources(split.train));
    const std::set<Tokens> held_out = distinct(sources(split.held_out));
    for (const Tokens& source : held_out) BOOST_TEST(!train.contains(source));
    const auto all = distinct(sources(pairs)).size();
    BOOST_TEST(held_out.size() == static_cast<std::size_t>(0.3 * static_cast<double>(all) + 0.5));
    BOOST_TEST(train.size() + held_out.size() == all);

    // Merged by their running numbers the parts give the whole, so both keep its order.
    std::vector<Pair> merged;
    const auto by_number = [](const Pair& a, const Pair& b) {
      return std::stoi(a.target[0].substr(1)) < std::stoi(b.target[0].substr(1));
    };
    std::ranges::merge(split.train, split.held_out, std::back_inserter(merged), by_number);
    BOOST_TEST((merged == pairs));
  }
}

BOOST_AUTO_TEST_CASE(the_split_depends_on_the_key_alone) {
  const std::vector<Pair> pairs = random_pairs(100, Key(4));
  const Split one = split_by_count(pairs, 20, Key(1));
  BOOST_TEST((split_by_count(pairs, 20, Key(1)).held_out == one.held_out));
  BOOST_TEST((split_by_count(pairs, 20, Key(2)).held_out != one.held_out));
}

// Computed independently of this library, from the definitions of Philox and of the shuffle.
BOOST_AUTO_TEST_CASE(the_split_is_the_same_everywhere) {
  const Split split = split_by_count(ten_pairs(), 3, Key(42));
  BOOST_TEST((sources(split.held_out) == std::vector<Tokens>{{"0"}, {"6"}, {"7"}}));
}

BOOST_AUTO_TEST_CASE(a_split_leaves_no_part_empty) {
  const std::vector<Pair> pairs = ten_pairs();
  BOOST_TEST(split_by_count(pairs, 9, Key(0)).train.size() == 1u);
  BOOST_CHECK_EXCEPTION(
      split_by_count(pairs, 10, Key(0)), Error,
      says("split: cannot hold out 10 of 10 distinct sources; neither part may be empty"));
  BOOST_CHECK_EXCEPTION(
      split_by_fraction(pairs, 0.01, Key(0)), Error,
      says("split: cannot hold out 0 of 10 distinct sources; neither part may be empty"));
  BOOST_CHECK_EXCEPTION(split_by_fraction(pairs, 1.5, Key(0)), Error,
                        says("split: the fraction must lie between 0 and 1, got 1.5"));
}

BOOST_AUTO_TEST_SUITE_END()
