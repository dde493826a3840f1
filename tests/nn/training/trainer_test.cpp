#include "nn/training/trainer.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autograd/support/threads.h"
#include "autograd/tools/anomaly.h"
#include "nn/decoding/decoding.h"
#include "nn/models/transformer.h"
#include "nn/training/gradients.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

struct Batch {
  std::vector<Ids> sources, targets;
};

// A task of copying: the target is the source.
Batch copy_task(std::size_t count, Key key, Index longest = 6) {
  Dice dice(key);
  const std::vector<Ids> sequences = random_sequences(dice, count, 1, longest, 11);
  return {sequences, framed(sequences)};
}

TransformerConfig config_with(double drop) {
  TransformerConfig config = small_config();
  config.dropout = drop;
  return config;
}

// A model after some steps, and the loss of each.
struct Run {
  Transformer model;
  std::vector<double> losses;
};

Run train(const TransformerConfig& config, const TrainerOptions& options, int steps = 5,
          std::size_t examples = 24) {
  Run run{Transformer(config, Key(1)), {}};
  Adam adam(parameters(run.model), {.learning_rate = 0.01});
  Trainer trainer(run.model, adam, options);
  for (int step = 0; step < steps; ++step) {
    const Batch batch = copy_task(examples, Key(100 + static_cast<std::uint64_t>(step)));
    run.losses.push_back(trainer.step(batch.sources, batch.targets).loss);
  }
  return run;
}

double distance(const Run& a, const Run& b) {
  const auto losses = [](const Run& run) {
    return from(run.losses, {static_cast<Index>(run.losses.size())});
  };
  return std::max(testing::distance(losses(a), losses(b)),
                  testing::distance(parameters(a.model), parameters(b.model)));
}

struct Threads {
  explicit Threads(int count) { set_threads(count); }
  ~Threads() { set_threads(before); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  int before = threads();
};

// A Transformer and a factor that fields() may omit, or list although it is not used.
struct Wrapped : EncoderDecoder {
  Transformer inner = Transformer(config_with(0), Key(1));
  Tensor factor = variable(ones({13}), "factor");
  bool listed, used;

  Wrapped(bool list, bool use) : listed(list), used(use) {}
  void fields(Fields& visit) override {
    visit("inner", inner);
    if (listed) visit("factor", factor);
  }
  Tensor logits(const Sequences& source, const Sequences& target,
                const Context& context) const override {
    const Tensor result = inner.logits(source, target, context);
    return used ? result * factor : result;
  }
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override {
    return inner.decode(source, capacity);
  }
};

// The mean over all real target tokens, one example at a time.
double naive_loss(const EncoderDecoder& model, const Batch& batch, double smoothing = 0) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < batch.sources.size(); ++i) {
    const Ids input(batch.targets[i].begin(), batch.targets[i].end() - 1);
    const Ids output(batch.targets[i].begin() + 1, batch.targets[i].end());
    const Tensor logits =
        model.logits(testing::batch(batch.sources[i]), testing::batch(input), Context::inference());
    const auto tokens = static_cast<Index>(output.size());
    sum += adjoint::sum(cross_entropy(logits, from(output, {1, tokens}), {.smoothing = smoothing}))
               .item();
    count += static_cast<double>(tokens);
  }
  return sum / count;
}

// Finds w + 1 likeliest after the token w, and remembers what it has read in training.
struct Successor : EncoderDecoder {
  Tensor scale = variable(ones({1}), "scale");
  mutable std::vector<Ids> read = {};

  void fields(Fields& visit) override { visit("scale", scale); }
  Tensor logits(const Sequences&, const Sequences& target, const Context& context) const override {
    Tensor next = copy(target.ids);
    for (Index& id : next.edit<Index>()) id = (id + 1) % 13;
    if (context.training())
      for (Index i = 0; i < target.layout.examples(); ++i) {
        const Index* const first = target.ids.values<Index>().data() + target.layout.begin(i);
        read.emplace_back(first, first + target.layout.length(i));
      }
    return one_hot(next, 13) * scale;
  }
  std::unique_ptr<Decoding> decode(const Sequences& source, Index capacity) const override {
    return WithoutCache(*this).decode(source, capacity);
  }
};

