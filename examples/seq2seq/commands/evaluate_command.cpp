#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <system_error>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/evaluation.h"
#include "examples/seq2seq/commands/reporting.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string model, pairs, output;
  std::vector<std::string> references;
  DecodingSettings decoding;
  data::BleuOptions bleu;
  bool json = false;
};

std::vector<data::Pair> read_pairs(const Arguments& arguments, const Model& model) {
  const std::string file =
      arguments.pairs.empty() ? held_out_file(arguments.model).string() : arguments.pairs;
  std::error_code missing;  // is said by read_corpus
  require(!arguments.pairs.empty() || std::filesystem::file_size(file, missing) > 0,
          "evaluate: no pairs were held out for this model; give a file");
  const Index max_tokens = model.settings.data.max_tokens;
  return data::read_corpus(file, model.tokenizer, {.max_tokens = max_tokens}).pairs;
}

// As the model would have written them; an empty line stays one, and is no reference.
std::vector<std::string> read_references(const std::string& file, const Model& model,
                                         std::size_t sentences) {
  std::vector<std::string> lines = read_lines(file);
  require(lines.size() == sentences, "--references: ", file, " has ", lines.size(), " lines, for ",
          sentences, " pairs");
  const data::Tokenizer& tokenizer = model.tokenizer;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    try {
      lines[i] = tokenizer.detokenize(tokenizer.tokenize(lines[i]));
    } catch (const Error& error) {
      fail(file, ':', i + 1, ": ", error.what());
    }
  }
  return lines;
}

void write_lines(const std::string& file, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  write_file(file, text);
}

int run(const Arguments& arguments) {
  arguments.decoding.check();
  const Model model = load(arguments.model);
  const std::vector<data::Pair> pairs = read_pairs(arguments, model);
  std::vector<std::vector<std::string>> references;
  for (const std::string& file : arguments.references)
    references.push_back(read_references(file, model, pairs.size()));

  const std::vector<data::Tokens> translations =
      translate(model, data::sources(pairs), arguments.decoding);
  const Evaluation result = evaluate(model, pairs, translations, references, arguments.bleu);
  if (arguments.json) {
    print_json(result);
  } else {
    show_some(model, pairs, translations);
    print(result.metrics);
    print(result.summary);
  }
  // Last: where it fails, the figures are not lost.
  if (!arguments.output.empty())
    write_lines(arguments.output, as_text(translations, model.tokenizer));
  return status::done;
}

constexpr auto footer = R"(
BLEU, chrF and TER are sacreBLEU's; the text beside them is its signature, and says how the figure
was computed. Both sides are as the model's tokenizer puts them together: words, in lower case.
TER, WER and PER are errors: less is better.

  seq2seq evaluate my-model
  seq2seq evaluate my-model pairs.tsv --beam 4 --output translations.txt
  seq2seq evaluate my-model --json | python3 -c 'import json; print(json.load(open(0))["bleu"])')";

}  // namespace

Command add_evaluate(CLI::App& program) {
  CLI::App* const app = program.add_subcommand(
      "evaluate", "measure translations of pairs, by default of those held out from training");
  const auto arguments = std::make_shared<Arguments>();
  app->footer(footer);
  app->add_option("model", arguments->model, "folder of a trained model")->required();
  app->add_option("file", arguments->pairs, "file of pairs")->type_name("FILE");
  app->add_option("--references", arguments->references,
                  "files with further translations of the sources, a line for each; empty: none")
      ->type_name("FILE");
  app->add_option("--output", arguments->output, "write the translations here, a line for each")
      ->type_name("FILE");
  app->add_flag("--json", arguments->json, "print one JSON object instead");
  const std::string bleu = "BLEU";
  app->add_option("--tokenize", arguments->bleu.tokenizer, "how BLEU cuts both sides")
      ->check(CLI::IsMember({"13a", "intl", "char", "none"}))
      ->group(bleu);
  app->add_option("--smooth", arguments->bleu.smoothing, "what counts where no n-gram matches")
      ->check(CLI::IsMember({"exp", "floor", "add-k", "none"}))
      ->group(bleu);
  app->add_option("--smooth-value", arguments->bleu.smoothing_value, "of floor [0.1] and add-k [1]")
      ->check(not_negative())
      ->group(bleu);
  add_options(*app, arguments->decoding);
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
