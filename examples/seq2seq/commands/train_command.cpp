#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>

#include "autograd/support/error.h"
#include "autograd/tools/anomaly.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/reporting.h"
#include "examples/seq2seq/run/training.h"
#include "examples/seq2seq/settings/validators.h"
#include "nn/training/trainer.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto examples = R"(For example:
  seq2seq train pairs.tsv --output my-model
  seq2seq train pairs.tsv --output my-model --resume
  seq2seq train english.txt french.txt --tokenizer subwords --min-frequency 1 --output my-model
  seq2seq train pairs.tsv --config my-model/settings.toml --seed 2 --output second
  seq2seq train --task reverse --symbols 10 --max-length 8 --epochs 5 --output reverse
Exit codes: 0 done; 1 a file, a model or a disk failed, or options do not go together; 2 an option
is unknown or its value is none; 3 BLEU is below --floor or --margin; 130 interrupted.)";

struct Arguments {
  Settings settings;
  std::string pairs, targets, output, config, log;
  bool resume = false, restart = false;
  double floor = 0;
  std::optional<double> margin;
  bool detect_anomaly = false;
};

// In anomaly mode an error says which operation went wrong; otherwise it says how to find out.
bool train_watched(const Arguments& arguments, Model& model, const Parts& parts,
                   Destination& destination) {
  std::optional<DetectAnomaly> guard;
  if (arguments.detect_anomaly) guard.emplace();
  try {
    return train(model, parts, destination, arguments.log);
  } catch (const nn::NotFinite&) {
    if (guard) throw;
    fail("train: the gradient is NaN or infinite; the same command with --detect-anomaly",
         destination.kept() ? " --resume" : "", " says which operation made it so");
  }
}

// A demand that nothing is held to would be met by any model.
void check_demands(const Arguments& arguments, const Parts& parts) {
  const std::string& task = arguments.settings.data.task;
  require(!arguments.margin || task.empty(), "--margin does not go with --task ", task,
          ", which has no nearest source; --floor does");
  require(!parts.held_out.empty() || (arguments.floor == 0 && !arguments.margin),
          arguments.margin ? "--margin" : "--floor",
          " needs held-out pairs, and there are none; --held-out says how many there are");
}

int report(const Arguments& arguments, const Model& model, const Parts& parts) {
  const std::vector<data::Tokens> translations = translate(model, data::sources(parts.held_out));
  show_some(model, parts.held_out, translations);
  const Score result = score(model, parts.held_out, translations);
  double demanded = arguments.floor;
  if (model.settings.data.task.empty()) {
    const NearestSource nearest = nearest_source(parts.train, parts.held_out, model.tokenizer);
    print(nearest);
    if (arguments.margin) demanded = std::max(demanded, nearest.bleu.score + *arguments.margin);
  }
  print(result);
  if (result.bleu.score >= demanded) return status::done;
  std::cerr << "seq2seq: BLEU is below the floor, " << demanded << '\n';
  return status::below_floor;
}

// The settings that have a part in what a run has done when it goes on. How many epochs there are
// is one for a schedule that falls over all of them.
Settings bound(Settings settings) {
  TrainingSettings& training = settings.training;
  const TrainingSettings free;
  if (training.schedule_options(1).total == 0) training.epochs = free.epochs;
  training.validation_bleu = free.validation_bleu;
  training.keep = free.keep;
  training.save_every = free.save_every;
  return settings;
}

// A run goes on with its own settings, but for what it is told now.
void take_settings_of_run(CLI::App& app, const Settings& settings,
                          const std::filesystem::path& file) {
  read_config(app, file);
  const std::string different = difference(bound(read_settings(file)), bound(settings));
  require(different.empty(), "--resume: the run began otherwise: ", different,
          "; leave that out, or begin anew with --restart");
}

int run(CLI::App& app, const Arguments& arguments) {
  if (!arguments.config.empty()) read_config(app, arguments.config);
  Destination destination(arguments.output, arguments.resume    ? Stopped::resume
                                            : arguments.restart ? Stopped::discard
                                                                : Stopped::refuse);
  if (arguments.resume)
    take_settings_of_run(app, arguments.settings, destination.partial() / settings_file);
  check(app, arguments.settings);

  const Parts parts = prepare(arguments.settings, arguments.pairs, arguments.targets);
  check_demands(arguments, parts);
  Model model = make_model(arguments.settings, parts);
  describe(model, parts);
  const bool done = train_watched(arguments, model, parts, destination);
  if (!done) {
    std::cout << "interrupted; --resume goes on, and what has been learnt so far is the model in "
              << destination.partial().string() << std::endl;
    return status::interrupted;
  }
  std::cout << "saved in " << arguments.output << std::endl;
  return parts.held_out.empty() ? status::done : report(arguments, model, parts);
}

void add_run_options(CLI::App& app, Arguments& arguments) {
  const auto in_points = [](CLI::Option* option) {
    option->check(CLI::Range(0.0, 100.0))->check(not_negative());  // no range refuses NaN
  };
  app.add_option("--output", arguments.output, "folder for the model")
      ->required()
      ->type_name("FOLDER")
      ->configurable(false);
  CLI::Option* const resume =
      app.add_flag("--resume", arguments.resume,
                   "go on with the run that was stopped there, with its settings but for those "
                   "given now; say the files and the log again")
          ->configurable(false);
  app.add_flag("--restart", arguments.restart, "begin anew and delete the run that was stopped")
      ->excludes(resume)
      ->configurable(false);
  app.add_option("--config", arguments.config,
                 "take options from a file, such as a model's settings.toml; those given here win")
      ->type_name("FILE")
      ->configurable(false);
  app.add_option("--log", arguments.log, "write a line of JSON for each step and epoch")
      ->type_name("FILE");
  in_points(
      app.add_option("--floor", arguments.floor, "exit with 3 if the held-out BLEU is lower"));
  in_points(app.add_option("--margin", arguments.margin,
                           "exit with 3 unless it is so much above that of the nearest source"));
  app.add_flag("--detect-anomaly", arguments.detect_anomaly,
               "stop at the first NaN or infinity and say where it came from; slower");
}

}  // namespace

Command add_train(CLI::App& program) {
  CLI::App* const app = program.add_subcommand("train", "train a model and save it in a folder");
  app->footer(examples);
  const auto arguments = std::make_shared<Arguments>();
  add_run_options(*app, *arguments);
  add_options(*app, arguments->settings);
  app->add_option("file", arguments->pairs,
                  "pairs: source, tab, target on each line; or give a --task")
      ->type_name("FILE");
  app->add_option("targets", arguments->targets,
                  "if given, the file has a source on each line, and this one the targets")
      ->type_name("FILE");
  return {app, [app, arguments] { return run(*app, *arguments); }};
}

}  // namespace adjoint::seq2seq