BOOST_AUTO_TEST_SUITE(trainer)

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit) {
  for (const bool packed : {true, false}) {
    const TrainerOptions options{.shards = 3, .packed = packed, .key = Key(7)};
    const auto with_threads = [&](int count) {
      const Threads guard(count);
      return train(config_with(0.2), options);
    };
    const Run one = with_threads(1);
    for (const int count : {2, 4}) {
      const Run run = with_threads(count);
      BOOST_TEST(run.losses == one.losses, boost::test_tools::per_element());
      BOOST_TEST(same_bits(parameters(run.model), parameters(one.model)));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_shards_changes_the_last_bits_only) {
  const auto with_shards = [](Index shards) {
    return train(config_with(0.2), {.shards = shards, .key = Key(7)});
  };
  const Run one = with_shards(1);
  for (const Index shards : {2, 3, 7, 100}) BOOST_TEST(distance(with_shards(shards), one) < 1e-4);
}

// The loss is divided by the tokens of the whole batch, however they are spread over the
// micro-batches, and dropout follows the examples.
BOOST_AUTO_TEST_CASE(micro_batches_equal_the_whole_batch) {
  const Batch batch = [] {
    Batch lopsided = copy_task(20, Key(2), 2);
    const Batch longer = copy_task(3, Key(3), 12);
    lopsided.sources.insert(lopsided.sources.end(), longer.sources.begin(), longer.sources.end());
    lopsided.targets.insert(lopsided.targets.end(), longer.targets.begin(), longer.targets.end());
    return lopsided;
  }();
  const Transformer beginning = small_transformer(config_with(0.2), Key(1));
  const auto stepped = [&](const TrainerOptions& options) {
    std::pair<Transformer, StepResult> result{clone(beginning), {}};
    Sgd sgd(parameters(result.first), 0.1);
    result.second = Trainer(result.first, sgd, options).step(batch.sources, batch.targets);
    return result;
  };
  for (const bool packed : {true, false}) {
    const auto [whole, at_once] =
        stepped({.shards = 1, .smoothing = 0.1, .packed = packed, .key = Key(7)});
    for (const Index micro_batches : {2, 3, 10, 100})
      for (const Index shards : {1, 2, 4}) {
        const auto [model, result] = stepped({.shards = shards,
                                              .micro_batches = micro_batches,
                                              .smoothing = 0.1,
                                              .packed = packed,
                                              .key = Key(7)});
        BOOST_TEST(testing::distance(parameters(model), parameters(whole)) < 1e-13);
        BOOST_TEST(result.loss == at_once.loss, boost::test_tools::tolerance(1e-13));
        BOOST_TEST(result.gradient_norm == at_once.gradient_norm,
                   boost::test_tools::tolerance(1e-12));
        BOOST_TEST(result.tokens == at_once.tokens);
      }
  }
}

BOOST_AUTO_TEST_CASE(packed_equals_padded) {
  for (const double smoothing : {0.0, 0.1}) {
    const auto with_layout = [&](bool packed) {
      return train(config_with(0.2), {.smoothing = smoothing, .packed = packed, .key = Key(7)});
    };
    BOOST_TEST(distance(with_layout(true), with_layout(false)) < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(the_key_determines_dropout) {
  const auto with_key = [](Key key) { return train(config_with(0.2), {.key = key}); };
  BOOST_TEST(distance(with_key(Key(7)), with_key(Key(7))) == 0);
  BOOST_TEST(distance(with_key(Key(7)), with_key(Key(8))) > 1e-3);
}

BOOST_AUTO_TEST_CASE(each_step_drops_different_elements) {
  const Batch batch = copy_task(10, Key(2));
  const Transformer model(config_with(0.5), Key(1));
  const auto losses = [&] {
    Sgd standing_still(parameters(model), 0);
    Trainer trainer(model, standing_still);
    std::vector<double> result;
    for (int step = 0; step < 3; ++step)
      result.push_back(trainer.step(batch.sources, batch.targets).loss);
    return result;
  };
  const std::vector<double> first = losses();
  BOOST_TEST((first[0] != first[1] && first[1] != first[2] && first[0] != first[2]));
  BOOST_TEST(losses() == first, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_loss_is_the_mean_over_all_tokens_however_lengths_are_spread) {
  const Transformer model = small_transformer(config_with(0), Key(1));
  Adam adam(parameters(model));
  Batch lopsided = copy_task(6, Key(2), 2);
  Batch long_ones = copy_task(2, Key(3), 12);
  for (std::size_t i = 0; i < 2; ++i) {
    lopsided.sources.insert(lopsided.sources.begin(), long_ones.sources[i]);
    lopsided.targets.insert(lopsided.targets.begin(), long_ones.targets[i]);
  }
  Index tokens = 0;
  for (const Ids& target : lopsided.targets) tokens += static_cast<Index>(target.size()) - 1;
  for (const double smoothing : {0.0, 0.1})
    for (const Index shards : {1, 2, 3, 5, 8})
      for (const bool packed : {true, false}) {
        const Trainer trainer(model, adam,
                              {.shards = shards, .smoothing = smoothing, .packed = packed});
        const StepResult result = trainer.evaluate(lopsided.sources, lopsided.targets);
        BOOST_TEST(result.loss == naive_loss(model, lopsided, smoothing),
                   boost::test_tools::tolerance(1e-12));
        BOOST_TEST(result.tokens == tokens);
      }
}

// A step of plain gradient descent reveals the gradient.
BOOST_AUTO_TEST_CASE(a_step_follows_the_gradient_of_the_mean) {
  const Batch batch = copy_task(7, Key(2));
  const Transformer beginning = small_transformer(config_with(0), Key(1));
  const Tensors before = parameters(beginning);
  const auto mean = [&](const Transformer& model) {
    std::vector<Ids> inputs, outputs;
    for (const Ids& target : batch.targets) {
      inputs.emplace_back(target.begin(), target.end() - 1);
      outputs.emplace_back(target.begin() + 1, target.end());
    }
    const Tensor logits = model.logits(testing::batch(batch.sources, In::packed),
                                       testing::batch(inputs, In::packed), Context::inference());
    const LossSum loss = masked_cross_entropy(logits, testing::batch(outputs, In::packed).ids, 0);
    return loss.sum / static_cast<double>(loss.count);
  };
  const Tensors gradients = grad(mean(beginning), before);
  const double norm = global_norm(gradients);
  for (const double clip : {0.0, norm / 2, norm * 2}) {
    const Transformer model = clone(beginning);
    Sgd sgd(parameters(model), 0.1);
    Trainer trainer(model, sgd, {.shards = 3, .clip = clip});
    const StepResult result = trainer.step(batch.sources, batch.targets);
    BOOST_TEST(result.gradient_norm == norm, boost::test_tools::tolerance(1e-10));
    const double factor = clip > 0 && clip < norm ? clip / (norm + 1e-6) : 1;
    Tensors expected;
    for (std::size_t i = 0; i < before.size(); ++i)
      expected.push_back(before[i] - gradients[i] * (0.1 * factor));
    BOOST_TEST(testing::distance(parameters(model), expected) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(evaluating_changes_nothing_and_drops_nothing) {
  const Batch batch = copy_task(10, Key(2));
  const Transformer model(config_with(0.5), Key(1));
  const Transformer before = clone(model);
  Adam adam(parameters(model));
  const Trainer trainer(model, adam);
  const double loss = trainer.evaluate(batch.sources, batch.targets).loss;
  BOOST_TEST(trainer.evaluate(batch.sources, batch.targets).loss == loss);
  BOOST_TEST(loss == naive_loss(model, batch), boost::test_tools::tolerance(1e-5));
  BOOST_TEST(same_bits(parameters(model), parameters(before)));
  BOOST_TEST(adam.steps() == 0);
}

// It may be asked for at any time, and of a copy of the model in f64.
BOOST_AUTO_TEST_CASE(the_next_loss_is_what_the_next_step_minimizes) {
  const Batch batch = copy_task(10, Key(2));
  for (const bool packed : {true, false}) {
    const TrainerOptions options{
        .shards = 3, .micro_batches = 2, .smoothing = 0.1, .packed = packed, .key = Key(7)};
    const Transformer model(config_with(0.3), Key(1));
    Adam adam(parameters(model), {.learning_rate = 0.01});
    Trainer trainer(model, adam, options);
    for (int step = 0; step < 3; ++step) {
      const double loss = trainer.next_loss(model, batch.sources, batch.targets).item();
      {
        const NoRecording guard;
        BOOST_TEST(loss == trainer.next_loss(model, batch.sources, batch.targets).item());
      }
      const Transformer wide = nn::cast(model, DType::f64);
      const Tensor wide_loss = trainer.next_loss(wide, batch.sources, batch.targets);
      BOOST_TEST(wide_loss.dtype() == DType::f64);
      const double taken = trainer.step(batch.sources, batch.targets).loss;
      BOOST_TEST(loss == taken, boost::test_tools::tolerance(1e-6));
      BOOST_TEST(wide_loss.item() == taken, boost::test_tools::tolerance(1e-5));
    }
    const Transformer fresh(config_with(0.3), Key(1));
    Adam other(parameters(fresh), {.learning_rate = 0.01});
    Trainer unasked(fresh, other, options);
    for (int step = 0; step < 3; ++step) unasked.step(batch.sources, batch.targets);
    BOOST_TEST(same_bits(parameters(model), parameters(fresh)));
  }
}

// At position t stands the target's token, or what the model predicts from the target's token
// before it. Which of them depends on the step, the example and the position alone.
BOOST_AUTO_TEST_CASE(scheduled_sampling_reads_predictions) {
  const Batch batch = copy_task(60, Key(3));
  const auto inputs = [&](double probability, Index micro_batches, bool packed, int steps = 1) {
    const Successor model;
    Sgd sgd(parameters(model), 1e-3);
    Trainer trainer(model, sgd,
                    {.shards = 1,
                     .micro_batches = micro_batches,
                     .scheduled_sampling = probability,
                     .packed = packed,
                     .key = Key(4)});
    for (int step = 0; step < steps; ++step) {
      model.read.clear();
      trainer.step(batch.sources, batch.targets);
    }
    return model.read;
  };
  const std::vector<Ids> plain = inputs(0, 1, true), mixed = inputs(0.3, 1, true);
  int replaced = 0, tokens = 0;
  for (std::size_t i = 0; i < batch.targets.size(); ++i) {
    BOOST_TEST(plain[i] == Ids(batch.targets[i].begin(), batch.targets[i].end() - 1));
    BOOST_TEST_REQUIRE(mixed[i].size() == plain[i].size());
    BOOST_TEST(mixed[i][0] == plain[i][0]);
    for (std::size_t t = 1; t < plain[i].size(); ++t) {
      ++tokens;
      if (mixed[i][t] == plain[i][t]) continue;
      BOOST_TEST(mixed[i][t] == (plain[i][t - 1] + 1) % 13);
      ++replaced;
    }
  }
  BOOST_TEST((replaced > 0.15 * tokens && replaced < 0.4 * tokens), replaced << " of " << tokens);
  BOOST_TEST((inputs(0.3, 5, true) == mixed));
  BOOST_TEST((inputs(0.3, 1, false) == mixed));
  BOOST_TEST((inputs(0.3, 1, true, 2) != mixed));
  BOOST_CHECK_EXCEPTION(
      inputs(1, 1, true), Error,
      says("trainer: the probability of scheduled sampling must lie in [0, 1), is 1"));
}

// Evaluation reads the targets; and what a model has predicted is a constant of the gradient.
BOOST_AUTO_TEST_CASE(scheduled_sampling_is_for_training_alone) {
  const Transformer model(config_with(0), Key(1));
  Adam adam(parameters(model));
  const Batch batch = copy_task(8, Key(3));
  const Trainer plain(model, adam), sampling(model, adam, {.scheduled_sampling = 0.5});
  BOOST_TEST(sampling.evaluate(batch.sources, batch.targets).loss ==
             plain.evaluate(batch.sources, batch.targets).loss);
  BOOST_TEST(sampling.next_loss(model, batch.sources, batch.targets).item() !=
             plain.next_loss(model, batch.sources, batch.targets).item());
}

BOOST_AUTO_TEST_CASE(copying_is_learned) {
  const Run run = train(config_with(0), {}, 150, 32);
  BOOST_TEST(run.losses.front() > 2);
  BOOST_TEST(run.losses.back() < run.losses.front() / 2);
}

BOOST_AUTO_TEST_CASE(a_field_missing_from_fields_is_an_error_at_the_first_step) {
  const Wrapped model(false, true);
  const Tensors before = parameters(clone(model));
  Adam adam(parameters(model));
  Trainer trainer(model, adam);
  const Batch batch = copy_task(4, Key(2));
  BOOST_CHECK_EXCEPTION(
      trainer.step(batch.sources, batch.targets), Error,
      says("trainer: the loss depends on a leaf 'factor' of shape [13] that the model's "
           "fields() does not list, so it would never be trained"));
  BOOST_TEST(same_bits(parameters(model), before));

  const Wrapped listed(true, true);
  Adam other(parameters(listed));
  BOOST_CHECK_NO_THROW(Trainer(listed, other).step(batch.sources, batch.targets));
}

BOOST_AUTO_TEST_CASE(a_listed_field_that_is_not_used_is_named) {
  const Wrapped model(true, false);
  Adam adam(parameters(model));
  Trainer trainer(model, adam);
  const Batch batch = copy_task(4, Key(2));
  BOOST_CHECK_EXCEPTION(trainer.step(batch.sources, batch.targets), Error, [](const Error& error) {
    return std::string(error.what()).find("'factor'") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(invalid_options_and_batches_are_an_error) {
  const Transformer model(config_with(0), Key(1));
  Adam adam(parameters(model));
  BOOST_CHECK_EXCEPTION(Trainer(model, adam, {.shards = 0}), Error,
                        says("trainer: needs at least one shard, got 0"));
  BOOST_CHECK_EXCEPTION(Trainer(model, adam, {.micro_batches = 0}), Error,
                        says("trainer: needs at least one micro-batch, got 0"));
  Trainer trainer(model, adam);
  const Batch batch = copy_task(2, Key(2));
  const std::span<const Ids> one = std::span(batch.targets).first(1);
  BOOST_CHECK_EXCEPTION(trainer.step(batch.sources, one), Error,
                        says("trainer: 2 sources for 1 targets"));
  BOOST_CHECK_EXCEPTION(trainer.evaluate(batch.sources, one), Error,
                        says("trainer: 2 sources for 1 targets"));
  BOOST_CHECK_EXCEPTION(trainer.step({}, {}), Error, says("trainer: 0 sources for 0 targets"));
}

// Targets without even the begin symbol, or with nothing else.
BOOST_AUTO_TEST_CASE(targets_without_a_token_to_predict_are_an_error) {
  const Transformer model(config_with(0), Key(1));
  const Transformer before = clone(model);
  Adam adam(parameters(model));
  Trainer trainer(model, adam, {.clip = 0});
  const std::vector<Ids> sources = {{3, 4}, {5}};
  for (const std::vector<Ids>& targets :
       {std::vector<Ids>{{}, {1, 5, 2}}, std::vector<Ids>{{1}, {1}}}) {
    BOOST_CHECK_THROW(trainer.step(sources, targets), Error);
    BOOST_CHECK_THROW(trainer.evaluate(sources, targets), Error);
  }
  BOOST_TEST(same_bits(parameters(model), parameters(before)));
}

BOOST_AUTO_TEST_CASE(a_step_that_would_destroy_the_weights_is_an_error) {
  for (const double clip : {1.0, 0.0}) {
    const Transformer model = clone(Transformer(config_with(0), Key(1)));
    Tensor bias = model.decoder.output.bias;
    bias.edit<float>()[0] = std::numeric_limits<float>::quiet_NaN();
    const Transformer before = clone(model);
    Adam adam(parameters(model));
    Trainer trainer(model, adam, {.clip = clip});
    const Batch batch = copy_task(4, Key(2));
    BOOST_TEST_CONTEXT("clip " << clip) {
      BOOST_CHECK_EXCEPTION(
          trainer.step(batch.sources, batch.targets), NotFinite,
          says("trainer: the gradients' norm is NaN, since a value in the model or its loss is NaN "
               "or has overflowed; repeat the step under DetectAnomaly (autograd/tools/anomaly.h) "
               "to see where"));
      BOOST_TEST(same_bits(parameters(model), parameters(before)));
    }
  }
}

BOOST_AUTO_TEST_CASE(anomaly_mode_says_where_a_step_went_wrong) {
  const Transformer model = clone(Transformer(config_with(0), Key(1)));
  Adam adam(parameters(model));
  Trainer trainer(model, adam, {.shards = 2});
  const Batch batch = copy_task(4, Key(2));
  const DetectAnomaly guard;
  BOOST_CHECK_NO_THROW(trainer.step(batch.sources, batch.targets));
  Tensor weight = model.encoder.blocks[0].feed_forward.up.weight;
  weight.edit<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  BOOST_CHECK_EXCEPTION(trainer.step(batch.sources, batch.targets), Error, [](const Error& error) {
    const std::string text = error.what();
    BOOST_TEST(text.starts_with("anomaly: linear: input 1 ('encoder.blocks.0.feed_forward.up.weight"
                                "') already holds NaN at [0, 3]: it came from outside\n"
                                "  in encoder.blocks.0.feed_forward\n"),
               text);
    return true;
  });
}

BOOST_AUTO_TEST_CASE(an_error_in_a_shard_reaches_the_caller) {
  const Transformer model(config_with(0), Key(1));
  const Transformer before = clone(model);
  Adam adam(parameters(model));
  Trainer trainer(model, adam, {.shards = 4});
  Batch batch = copy_task(8, Key(2));
  batch.sources[7][0] = 11;
  BOOST_CHECK_EXCEPTION(trainer.step(batch.sources, batch.targets), Error, [](const Error& error) {
    return std::string(error.what()).starts_with("embedding: token id 11");
  });
  BOOST_TEST(same_bits(parameters(model), parameters(before)));
  BOOST_TEST(adam.steps() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
