#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "autograd/support/error.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/model/translator.h"
#include "examples/seq2seq/run/destination.h"
#include "nn/training/averaging.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string output;
  std::vector<std::string> models;
};

// The settings that make weights comparable. How long and how fast a model was trained may differ,
// as it does between checkpoints; where the weights began may not.
Settings comparable(Settings settings) {
  const std::uint64_t seed = settings.training.seed;
  settings.training = {};
  settings.training.seed = seed;
  return settings;
}

// In what b differs from a; empty when in nothing that matters.
std::string difference(const Model& a, const Model& b) {
  std::string text = difference(comparable(a.settings), comparable(b.settings));
  const auto differ = [&](const char* what) {
    text += (text.empty() ? "" : "; ") + std::string(what);
  };
  if (a.tokenizer.subwords != b.tokenizer.subwords) differ("the pieces of words are others");
  if (a.source != b.source) differ("the words of the source are others");
  if (a.target != b.target) differ("the words of the target are others");
  return text;
}

std::vector<data::Pair> held_out_pairs(const std::string& folder, const Model& model) {
  const std::filesystem::path file = held_out_file(folder);
  if (std::filesystem::file_size(file) == 0) return {};
  return data::read_corpus(file, model.tokenizer).pairs;
}

void assign(const Model& model, const nn::SafeTensors& weights) {
  for (auto& [name, parameter] : nn::named_parameters(*model.network))
    dispatch(parameter.dtype(), [&]<class T>() {
      std::ranges::copy(weights.tensors.at(name).values<T>(), parameter.edit<T>().begin());
    });
}

int run(const Arguments& arguments) {
  Destination destination(arguments.output);
  const std::string& last = arguments.models.back();
  const Model model = load(last);
  std::vector<std::filesystem::path> files;
  for (const std::string& folder : arguments.models) {
    const std::string different = difference(model, load(folder));
    require(different.empty(), "average: ", folder, " is not like ", last, ": ", different);
    files.push_back(std::filesystem::path(folder) / weights_file);
  }
  assign(model, nn::average_checkpoints(files));
  const std::filesystem::path& folder = destination.begin();
  save_description(model, held_out_pairs(last, model), folder);
  nn::save_parameters(*model.network, folder / weights_file);
  destination.complete();
  std::cout << "the mean of " << files.size() << " models, saved in " << arguments.output
            << std::endl;
  return status::done;
}

constexpr auto footer = R"(
For models from one run, or from several that began alike and ended at different epochs: the mean of
their weights is often better than each of them (Vaswani et al. 2017, section 6.1). Their options
have to be the same, but for those that say how it is trained; so do their words and their seed.
Words, settings and held-out pairs are those of the last; --resume does not go on from a mean.

  seq2seq average --output mean epoch-28 epoch-29 epoch-30)";

}  // namespace

Command add_average(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("average", "a model whose weights are the mean of several models'");
  const auto arguments = std::make_shared<Arguments>();
  app->footer(footer);
  app->add_option("models", arguments->models, "folders of trained models")->required();
  app->add_option("--output", arguments->output, "folder for the mean")
      ->required()
      ->type_name("FOLDER");
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
