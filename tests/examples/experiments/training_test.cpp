// Tasks, their training, and how well a model does.
#include "examples/experiments/frame/training.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "autograd/support/threads.h"
#include "tests/nn/toy_models.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using namespace adjoint::experiments;
using data::EncodedPairs, data::Vocabulary, nn::Ids;

std::set<Ids> set_of(const std::vector<Ids>& all) { return {all.begin(), all.end()}; }

// How many sources of `a` are among those of `b`.
std::ptrdiff_t shared(const EncodedPairs& a, const EncodedPairs& b) {
  const std::set<Ids> known = set_of(b.sources);
  return std::ranges::count_if(a.sources,
                               [&](const Ids& source) { return known.contains(source); });
}

// bos, the source backwards without its eos, eos.
Ids reverse_of(const Ids& source) {
  Ids target = {Vocabulary::bos};
  target.insert(target.end(), source.rbegin() + 1, source.rend());
  target.push_back(Vocabulary::eos);
  return target;
}

// The lengths of strings, without the eos.
std::pair<std::size_t, std::size_t> lengths_of(const EncodedPairs& pairs) {
  const auto [shortest, longest] = std::ranges::minmax(pairs.sources, {}, &Ids::size);
  return {shortest.size() - 1, longest.size() - 1};
}

// Reverses by rule; but a source for which `mistaken` holds is answered by its end alone.
PrefixModel reverser(Index tokens, const std::function<bool(const Ids&)>& mistaken) {
  return {tokens, [=](const Ids& source, const Ids& prefix) {
            const Ids target =
                mistaken(source) ? Ids{Vocabulary::bos, Vocabulary::eos} : reverse_of(source);
            const std::size_t next = std::min(prefix.size(), target.size() - 1);
            std::vector<double> logits(static_cast<std::size_t>(tokens));
            logits[static_cast<std::size_t>(target[next])] = 50;
            return logits;
          }};
}
const auto never = [](const Ids&) { return false; };

// Every token is as likely as any other.
struct Uniform : nn::EncoderDecoder {
  Index tokens;
  explicit Uniform(Index count) : tokens(count) {}
  void fields(nn::Fields&) override {}
  Tensor logits(const nn::Sequences&, const nn::Sequences& target,
                const nn::Context&) const override {
    return zeros(target.layout.leading().joined({tokens}), DType::f32);  // […, tokens]
  }
  std::unique_ptr<nn::Decoding> decode(const nn::Sequences& source, Index capacity) const override {
    return nn::WithoutCache(*this).decode(source, capacity);
  }
};

Task small_task(std::uint64_t seed = 1) {
  return reversal({.max_length = 4, .train_count = 200, .held_out_count = 40, .longest = 6},
                  Key(seed));
}

BOOST_AUTO_TEST_SUITE(experiment_training)

