// The word alignments of a run, and training pairs that are cut anew.
#include "examples/seq2seq/run/alignments.h"

#include <boost/test/unit_test.hpp>

#include "examples/seq2seq/run/run.h"
#include "tests/autograd/support.h"
#include "tests/data/with_sentencepiece.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

Settings small_settings() {
  Settings settings;
  settings.data.min_frequency = 1;
  settings.data.held_out = 0.2;
  settings.data.validation = 0.2;
  settings.model.transformer.width = settings.model.transformer.hidden = 8;
  settings.model.transformer.heads = 2;
  settings.training.batch = 4;
  return settings;
}

// Pair i has i % 4 + 1 words and a full stop; its only link is from its last word to its first.
InputTexts texts_of(int count) {
  InputTexts texts;
  texts.pairs = data::TextLines{"pairs.tsv", {}};
  texts.alignment = data::TextLines{"links", {}};
  for (int i = 0; i < count; ++i) {
    std::string source = "s" + std::to_string(i);
    for (int k = 0; k < i % 4; ++k) source += " w" + std::to_string(k);
    texts.pairs->lines.push_back(source + ".\t" + source + "!");
    texts.alignment->lines.push_back(std::to_string(i % 4) + "-0");
  }
  return texts;
}

BOOST_AUTO_TEST_SUITE(alignments_of_a_run)

