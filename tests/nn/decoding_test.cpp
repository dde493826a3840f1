#include "nn/decoding.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "autograd/kernels/parallel.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// A model whose next token depends on the source and on what has been said.
Transformer talkative(TransformerConfig config, Key key) {
  config.scaled_embedding = Scaled::yes;
  Transformer model = small_transformer(config, key);
  shake(model, key.child("talkative"), 0.5);
  return model;
}

// It says this token, whatever it hears.
Transformer stubborn(Index token) {
  Transformer model = small_transformer(small_config(), Key(1));
  model.decoder.output.bias.edit<double>()[static_cast<std::size_t>(token)] = 1000;
  return model;
}

std::vector<Ids> some_sources(std::size_t count, Key key = Key(2)) {
  Dice dice(key);
  return random_sequences(dice, count, 1, 8, small_config().source_tokens);
}

const DecodingOptions ten{.max_length = 10};

BOOST_AUTO_TEST_SUITE(decoding)

BOOST_AUTO_TEST_CASE(the_cache_changes_nothing) {
  std::size_t ended = 0, cut = 0;
  std::vector<Ids> distinct;
  std::uint64_t round = 0;
  for (const NormPlacement norm : {NormPlacement::post, NormPlacement::pre})
    for (const Positions positions : {Positions::none, Positions::sinusoidal, Positions::learned,
                                      Positions::rotary, Positions::linear_biases}) {
      TransformerConfig config = small_config();
      config.norm = norm;
      config.positions = positions;
      config.attention_bias = round % 2 == 0 ? Bias::no : Bias::yes;
      const Transformer model = talkative(config, Key(10 + round));
      const std::vector<Ids> sources = some_sources(200, Key(20 + round++));
      const std::vector<Ids> results = greedy(model, sources, ten);
      BOOST_TEST((results == greedy_without_cache(model, sources, ten)));
      for (const Ids& result : results) {
        (result.size() < 10 ? ended : cut) += 1;
        if (std::ranges::find(distinct, result) == distinct.end()) distinct.push_back(result);
      }
    }
  // The test is worth something: the models say all kinds of things, of all lengths.
  BOOST_TEST(ended > 100u);
  BOOST_TEST(cut > 100u);
  BOOST_TEST(distinct.size() > 100u);
}

BOOST_AUTO_TEST_CASE(each_step_has_the_logits_of_the_whole_prefix) {
  TransformerConfig config = small_config();
  config.positions = Positions::learned;
  const Transformer model = talkative(config, Key(3));
  const std::vector<Ids> sources = some_sources(5);
  const Sequences source = Sequences::padded(sources, 0);
  const Tensor target = random_integers({5, 8}, 3, 13, Key(4));
  const Tensor whole = model.logits(source, {target, Layout::full(5, 8)}, Context::inference());
  const auto decoding = model.decode(source, 8);
  for (Index t = 0; t < 8; ++t) {
    const Tensor next = decoding->step(reshape(slice(target, 1, t, t + 1), {5}));
    BOOST_TEST(distance(next, reshape(slice(whole, 1, t, t + 1), {5, 13})) < 1e-12);
    BOOST_TEST(!next.tracked());
  }
  BOOST_CHECK_EXCEPTION(decoding->step(ints({3, 3, 3, 3, 3})), Error,
                        says("decoding: step 8 of a cache for 8"));
}

BOOST_AUTO_TEST_CASE(the_company_changes_nothing) {
  const Transformer model = talkative(small_config(), Key(5));
  const std::vector<Ids> sources = some_sources(30);
  const std::vector<Ids> together = greedy(model, sources, ten);
  for (std::size_t i = 0; i < sources.size(); ++i)
    BOOST_TEST((greedy(model, std::span(&sources[i], 1), ten).front() == together[i]));
  std::vector<Ids> backwards(sources.rbegin(), sources.rend());
  std::vector<Ids> results = greedy(model, backwards, ten);
  std::ranges::reverse(results);
  BOOST_TEST((results == together));
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_nothing) {
  const Transformer model = talkative(small_config(), Key(8));
  const std::vector<Ids> sources = some_sources(150);
  const int before = threads();
  set_threads(1);
  const std::vector<Ids> alone = greedy(model, sources, ten);
  set_threads(4);
  BOOST_TEST((greedy(model, sources, ten) == alone));
  set_threads(before);
}

BOOST_AUTO_TEST_CASE(in_f32_as_well) {
  const Transformer model = nn::cast(talkative(small_config(), Key(6)), DType::f32);
  const std::vector<Ids> sources = some_sources(50);
  BOOST_TEST((greedy(model, sources, ten) == greedy_without_cache(model, sources, ten)));
}

BOOST_AUTO_TEST_CASE(it_ends_at_the_end) {
  const std::vector<Ids> sources = some_sources(3);
  BOOST_TEST((greedy(stubborn(2), sources, ten) == std::vector<Ids>(3)));
  BOOST_TEST((greedy_without_cache(stubborn(2), sources, ten) == std::vector<Ids>(3)));
  // Whatever the end is called.
  const std::vector<Ids> ended =
      greedy(stubborn(7), sources, {.begin = 3, .end = 7, .max_length = 10});
  BOOST_TEST((ended == std::vector<Ids>(3)));
  for (const Ids& result : greedy(talkative(small_config(), Key(7)), some_sources(50), ten))
    BOOST_TEST((std::ranges::find(result, 2) == result.end()));
}

BOOST_AUTO_TEST_CASE(or_at_the_greatest_length) {
  const std::vector<Ids> sources = some_sources(3);
  for (const Index length : {0, 1, 5, 15}) {
    const std::vector<Ids> expected(3, Ids(static_cast<std::size_t>(length), 4));
    BOOST_TEST((greedy(stubborn(4), sources, {.max_length = length}) == expected));
    BOOST_TEST((greedy_without_cache(stubborn(4), sources, {.max_length = length}) == expected));
  }
}

// So many tokens need so many positions: the begin symbol and all but the last.
BOOST_AUTO_TEST_CASE(as_many_tokens_as_the_model_has_positions) {
  const Index positions = small_config().max_length;
  const std::vector<Ids> expected(1, Ids(static_cast<std::size_t>(positions), 4));
  BOOST_TEST((greedy(stubborn(4), some_sources(1), {.max_length = positions}) == expected));
}

BOOST_AUTO_TEST_CASE(begin_and_end_may_be_the_same_symbol) {
  const std::vector<Ids> results =
      greedy(stubborn(4), some_sources(1), {.begin = 2, .end = 2, .max_length = 3});
  BOOST_TEST((results == std::vector<Ids>{{4, 4, 4}}));
}

BOOST_AUTO_TEST_CASE(no_sources_no_results) {
  BOOST_TEST(greedy(stubborn(4), {}).empty());
  BOOST_TEST(greedy_without_cache(stubborn(4), {}).empty());
}

BOOST_AUTO_TEST_CASE(an_empty_source_is_a_source) {
  const Transformer model = talkative(small_config(), Key(8));
  for (const std::vector<Ids>& sources : {std::vector<Ids>{{}, {3, 4}}, std::vector<Ids>{{}}})
    BOOST_TEST((greedy(model, sources, ten) == greedy_without_cache(model, sources, ten)));
}

BOOST_AUTO_TEST_CASE(the_padding_does_not_matter) {
  const Transformer model = talkative(small_config(), Key(9));
  const std::vector<Ids> sources = some_sources(20);
  BOOST_TEST((greedy(model, sources, {.padding = 5, .max_length = 10}) ==
              greedy(model, sources, {.padding = 0, .max_length = 10})));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
