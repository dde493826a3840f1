#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "autograd/error.h"
#include "examples/seq2seq/commands.h"
#include "examples/seq2seq/reporting.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string model, pairs;
};

int run(const Arguments& arguments) {
  const Model model = load(arguments.model);
  const std::string file =
      arguments.pairs.empty() ? held_out_file(arguments.model).string() : arguments.pairs;
  require(!arguments.pairs.empty() || std::filesystem::file_size(file) > 0,
          "evaluate: no pairs were held out for this model; give a file");
  const DataSettings& settings = model.settings.data;
  const std::vector<data::Pair> pairs =
      data::read_corpus(file, model.tokenizer, {.max_tokens = settings.max_tokens}).pairs;
  const std::vector<data::Tokens> translations = translate(model, data::sources(pairs));
  show_some(model, pairs, translations);
  print(score(model, pairs, translations));
  return status::done;
}

}  // namespace

Command add_evaluate(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("evaluate", "BLEU on pairs, by default those held out from training");
  const auto arguments = std::make_shared<Arguments>();
  app->add_option("model", arguments->model, "folder of a trained model")->required();
  app->add_option("file", arguments->pairs, "file of pairs")->type_name("FILE");
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
