#include "nn/decoding/beam_search.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/support/threads.h"
#include "nn/decoding/scoring.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

using Lists = std::vector<std::vector<Hypothesis>>;

const std::vector<LengthPenalty> penalties = {{.alpha = 0},
                                              {.alpha = 0.6, .offset = 5},
                                              {.alpha = 1, .offset = 5},
                                              {.alpha = 0.5, .offset = 0},
                                              {.alpha = 1, .offset = 0},
                                              {.alpha = 3, .offset = 0}};

// Equality of everything except for the last bits of the numbers.
bool agree(const std::vector<Hypothesis>& a, const std::vector<Hypothesis>& b) {
  return std::ranges::equal(a, b, [](const Hypothesis& x, const Hypothesis& y) {
    return x.ids == y.ids && x.ended == y.ended &&
           std::abs(x.log_probability - y.log_probability) < 1e-12 &&
           std::abs(x.score - y.score) < 1e-12;
  });
}
bool agree(const Lists& a, const Lists& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return agree(x, y); });
}

bool begins_with(const Ids& ids, const Ids& prefix) {
  return std::ranges::mismatch(ids, prefix).in2 == prefix.end();
}

double penalised(const Hypothesis& h, const LengthPenalty& penalty) {
  const double n = static_cast<double>(h.ids.size()) + (h.ended ? 1 : 0);
  return h.log_probability / std::pow((penalty.offset + n) / (penalty.offset + 1), penalty.alpha);
}

// All targets that the options allow, the best first.
std::vector<Hypothesis> ranking(const PrefixModel& model, const Ids& source,
                                const LengthPenalty& penalty, const DecodingOptions& options) {
  const Ids prefix = options.prefixes.empty() ? Ids{} : options.prefixes.front();
  std::vector<Hypothesis> allowed;
  for (Hypothesis& h : all_targets(model, source, options)) {
    if (std::ssize(h.ids) < options.min_length || !begins_with(h.ids, prefix)) continue;
    h.score = penalised(h, penalty);
    allowed.push_back(std::move(h));
  }
  std::ranges::sort(allowed, std::greater(), &Hypothesis::score);
  return allowed;
}

// Beam search that never stops early and sorts all continuations at each step.
std::vector<Hypothesis> exhaustive_beam(const PrefixModel& model, const Ids& source,
                                        const BeamOptions& beam, const DecodingOptions& options) {
  std::vector<Hypothesis> unfinished(1), finished;
  for (Index step = 0; step < options.max_length; ++step) {
    std::vector<Hypothesis> continued;
    for (const Hypothesis& parent : unfinished) {
      Ids read = parent.ids;
      read.insert(read.begin(), options.begin);
      const std::vector<double> next = log_softmax_of(model.row(source, read));
      for (Index id = 0; id < model.tokens; ++id) {
        if (id == options.end && step < options.min_length) continue;
        Hypothesis child = parent;
        child.log_probability += next[static_cast<std::size_t>(id)];
        child.ended = id == options.end;
        if (!child.ended) child.ids.push_back(id);
        continued.push_back(child);
      }
    }
    std::ranges::sort(continued, std::greater(), &Hypothesis::log_probability);
    continued.resize(
        std::min(continued.size(), static_cast<std::size_t>(beam.width) - finished.size()));
    unfinished.clear();
    for (const Hypothesis& h : continued) (h.ended ? finished : unfinished).push_back(h);
  }
  finished.insert(finished.end(), unfinished.begin(), unfinished.end());
  for (Hypothesis& h : finished) h.score = penalised(h, beam.penalty);
  std::ranges::sort(finished, std::greater(), &Hypothesis::score);
  finished.resize(std::min(finished.size(), static_cast<std::size_t>(beam.best)));
  return finished;
}

BOOST_AUTO_TEST_SUITE(beam_search_suite)

BOOST_AUTO_TEST_CASE(the_penalty_is_the_papers) {
  // Wu et al. 2016, equation 14: (5 + |Y|)^α / (5 + 1)^α
  for (const double alpha : {0.0, 0.2, 0.6, 1.0})
    for (const Index length : {1, 2, 7, 50}) {
      const auto n = static_cast<double>(length);
      const double wu = std::pow(5 + n, alpha) / std::pow(5 + 1, alpha);
      BOOST_TEST(std::abs(LengthPenalty{.alpha = alpha}(length)-wu) < 1e-13);
      const double power = std::pow(n, alpha);
      BOOST_TEST(std::abs(LengthPenalty{.alpha = alpha, .offset = 0}(length)-power) < 1e-13);
    }
}

