#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "autograd/error.h"
#include "examples/seq2seq/commands.h"
#include "examples/seq2seq/translation.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> sentences;
};

// One line in, one line out, as they come.
void translate_line(const Model& model, const std::string& line) {
  const data::Tokenizer& tokenizer = model.tokenizer;
  const data::Tokens source = tokenizer.tokenize(line);
  for (const std::string& word : unknown_words(model, source))
    std::cerr << "seq2seq: the model does not know '" << word << "'\n";
  const data::Tokens target = source.empty() ? data::Tokens() : translate(model, {source}).front();
  std::cout << tokenizer.detokenize(target) << std::endl;
}

int run(const Arguments& arguments) {
  const Model model = load(arguments.model);
  Index number = 0;
  const auto translate_next = [&](const char* what, const std::string& line) {
    ++number;
    try {
      translate_line(model, line);
    } catch (const Error& error) {
      fail(what, ' ', number, ": ", error.what());
    }
  };
  for (const std::string& sentence : arguments.sentences) translate_next("sentence", sentence);
  if (!arguments.sentences.empty()) return status::done;
  for (std::string line; std::getline(std::cin, line);)
    translate_next("standard input, line", line);
  return status::done;
}

}  // namespace

Command add_translate(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("translate", "translate sentences, or standard input");
  const auto arguments = std::make_shared<Arguments>();
  app->add_option("model", arguments->model, "folder of a trained model")->required();
  app->add_option("sentences", arguments->sentences, "each quoted; none: read lines");
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
