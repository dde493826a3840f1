#include <iostream>
#include <memory>

#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/run/destination.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/averaging.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string output;
  std::vector<std::string> models;
};

// The settings that must agree. Checkpoints of one run differ in how long they were trained, but
// weights that started from different seeds cannot be averaged.
Settings comparable(Settings settings) {
  const std::uint64_t seed = settings.training.seed;
  settings.training = {};
  settings.training.seed = seed;
  return settings;
}

// What makes b incompatible with a; empty if nothing does.
std::string difference(const Model& a, const Model& b) {
  std::string text = difference(comparable(a.settings), comparable(b.settings));
  const auto compare = [&](bool equal, const char* what) {
    if (!equal) text += (text.empty() ? "" : "; ") + std::string(what);
  };
  compare(a.tokenizer.subwords == b.tokenizer.subwords, "the subword models differ");
  compare(a.source == b.source, "the source vocabularies differ");
  compare(a.target == b.target, "the target vocabularies differ");
  return text;
}

int run(const Arguments& arguments) {
  Destination destination(arguments.output);
  const std::string& last = arguments.models.back();
  const Model model = load(last);
  std::vector<std::filesystem::path> files;
  for (const std::string& name : arguments.models) {
    const std::string different = difference(model, load(name));
    require(different.empty(), "average: ", name, " does not match ", last, ": ", different);
    files.push_back(std::filesystem::path(name) / weights_file);
  }
  const std::filesystem::path& folder = destination.begin();
  save_description(model, load_held_out(last, model), folder);
  nn::write_safetensors(folder / weights_file, nn::with_checksum(nn::average_checkpoints(files)));
  destination.complete();
  std::cout << "the mean of " << files.size() << " models, saved in " << arguments.output
            << std::endl;
  return status::done;
}

constexpr auto footer = R"(
The mean of a few checkpoints is often better than each of them (Vaswani et al. 2017, section 6.1).
They must come from one run, or from runs that started alike and ended at different epochs: their
options must agree, except for those of training, and so must their vocabularies and their seed.
Settings, vocabularies and held-out pairs are the last model's. A mean cannot be resumed.

  seq2seq average --output mean epoch-28 epoch-29 epoch-30)";

}  // namespace

Command average_command() {
  Options options("average", "average the weights of several models", footer);
  const auto arguments = std::make_shared<Arguments>();
  options.add("models", arguments->models, "folders of trained models").required();
  options.add("--output", arguments->output, "folder for the mean").required().value_name("FOLDER");
  return {options, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
