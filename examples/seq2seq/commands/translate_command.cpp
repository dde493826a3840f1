#include <iostream>

#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/lines.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto translate_footer = R"(
Without sentences, translate reads lines from standard input and writes one line for each, in order.
It answers the lines that have arrived, up to --batch of them together: a file is translated in
large batches, and a program that waits for each answer gets it.

A line that cannot be translated, because it is too long for the model or not UTF-8, is reported on
standard error with its number and gets an empty answer; after all the others the exit code is 1.
With --on-error stop, nothing after it is translated.

  seq2seq translate my-model "Where is my red hat?"
  seq2seq translate my-model <english.txt >french.txt
  seq2seq translate my-model --beam 8 --n-best 3 "Open your book."
  seq2seq translate my-model --sample --temperature 0.7 --seed 5 "Open your book.")";

struct TranslateCommand : Command {
  std::string folder;
  std::vector<std::string> sentences;
  DecodingSettings decoding;
  Index batch = 256;
  OnError on_error = OnError::go_on;
  bool quiet = false;

  TranslateCommand()
      : Command({"translate", "translate sentences, or standard input", translate_footer}) {
    options.add("model", folder, "folder of a trained model").required();
    options.add("sentences", sentences, "sentences, each quoted [lines of standard input]");
    options.add("--batch", batch, from_1, "largest number of lines translated together");
    options.add_flag("--scores", decoding.scores,
                     "print the score of each answer before it: its log-probability, divided by "
                     "the length penalty of a beam");
    options.add("--n-best", decoding.n_best, from_1,
                "print n answers to each line, best first: number of the line, score, answer");
    options.add("--prefix TEXT", decoding.prefix, "start each answer with this text");
    add_on_error(options, on_error);
    options.add_flag("--quiet", quiet, "do not report unknown words on standard error");
    decoding.add_to(options);
  }

  int run() override {
    decoding.check(options);
    const Model model = load_for_use(folder);
    const Translator translator(model, decoding);
    const auto parse = [&](const std::string& line) {
      data::Tokens source = model.read_source(line);
      if (!quiet) warn_of_unknown_words(model, source);
      return source;
    };
    std::size_t answered = 0;
    const auto answer = [&](const std::vector<data::Tokens>& sources) {
      for (const std::vector<Translation>& answers : translator(sources, answered))
        print(answers, ++answered, model.tokenizers.target);
    };
    return with_memory_advice("lower --batch, --beam or --n-best", [&] {
      Index refused = 0;
      if (sentences.empty()) {
        Lines input;
        refused = answer_stream(input, batch, on_error, parse, answer);
      } else {
        const auto location = [](std::size_t i) { return text_from("sentence ", i + 1); };
        refused = answer_lines(sentences, on_error, location, parse, answer);
      }
      return refused == 0 ? status::done : status::failed;
    });
  }

  // Up to three columns: the number of the source, the score, the text.
  void print(const std::vector<Translation>& answers, std::size_t number,
             const data::Tokenizer& tokenizer) const {
    const auto line = [&](const std::string& score, const std::string& text) {
      if (decoding.n_best) std::cout << number << '\t';
      if (decoding.n_best || decoding.scores) std::cout << score << '\t';
      std::cout << text << '\n';
    };
    if (answers.empty()) line("", "");
    for (const auto& [tokens, score] : answers)
      line(fixed(score, 6), for_output(tokenizer.detokenize(tokens)));
  }
};

}  // namespace

std::unique_ptr<Command> translate_command() { return std::make_unique<TranslateCommand>(); }

}  // namespace adjoint::seq2seq
