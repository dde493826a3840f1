// Several models that answer as one.
#include "examples/seq2seq/model/ensemble.h"

#include <boost/test/unit_test.hpp>

#include "examples/seq2seq/model/translation.h"
#include "tests/autograd/support.h"
#include "tests/examples/seq2seq/toy_model.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

// Of the same words and settings, with other weights.
Model model_with(Key key) {
  Model model = toy_model(0);
  nn::replace_parameters(*model.network, [&](const std::string& path, const Tensor& x) {
    return variable(normal(x.shape(), 0, 0.7, key.child(path), x.dtype()), path);
  });
  return model;
}

Model together(std::vector<Model> models) {
  return ensemble(std::move(models), {"first", "second"});
}

Model pair_of(Model first, Model second) {
  std::vector<Model> models;
  models.push_back(std::move(first));
  models.push_back(std::move(second));
  return together(std::move(models));
}

BOOST_AUTO_TEST_SUITE(ensembles_of_models)

BOOST_AUTO_TEST_CASE(probabilities_are_averaged) {
  const std::vector<data::Pair> pairs = {{{"b", "c"}, {"c", "b"}}, {{"a0"}, {"b", "unknown"}}};
  const auto a = score_pairs(model_with(Key(1)), pairs), b = score_pairs(model_with(Key(2)), pairs);
  const auto both = score_pairs(pair_of(model_with(Key(1)), model_with(Key(2))), pairs);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    for (std::size_t t = 0; t < both[i].tokens.size(); ++t) {
      const double p = (std::exp(a[i].tokens[t]) + std::exp(b[i].tokens[t])) / 2;
      BOOST_TEST(std::abs(both[i].tokens[t] - std::log(p)) < 1e-5);
    }
}

BOOST_AUTO_TEST_CASE(the_shortest_limit_holds) {
  Model second = model_with(Key(2));
  second.config.tokens.max_tokens = 2;
  const Model both = pair_of(model_with(Key(1)), std::move(second));
  BOOST_CHECK_EXCEPTION(both.read_source("a b c"), Error,
                        says("a sentence of 3 tokens; the model allows at most 2"));
}

BOOST_AUTO_TEST_CASE(the_first_difference_is_named) {
  BOOST_CHECK_EXCEPTION(
      pair_of(toy_model(0), toy_model(1)), Error,
      says("second: cannot answer together with first: token 4 of its source vocabulary is 'a1', "
           "not 'a0'"));
  Model larger = toy_model(0);
  larger.target = data::Vocabulary({{"a0", "b", "c", "d"}});
  BOOST_CHECK_EXCEPTION(pair_of(toy_model(0), std::move(larger)), Error,
                        says("second: cannot answer together with first: its target vocabulary has "
                             "8 tokens, not 7"));
  Model cut = toy_model(0);
  cut.tokenizers.target = data::Tokenizer::from_name("characters");
  BOOST_CHECK_EXCEPTION(pair_of(toy_model(0), std::move(cut)), Error,
                        says("second: cannot answer together with first: its --target-tokenizer is "
                             "characters, not words"));
  Model copying = toy_model(0);
  copying.config.network.copies = true;
  BOOST_CHECK_EXCEPTION(
      pair_of(toy_model(0), std::move(copying)), Error,
      says("second: cannot answer together with first: it copies words of the source"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
