#include "nn/decoding/generation.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/support/threads.h"
#include "nn/decoding/beam_search.h"
#include "nn/decoding/scoring.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// A model that always says this token.
Transformer stubborn(Index token) {
  Transformer model = small_transformer(small_config(), Key(1));
  model.decoder.output.bias.edit<double>()[static_cast<std::size_t>(token)] = 1000;
  return model;
}

const DecodingOptions ten{.max_length = 10};

BOOST_AUTO_TEST_SUITE(decoding)

BOOST_AUTO_TEST_CASE(the_cache_changes_nothing) {
  std::size_t ended = 0, cut = 0;
  std::vector<Ids> distinct;
  each_talkative([&](const Transformer& model, std::uint64_t round) {
    const std::vector<Ids> sources = some_sources(500, Key(20 + round));
    const std::vector<Ids> results = greedy(model, sources, ten);
    BOOST_TEST((results == greedy_without_cache(model, sources, ten)));
    for (const Ids& result : results) {
      (result.size() < 10 ? ended : cut) += 1;
      if (std::ranges::find(distinct, result) == distinct.end()) distinct.push_back(result);
    }
  });
  // The test means something: the models produce different targets of all lengths.
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

BOOST_AUTO_TEST_CASE(the_other_sources_change_nothing) {
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

BOOST_AUTO_TEST_CASE(a_target_ends_at_the_end_token) {
  const std::vector<Ids> sources = some_sources(3);
  BOOST_TEST((greedy(stubborn(2), sources, ten) == std::vector<Ids>(3)));
  BOOST_TEST((greedy_without_cache(stubborn(2), sources, ten) == std::vector<Ids>(3)));
  // Whatever the id of the end.
  const std::vector<Ids> ended =
      greedy(stubborn(7), sources, {.begin = 3, .end = 7, .max_length = 10});
  BOOST_TEST((ended == std::vector<Ids>(3)));
  for (const Ids& result : greedy(talkative(small_config(), Key(7)), some_sources(50), ten))
    BOOST_TEST((std::ranges::find(result, 2) == result.end()));
}

BOOST_AUTO_TEST_CASE(or_at_the_maximum_length) {
  const std::vector<Ids> sources = some_sources(3);
  for (const Index length : {0, 1, 5, 15}) {
    const std::vector<Ids> expected(3, Ids(static_cast<std::size_t>(length), 4));
    BOOST_TEST((greedy(stubborn(4), sources, {.max_length = length}) == expected));
    BOOST_TEST((greedy_without_cache(stubborn(4), sources, {.max_length = length}) == expected));
  }
}

// n tokens need n positions: for the begin symbol and all tokens but the last.
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

BOOST_AUTO_TEST_CASE(no_sources_give_no_results) {
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

BOOST_AUTO_TEST_CASE(rows_continue_the_rows_that_were_selected) {
  each_talkative([](const Transformer& model, std::uint64_t round) {
    Dice dice{Key(round)};
    const std::vector<Ids> sources = some_sources(4, Key(round));
    for (const In layout : {In::padded, In::packed}) {
      const auto decoding = model.decode(batch(sources, layout), 8);
      std::vector<Ids> heard = sources, said(4);
      for (Index t = 0; t < 8; ++t) {
        const Ids next = random_sequences(dice, 1, std::ssize(said), std::ssize(said), 13)[0];
        const Tensor logits = decoding->step(from(next, {std::ssize(next)}));
        for (std::size_t i = 0; i < said.size(); ++i) {
          said[i].push_back(next[i]);
          const Tensor whole = model.logits(batch(heard[i]), batch(said[i]), Context::inference());
          const auto row = static_cast<Index>(i);
          BOOST_TEST(distance(slice(logits, 0, row, row + 1),
                              reshape(slice(whole, 1, t, t + 1), {1, 13})) < 1e-12);
        }
        Ids rows;  // now more, now fewer, some twice
        while (rows.empty() || dice.between(0, 4) > 0)
          rows.push_back(dice.between(0, std::ssize(said) - 1));
        decoding->select(rows);
        std::vector<Ids> old_heard = heard, old_said = said;
        heard.clear();
        said.clear();
        for (const Index row : rows) {
          heard.push_back(old_heard[static_cast<std::size_t>(row)]);
          said.push_back(old_said[static_cast<std::size_t>(row)]);
        }
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(a_row_that_does_not_exist_cannot_be_selected) {
  const Transformer model = talkative(small_config(), Key(1));
  const Sequences source = Sequences::padded(some_sources(3), 0);
  const WithoutCache uncached(model);
  for (const EncoderDecoder* each : std::vector<const EncoderDecoder*>{&model, &uncached}) {
    const auto decoding = each->decode(source, 8);
    for (const Index row : {-1, 3})
      BOOST_CHECK_EXCEPTION(decoding->select(Ids{0, row}), Error,
                            says("decoding: row " + std::to_string(row) + " of a batch of 3"));
  }
}

BOOST_AUTO_TEST_CASE(the_hypotheses_are_scored) {
  const Transformer model = talkative(small_config(), Key(11));
  const std::vector<Ids> sources = some_sources(60);
  const std::vector<Hypothesis> found = greedy_hypotheses(model, sources, ten);
  const std::vector<Ids> expected = greedy(model, sources, ten);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    BOOST_TEST((found[i].ids == expected[i]));
    BOOST_TEST(found[i].ended == (expected[i].size() < 10));
    const DecodingOptions ending{.end = found[i].ended ? 2 : none};
    const double scored =
        score(model, {{sources[i]}}, {{expected[i]}}, ending)[0].log_probability();
    BOOST_TEST(std::abs(found[i].log_probability - scored) < 1e-12);
    BOOST_TEST(found[i].score == found[i].log_probability);
  }
}

// The second likeliest token is chosen if the end is the likeliest but too early.
BOOST_AUTO_TEST_CASE(the_end_is_not_chosen_before_the_minimum_length) {
  for (std::uint64_t round = 0; round < 100; ++round) {
    Dice dice{Key(round)};
    const PrefixModel model = random_tree(dice.between(4, 6), Key(round));
    DecodingOptions options{.max_length = dice.between(1, 9)};
    options.min_length = dice.between(0, options.max_length);
    const Ids source = {3}, found = greedy(model, {{source}}, options)[0];
    Ids read = {1};
    while (std::ssize(read) <= options.max_length) {
      std::vector<double> next = model.row(source, read);
      if (std::ssize(read) <= options.min_length) next[2] = -infinity;
      const Index best = std::ranges::max_element(next) - next.begin();
      if (best == 2) break;
      read.push_back(best);
    }
    read.erase(read.begin());
    BOOST_TEST((found == read));
    BOOST_TEST(std::ssize(found) >= options.min_length);
  }
}

BOOST_AUTO_TEST_CASE(tokens_never_to_be_chosen_count_as_impossible) {
  for (std::uint64_t round = 0; round < 100; ++round) {
    Dice dice{Key(round)};
    const PrefixModel model = random_tree(6, Key(round));
    DecodingOptions options{.max_length = 6, .never = {dice.between(3, 5), dice.between(0, 1)}};
    const PrefixModel without(6, [&](const Ids& source, const Ids& prefix) {
      std::vector<double> next = model.row(source, prefix);
      for (const Index id : options.never) next[static_cast<std::size_t>(id)] = -infinity;
      return next;
    });
    const std::vector<Ids> sources = {{3}};
    const Ids found = greedy(model, sources, options)[0];
    BOOST_TEST((found == greedy(without, sources, {.max_length = 6})[0]));
    BOOST_TEST((greedy_hypotheses(model, sources, options)[0].ids == found));
    // The probability is that of the unrestricted model.
    const Hypothesis scored = greedy_hypotheses(model, sources, options)[0];
    const DecodingOptions ending{.end = scored.ended ? 2 : none};
    const double expected = score(model, sources, {{found}}, ending)[0].log_probability();
    BOOST_TEST(std::abs(scored.log_probability - expected) < 1e-12);
    // No other search chooses them either.
    std::vector<Hypothesis> others =
        beam_search(model, sources, {.width = 5, .best = 5}, options)[0];
    others.push_back(sample(model, sources, {.key = Key(round)}, options)[0]);
    for (const Hypothesis& other : others)
      BOOST_TEST((std::ranges::find_first_of(other.ids, options.never) == other.ids.end()));
    // A prefix may contain them all the same.
    options.prefixes = {{options.never[0]}};
    BOOST_TEST(greedy(model, sources, options)[0].front() == options.never[0]);
  }
}

BOOST_AUTO_TEST_CASE(a_target_begins_with_its_prefix) {
  const Transformer model = talkative(small_config(), Key(12));
  const std::vector<Ids> sources = some_sources(50), free = greedy(model, sources, ten);
  // A prefix of the unrestricted target changes nothing.
  DecodingOptions options = ten;
  for (std::size_t i = 0; i < free.size(); ++i)
    options.prefixes.emplace_back(free[i].begin(),
                                  free[i].begin() + std::min<Index>(std::ssize(free[i]), i % 7));
  BOOST_TEST((greedy(model, sources, options) == free));
  // Any other prefix is continued.
  Dice dice{Key(13)};
  options.prefixes = random_sequences(dice, 50, 0, 10, 13);
  const std::vector<Ids> found = greedy(model, sources, options);
  BOOST_TEST((found == greedy_without_cache(model, sources, options)));
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Ids& prefix = options.prefixes[i];
    BOOST_TEST((std::ranges::mismatch(found[i], prefix).in2 == prefix.end()));
    if (std::ssize(found[i]) == std::ssize(prefix)) continue;
    Ids read = prefix;
    read.insert(read.begin(), 1);
    const Tensor logits = model.logits(batch(sources[i]), batch(read), Context::inference());
    BOOST_TEST(found[i][prefix.size()] ==
               static_cast<Index>(argmax(slice(logits, 1, -1, logits.size(1))).item()));
  }
}

// All searches, each with these options.
void each_search(const EncoderDecoder& model, const std::vector<Ids>& sources,
                 const DecodingOptions& options,
                 const std::function<void(std::function<void()>)>& f) {
  f([&] { greedy(model, sources, options); });
  f([&] { greedy_hypotheses(model, sources, options); });
  f([&] { greedy_without_cache(model, sources, options); });
  f([&] { beam_search(model, sources, {.width = 3}, options); });
  f([&] { sample(model, sources, {}, options); });
  f([&] { sample(model, sources, {.top_k = 2}, options); });
}

BOOST_AUTO_TEST_CASE(options_that_contradict_each_other_are_an_error) {
  const PrefixModel model = random_tree(5, Key(1));
  const auto check = [&](const DecodingOptions& options, const std::string& text) {
    each_search(model, {{3}, {4}}, options, [&](const std::function<void()>& search) {
      BOOST_CHECK_EXCEPTION(search(), Error, says("decoding: " + text));
    });
  };
  check({.max_length = -1}, "max_length must not be negative, is -1");
  check({.max_length = 3, .min_length = 4},
        "min_length must be between 0 and max_length = 3, is 4");
  check({.min_length = -1}, "min_length must be between 0 and max_length = 64, is -1");
  check({.prefixes = {{3}}}, "1 prefixes for 2 sources; give one for each source, or none");
  check({.max_length = 1, .prefixes = {{3}, {3, 4}}},
        "the prefix of source 1 has 2 tokens, max_length is 1");
  check({.prefixes = {{3, 2}, {}}}, "the prefix of source 0 contains 2, the end");
  check({.prefixes = {{3, -4}, {}}}, "the prefix of source 0 contains -4, which is not a token");
  check({.prefixes = {{}, {5}}}, "the prefix of source 1 contains 5, the model has 5 tokens");
  check({.end = 5}, "the end is token 5, the model has 5 tokens");
}

BOOST_AUTO_TEST_CASE(logits_that_are_not_finite_are_an_error) {
  for (const auto& [value, name] : {std::pair{std::nan(""), "nan"}, std::pair{infinity, "inf"}})
    for (const Index where : {0, 2, 4})
      for (const DType dtype : {DType::f32, DType::f64}) {
        PrefixModel model(5, [=](const Ids& source, const Ids& prefix) {
          std::vector<double> next = {1, 2, -5, 4, 3};
          if (source[0] == 4 && prefix.size() == 3) next[static_cast<std::size_t>(where)] = value;
          return next;
        });
        model.dtype = dtype;
        const std::string text =
            std::string("decoding: the largest logit of source 1 after 2 tokens is ") + name;
        const std::vector<Ids> sources = {{3}, {4}};
        each_search(model, sources, {.max_length = 6}, [&](const std::function<void()>& search) {
          BOOST_CHECK_EXCEPTION(search(), Error, says(text));
        });
        const std::vector<Ids> targets(2, Ids{3, 3, 3});
        BOOST_CHECK_EXCEPTION(score(model, sources, targets), Error, says(text));
      }
}

BOOST_AUTO_TEST_CASE(a_step_without_a_candidate_is_an_error) {
  const auto model_with = [](std::vector<double> next) {
    return PrefixModel(4, [next](const Ids&, const Ids&) { return next; });
  };
  const auto check = [](const PrefixModel& model, const DecodingOptions& options,
                        const std::string& text) {
    each_search(model, {{3}}, options, [&](const std::function<void()>& search) {
      BOOST_CHECK_EXCEPTION(search(), Error, says("decoding: " + text));
    });
  };
  check(model_with({-infinity, -infinity, -infinity, -infinity}), {},
        "the largest logit of source 0 after 0 tokens is -inf");
  check(model_with({-infinity, -infinity, 0, -infinity}), {.min_length = 1},
        "source 0 has no next token after 0 tokens: every token that the options allow has "
        "probability 0");
  check(model_with({0, 0, 0, -infinity}), {.prefixes = {{0, 3}}},
        "the prefix of source 0 is impossible: after 1 tokens, 3 has probability 0");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
