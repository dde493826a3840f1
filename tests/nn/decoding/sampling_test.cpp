#include "nn/decoding/generation.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "autograd/support/threads.h"
#include "nn/decoding/scoring.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

std::vector<Ids> ids_of(const std::vector<Hypothesis>& hypotheses) {
  std::vector<Ids> ids;
  for (const Hypothesis& h : hypotheses) ids.push_back(h.ids);
  return ids;
}

// The distribution that a token is drawn from, by its definition.
std::vector<double> kept_probabilities(std::vector<double> logits, const SamplingOptions& sampling,
                                       Index excluded) {
  if (excluded != none) logits[static_cast<std::size_t>(excluded)] = -infinity;
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return logits[i]; });
  if (sampling.top_k > 0)
    order.resize(std::min(order.size(), static_cast<std::size_t>(sampling.top_k)));
  double whole = 0, share = 0, kept = 0;
  for (const std::size_t i : order) whole += std::exp(logits[i] / sampling.temperature);
  std::vector<double> result(logits.size(), 0.0);
  for (const std::size_t i : order) {
    if (share >= sampling.top_p) break;
    result[i] = std::exp(logits[i] / sampling.temperature);
    kept += result[i];
    share = kept / whole;
  }
  for (double& p : result) p /= kept;
  return result;
}

// The probability of each complete target.
void add_targets(const PrefixModel& model, const Ids& source, const SamplingOptions& sampling,
                 const DecodingOptions& options, const Ids& prefix, double probability,
                 std::map<Ids, double>& result) {
  if (std::ssize(prefix) == options.max_length) {
    result[prefix] = probability;
    return;
  }
  Ids read = prefix;
  read.insert(read.begin(), options.begin);
  const bool may_end = std::ssize(prefix) >= options.min_length;
  const std::vector<double> p =
      kept_probabilities(model.row(source, read), sampling, may_end ? none : options.end);
  for (Index id = 0; id < model.tokens; ++id) {
    const double product = probability * p[static_cast<std::size_t>(id)];
    Ids longer = prefix;
    longer.push_back(id);
    if (product == 0) continue;
    if (id == options.end)
      result[prefix] = product;
    else
      add_targets(model, source, sampling, options, longer, product, result);
  }
}

// How many standard deviations χ² is from its expectation, approximately (Wilson and Hilferty
// 1931). Targets expected fewer than five times are counted together.
double chi_square_deviation(const std::map<Ids, double>& expected,
                            const std::vector<Hypothesis>& samples) {
  std::map<Ids, double> counts;
  for (const Hypothesis& h : samples) ++counts[h.ids];
  const auto total = static_cast<double>(samples.size());
  double chi_square = 0, cells = 0, rare = 0, rare_expected = 0;
  for (const auto& [ids, probability] : expected) {
    const double mean = total * probability;
    if (mean < 5) {
      rare += counts[ids];
      rare_expected += mean;
    } else {
      chi_square += std::pow(counts[ids] - mean, 2) / mean;
      ++cells;
    }
  }
  if (rare_expected >= 5) {
    chi_square += std::pow(rare - rare_expected, 2) / rare_expected;
    ++cells;
  }
  const double k = cells - 1, spread = 2 / (9 * k);
  return (std::cbrt(chi_square / k) - (1 - spread)) / std::sqrt(spread);
}

BOOST_AUTO_TEST_SUITE(sampling_suite)

BOOST_AUTO_TEST_CASE(samples_follow_the_distribution) {
  const std::vector<SamplingOptions> kinds = {
      {},           {.temperature = 0.5}, {.temperature = 2},
      {.top_k = 3}, {.top_p = 0.7},       {.temperature = 1.5, .top_k = 4, .top_p = 0.8},
  };
  constexpr std::size_t count = 20'000;
  for (std::size_t kind = 0; kind < kinds.size(); ++kind)
    for (const Index min_length : {0, 2}) {
      const PrefixModel model = random_tree(6, Key(kind), 1.5);
      const DecodingOptions options{.max_length = 3, .min_length = min_length};
      const Ids source = {3, 4};
      std::map<Ids, double> expected;
      add_targets(model, source, kinds[kind], options, {}, 1, expected);
      double total = 0;
      for (const auto& [ids, probability] : expected) total += probability;
      BOOST_TEST(std::abs(total - 1) < 1e-12);

      SamplingOptions sampling = kinds[kind];
      sampling.key = Key(7).child(kind);
      const std::vector<Hypothesis> samples =
          sample(model, std::vector<Ids>(count, source), sampling, options);
      // Nothing impossible is drawn: no token outside of top-k and top-p and no early end.
      for (const Hypothesis& h : samples) BOOST_REQUIRE(expected.contains(h.ids));
      BOOST_TEST(std::abs(chi_square_deviation(expected, samples)) < 3.5);
      // The check would notice another temperature.
      std::map<Ids, double> wrong;
      sampling.temperature *= 1.25;
      add_targets(model, source, sampling, options, {}, 1, wrong);
      if (std::ranges::all_of(samples, [&](const auto& h) { return wrong.contains(h.ids); }))
        BOOST_TEST(chi_square_deviation(wrong, samples) > 3.5);
    }
}

