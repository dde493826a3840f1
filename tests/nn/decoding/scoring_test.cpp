#include "nn/decoding/scoring.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/support/threads.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// log p of each token and of the end, one pair at a time.
std::vector<double> naive_score(const EncoderDecoder& model, const Ids& source, const Ids& target) {
  Ids read = target, predicted = target;
  read.insert(read.begin(), 1);
  predicted.push_back(2);
  const Tensor all = model.logits(batch(source), batch(read), Context::inference());
  std::vector<double> result;
  for (Index t = 0; t < all.size(1); ++t) {
    const auto step = static_cast<std::size_t>(t);
    result.push_back(log_softmax_of(
        numbers(slice(all, 1, t, t + 1)))[static_cast<std::size_t>(predicted[step])]);
  }
  return result;
}

BOOST_AUTO_TEST_SUITE(scoring)

BOOST_AUTO_TEST_CASE(each_token_has_its_log_probability) {
  each_talkative([](const Transformer& model, std::uint64_t round) {
    Dice dice{Key(round)};
    const std::vector<Ids> sources = some_sources(70, Key(round));
    const std::vector<Ids> targets = random_sequences(dice, 70, 0, 12, 13);
    const std::vector<PairScore> scores = score(model, sources, targets);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::vector<double> expected = naive_score(model, sources[i], targets[i]);
      BOOST_REQUIRE(scores[i].tokens.size() == expected.size());
      double total = 0;
      for (std::size_t t = 0; t < expected.size(); ++t) {
        BOOST_TEST(std::abs(scores[i].tokens[t] - expected[t]) < 1e-12);
        total += expected[t];
      }
      BOOST_TEST(std::abs(scores[i].log_probability() - total) < 1e-11);
    }
  });
}

BOOST_AUTO_TEST_CASE(in_greedy_targets_each_token_is_the_likeliest) {
  each_talkative([](const Transformer& model, std::uint64_t round) {
    const std::vector<Ids> sources = some_sources(40, Key(round));
    const std::vector<Hypothesis> own = greedy_hypotheses(model, sources, {.max_length = 12});
    std::vector<Ids> targets;
    for (const Hypothesis& hypothesis : own) targets.push_back(hypothesis.ids);
    const std::vector<PairScore> scores = score(model, sources, targets);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      Ids expected = own[i].ids, likeliest = scores[i].likeliest;
      BOOST_TEST(likeliest.size() == expected.size() + 1);
      if (own[i].ended)
        expected.push_back(2);
      else
        likeliest.pop_back();  // where it was cut off it had no choice
      BOOST_TEST(likeliest == expected);
    }
  });
}

BOOST_AUTO_TEST_CASE(the_probabilities_of_all_targets_add_up_to_1) {
  const PrefixModel model = random_tree(4, Key(1));
  const std::vector<Hypothesis> all = all_targets(model, {3}, {.max_length = 4});
  double ended = 0, cut = 0;
  for (const Hypothesis& h : all) {
    const DecodingOptions ending{.end = h.ended ? 2 : none};
    const double logarithm = score(model, {{{3}}}, {{h.ids}}, ending)[0].log_probability();
    (h.ended ? ended : cut) += std::exp(logarithm);
  }
  BOOST_TEST(all.size() == 121u);
  BOOST_TEST(ended > 0.1);
  BOOST_TEST(cut > 0.1);
  BOOST_TEST(std::abs(ended + cut - 1) < 1e-12);
}

BOOST_AUTO_TEST_CASE(a_uniform_model_gives_all_tokens_the_same_probability) {
  const PrefixModel model(17, [](const Ids&, const Ids&) { return std::vector<double>(17, 3.0); });
  Dice dice{Key(1)};
  const std::vector<PairScore> scores =
      score(model, some_sources(9), random_sequences(dice, 9, 0, 5, 17));
  for (const PairScore& each : scores)
    for (const double token : each.tokens) BOOST_TEST(std::abs(token + std::log(17)) < 1e-12);
}

BOOST_AUTO_TEST_CASE(neither_threads_nor_other_sources_change_anything) {
  const Transformer model = talkative(small_config(), Key(3));
  Dice dice{Key(4)};
  const std::vector<Ids> sources = some_sources(100),
                         targets = random_sequences(dice, 100, 0, 9, 13);
  const int before = threads();
  set_threads(1);
  const std::vector<PairScore> alone = score(model, sources, targets);
  set_threads(4);
  const std::vector<PairScore> together = score(model, sources, targets);
  set_threads(before);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    BOOST_TEST((alone[i].tokens == together[i].tokens));
    const double single = score(model, {{sources[i]}}, {{targets[i]}})[0].log_probability();
    BOOST_TEST(std::abs(single - alone[i].log_probability()) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(in_f32_as_well) {
  const Transformer model = talkative(small_config(), Key(5));
  Dice dice{Key(6)};
  const std::vector<Ids> sources = some_sources(20), targets = random_sequences(dice, 20, 1, 9, 13);
  const std::vector<PairScore> exact = score(model, sources, targets),
                               rounded = score(nn::cast(model, DType::f32), sources, targets);
  for (std::size_t i = 0; i < sources.size(); ++i)
    BOOST_TEST(std::abs(exact[i].log_probability() - rounded[i].log_probability()) < 1e-4);
}

BOOST_AUTO_TEST_CASE(the_impossible_is_minus_infinity) {
  const PrefixModel model(4, [=](const Ids&, const Ids&) -> std::vector<double> {
    return {0, -infinity, 0, 0};
  });
  BOOST_TEST(score(model, {{{3}}}, {{{1}}})[0].log_probability() == -infinity);
}

BOOST_AUTO_TEST_CASE(targets_that_cannot_be_scored_are_an_error) {
  const PrefixModel model = random_tree(5, Key(1));
  BOOST_CHECK_EXCEPTION(score(model, {{{3}, {4}}}, {{{3}}}), Error,
                        says("score: 2 sources and 1 targets"));
  BOOST_CHECK_EXCEPTION(score(model, {{{3}, {4}}}, {{{3}, {3, 5}}}), Error,
                        says("score: target 1 contains 5, the model has 5 tokens"));
  BOOST_TEST(score(model, {}, {}).empty());
  BOOST_TEST(score(model, {{{3}}}, {{{}}}, {.end = none})[0].tokens.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
