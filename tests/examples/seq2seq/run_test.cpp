// A run as a whole: gradient checks and records change nothing, and a wrong derivative ends it.
#include "examples/seq2seq/run/run.h"

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <sstream>

#include "autograd/observer.h"
#include "autograd/support/files.h"
#include "examples/seq2seq/run/records.h"
#include "tests/autograd/gradcheck/mutations.h"
#include "tests/autograd/support.h"
#include "tests/files.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

// Batches of 8: 5 steps in an epoch.
Settings toy_settings(Index gradcheck_every) {
  Settings settings;
  settings.data.task = "copy";
  settings.data.symbols = 5;
  settings.data.max_length = 4;
  settings.data.train_count = 40;
  settings.data.held_out_count = 4;
  settings.data.min_frequency = 1;
  settings.data.validation = 0;
  settings.model.transformer.width = settings.model.transformer.hidden = 8;
  settings.model.transformer.heads = 2;
  settings.model.transformer.encoder_blocks = settings.model.transformer.decoder_blocks = 1;
  settings.model.transformer.dropout = 0.2;
  settings.training.epochs = 2;
  settings.training.batch = 8;
  settings.training.gradcheck_every = gradcheck_every;
  return settings;
}

// What a run prints is not for the tests' output.
struct Quiet {
  Quiet() : before(std::cout.rdbuf(text.rdbuf())) {}
  ~Quiet() { std::cout.rdbuf(before); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  std::ostringstream text;
  std::streambuf* before;
};

struct Trained {
  Model model;
  TrainResult result;
  std::string printed;
};

Trained train_toy(const Settings& settings, const std::filesystem::path& folder,
                  IfStopped if_stopped = IfStopped::refuse, bool records = true) {
  const Dataset dataset = load_dataset(settings, {});
  Trained trained{make_model(settings, dataset), {}, ""};
  Destination destination(folder, if_stopped);
  const Quiet quiet;
  trained.result = train(trained.model, dataset, destination, "", records);
  trained.printed = quiet.text.str();
  return trained;
}

Index steps_in(const std::filesystem::path& state) {
  return std::stoll(nn::SafeTensorsFile(state).metadata().at("optimizer.steps"));
}

// The loss is 1% too steep.
Planted mistake() {
  return {"cross_entropy", std::nullopt,
          [](const Site&, Tensors& gradients) { gradients[0] = 1.01 * gradients[0]; }};
}

BOOST_AUTO_TEST_SUITE(seq2seq_run)

BOOST_AUTO_TEST_CASE(gradient_checks_change_no_bit) {
  const Folder folder;
  const Trained plain = train_toy(toy_settings(0), folder / "plain");
  const Trained checked = train_toy(toy_settings(4), folder / "checked");
  BOOST_TEST(checked.result.complete);
  BOOST_TEST(!checked.result.wrong_gradient);
  BOOST_TEST(*checked.result.loss == *plain.result.loss);
  BOOST_TEST(
      same_bits(nn::parameters(*checked.model.network), nn::parameters(*plain.model.network)));
  // Before the steps 4 and 8 of 10.
  BOOST_TEST(checked.printed.find("step 4  gradient ok") != std::string::npos, checked.printed);
  BOOST_TEST(checked.printed.find("step 8  gradient ok") != std::string::npos, checked.printed);
  BOOST_TEST(plain.printed.find("gradient") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_whole_loss_is_checked_at_the_batch_and_the_dropout_of_the_step) {
  const Settings settings = toy_settings(1);
  const Dataset dataset = load_dataset(settings, {});
  Model model = make_model(settings, dataset);
  Run run(model, dataset);
  for (int step = 0; step < 3; ++step) {
    const GradcheckReport report = run.check_gradient();
    BOOST_TEST(report);
    BOOST_TEST(report.coverage[0].inputs == nn::parameter_count(*model.network));
    BOOST_TEST(report.coverage[0].projections == 2);
    BOOST_TEST(report.worst_error < 1e-7);
    run.step();
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_derivative_ends_the_run_before_the_step) {
  const Folder folder;
  Planted wrong = mistake();
  {
    const Observing guard(wrong);
    const Trained stopped = train_toy(toy_settings(3), folder / "model");
    BOOST_TEST(!stopped.result.complete);
    BOOST_REQUIRE(stopped.result.wrong_gradient);
    BOOST_TEST(name_of(stopped.result.wrong_gradient->verdict()) ==
               name_of(adjoint::Verdict::failed));
    const auto& walk = stopped.result.wrong_gradient->walk;
    BOOST_REQUIRE((walk && walk->culprit));
    BOOST_TEST(walk->culprit->operation == "cross_entropy");
  }
  BOOST_TEST(!std::filesystem::exists(folder / "model"));
  BOOST_TEST(steps_in(folder / "model.partial" / state_file) == 2);
  BOOST_TEST(load(folder / "model.partial").settings.training.gradcheck_every == 3);
  // The run goes on from there once the derivative is right.
  const Trained resumed = train_toy(toy_settings(3), folder / "model", IfStopped::resume);
  BOOST_TEST(resumed.result.complete);
}

BOOST_AUTO_TEST_CASE(records_change_no_bit_and_can_be_left_out) {
  const Folder folder;
  const Trained with = train_toy(toy_settings(0), folder / "with");
  const Trained without = train_toy(toy_settings(0), folder / "without", IfStopped::refuse, false);
  BOOST_TEST(
      same_bits(nn::parameters(*with.model.network), nn::parameters(*without.model.network)));
  BOOST_TEST(!std::filesystem::exists(folder / "without" / records_file));
  const Records records = read_records(folder / "with", load(folder / "with"));
  BOOST_TEST(records.steps.size() == 10u);
  BOOST_TEST(records.epochs.size() == 2u);
  BOOST_REQUIRE(records.looks.size() == 2u);  // the untrained model and the last
  BOOST_TEST(records.looks[1].epoch == 2);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_writes_the_same_records) {
  const Folder folder;
  Settings settings = toy_settings(0);
  train_toy(settings, folder / "resumed");
  train_toy(settings, folder / "resumed", IfStopped::resume);  // nothing is left to do
  settings.training.epochs = 4;
  train_toy(settings, folder / "resumed", IfStopped::resume);
  train_toy(settings, folder / "whole");
  BOOST_TEST(read_file(folder / "resumed" / records_file) ==
             read_file(folder / "whole" / records_file));
}

BOOST_AUTO_TEST_CASE(a_line_that_was_cut_is_written_again) {
  const Folder folder;
  Settings settings = toy_settings(0);
  train_toy(settings, folder / "model");
  const std::string whole = read_file(folder / "model" / records_file);
  put(folder / "model" / records_file, whole.substr(0, whole.size() - 20));
  train_toy(settings, folder / "model", IfStopped::resume);
  BOOST_TEST(read_file(folder / "model" / records_file) == whole);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
