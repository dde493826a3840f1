#include "nn/models/ensemble.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/checks/properties.h"
#include "nn/decoding/beam_search.h"
#include "nn/decoding/scoring.h"
#include "nn/models/recurrent_seq2seq.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

using Member = Ensemble::Member;

Member transformer(Key key, Index ids_beyond = 0) {
  TransformerConfig config = small_config();
  config.ids_beyond = ids_beyond;
  return std::make_shared<Transformer>(talkative(config, key));
}

Member recurrent(Key key, Index ids_beyond = 0) {
  const TransformerConfig sizes = small_config();
  auto model = nn::cast(BahdanauSeq2Seq({.source_tokens = sizes.source_tokens,
                                         .target_tokens = sizes.target_tokens,
                                         .embedding = 5,
                                         .hidden = 6,
                                         .ids_beyond = ids_beyond},
                                        key),
                        DType::f64);
  shake(model, key, 0.5);
  return std::make_shared<BahdanauSeq2Seq>(std::move(model));
}

// Of different kinds.
const std::vector<Member> members = {transformer(Key(1)), recurrent(Key(2)), transformer(Key(3))};

BOOST_AUTO_TEST_SUITE(ensembles)

BOOST_AUTO_TEST_CASE(the_probability_of_each_token_is_the_mean_of_the_members) {
  const std::vector<Ids> sources = some_sources(20), targets = some_sources(20, Key(4));
  const std::vector<PairScore> together = score(Ensemble(members), sources, targets);
  std::vector<std::vector<PairScore>> apart;
  for (const Member& member : members) apart.push_back(score(*member, sources, targets));
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (std::size_t t = 0; t < together[i].tokens.size(); ++t) {
      double p = 0;
      for (const auto& scores : apart) p += std::exp(scores[i].tokens[t]) / 3;
      BOOST_TEST(std::abs(together[i].tokens[t] - std::log(p)) < 1e-12);
    }
}

BOOST_AUTO_TEST_CASE(it_has_the_properties_of_its_members) {
  const Ensemble ensemble(members);
  const Sequences source = batch(some_sources(4), In::padded);
  const Sequences target = batch(some_sources(4, Key(5)), In::padded);
  BOOST_TEST(batch_independence(ensemble, source, target));
  BOOST_TEST(causality(ensemble, source, target));
  BOOST_TEST(padding_invariance(ensemble, source, target));
  BOOST_TEST(cached_decoding(ensemble, source, target));
}

BOOST_AUTO_TEST_CASE(every_search_agrees_with_the_search_without_a_cache) {
  const Ensemble ensemble(members);
  const WithoutCache slow(ensemble);
  const std::vector<Ids> sources = some_sources(12);
  const DecodingOptions options{.max_length = 8};
  BOOST_TEST((greedy(ensemble, sources, options) == greedy(slow, sources, options)));
  const BeamOptions beam{.width = 3, .best = 2};
  const auto fast = beam_search(ensemble, sources, beam, options);
  const auto expected = beam_search(slow, sources, beam, options);
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (std::size_t k = 0; k < fast[i].size(); ++k)
      BOOST_TEST((fast[i][k].ids == expected[i][k].ids));
}

BOOST_AUTO_TEST_CASE(one_member_and_equal_members_are_that_member) {
  const std::vector<Ids> sources = some_sources(12);
  const auto alone = greedy(*members[1], sources);
  BOOST_TEST((greedy(Ensemble({members[1]}), sources) == alone));
  BOOST_TEST((greedy(Ensemble({members[1], members[1], members[1]}), sources) == alone));
}

// Words that a source lacks have probability 0, in the mean too, and no NaN as their gradient.
BOOST_AUTO_TEST_CASE(members_copy_together) {
  const Index tokens = small_config().source_tokens, columns = small_config().target_tokens + 2;
  auto first =
      std::make_shared<Transformer>(dynamic_cast<const Transformer&>(*transformer(Key(6), 2)));
  const Ensemble ensemble({first, recurrent(Key(7), 2)});
  const Sequences source = batch(Ids{copyable(4, columns - 2, tokens), 5});
  const Tensor logits = ensemble.logits(source, batch(Ids{1, 3}), Context::inference());
  BOOST_TEST(logits.shape() == (Shape{1, 2, columns}));
  BOOST_TEST(logits.at({0, 1, columns - 1}) == -std::numeric_limits<double>::infinity());
  BOOST_TEST(std::isfinite(logits.at({0, 1, columns - 2})));
  const Tensors gradients = grad(sum(softmax(logits) * softmax(logits)), parameters(*first));
  for (const Tensor& gradient : gradients)
    for (const double g : numbers(gradient)) BOOST_TEST(std::isfinite(g));
}

BOOST_AUTO_TEST_CASE(members_that_do_not_fit_are_named) {
  BOOST_CHECK_EXCEPTION(Ensemble({}), Error, says("ensemble: needs at least one model"));
  const Ensemble ensemble({transformer(Key(1)), recurrent(Key(2), 2)});
  BOOST_CHECK_EXCEPTION(ensemble.logits(batch(Ids{4}), batch(Ids{1}), Context::inference()), Error,
                        says("ensemble: member 1 predicts 15 tokens, member 0 13"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