BOOST_AUTO_TEST_CASE(a_beam_of_one_is_greedy_decoding) {
  each_talkative([](const Transformer& model, std::uint64_t round) {
    const std::vector<Ids> sources = some_sources(100, Key(20 + round));
    Dice dice{Key(40 + round)};
    std::vector<Ids> prefixes = random_sequences(dice, 100, 0, 2, 13);
    const DecodingOptions free{.max_length = 10},
        bound{.max_length = 10, .min_length = 4, .prefixes = prefixes};
    for (const DecodingOptions& options : {free, bound})
      for (const DType dtype : {DType::f64, DType::f32}) {
        const Transformer typed = nn::cast(model, dtype);
        const std::vector<Hypothesis> expected = greedy_hypotheses(typed, sources, options);
        const LengthPenalty& penalty = penalties[round % penalties.size()];
        const Lists found = beam_search(typed, sources, {.width = 1, .penalty = penalty}, options);
        for (std::size_t i = 0; i < sources.size(); ++i) {
          BOOST_REQUIRE(found[i].size() == 1u);
          BOOST_TEST((found[i][0].ids == expected[i].ids));
          BOOST_TEST((found[i][0].ended == expected[i].ended));
          BOOST_TEST(std::abs(found[i][0].log_probability - expected[i].log_probability) <
                     (dtype == DType::f64 ? 1e-12 : 1e-4));
        }
      }
  });
}

BOOST_AUTO_TEST_CASE(a_beam_of_one_is_greedy_decoding_on_any_tree) {
  for (std::uint64_t round = 0; round < 300; ++round) {
    Dice dice{Key(round)};
    const PrefixModel model = random_tree(dice.between(3, 9), Key(round));
    const DecodingOptions options{.max_length = dice.between(0, 12)};
    const std::vector<Ids> sources = some_sources(2, Key(round));
    const Lists found = beam_search(
        model, sources, {.width = 1, .penalty = penalties[round % penalties.size()]}, options);
    const std::vector<Ids> expected = greedy(model, sources, options);
    for (std::size_t i = 0; i < 2; ++i) BOOST_TEST((found[i].at(0).ids == expected[i]));
  }
}

// Brute force: a beam with a place for every target ranks all of them.
BOOST_AUTO_TEST_CASE(a_beam_as_wide_as_the_search_space_finds_the_true_optimum) {
  std::size_t not_greedy = 0;
  for (std::uint64_t round = 0; round < 60; ++round) {
    Dice dice{Key(100 + round)};
    const PrefixModel model = random_tree(dice.between(3, 5), Key(round));
    DecodingOptions options{.max_length = dice.between(1, 4)};
    options.min_length = dice.coin() ? 0 : dice.between(0, options.max_length);
    if (dice.coin()) {
      const std::vector<Index> tokens = {0, 1};  // of all models here, and not the end
      options.prefixes = {
          Ids(tokens.begin(),
              tokens.begin() + dice.between(0, std::min<Index>(2, options.max_length)))};
    }
    const std::vector<Ids> sources = some_sources(1, Key(round));
    for (const LengthPenalty& penalty : penalties) {
      const std::vector<Hypothesis> expected = ranking(model, sources[0], penalty, options);
      const auto all = static_cast<Index>(expected.size());
      const BeamOptions one{.width = all, .penalty = penalty},
          every{.width = all, .best = all, .penalty = penalty};
      BOOST_TEST(agree(beam_search(model, sources, every, options)[0], expected));
      BOOST_TEST(agree(beam_search(model, sources, one, options)[0], {expected[0]}));
      not_greedy += greedy(model, sources, options)[0] != expected[0].ids;
    }
  }
  BOOST_TEST(not_greedy > 30u);  // the test is worth something
}

BOOST_AUTO_TEST_CASE(a_transformer_has_the_same_true_optimum) {
  TransformerConfig config = small_config();
  config.target_tokens = 4;
  for (std::uint64_t round = 0; round < 5; ++round) {
    const Transformer model = talkative(config, Key(round));
    PrefixModel same(4, [&](const Ids& source, const Ids& prefix) {
      const Tensor all = model.logits(batch(source), batch(prefix), Context::inference());
      return numbers(slice(all, 1, -1, all.size(1)));
    });
    const std::vector<Ids> sources = some_sources(3, Key(round));
    const DecodingOptions options{.max_length = 4};
    const LengthPenalty& penalty = penalties[round % penalties.size()];
    const Lists found =
        beam_search(model, sources, {.width = 121, .best = 121, .penalty = penalty}, options);
    for (std::size_t i = 0; i < 3; ++i)
      BOOST_TEST(agree(found[i], ranking(same, sources[i], penalty, options)));
  }
}

