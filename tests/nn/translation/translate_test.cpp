// Lines in, lines out.
#include "nn/translation/translate.h"

#include <boost/test/unit_test.hpp>

#include "nn/training.h"
#include "tests/autograd/support.h"
#include "tests/nn/translation/small_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
namespace tt = boost::test_tools;

// Knows three sentences by heart.
const nn::TranslationModel& trained() {
  static const nn::TranslationModel result = [] {
    nn::TranslationConfig config = small_translation();
    config.network.transformer.width = 32;
    config.network.copies = true;
    config.network.transformer.dropout = 0;
    nn::TranslationModel model = small_model(config);
    const auto optimizer =
        nn::make_optimizer("adam", nn::parameters(*model.network), {.learning_rate = 0.01});
    nn::Trainer trainer(*model.network, *optimizer);
    const data::EncodedPairs pairs = nn::encode_pairs(model, three_pairs(config.tokens.make()));
    for (int step = 0; step < 100; ++step) trainer.step(pairs.sources, pairs.targets);
    return model;
  }();
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(translation)

BOOST_AUTO_TEST_CASE(a_trained_model_translates) {
  BOOST_TEST(nn::translate(trained(), "I lost.") == "j'ai perdu.");
  BOOST_TEST(nn::translate(trained(), "I'm home.", {.width = 3}) == "je suis chez moi.");
  BOOST_TEST(nn::translate(trained(), " ") == "");
}

BOOST_AUTO_TEST_CASE(many_lines_give_what_each_gives_alone) {
  const std::vector<std::string> lines = {"Go.", "", "I'm home. I lost. Go. Go. Go. Go.",
                                          "Go, Eva.", "I lost."};
  for (const Index width : {1, 3}) {
    std::vector<std::string> alone;
    for (const std::string& line : lines)
      alone.push_back(nn::translate(trained(), line, {.width = width}));
    BOOST_TEST(nn::translate(trained(), lines, {.width = width}) == alone, tt::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_cannot_be_read_is_numbered) {
  std::vector<std::string> lines = {"Go.", ""};
  for (int i = 0; i < 21; ++i) lines[1] += "go ";
  BOOST_CHECK_EXCEPTION(nn::translate(trained(), lines), Error,
                        says("line 2: a sentence of 21 tokens; the model allows at most 20"));
  BOOST_CHECK_EXCEPTION(nn::translate(trained(), lines[1]), Error,
                        says("a sentence of 21 tokens; the model allows at most 20"));
  BOOST_CHECK_THROW(nn::translate(trained(), "\xff"), Error);
}

BOOST_AUTO_TEST_CASE(answers_end_where_the_configuration_says) {
  const nn::TranslationConfig config = small_translation();  // reads 20 tokens
  BOOST_TEST(nn::usual_limit(config, data::Tokens(1, "a")) == 26);
  BOOST_TEST(nn::usual_limit(config, data::Tokens(7, "a")) == 26);
  BOOST_TEST(nn::usual_limit(config, data::Tokens(8, "a")) == 30);  // not 42
}

BOOST_AUTO_TEST_SUITE_END()
