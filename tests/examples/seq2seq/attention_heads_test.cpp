// The heads that --alignment-head may name.
#include "examples/seq2seq/model/attention_heads.h"

#include <boost/test/unit_test.hpp>

#include "examples/seq2seq/model/ensemble.h"
#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

Model deep_model() {
  Settings settings = toy_model(0).settings;
  settings.model.transformer.decoder_blocks = 12;
  settings.model.copies = true;
  const std::vector<data::Tokens> words = {{"a", "b"}};
  return {settings, data::Tokenizer{}, data::Vocabulary(words), data::Vocabulary(words)};
}

std::vector<std::string> names(const std::vector<nn::AttentionHead>& heads) {
  std::vector<std::string> result;
  for (const nn::AttentionHead& head : heads) result.push_back(head.name());
  return result;
}

BOOST_AUTO_TEST_SUITE(heads_by_name)

// Block 11 follows block 9, and neither attention within a side nor a pointer counts.
BOOST_AUTO_TEST_CASE(a_head_that_is_not_there_is_told_which_are) {
  const Model model = deep_model();
  for (const std::string name :
       {"pointer:0", "decoder.blocks.0.attention:0", "x", "decoder.blocks.11.cross_attention:2"})
    BOOST_CHECK_EXCEPTION(attention_heads(model, name, "--attention"), Error,
                          says("--alignment-head: there is no head '" + name +
                               "'; the heads are decoder.blocks.0.cross_attention:0 to "
                               "decoder.blocks.11.cross_attention:1"));
}

BOOST_AUTO_TEST_CASE(an_ensemble_has_the_heads_of_each_member) {
  std::vector<Model> models;
  models.push_back(deep_model());
  models.push_back(deep_model());
  const Model both = ensemble(std::move(models), {"first", "second"});
  const std::vector<std::string> expected = {"members.0.decoder.blocks.10.cross_attention:1",
                                             "members.1.decoder.blocks.10.cross_attention:1"};
  BOOST_TEST(names(attention_heads(both, "decoder.blocks.10.cross_attention:1", "--attention")) ==
                 expected,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