BOOST_AUTO_TEST_CASE(stopping_early_changes_nothing) {
  Index stopped = 0;
  for (std::uint64_t round = 0; round < 200; ++round) {
    Dice dice{Key(200 + round)};
    const PrefixModel model = random_tree(dice.between(3, 8), Key(round));
    const BeamOptions beam{
        .width = dice.between(1, 7), .best = 1, .penalty = penalties[round % penalties.size()]};
    DecodingOptions options{.max_length = dice.between(1, 9)};
    options.min_length = dice.coin() ? 0 : dice.between(0, options.max_length);
    const std::vector<Ids> sources = some_sources(1, Key(round));
    for (Index best = 1; best <= beam.width; ++best) {
      BeamOptions more = beam;
      more.best = best;
      model.runs = 0;
      const Lists found = beam_search(model, sources, more, options);
      stopped += model.runs < options.max_length;
      BOOST_TEST(agree(found[0], exhaustive_beam(model, sources[0], more, options)));
    }
  }
  BOOST_TEST(stopped > 100);
}

// Beside "3 end", of probability 0.6 · 0.9, there is still "4 4 …" of probability 0.4.
BOOST_AUTO_TEST_CASE(it_stops_as_soon_as_nothing_can_overtake_and_not_before) {
  PrefixModel model(5, [](const Ids&, const Ids& prefix) -> std::vector<double> {
    if (prefix.size() == 1) return {-infinity, -infinity, -infinity, std::log(0.6), std::log(0.4)};
    if (prefix[1] == 3) return {-infinity, -infinity, std::log(0.9), std::log(0.1), -infinity};
    return {-infinity, -infinity, -infinity, -infinity, 0};
  });
  const std::vector<Ids> sources = {{3}};
  const auto best = [&](double alpha) {
    model.runs = 0;
    return beam_search(model, sources, {.width = 2, .penalty = {.alpha = alpha, .offset = 0}},
                       {.max_length = 8})[0][0]
        .ids;
  };
  BOOST_TEST((best(0) == Ids{3}));
  BOOST_TEST(model.runs == 2);
  // log 0.4 / 8 > log 0.54 / 2: the mean is better, at the very end.
  BOOST_TEST((best(1) == Ids(8, 4)));
  BOOST_TEST(model.runs == 8);
}

BOOST_AUTO_TEST_CASE(the_cache_changes_nothing) {
  std::size_t ended = 0, cut = 0;
  each_talkative([&](const Transformer& model, std::uint64_t round) {
    const std::vector<Ids> sources = some_sources(170, Key(50 + round));
    const DecodingOptions options{.max_length = 9};
    const BeamOptions beam{.width = 3, .best = 3, .penalty = penalties[round % penalties.size()]};
    const Lists found = beam_search(model, sources, beam, options);
    BOOST_TEST(agree(found, beam_search(WithoutCache(model), sources, beam, options)));
    for (const std::vector<Hypothesis>& list : found)
      for (const Hypothesis& h : list) ++(h.ended ? ended : cut);
  });
  BOOST_TEST(ended > 300u);
  BOOST_TEST(cut > 300u);
}

