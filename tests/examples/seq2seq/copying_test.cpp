// Models that copy: names that no vocabulary has go through all that a model is used for.
#include <boost/test/unit_test.hpp>

#include "examples/seq2seq/model/translation.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/trainer.h"
#include "nn/translation/encoding.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;
using data::Tokens;
namespace tt = boost::test_tools;

// Trained on four names until it writes "salut NAME" for "hello NAME".
Model greeter() {
  Settings settings;
  settings.model.copies = true;
  settings.model.transformer.width = 16;
  settings.model.transformer.hidden = 16;
  settings.model.transformer.heads = 2;
  settings.model.transformer.dropout = 0;
  settings.data.max_tokens = 6;
  const std::vector<Tokens> sources = {Tokens{"hello"}}, targets = {Tokens{"salut"}};
  Model model(settings, data::Tokenizer{}, data::Vocabulary(sources), data::Vocabulary(targets));
  std::vector<data::Pair> pairs;
  for (const char* name : {"a", "b", "c", "d"}) {
    pairs.push_back({{"hello", name}, {"salut", name}});
    pairs.push_back({{"hello", name, "x"}, {"salut", "x"}});
  }
  const data::EncodedPairs encoded = encode_pairs(model, pairs);
  const auto optimizer =
      nn::make_optimizer("adam", nn::parameters(*model.network), {.learning_rate = 0.01});
  nn::Trainer trainer(*model.network, *optimizer, {.packed = true});
  for (int i = 0; i < 60; ++i) trainer.step(encoded.sources, encoded.targets);
  return model;
}

const Model& model() {
  static const Model trained = greeter();
  return trained;
}

const Tokens source = {"hello", "Žofie"}, answer = {"salut", "Žofie"};

std::vector<Translation> answers(const DecodingSettings& settings) {
  return Translator(model(), settings)(std::vector<Tokens>{source})[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(copying)

BOOST_AUTO_TEST_CASE(every_search_writes_a_name_that_is_new) {
  BOOST_TEST(translate(model(), {source})[0] == answer, tt::per_element());
  DecodingSettings beam;
  beam.beam = 3;
  beam.n_best = 2;
  BOOST_TEST(answers(beam).size() == 2u);
  BOOST_TEST(answers(beam)[0].tokens == answer, tt::per_element());
  DecodingSettings sampled;
  sampled.sample = true;
  sampled.top_k = 1;
  BOOST_TEST(answers(sampled)[0].tokens == answer, tt::per_element());
}

BOOST_AUTO_TEST_CASE(a_prefix_may_hold_words_of_the_source) {
  DecodingSettings settings;
  settings.prefix = "žofie";  // the tokenizer lowers the case
  const Tokens lower = {"hello", "žofie"};
  const auto found = Translator(model(), settings)(std::vector<Tokens>{lower})[0];
  BOOST_TEST(found[0].tokens[0] == "žofie");
  const Translator translator(model(), settings);
  BOOST_CHECK_EXCEPTION(translator(std::vector<Tokens>{{"hello", "eva"}}), Error,
                        says("--prefix: neither the model nor the sentence has 'žofie'"));
}

BOOST_AUTO_TEST_CASE(a_name_is_scored_as_itself) {
  const std::vector<nn::PairScore> scores =
      score_pairs(model(), {{source, answer}, {source, {"salut", "other"}}});
  BOOST_TEST(scores[0].log_probability() > -1);
  BOOST_TEST(scores[0].log_probability() > scores[1].log_probability() + 1);
  nn::Ids expected = encode_target(model(), source, answer);
  expected.push_back(data::Vocabulary::eos);
  BOOST_TEST(scores[0].likeliest == expected, tt::per_element());
  BOOST_TEST(words_out_of_reach(model(), source, {"salut", "Žofie", "eva", "eva"}) ==
                 std::vector<std::string>{"eva"},
             tt::per_element());
}

BOOST_AUTO_TEST_CASE(a_saved_model_still_copies) {
  const Folder folder;
  std::filesystem::create_directories(folder / "model");
  save_description(model(), {{source, answer}}, folder / "model");
  nn::save_parameters(*model().network, folder / "model" / weights_file,
                      weights_metadata(model().settings, folder / "model"));
  const Model loaded = load(folder / "model");
  BOOST_TEST(translate(loaded, {source})[0] == answer, tt::per_element());
}

BOOST_AUTO_TEST_CASE(a_model_that_does_not_copy_has_plain_ids) {
  Settings settings;
  settings.model.transformer.width = 8;
  const Model plain(settings, data::Tokenizer{},
                    data::Vocabulary(std::vector<Tokens>{Tokens{"hello"}}),
                    data::Vocabulary(std::vector<Tokens>{Tokens{"salut"}}));
  BOOST_TEST(encode_source(plain, source) == (nn::Ids{4, 3, 2}), tt::per_element());
  BOOST_TEST(encode_target(plain, source, answer) == (nn::Ids{4, 3}), tt::per_element());
  BOOST_TEST(decode_target(plain, source, {4, 3, 2}) == (Tokens{"salut", "<unk>"}),
             tt::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
