#include <CLI/CLI.hpp>
#include <memory>

#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/inspection.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string path;
  bool json = false;
};

int run(const Arguments& arguments) {
  const Inspection inspection = inspect(arguments.path);
  arguments.json ? print_json(inspection) : print(inspection);
  return status::done;
}

constexpr auto footer = R"(
The deviation is that from the mean, the norm the root of the sum of the squares; what is NaN or
infinite is counted at the end of a tensor's line and left out of the rest of it.

  seq2seq inspect my-model
  seq2seq inspect my-model/weights.safetensors
  seq2seq inspect my-model --json | python3 -m json.tool)";

}  // namespace

Command add_inspect(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("inspect", "settings and parameters of a model, or of a file");
  const auto arguments = std::make_shared<Arguments>();
  app->footer(footer);
  app->add_option("model", arguments->path,
                  "folder of a trained model, or any safetensors file: weights, a training's state")
      ->required();
  app->add_flag("--json", arguments->json, "print one JSON object instead");
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