BOOST_AUTO_TEST_CASE(the_lists_are_sorted_scored_correctly_and_without_duplicates) {
  each_talkative([](const Transformer& model, std::uint64_t round) {
    const std::vector<Ids> sources = some_sources(20, Key(60 + round));
    for (const LengthPenalty& penalty : penalties) {
      const BeamOptions beam{.width = 6, .best = 5, .penalty = penalty};
      const Lists found = beam_search(model, sources, beam, {.max_length = 8});
      for (std::size_t i = 0; i < sources.size(); ++i) {
        const std::vector<Hypothesis>& list = found[i];
        BOOST_TEST(list.size() == 5u);
        BOOST_TEST(std::ranges::is_sorted(list, std::greater(), &Hypothesis::score));
        for (const Hypothesis& h : list) {
          BOOST_TEST(std::ranges::count(list, h.ids, &Hypothesis::ids) == 1);
          const DecodingOptions ending{.end = h.ended ? 2 : none};
          const double expected =
              score(model, {{sources[i]}}, {{h.ids}}, ending)[0].log_probability();
          BOOST_TEST(std::abs(h.log_probability - expected) < 1e-12);
          BOOST_TEST(std::abs(h.score - penalised(h, penalty)) < 1e-12);
        }
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(at_ties_the_lower_id_comes_first) {
  const PrefixModel equal(4, [](const Ids&, const Ids&) { return std::vector<double>(4, 0.0); });
  const Lists found = beam_search(
      equal, {{{3}, {4}}}, {.width = 4, .best = 4, .penalty = {.alpha = 0}}, {.max_length = 3});
  for (const std::vector<Hypothesis>& list : found) {
    std::vector<Ids> ids;
    for (const Hypothesis& h : list) ids.push_back(h.ids);
    // Of the first tokens 0, 1, end and 3 the end is complete; then 0 0, 0 1 and 0 end follow from
    // the first and leave two places, for 0 0 0 and 0 0 1.
    BOOST_TEST((ids == std::vector<Ids>{{}, {0}, {0, 0, 0}, {0, 0, 1}}));
  }
}

BOOST_AUTO_TEST_CASE(the_other_sources_change_nothing) {
  const Transformer model = talkative(small_config(), Key(5));
  const std::vector<Ids> sources = some_sources(40);
  const BeamOptions beam{.width = 3, .best = 2};
  const DecodingOptions options{.max_length = 10};
  const Lists together = beam_search(model, sources, beam, options);
  for (std::size_t i = 0; i < sources.size(); ++i)
    BOOST_TEST(agree(beam_search(model, std::span(&sources[i], 1), beam, options)[0], together[i]));
  const std::vector<Ids> backwards(sources.rbegin(), sources.rend());
  Lists found = beam_search(model, backwards, beam, options);
  std::ranges::reverse(found);
  BOOST_TEST(agree(found, together));
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit) {
  const Transformer model = nn::cast(talkative(small_config(), Key(8)), DType::f32);
  const std::vector<Ids> sources = some_sources(100);
  const BeamOptions beam{.width = 4, .best = 4};
  const int before = threads();
  set_threads(1);
  const Lists alone = beam_search(model, sources, beam, {.max_length = 10});
  set_threads(4);
  const Lists together = beam_search(model, sources, beam, {.max_length = 10});
  set_threads(before);
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (std::size_t j = 0; j < alone[i].size(); ++j) {
      BOOST_TEST((alone[i][j].ids == together[i].at(j).ids));
      BOOST_TEST(alone[i][j].log_probability == together[i][j].log_probability);
      BOOST_TEST(alone[i][j].score == together[i][j].score);
    }
}

BOOST_AUTO_TEST_CASE(lengths_and_prefixes_are_obeyed) {
  const Transformer model = talkative(small_config(), Key(9));
  const std::vector<Ids> sources = some_sources(40);
  Dice dice{Key(10)};
  const DecodingOptions options{
      .max_length = 8, .min_length = 5, .prefixes = random_sequences(dice, 40, 0, 8, 13)};
  const Lists found = beam_search(model, sources, {.width = 4, .best = 4}, options);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    BOOST_TEST(!found[i].empty());
    for (const Hypothesis& h : found[i]) {
      BOOST_TEST(h.ids.size() >= 5u);
      BOOST_TEST(h.ids.size() <= 8u);
      BOOST_TEST(begins_with(h.ids, options.prefixes[i]));
      BOOST_TEST(h.ended == (h.ids.size() < 8));
    }
  }
}

BOOST_AUTO_TEST_CASE(impossible_targets_are_not_listed) {
  // Only 3 and the end, whatever the width.
  const PrefixModel model(5, [](const Ids&, const Ids&) -> std::vector<double> {
    return {-infinity, -infinity, 0, 1, -infinity};
  });
  const Lists found = beam_search(model, {{{3}}}, {.width = 20, .best = 20}, {.max_length = 3});
  BOOST_TEST(found[0].size() == 4u);  // {}, 3, 3 3, 3 3 3
  for (const Hypothesis& h : found[0]) BOOST_TEST(std::isfinite(h.score));
}

BOOST_AUTO_TEST_CASE(no_sources_or_no_tokens) {
  const PrefixModel model = random_tree(5, Key(1));
  BOOST_TEST(beam_search(model, {}).empty());
  const Lists found = beam_search(model, {{{3}, {}}}, {.width = 3, .best = 3}, {.max_length = 0});
  BOOST_TEST(found.size() == 2u);
  for (const std::vector<Hypothesis>& list : found) {
    BOOST_TEST(list.size() == 1u);
    BOOST_TEST(list[0].ids.empty());
    BOOST_TEST(!list[0].ended);
    BOOST_TEST(list[0].score == 0);
  }
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_an_error) {
  const PrefixModel model = random_tree(5, Key(1));
  const auto check = [&](const BeamOptions& beam, const std::string& text) {
    BOOST_CHECK_EXCEPTION(beam_search(model, {{{3}}}, beam), Error, says("beam_search: " + text));
  };
  check({.width = 0}, "width must be at least 1, is 0");
  check({.width = 3, .best = 0}, "best must be between 1 and width = 3, is 0");
  check({.width = 3, .best = 4}, "best must be between 1 and width = 3, is 4");
  const std::string rule =
      "the length penalty's alpha and offset must be at least 0 and finite, are ";
  check({.penalty = {.alpha = -1}}, rule + "-1 and 5");
  check({.penalty = {.alpha = 1, .offset = -2}}, rule + "1 and -2");
  check({.penalty = {.alpha = std::nan("")}}, rule + "nan and 5");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
