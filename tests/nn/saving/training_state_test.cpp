
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "autograd/support/files.h"
#include "autograd/support/threads.h"
#include "data/pairs/batching.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/averaging.h"
#include "nn/training/schedule.h"
#include "nn/training/trainer.h"
#include "tests/files.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;
namespace fs = std::filesystem;

struct Threads {
  explicit Threads(int count) { set_threads(count); }
  ~Threads() { set_threads(before); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  int before = threads();
};

data::EncodedPairs some_pairs(Key key) {
  Dice dice(key);
  const std::vector<Ids> sequences = random_sequences(dice, 11, 1, 6, 11);
  return {sequences, framed(sequences)};
}

TransformerConfig config_of(Index width) {
  TransformerConfig config = small_config();
  config.width = width;
  config.dropout = 0.2;
  return config;
}

struct Settings {
  std::string optimizer = "adam", schedule = "constant";
  OptimizerOptions rule{.learning_rate = 0.01};
  data::BatchSize batch{4};
  TrainerOptions trainer{.shards = 2, .micro_batches = 2, .smoothing = 0.1, .key = Key(9)};
  Index width = 8;
  std::uint64_t data = 1;
  double average = 0.9;
};

// All that a program has, made from its settings. A resumed run does not depend on its initial
// weights, so each run gets different ones.
class Run {
 public:
  explicit Run(const Settings& s = {}, std::uint64_t seed = 1)
      : pairs_(some_pairs(Key(s.data))),
        model(config_of(s.width), Key(seed)),
        optimizer(make_optimizer(s.optimizer, parameters(model), s.rule)),
        schedule({.name = s.schedule, .warm_up = 3, .total = 9, .patience = 2}),
        trainer(model, *optimizer, s.trainer),
        average(parameters(model), s.average),
        batches(pairs_, s.batch, Key(5)) {}

  // A step; every other one is followed by a validation for the schedule and early stopping.
  double step() {
    const data::EncodedPairs batch = batches.next();
    optimizer->set_learning_rate(optimizer->initial_learning_rate() * schedule(optimizer->steps()));
    const double loss = trainer.step(batch.sources, batch.targets).loss;
    average.update();
    if (optimizer->steps() % 2 == 0) {
      const WithAverage guard(average);
      const double validation = trainer.evaluate(pairs_.sources, pairs_.targets).loss;
      schedule.observe(-validation);  // which gets worse, so that plateau has something to do
      stopping.observe(validation);
    }
    return loss;
  }

  void state(State& visit) {
    visit("model", model)("optimizer", *optimizer)("schedule", schedule)("trainer", trainer);
    visit("average", average)("data", batches)("stopping", stopping);
  }

 private:
  data::EncodedPairs pairs_;

