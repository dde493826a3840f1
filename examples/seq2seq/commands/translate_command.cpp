#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>

#include "autograd/support/error.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/lines.h"
#include "examples/seq2seq/commands/reporting.h"
#include "examples/seq2seq/model/translator.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> sentences;
  DecodingSettings decoding;
  std::size_t batch = 256;
  bool scores = false, quiet = false;
};

class Answering {
 public:
  Answering(const Model& model, const Arguments& arguments)
      : model_(model),
        arguments_(arguments),
        tokenizer_(model.tokenizer),
        translator_(model, arguments.decoding,
                    arguments.scores || arguments.decoding.n_best ? Translator::Scores::yes
                                                                  : Translator::Scores::no) {}

  /// Answers some lines; the Error of one that is refused comes after the answers to those before.
  void operator()(std::span<const std::string> lines, const Place& place) {
    const auto sources = read_each<data::Tokens>(lines, place, [&](const std::string& line) {
      data::Tokens source = read_source(model_, line);
      if (!arguments_.quiet) warn_of_unknown_words(source, model_.source);
      return source;
    });
    for (const std::vector<Translation>& answers : translator_(sources.values, answered_))
      print(answers, ++answered_);
    require_written();
    sources.require_all();
  }

 private:
  // Columns, as far as they are asked for: the source's number, the score, the text.
  void print(std::span<const Translation> answers, std::size_t number) const {
    const auto line = [&](const std::string& score, const std::string& text) {
      if (arguments_.decoding.n_best) std::cout << number << '\t';
      if (arguments_.decoding.n_best || arguments_.scores) std::cout << score << '\t';
      std::cout << text << '\n';
    };
    if (answers.empty()) line("", "");
    for (const Translation& answer : answers)
      line(fixed(answer.score, 6), tokenizer_.detokenize(answer.tokens));
  }

  const Model& model_;
  const Arguments& arguments_;
  data::Tokenizer tokenizer_;
  Translator translator_;
  std::size_t answered_ = 0;
};

int run(const Arguments& arguments) {
  arguments.decoding.check();
  const Model model = load(arguments.model);
  Answering answer(model, arguments);
  if (!arguments.sentences.empty()) {
    answer(arguments.sentences, [](std::size_t i) { return "sentence " + std::to_string(i + 1); });
    return status::done;
  }
  Lines input;
  for (std::vector<std::string> lines; !(lines = input.next(arguments.batch)).empty();)
    answer(lines, [&](std::size_t i) { return input.place(i); });
  return status::done;
}

constexpr auto footer = R"(
Without sentences it reads lines from standard input and writes a line for each, in order. What has
come is answered at once, up to --batch lines together: a file or a fast pipe is translated in large
batches, and whoever types a line, or waits for an answer before he writes the next, gets it.

  seq2seq translate my-model "Where is my red hat?"
  seq2seq translate my-model <english.txt >french.txt
  seq2seq translate my-model --beam 8 --n-best 3 "Open your book."
  seq2seq translate my-model --sample --temperature 0.7 --seed 5 "Open your book.")";

}  // namespace

Command add_translate(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("translate", "translate sentences, or standard input");
  const auto arguments = std::make_shared<Arguments>();
  app->footer(footer);
  app->add_option("model", arguments->model, "folder of a trained model")->required();
  app->add_option("sentences", arguments->sentences, "each quoted; none: read lines");
  app->add_option("--batch", arguments->batch, "lines translated together, at most")
      ->check(counting());
  app->add_flag("--scores", arguments->scores,
                "before each answer its score and a tab: the logarithm of its probability, with a "
                "beam over the length penalty");
  app->add_option("--n-best", arguments->decoding.n_best,
                  "so many answers, of a --beam the best: number of the line, score, answer")
      ->check(counting());
  app->add_option("--prefix", arguments->decoding.prefix, "what each answer has to begin with")
      ->type_name("TEXT");
  app->add_flag("--quiet", arguments->quiet, "do not name unknown words on standard error");
  add_options(*app, arguments->decoding);
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