// Whatever is held out, skipped or bad, a pair keeps its own links.
BOOST_AUTO_TEST_CASE(links_stay_with_their_pairs) {
  Settings settings = small_settings();
  settings.data.max_tokens = 4;  // every fourth pair is too long
  settings.data.too_long = data::TooLong::skip;
  settings.data.bad_lines = "skip";
  InputTexts texts = texts_of(40);
  texts.pairs->lines[5] = "no tab";
  texts.alignment->lines[5] = "7-7";
  const Dataset dataset = load_dataset(settings, texts);
  BOOST_TEST(dataset.skipped == 10);
  BOOST_TEST_REQUIRE(dataset.alignments.size() == dataset.train.size());
  for (std::size_t i = 0; i < dataset.train.size(); ++i) {
    const Index last = std::ssize(dataset.train[i].source) - 1;  // the full stop
    BOOST_TEST((dataset.alignments[i] ==
                data::Links(last == 1 ? data::Links{{0, 0}, {0, 1}, {1, 0}, {1, 1}}
                                      : data::Links{{last - 1, 0}, {last, 0}})));
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_does_not_fit_is_an_error) {
  const auto load = [](const std::function<void(InputTexts&)>& change) {
    InputTexts texts = texts_of(20);
    change(texts);
    return load_dataset(small_settings(), texts).alignments.size();
  };
  const auto links = [](InputTexts& texts) -> std::vector<std::string>& {
    return texts.alignment->lines;
  };
  BOOST_TEST(load([&](InputTexts& texts) { links(texts).emplace_back(); }) > 0U);
  BOOST_TEST(load([&](InputTexts& texts) { texts.pairs->lines.emplace_back(" "); }) > 0U);
  const std::string remedy = "; an empty line stands for a pair without links";
  BOOST_CHECK_EXCEPTION(load([&](InputTexts& texts) { links(texts).pop_back(); }), Error,
                        says("--alignment: links has 19 lines, but pairs.tsv has 20" + remedy));
  BOOST_CHECK_EXCEPTION(load([&](InputTexts& texts) { links(texts).emplace_back("0-0"); }), Error,
                        says("--alignment: links has 21 lines, but pairs.tsv has 20" + remedy));
  for (std::size_t line = 0; line < 20; ++line)  // whichever split it belongs to
    BOOST_CHECK_EXCEPTION(load([&](InputTexts& texts) { links(texts)[line] = "4-0"; }), Error,
                          says("links:" + std::to_string(line + 1) + ": link 4-0: the source has " +
                               std::to_string(line % 4 + 1) + (line % 4 == 0 ? " word" : " words") +
                               ", counted from 0"));
}

BOOST_AUTO_TEST_CASE(the_head_that_is_guided) {
  Settings settings = small_settings();
  BOOST_TEST(settings.guided_head().layer == "decoder.blocks.1.cross_attention");
  BOOST_TEST(settings.guided_head().weight == 0.05);
  settings.training.alignment_head = "decoder.blocks.0.cross_attention:1";
  BOOST_TEST(settings.guided_head().layer == "decoder.blocks.0.cross_attention");
  BOOST_TEST(settings.guided_head().head == 1);
  settings.training.alignment_head = "attention:0";
  BOOST_CHECK_EXCEPTION(settings.guided_head(), Error,
                        says("--alignment-head: there is no head 'attention:0'; the heads are "
                             "decoder.blocks.0.cross_attention:0 to "
                             "decoder.blocks.1.cross_attention:1"));
  settings.model.model = "gru-attention";
  BOOST_TEST(settings.guided_head().layer == "attention");
}

// A stranger's settings may name any number of heads.
BOOST_AUTO_TEST_CASE(a_head_is_found_without_counting_to_it) {
  Settings settings = small_settings();
  settings.model.transformer.heads = 1'000'000'000;
  settings.training.alignment_head = "decoder.blocks.1.cross_attention:999999999";
  BOOST_TEST(settings.guided_head().head == 999'999'999);
  settings.training.alignment_head = "decoder.blocks.1.cross_attention:1000000000";
  BOOST_CHECK_EXCEPTION(
      settings.guided_head(), Error,
      says("--alignment-head: there is no head 'decoder.blocks.1.cross_attention:1000000000'; the "
           "heads are decoder.blocks.0.cross_attention:0 to "
           "decoder.blocks.1.cross_attention:999999999"));
}

BOOST_AUTO_TEST_CASE(a_head_that_is_switched_off_cannot_learn) {
  Settings settings = small_settings();
  settings.model.transformer.pruned_heads = {{"decoder.blocks.1.cross_attention", 0}};
  BOOST_CHECK_EXCEPTION(settings.guided_head(), Error,
                        says("--alignment-head: decoder.blocks.1.cross_attention:0 is switched off "
                             "by --prune-heads"));
  settings.training.alignment_head = "decoder.blocks.1.cross_attention:1";
  BOOST_TEST(settings.guided_head().head == 1);
}

// ---- Subwords that are drawn
// ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(training_pairs_are_cut_anew,
                     *boost::unit_test::precondition(with_sentencepiece)) {
  Settings settings = small_settings();
  settings.data.tokenizer = "subwords";
  settings.data.pieces = 40;
  settings.training.subword_dropout = 0.5;
  const Dataset dataset = load_dataset(settings, texts_of(40));
  const Model model = make_model(settings, dataset);
  const OtherCuts cuts(model, dataset);
  const std::vector<std::size_t> some = {3, 1, 4};
  const data::EncodedPairs first = cuts(some, 0);
  BOOST_TEST((cuts(some, 0).sources == first.sources));
  BOOST_TEST((cuts(some, 1).sources != first.sources));
  BOOST_TEST((cuts(std::vector<std::size_t>{1}, 0).targets[0] == first.targets[1]));
  for (std::size_t i = 0; i < some.size(); ++i) {
    BOOST_TEST(std::ranges::count(first.sources[i], data::Vocabulary::unk) == 0);
    BOOST_TEST(model.tokenizers.source.detokenize(model.source.decode(first.sources[i])) ==
               model.tokenizers.source.detokenize(dataset.train[some[i]].source));
    for (const auto& [source, target] : first.alignments[i]) {  // within the new cut
      BOOST_TEST(source + 1 < std::ssize(first.sources[i]));
      BOOST_TEST(target + 2 < std::ssize(first.targets[i]));
    }
    BOOST_TEST(!first.alignments[i].empty());
  }
}

// A sentence that would be too long keeps its usual cut.
BOOST_AUTO_TEST_CASE(a_cut_is_not_longer_than_the_limit,
                     *boost::unit_test::precondition(with_sentencepiece)) {
  Settings settings = small_settings();
  settings.data.tokenizer = "subwords";
  settings.data.pieces = 40;
  settings.data.max_tokens = 12;
  settings.data.too_long = data::TooLong::skip;
  settings.training.subword_dropout = 0.9;
  const Dataset dataset = load_dataset(settings, texts_of(40));
  const Model model = make_model(settings, dataset);
  std::vector<std::size_t> all(dataset.train.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  for (Index epoch = 0; epoch < 5; ++epoch)
    for (const nn::Ids& source : OtherCuts(model, dataset)(all, epoch).sources)
      BOOST_TEST(std::ssize(source) <= 13);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