BOOST_AUTO_TEST_CASE(reversal_is_reversal_and_held_out_strings_are_unseen) {
  const Task task = small_task();
  BOOST_TEST(task.train.size() == 200u);
  BOOST_TEST(task.held_out.size() == 40u);
  BOOST_TEST(task.longer.size() == 40u);
  BOOST_TEST(shared(task.held_out, task.train) == 0);
  BOOST_TEST(set_of(task.train.sources).size() == 200u);
  BOOST_TEST((lengths_of(task.train) == std::pair<std::size_t, std::size_t>(1, 4)));
  BOOST_TEST((lengths_of(task.held_out) == std::pair<std::size_t, std::size_t>(1, 4)));
  BOOST_TEST((lengths_of(task.longer) == std::pair<std::size_t, std::size_t>(5, 6)));
  for (const EncodedPairs* pairs : {&task.train, &task.held_out, &task.longer})
    for (std::size_t i = 0; i < pairs->size(); ++i)
      BOOST_TEST(pairs->targets[i] == reverse_of(pairs->sources[i]));
  BOOST_TEST(reversal({.train_count = 20, .held_out_count = 5}, Key(1)).longer.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_key_decides_the_task) {
  BOOST_TEST(small_task(1).train.sources == small_task(1).train.sources);
  BOOST_TEST(small_task(1).longer.sources == small_task(1).longer.sources);
  BOOST_TEST(small_task(1).train.sources != small_task(2).train.sources);
  BOOST_TEST(small_task(1).longer.sources != small_task(2).longer.sources);
}

BOOST_AUTO_TEST_CASE(held_out_sentences_are_unseen) {
  const Task task = english_french(500, 60, Key(3));
  BOOST_TEST(task.held_out.size() >= 60u);
  BOOST_TEST(task.train.size() + task.held_out.size() <= 500u);
  const auto whole = [](const EncodedPairs& pairs) {  // no word that the vocabulary lacks
    return std::ranges::none_of(pairs.sources, [](const Ids& source) {
      return std::ranges::find(source, Vocabulary::unk) != source.end();
    });
  };
  BOOST_TEST(whole(task.train));
  BOOST_TEST(!whole(task.held_out));  // it comes from the training sentences alone
  // Different sentences with unknown words may have the same ids; those without may not.
  const std::set<Ids> known = set_of(task.train.sources);
  for (const Ids& source : task.held_out.sources)
    if (std::ranges::find(source, Vocabulary::unk) == source.end())
      BOOST_TEST(!known.contains(source));
  for (const EncodedPairs* pairs : {&task.train, &task.held_out})
    for (const Ids& target : pairs->targets)
      BOOST_TEST((target.front() == Vocabulary::bos && target.back() == Vocabulary::eos));
}

BOOST_AUTO_TEST_CASE(a_run_is_a_function_of_its_seed) {
  const Task task = small_task();
  const auto run = [&](std::uint64_t seed, int thread_count) {
    const int before = threads();
    set_threads(thread_count);
    nn::TransformerConfig config = experiments::small_transformer(task);
    config.dropout = 0.1;
    const nn::Transformer model(config, Key(1));
    const double last = train(model, task.train, {.steps = 20, .batch = 16}, Key(seed));
    const double unseen = mean_loss(model, task.held_out);
    set_threads(before);
    return std::pair(last, unseen);
  };
  const auto first = run(1, 1);
  BOOST_TEST((run(1, 1) == first));
  BOOST_TEST((run(1, 2) == first));
  BOOST_TEST((run(2, 1) != first));
}

BOOST_AUTO_TEST_CASE(training_learns) {
  const Task task = small_task();
  const nn::Transformer model(experiments::small_transformer(task), Key(1));
  const double before = mean_loss(model, task.train);
  const double last = train(model, task.train, {.steps = 60, .batch = 32}, Key(1));
  BOOST_TEST(mean_loss(model, task.train) < 0.8 * before);
  BOOST_TEST(std::abs(mean_loss(model, task.train) - last) < 0.3 * last);  // mean of the last steps
}

BOOST_AUTO_TEST_CASE(an_exact_match_is_a_target_without_a_mistake) {
  const Task task = small_task();
  const auto score = [&](const std::function<bool(const Ids&)>& mistaken) {
    return exact_match(reverser(task.target_tokens, mistaken), task.held_out);
  };
  BOOST_TEST(score(never) == 100.0);
  BOOST_TEST(score([](const Ids&) { return true; }) == 0.0);
  const Ids first = task.held_out.sources[0];  // 1 of 40
  BOOST_TEST(score([&](const Ids& source) { return source == first; }) == 97.5);
  BOOST_TEST(exact_match(reverser(task.target_tokens, never), task.longer) == 100.0);
}

// A decoder that goes on after the answer has made a mistake, also at the longest target.
BOOST_AUTO_TEST_CASE(an_answer_that_does_not_end_is_no_match) {
  const Task task = small_task();
  const PrefixModel endless(task.target_tokens, [&](const Ids&, const Ids&) {
    std::vector<double> logits(static_cast<std::size_t>(task.target_tokens));
    logits.back() = 50;
    return logits;
  });
  const Index symbol = task.target_tokens - 1;
  const EncodedPairs pairs = {{{symbol, Vocabulary::eos}, {symbol, symbol, Vocabulary::eos}},
                              {{Vocabulary::bos, symbol, Vocabulary::eos},
                               {Vocabulary::bos, symbol, symbol, Vocabulary::eos}}};
  BOOST_TEST(exact_match(endless, pairs) == 0.0);
}

BOOST_AUTO_TEST_CASE(the_loss_of_a_model_that_knows_nothing) {
  const Task task = small_task();
  BOOST_TEST(mean_loss(Uniform(task.target_tokens), task.held_out) ==
                 std::log(static_cast<double>(task.target_tokens)),
             boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
