#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>

#include "autograd/anomaly.h"
#include "autograd/error.h"
#include "examples/seq2seq/commands.h"
#include "examples/seq2seq/reporting.h"
#include "examples/seq2seq/training.h"
#include "nn/trainer.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  Settings settings;
  std::string output, pairs;
  double floor = 0;
  std::optional<double> margin;
  bool detect_anomaly = false;
};

// In anomaly mode an error says which operation went wrong; otherwise it says how to find out.
Trained train_watched(const Arguments& arguments, const Parts& parts) {
  std::optional<DetectAnomaly> guard;
  if (arguments.detect_anomaly) guard.emplace();
  try {
    return train(arguments.settings, parts);
  } catch (const nn::NotFinite&) {
    if (guard) throw;
    fail(
        "train: the gradient is NaN or infinite; the same command with --detect-anomaly says "
        "which operation made it so");
  }
}

int run(const CLI::App& app, const Arguments& arguments) {
  const Settings& settings = arguments.settings;
  check(app, settings);
  Destination destination(arguments.output);
  const Parts parts = prepare(settings, arguments.pairs);
  const Trained trained = train_watched(arguments, parts);
  destination.save(trained.model, parts.held_out);
  std::cout << "saved in " << arguments.output << std::endl;
  if (trained.interrupted) return status::interrupted;
  if (parts.held_out.empty()) return status::done;

  const std::vector<data::Tokens> translations =
      translate(trained.model, data::sources(parts.held_out));
  show_some(trained.model, parts.held_out, translations);
  const Score result = score(trained.model, parts.held_out, translations);
  double demanded = arguments.floor;
  if (settings.data.task.empty()) {
    const NearestSource nearest =
        nearest_source(parts.train, parts.held_out, settings.data.make_tokenizer());
    print(nearest);
    if (arguments.margin) demanded = std::max(demanded, nearest.bleu.score + *arguments.margin);
  }
  print(result);
  if (result.bleu.score >= demanded) return status::done;
  std::cerr << "seq2seq: BLEU is below the floor, " << demanded << '\n';
  return status::below_floor;
}

}  // namespace

Command add_train(CLI::App& program) {
  CLI::App* const app = program.add_subcommand("train", "train a model and save it in a folder");
  const auto arguments = std::make_shared<Arguments>();
  add_options(*app, arguments->settings);
  app->add_option("file", arguments->pairs,
                  "pairs, or give a --task: source, tab, target on each line")
      ->type_name("FILE");
  app->add_option("--output", arguments->output, "folder for the model")
      ->required()
      ->type_name("FOLDER");
  app->add_option("--floor", arguments->floor, "exit with 3 if the held-out BLEU is lower");
  app->add_option("--margin", arguments->margin,
                  "exit with 3 unless it is so much above that of the nearest source");
  app->add_flag("--detect-anomaly", arguments->detect_anomaly,
                "stop at the first NaN or infinity and say where it came from; slower");
  return {app, [app, arguments] { return run(*app, *arguments); }};
}

}  // namespace adjoint::seq2seq
