#include <iostream>

#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/run/destination.h"
#include "examples/seq2seq/settings/counted.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/averaging.h"

namespace adjoint::seq2seq {
namespace {

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
  compare(a.tokenizers == b.tokenizers, "the subword models differ");
  compare(a.source == b.source, "the source vocabularies differ");
  compare(a.target == b.target, "the target vocabularies differ");
  return text;
}

constexpr auto average_footer = R"(
The mean of a few checkpoints is often better than each of them (Vaswani et al. 2017, section 6.1).
They must come from one run, or from runs that started alike and ended at different epochs: their
options must agree, except for those of training, and so must their vocabularies and their seed.
Settings, vocabularies and held-out pairs are the last model's. A mean cannot be resumed.

  seq2seq average --output mean epoch-28 epoch-29 epoch-30

A model is named by its folder, or by one of the files of weights in it. After train --keep-epochs 5:

  seq2seq average --output mean my-model/epoch-*.safetensors)";

struct AverageCommand : Command {
  std::string output;
  std::vector<std::string> models;
  bool restart = false;

  AverageCommand() : Command({"average", "average the weights of several models", average_footer}) {
    options.add("models", models, "folders of trained models, or files of weights in them")
        .required();
    options.add("--output FOLDER", output, "folder for the mean").required();
    options.add_flag("--restart", restart, "replace the model that is there");
  }

  int run() override {
    for (const std::string& name : models)
      require(!replaces(output, folder_of(name)), "average: '", name,
              "' is in a folder that the mean would replace; choose another --output");
    Destination destination(output, restart ? IfStopped::discard : IfStopped::refuse);
    const std::string& last = models.back();
    const Model model = load(last);
    std::vector<std::filesystem::path> files;
    for (const std::string& name : models) {
      const std::string different = difference(model, load(name));
      require(different.empty(), "average: ", name, " does not match ", last, ": ", different);
      files.push_back(weights_of(name));
    }
    const std::filesystem::path& folder = destination.begin();
    save_description(model, load_held_out(last, model), folder);
    nn::SafeTensors mean = nn::average_checkpoints(files);
    mean.metadata = weights_metadata(model.settings, folder);
    nn::write_safetensors(folder / weights_file, nn::with_checksum(std::move(mean)));
    destination.complete();
    std::cout << "the mean of " << counted(files.size(), "model") << ", saved in " << output
              << std::endl;
    return status::done;
  }
};

}  // namespace

std::unique_ptr<Command> average_command() { return std::make_unique<AverageCommand>(); }

}  // namespace adjoint::seq2seq
