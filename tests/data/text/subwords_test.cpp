#include "data/text/subwords.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "data/pairs/parallel_corpus.h"
#include "data/text/tokenizer.h"
#include "data/text/vocabulary.h"
#include "tests/autograd/support.h"
#include "tests/data/with_sentencepiece.h"
#include "tests/files.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::testing::Folder;
using adjoint::testing::says;
namespace tt = boost::test_tools;
namespace fs = std::filesystem;

const fs::path corpus = fs::path(__FILE__).parent_path() / "../../../data/english-french.tsv";

/// The French side of the corpus, as in the file.
const std::vector<std::string>& french() {
  static const std::vector<std::string> sentences = [] {
    std::vector<std::string> sides;
    for (const std::string& line : adjoint::read_lines(corpus)) {
      sides.push_back(line.substr(line.find('\t') + 1));
    }
    return sides;
  }();
  return sentences;
}

const Subwords& trained() {
  static const Subwords model = Subwords::train(french(), {.max_pieces = 400});
  return model;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(subwords)

// In any build, a missing model is reported in one line.
BOOST_AUTO_TEST_CASE(a_tokenizer_without_a_model_says_what_it_needs) {
  if (!Subwords::available()) {
    std::cerr << "the sentencepiece library is not installed: the tests subwords/library are "
                 "skipped\n";
  }
  const std::string needed = Subwords::available()
                                 ? "tokenizer: sentencepiece needs the file of a trained model"
                                 : "this build does not include sentencepiece; install the library "
                                   "(Debian, Ubuntu: apt-get "
                                   "install libsentencepiece-dev) and build again";
  BOOST_CHECK_EXCEPTION(Tokenizer::from_name("sentencepiece"), Error, says(needed));
  BOOST_TEST((Subwords() == Subwords()));
}

BOOST_AUTO_TEST_SUITE(library,
                      *boost::unit_test::precondition(adjoint::testing::with_sentencepiece))

BOOST_AUTO_TEST_CASE(pieces_join_to_the_text_they_were_cut_from) {
  for (const std::string text : {"Est-ce que tu as vu Zoé ?", "x", "", "各 😀", "a b"}) {
    BOOST_TEST(trained().join(trained().cut(text)) == text);
  }
  BOOST_TEST(trained().join(trained().cut("  Ça   va\u202F!")) == "Ça va !");  // its own form
}

BOOST_AUTO_TEST_CASE(frequent_words_are_one_piece_and_rare_ones_several) {
  const Tokens pieces = trained().cut("que zzyzx");
  BOOST_TEST(pieces.front() == "▁que");
  BOOST_TEST(pieces.size() > 4u);
}

BOOST_AUTO_TEST_CASE(training_respects_its_limit_and_is_reproducible) {
  BOOST_TEST(trained().pieces().size() <= 400u);
  BOOST_TEST(trained().pieces().size() > 300u);
  BOOST_TEST((Subwords::train(french(), {.max_pieces = 400}) == trained()));
  BOOST_TEST((Subwords::train(french(), {.max_pieces = 300}) != trained()));
  BOOST_TEST((Subwords::train(french(), {.max_pieces = 400, .algorithm = "bpe"}) != trained()));
  // A small text has few pieces; a higher limit is not an error.
  BOOST_TEST(Subwords::train({"a b c", "c b a"}, {.max_pieces = 1000}).pieces().size() < 20u);
}

BOOST_AUTO_TEST_CASE(impossible_training_is_refused) {
  BOOST_CHECK_EXCEPTION(Subwords::train({}), Error, says("subwords: no text to train on"));
  BOOST_CHECK_EXCEPTION(Subwords::train({"", ""}), Error, says("subwords: no text to train on"));
  BOOST_CHECK_EXCEPTION(Subwords::train(french(), {.algorithm = "words"}), Error,
                        says("subwords: unknown algorithm \"words\", expected unigram or bpe"));
  BOOST_CHECK_EXCEPTION(
      Subwords::train(french(), {.max_pieces = 20}), Error, [](const Error& error) {
        const std::string text = error.what();
        return text.starts_with("subwords: 20 pieces are too few; the text needs ") &&
               text.ends_with(" for its distinct characters");
      });
}

BOOST_AUTO_TEST_CASE(a_model_is_saved_and_loaded) {
  const Folder folder;
  trained().save(folder / "french.model");
  BOOST_TEST((Subwords::load(folder / "french.model") == trained()));
  const Tokenizer tokenizer = Tokenizer::from_name("sentencepiece", folder / "french.model");
  BOOST_TEST((tokenizer == Tokenizer{Tokenizer::Kind::sentencepiece, trained()}));
  BOOST_TEST((tokenizer != Tokenizer{Tokenizer::Kind::sentencepiece, Subwords()}));
  BOOST_TEST(tokenizer.name() == "sentencepiece");
}

BOOST_AUTO_TEST_CASE(files_that_are_not_models_are_named) {
  const Folder folder;
  const fs::path path = folder / "bad.model";
  const auto refuses = [&](const std::string& bytes) {
    adjoint::write_file(path, bytes);
    BOOST_CHECK_EXCEPTION(Subwords::load(path), Error,
                          says(path.string() + ": not a sentencepiece model, or a damaged one"));
  };
  refuses("");
  refuses("no model");
  // A piece, and a character map whose length the library would read as far too large.
  refuses(std::string(
      "\n\x0c\n\x05<unk>\x15\0\0\0\0\x1a\x0d\n\0\x12\x09\xff\xff\xff\x7f\x01\x02\x03\x04\x05", 29));
  BOOST_CHECK_EXCEPTION(
      Subwords::load(folder / "none"), Error,
      says("cannot read " + (folder / "none").string() + ": No such file or directory"));
  BOOST_CHECK_EXCEPTION(Subwords().cut("a"), Error, says("subwords: no model; load or train one"));
}

BOOST_AUTO_TEST_CASE(the_corpus_survives_a_round_trip) {
  const Tokenizer tokenizer = {.kind = Tokenizer::Kind::sentencepiece, .subwords = trained()};
  const std::vector<Tokens> sentences = targets(read_corpus(corpus, tokenizer).pairs);
  BOOST_TEST(sentences.back() == trained().cut(french().back()), tt::per_element());
  const Vocabulary vocabulary(sentences);
  for (const Tokens& sentence : sentences) {
    BOOST_TEST_REQUIRE(vocabulary.decode(vocabulary.encode(sentence)) == sentence,
                       tt::per_element());
    BOOST_TEST_REQUIRE(tokenizer.tokenize(tokenizer.detokenize(sentence)) == sentence,
                       tt::per_element());
  }
}

// A vocabulary of the model's pieces covers every text except unknown characters.
BOOST_AUTO_TEST_CASE(the_models_pieces_make_a_vocabulary) {
  const Vocabulary vocabulary({trained().pieces()});
  std::vector<Tokens> sentences;
  for (const std::string& text : french()) sentences.push_back(trained().cut(text));
  BOOST_TEST(unknown_rate(sentences, vocabulary) == 0);
  BOOST_TEST(vocabulary.id("😀") == Vocabulary::unk);
}

// A text yields neither the library's symbols nor ours.
BOOST_AUTO_TEST_CASE(symbols_in_the_text_stay_text) {
  const Tokenizer tokenizer = {.kind = Tokenizer::Kind::sentencepiece, .subwords = trained()};
  const std::string text = "<unk> <s> </s> <pad> <bos> <eos>";
  BOOST_TEST(tokenizer.detokenize(tokenizer.tokenize(text)) == text);
  const Vocabulary vocabulary({tokenizer.tokenize(text)});
  const Tokens back = vocabulary.decode(vocabulary.encode(tokenizer.tokenize(text)));
  BOOST_TEST(tokenizer.detokenize(back) == text);
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_SUITE_END()
