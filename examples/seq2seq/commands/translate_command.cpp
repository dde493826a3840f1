#include <iostream>
#include <memory>

#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/lines.h"
#include "examples/seq2seq/model/translator.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string model;
  std::vector<std::string> sentences;
  DecodingSettings decoding;
  Index batch = 256;
  bool scores = false, quiet = false;
};

// Up to three columns: the number of the source, the score, the text.
void print(std::span<const Translation> answers, std::size_t number, const Arguments& arguments,
           const data::Tokenizer& tokenizer) {
  const bool numbered = arguments.decoding.n_best.has_value();
  const auto line = [&](const std::string& score, const std::string& text) {
    if (numbered) std::cout << number << '\t';
    if (numbered || arguments.scores) std::cout << score << '\t';
    std::cout << text << '\n';
  };
  if (answers.empty()) line("", "");
  for (const Translation& answer : answers)
    line(fixed(answer.score, 6), tokenizer.detokenize(answer.tokens));
}

int run(const Arguments& arguments) {
  arguments.decoding.check();
  const Model model = load(arguments.model);
  const bool scored = arguments.scores || arguments.decoding.n_best;
  const Translator translator(model, arguments.decoding,
                              scored ? Translator::Scores::yes : Translator::Scores::no);
  const auto parse = [&](const std::string& line) {
    data::Tokens source = model.read_source(line);
    if (!arguments.quiet) warn_of_unknown_words(source, model.source);
    return source;
  };
  std::size_t answered = 0;
  const auto answer = [&](const std::vector<data::Tokens>& sources) {
    for (const std::vector<Translation>& answers : translator(sources, answered))
      print(answers, ++answered, arguments, model.tokenizer);
  };
  if (!arguments.sentences.empty()) {
    const auto location = [](std::size_t i) { return "sentence " + std::to_string(i + 1); };
    answer_lines<data::Tokens>(arguments.sentences, location, parse, answer);
  } else {
    Lines input;
    answer_stream<data::Tokens>(input, arguments.batch, parse, answer);
  }
  return status::done;
}

constexpr auto footer = R"(
Without sentences, translate reads lines from standard input and writes one line for each, in order.
It answers the lines that have arrived, up to --batch of them together: a file is translated in
large batches, and a program that waits for each answer gets it.

  seq2seq translate my-model "Where is my red hat?"
  seq2seq translate my-model <english.txt >french.txt
  seq2seq translate my-model --beam 8 --n-best 3 "Open your book."
  seq2seq translate my-model --sample --temperature 0.7 --seed 5 "Open your book.")";

}  // namespace

Command translate_command() {
  Options options("translate", "translate sentences, or standard input", footer);
  const auto arguments = std::make_shared<Arguments>();
  options.add("model", arguments->model, "folder of a trained model").required();
  options.add("sentences", arguments->sentences,
              "sentences, each quoted [lines of standard input]");
  options.add("--batch", arguments->batch, from_1, "largest number of lines translated together");
  options.add_flag("--scores", arguments->scores,
                   "print the score of each answer before it: its log-probability, divided by the "
                   "length penalty of a beam");
  options.add("--n-best", arguments->decoding.n_best, from_1,
              "print n answers to each line, best first: number of the line, score, answer");
  options.add("--prefix", arguments->decoding.prefix, "start each answer with this text")
      .value_name("TEXT");
  options.add_flag("--quiet", arguments->quiet, "do not report unknown words on standard error");
  arguments->decoding.add_to(options);
  return {options, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