BOOST_AUTO_TEST_CASE(a_transformers_samples_stay_within_top_k_and_top_p) {
  const Transformer model = talkative(small_config(), Key(1));
  const std::vector<Ids> sources = some_sources(60);
  const DecodingOptions options{.max_length = 8, .min_length = 3};
  for (const SamplingOptions& sampling :
       {SamplingOptions{.top_k = 2}, SamplingOptions{.top_p = 0.3},
        SamplingOptions{.temperature = 3, .top_k = 5, .top_p = 0.5}}) {
    const std::vector<Hypothesis> samples = sample(model, sources, sampling, options);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      Ids target = samples[i].ids;
      if (samples[i].ended) target.push_back(2);
      Ids read = target;
      read.insert(read.begin(), 1);
      const Tensor all = model.logits(batch(sources[i]), batch(read), Context::inference());
      for (std::size_t step = 0; step < target.size(); ++step) {
        const auto t = static_cast<Index>(step);
        const std::vector<double> p =
            kept_probabilities(numbers(slice(all, 1, t, t + 1)), sampling, t < 3 ? 2 : none);
        BOOST_TEST(p[static_cast<std::size_t>(target[step])] > 0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_sample_is_a_function_of_key_number_and_step) {
  const Transformer model = talkative(small_config(), Key(2));
  const std::vector<Ids> sources = some_sources(100);
  const DecodingOptions options{.max_length = 8};
  const SamplingOptions sampling{.key = Key(3)};
  const std::vector<Ids> together = ids_of(sample(model, sources, sampling, options));

  BOOST_TEST((ids_of(sample(model, sources, sampling, options)) == together));
  BOOST_TEST((ids_of(sample(WithoutCache(model), sources, sampling, options)) == together));
  BOOST_TEST((ids_of(sample(model, sources, {.key = Key(4)}, options)) != together));
  const int before = threads();
  for (const int count : {1, 4}) {
    set_threads(count);
    BOOST_TEST((ids_of(sample(model, sources, sampling, options)) == together));
  }
  set_threads(before);

  for (std::size_t i = 0; i < 20; ++i) {
    SamplingOptions alone = sampling;
    alone.numbers = {static_cast<Index>(i)};
    BOOST_TEST((sample(model, std::span(&sources[i], 1), alone, options)[0].ids == together[i]));
  }
  SamplingOptions backwards = sampling;
  for (Index i = 99; i >= 0; --i) backwards.numbers.push_back(i);
  std::vector<Ids> found =
      ids_of(sample(model, std::vector<Ids>(sources.rbegin(), sources.rend()), backwards, options));
  std::ranges::reverse(found);
  BOOST_TEST((found == together));
}

BOOST_AUTO_TEST_CASE(the_limit_is_greedy_decoding) {
  each_talkative([](const Transformer& model, std::uint64_t round) {
    const std::vector<Ids> sources = some_sources(50, Key(round));
    const DecodingOptions options{.max_length = 8, .min_length = 2};
    const std::vector<Ids> expected = greedy(model, sources, options);
    for (const SamplingOptions& sampling :
         {SamplingOptions{.temperature = 1e-300}, SamplingOptions{.top_k = 1},
          SamplingOptions{.temperature = 100, .top_p = 1e-9}})
      BOOST_TEST((ids_of(sample(model, sources, sampling, options)) == expected));
  });
}

BOOST_AUTO_TEST_CASE(the_probability_is_the_models) {
  const Transformer model = talkative(small_config(), Key(4));
  const std::vector<Ids> sources = some_sources(30);
  Dice dice{Key(5)};
  const DecodingOptions options{
      .max_length = 8, .min_length = 1, .prefixes = random_sequences(dice, 30, 0, 3, 13)};
  const std::vector<Hypothesis> samples =
      sample(model, sources, {.temperature = 2, .top_k = 6}, options);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Hypothesis& h = samples[i];
    const DecodingOptions ending{.end = h.ended ? 2 : none};
    const double expected = score(model, {{sources[i]}}, {{h.ids}}, ending)[0].log_probability();
    BOOST_TEST(std::abs(h.log_probability - expected) < 1e-12);
    BOOST_TEST(h.score == h.log_probability);
    const Ids& prefix = options.prefixes[i];
    BOOST_TEST((std::ranges::mismatch(h.ids, prefix).in2 == prefix.end()));
  }
}

BOOST_AUTO_TEST_CASE(at_ties_the_lower_ids_are_kept) {
  const PrefixModel equal(6, [](const Ids&, const Ids&) { return std::vector<double>(6, 0.0); });
  const DecodingOptions options{.end = none, .max_length = 20};
  for (const SamplingOptions& sampling :
       {SamplingOptions{.top_k = 2}, SamplingOptions{.top_p = 0.3}}) {
    std::vector<bool> seen(6, false);
    for (const Hypothesis& h : sample(equal, std::vector<Ids>(20, Ids{3}), sampling, options))
      for (const Index id : h.ids) seen[static_cast<std::size_t>(id)] = true;
    BOOST_TEST((seen == std::vector<bool>{true, true, false, false, false, false}));
  }
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_an_error) {
  const PrefixModel model = random_tree(5, Key(1));
  const auto check = [&](const SamplingOptions& sampling, const std::string& text) {
    BOOST_CHECK_EXCEPTION(sample(model, {{{3}}}, sampling), Error, says("sample: " + text));
  };
  check({.temperature = 0},
        "temperature must be above 0 and finite, is 0; greedy() is its limit at 0");
  check({.temperature = std::nan("")},
        "temperature must be above 0 and finite, is nan; greedy() is its limit at 0");
  check({.top_k = -1}, "top_k must be at least 1, or 0 for all tokens, is -1");
  check({.top_p = 0}, "top_p must be above 0 and at most 1, is 0");
  check({.top_p = 1.5}, "top_p must be above 0 and at most 1, is 1.5");
  check({.numbers = {1, 2}}, "2 numbers for 1 sources; give one for each source, or none");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