 public:
  Transformer model;
  std::unique_ptr<Optimizer> optimizer;
  Schedule schedule;
  Trainer trainer;
  MovingAverage average;
  data::Batches batches;
  Patience stopping;
};

// Compares two state files bit by bit.
bool same_state(const fs::path& a, const fs::path& b) { return read_file(a) == read_file(b); }

constexpr int steps = 7;  // three batches an epoch: an end is met between and within

BOOST_AUTO_TEST_SUITE(training_state)

// A run that is stopped after every step and resumed in a new one has the losses, weights and
// optimizer buffers of an uninterrupted run, to the last bit, on one thread and on two in turn.
BOOST_AUTO_TEST_CASE(a_run_stopped_at_every_step_equals_the_uninterrupted_run) {
  const Folder folder;
  for (const std::string& optimizer : optimizer_names())
    for (const std::string& schedule : schedule_names())
      BOOST_TEST_CONTEXT(optimizer << ", " << schedule) {
        const Settings settings{.optimizer = optimizer, .schedule = schedule};
        Run whole(settings);
        const Tensors begun = parameters(clone(whole.model));
        std::vector<double> losses, resumed;
        save_state(whole, folder / "resumed");
        for (int step = 0; step < steps; ++step) losses.push_back(whole.step());
        save_state(whole, folder / "whole");
        BOOST_TEST(distance(parameters(whole.model), begun) > 1e-3);

        for (int step = 0; step < steps; ++step) {
          const Threads guard(1 + step % 2);
          Run run(settings, 100 + static_cast<std::uint64_t>(step));
          load_state(run, folder / "resumed");
          BOOST_TEST(run.optimizer->steps() == step);
          resumed.push_back(run.step());
          save_state(run, folder / "resumed");
        }
        BOOST_TEST(resumed == losses, boost::test_tools::per_element());
        BOOST_TEST(same_state(folder / "resumed", folder / "whole"));
      }
}

BOOST_AUTO_TEST_CASE(batches_by_tokens_and_tied_weights_are_resumed_too) {
  const Folder folder;
  struct Tied : Module {
    Tensor one = variable(normal({2, 3}, 0, 1, Key(1))), other = one;
    void fields(Fields& visit) override { visit("one", one)("other", other); }
  };
  const Settings settings{.batch = {30, data::BatchSize::Unit::tokens}};
  Run whole(settings), stopped(settings);
  for (int step = 0; step < 3; ++step) stopped.step();
  save_state(stopped, folder / "state");
  Run run(settings, 2);
  load_state(run, folder / "state");
  for (int step = 0; step < 3; ++step) whole.step();
  for (int step = 0; step < 8; ++step) BOOST_TEST(run.step() == whole.step());

  Tied tied, restored;
  tied.one.edit<float>()[0] = 7;
  save_state(VisitState([&](State& visit) { visit("tied", tied); }), folder / "tied");
  load_state(VisitState([&](State& visit) { visit("tied", restored); }), folder / "tied");
  BOOST_TEST(same_bits(restored.other, tied.one));
  BOOST_TEST(restored.one.storage() == restored.other.storage());
}

BOOST_AUTO_TEST_CASE(numbers_keep_every_bit) {
  const Folder folder;
  using Limits = std::numeric_limits<double>;
  const auto visit = [](double& number, Index& count) {
    return VisitState([&](State& state) { state("number", number)("count", count); });
  };
  std::vector<double> numbers = {0.0,
                                 -0.0,
                                 0.1,
                                 1.0 / 3,
                                 Limits::infinity(),
                                 -Limits::infinity(),
                                 Limits::denorm_min(),
                                 Limits::max()};
  Dice dice(Key(1));
  for (int i = 0; i < 50; ++i)
    numbers.push_back(dice.tensor({1}).item() * std::exp(dice.between(-300, 300)));
  for (double number : numbers)
    for (Index count : {Index{0}, Index{1} << 53 | 1, std::numeric_limits<Index>::max()}) {
      save_state(visit(number, count), folder / "state");
      double read = 7;
      Index counted = 7;
      load_state(visit(read, counted), folder / "state");
      BOOST_TEST(std::bit_cast<std::uint64_t>(read) == std::bit_cast<std::uint64_t>(number));
      BOOST_TEST(counted == count);
    }
}

BOOST_AUTO_TEST_CASE(
    a_state_of_another_run_is_an_error_that_lists_the_differences_and_changes_nothing) {
  const Folder folder;
  Run saved;
  saved.step();
  save_state(saved, folder / "state");
  const auto check = [&](const Settings& settings, const std::string& text) {
    Run other(settings, 2);
    save_state(other, folder / "before");
    const std::string error = error_of([&] { load_state(other, folder / "state"); });
    BOOST_TEST(error.starts_with((folder / "state").string() + ": saved by a different run: "),
               error);
    BOOST_TEST(error.find(text) != std::string::npos, error);
    BOOST_TEST(error.size() < 1000u, error);
    save_state(other, folder / "after");
    BOOST_TEST(same_state(folder / "before", folder / "after"));
  };
  check({.optimizer = "lion"}, "optimizer.rule is adam, this run has lion");
  check({.optimizer = "adamw"}, "optimizer.weight_decay is 0, this run has 0.01");
  check({.rule = {.learning_rate = 0.02}}, "optimizer.learning_rate is 0.01, this run has 0.02");
  check({.rule = {.learning_rate = 0.01, .beta1 = 0.8}},
        "optimizer.beta1 is 0.9, this run has 0.8");
  check({.schedule = "linear"}, "schedule.name is constant, this run has linear");
  check({.batch = {5}}, "data.size is 4, this run has 5");
  check({.batch = {40, data::BatchSize::Unit::tokens}},
        "data.unit is sentences, this run has tokens");
  check({.data = 2}, "data.pairs_digest is ");
  check({.average = 0.5}, "average.decay is 0.9, this run has 0.5");
  check({.width = 4}, "model.encoder.embedding.table is f32 [11, 8], this run has f32 [11, 4]");
  check({.trainer = {.shards = 3, .micro_batches = 2, .smoothing = 0.1, .key = Key(9)}},
        "trainer.shards is 2, this run has 3");
  check({.trainer = {.shards = 2, .micro_batches = 2, .smoothing = 0.1, .key = Key(8)}},
        "trainer.key is 9, this run has 8");
}

BOOST_AUTO_TEST_CASE(a_fixed_value_that_earlier_versions_did_not_store_may_be_missing) {
  const Folder folder;
  Tensor x = ones({2});
  const auto visit = [&](const char* digest) {
    return VisitState([&x, digest](State& state) {
      state("x", x);
      if (*digest != '\0') state.fixed_if_stored("digest", digest);
    });
  };
  save_state(visit(""), folder / "former");
  BOOST_CHECK_NO_THROW(load_state(visit("1"), folder / "former"));
  save_state(visit("1"), folder / "state");
  BOOST_CHECK_NO_THROW(load_state(visit("1"), folder / "state"));
  BOOST_CHECK_EXCEPTION(load_state(visit("2"), folder / "state"), Error,
                        says((folder / "state").string() +
                             ": saved by a different run: digest is 1, this run has 2"));
}

BOOST_AUTO_TEST_CASE(missing_and_unexpected_entries_are_named) {
  const Folder folder;
  Tensor x = ones({2});
  Index count = 1;
  save_state(VisitState([&](State& visit) { visit("x", x)("count", count); }), folder / "state");
  const auto load = [&](const VisitState& parts) {
    return error_of([&] { load_state(parts, folder / "state"); });
  };
  const std::string begin = (folder / "state").string() + ": saved by a different run: ";
  BOOST_TEST(load([&](State& visit) { visit("x", x)("counts", count); }) ==
             begin + "missing counts; unexpected count");
  BOOST_TEST(load([&](State& visit) { visit("count", count)("y", x); }) ==
             begin + "missing y; unexpected x");
  BOOST_TEST(load([&](State& visit) {
               visit("x", x)("count", count);
               for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) visit(name, x);
             }) == begin + "missing a, b, c, d, e, and 2 more");
  BOOST_CHECK_EXCEPTION(
      save_state(VisitState([&](State& visit) { visit("x", x)("x", x); }), folder / "state"), Error,
      says("saving: two tensors have the name x"));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_a_state_or_is_damaged_is_an_error) {
  const Folder folder;
  const fs::path path = folder / "state";
  Index count = 3;
  double number = 0.5;
  const VisitState parts = [&](State& visit) { visit("count", count)("number", number); };
  const auto load = [&] { return error_of([&] { load_state(parts, path); }); };

  write_safetensors(path, {{}, {{"count", "1"}, {"number", "1"}}});
  BOOST_TEST(load() == path.string() + ": not a training state");
  write_safetensors(path, {{}, {{"adjoint", "training state 2"}}});
  BOOST_TEST(load() == path.string() +
                           ": a training state in format 2, written by another version of adjoint; "
                           "this version reads format 1");
  const auto with = [&](const std::string& counted, const std::string& numbered) {
    write_safetensors(
        path, {{}, {{"adjoint", "training state 1"}, {"count", counted}, {"number", numbered}}});
    return load();
  };
  const std::string begin = path.string() + ": saved by a different run: ";
  for (const std::string text : {"-1", "", "x", "1.5", "1 ", "99999999999999999999"})
    BOOST_TEST(with(text, "1") ==
               begin + "count is " + text + ", which is not an integer of at least 0");
  for (const std::string text : {"", "x", "nan", "1e", "1.0.0"})
    BOOST_TEST(with("1", text) == begin + "number is " + text + ", which is not a number");
  BOOST_TEST((count == 3 && number == 0.5));

  save_state(parts, path);
  const std::string whole = read_file(path);
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    write_file(path, whole.substr(0, bytes));
    BOOST_TEST(load() != "no error");
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_last_good_state) {
  const Folder folder;
  Run run;
  save_state(run, folder / "state");
  const std::string before = read_file(folder / "state");
  run.step();
  {
    const SmallDisk disk(before.size() / 2);
    BOOST_CHECK_THROW(save_state(run, folder / "state"), Error);
  }
  BOOST_TEST(read_file(folder / "state") == before);
  BOOST_TEST(folder.files() == 1);
}

// In each state the tensor and the number hold the same count, so a half-written one would show.
BOOST_AUTO_TEST_CASE(a_run_killed_at_any_moment_leaves_a_whole_state) {
  const Folder folder;
  Tensor x = full({200'000}, 0, DType::f64);
  Index count = 0;
  const VisitState parts = [&](State& visit) { visit("x", x)("count", count); };
  const auto save_next = [&] {
    std::ranges::fill(x.edit<double>(), static_cast<double>(++count));
    save_state(parts, folder / "state");
  };
  save_next();
  Dice dice(Key(1));
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0)
      for (;;) save_next();
    std::this_thread::sleep_for(std::chrono::microseconds(dice.between(0, 20'000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Index before = count;
    load_state(parts, folder / "state");
    BOOST_TEST(count >= before);
    BOOST_TEST(same_bits(x, full({200'000}, static_cast<double>(count), DType::f64)));
  }
  save_next();
  BOOST_TEST(folder.files() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
