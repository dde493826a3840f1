// The configuration of a model from text to text, and its text.
#include "nn/translation/config.h"

#include <boost/test/unit_test.hpp>

#include "tests/autograd/support.h"
#include "tests/nn/translation/small_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

}  // namespace

BOOST_AUTO_TEST_SUITE(translation_config)

BOOST_AUTO_TEST_CASE(a_configuration_is_read_back_from_its_text) {
  for (const auto& [name, config] : all_translations())
    BOOST_TEST(nn::TranslationConfig::from_text(config.to_text()).to_text() == config.to_text(),
               name);
}

// The configuration knows them before there is a network, which stores their weights.
BOOST_AUTO_TEST_CASE(layers_with_attention_to_the_source) {
  const nn::Ids source = {2, 2}, target = {1};
  for (const auto& [name, config] : all_translations()) {
    const nn::TranslationModel model = small_model(config);
    const std::vector<std::string> layers = config.network.source_attention_layers();
    BOOST_TEST((model.network->source_attention_layers() == layers), name);
    std::vector<std::string> seen;
    for (const auto& [layer, weights] :
         nn::attention_weights(*model.network, nn::Sequences::packed({&source, 1}),
                               nn::Sequences::packed({&target, 1})))
      if (weights.size(2) == 1 && weights.size(3) == 2 && layer != "pointer") seen.push_back(layer);
    BOOST_TEST((seen == layers), name);  // with fewer than 10 blocks, in the order of the alphabet
  }
}

BOOST_AUTO_TEST_CASE(values_that_contradict_each_other_are_refused) {
  const auto refused = [](const auto& change, const std::string& complaint) {
    nn::TranslationConfig config = small_translation();
    change(config);
    BOOST_CHECK_EXCEPTION(small_model(config), Error, says(complaint));
  };
  refused([](auto& c) { c.network.model = "gru", c.network.copies = true; },
          "copy cannot be used with model gru, which has no attention");
  refused([](auto& c) { c.network.bidirectional = true, c.network.transformer.width = 9; },
          "bidirectional: two directions share width 9, which must be even");
  refused([](auto& c) { c.network.model = "rnn"; },
          "model: must be transformer, gru, lstm, gru-attention or lstm-attention, not rnn");
  refused([](auto& c) { c.network.transformer.width = -8; },
          "width: must be a whole number from 1 to 1000000000, not -8");
  refused(
      [](auto& c) {
        c.network.transformer.pruned_heads = {{"a,b", 0}};
      },
      "prune-heads: must be none or a list of LAYER:HEAD, not a,b:0");
  refused([](auto& c) { c.tokens.max_tokens = 0; },
          "max-tokens: must be a whole number from 1 to 1000000000, not 0");
  refused(
      [](auto& c) {
        c.network.transformer.tied_embeddings = nn::TiedEmbeddings::all;
        c.tokens.target_tokenizer = "blanks";
      },
      "tie all needs one tokenizer for both sides, but the sources are cut into words and the "
      "targets into blanks");
}

BOOST_AUTO_TEST_CASE(tokenizers_and_vocabularies_fit_the_configuration) {
  nn::TranslationConfig config = small_translation();
  const data::Vocabulary one(std::vector<data::Tokens>{data::Tokens{"a"}}), none;
  BOOST_CHECK_EXCEPTION(
      nn::TranslationModel(config, data::Tokenizer::from_name("blanks"), one, one, Key(1)), Error,
      says(
          "translation: the configuration has the tokenizer words, but the model is given blanks"));
  config.network.transformer.tied_embeddings = nn::TiedEmbeddings::all;
  BOOST_CHECK_EXCEPTION(
      nn::TranslationModel(config, config.tokens.make(), one, none, Key(1)), Error,
      says("tie all needs one vocabulary, but those of source and target differ"));
}

BOOST_AUTO_TEST_SUITE_END()
