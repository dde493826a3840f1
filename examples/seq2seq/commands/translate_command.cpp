#include <iostream>

#include "examples/seq2seq/commands/attention_output.h"
#include "examples/seq2seq/commands/lines.h"
#include "examples/seq2seq/commands/long_sentences.h"
#include "examples/seq2seq/commands/named_models.h"
#include "examples/seq2seq/run/written_file.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto translate_footer = R"(
Without sentences, translate reads lines from standard input and writes one line for each, in order.
It answers the lines that have arrived, up to --batch of them together: a file is translated in
large batches, and a program that waits for each answer gets it.

A line that cannot be translated, because it is too long for the model or not UTF-8, is reported on
standard error with its number and gets an empty answer; after all the others the exit code is 1.
With --on-error stop, nothing after it is translated. --too-long skip gives sentences that are too
long an empty answer silently, and --too-long cut translates their first tokens.

Several models answer together, as an ensemble: each token has the mean of the probabilities that
they give it. They must have equal vocabularies. Arguments that are folders of models, or files of
weights in them, are models until the first that is not; give a sentence that reads like one on
standard input.

Attention is that of --alignment-head to the source; by default of the head that has learned
alignments in training, else of the decoder's last block, the mean of its heads. For several models
it is the mean of theirs. --alignments writes a line for each answer, as in "0-0 1-2 2-1": the token
of the source that each token of the answer attends to most, both counted from 0 as the model's
tokenizers cut them. --attention json prints an object for each answer in place of it.

  seq2seq translate my-model "Where is my red hat?"
  seq2seq translate my-model <english.txt >french.txt
  seq2seq translate my-model --beam 8 --n-best 3 "Open your book."
  seq2seq translate my-model --sample --temperature 0.7 --seed 5 "Open your book."
  seq2seq translate my-model --attention table "Where is my red hat?"
  seq2seq translate my-model --alignments alignments.txt <english.txt >french.txt
  seq2seq translate my-model another-model third-model "Where is my red hat?")";

struct TranslateCommand : Command {
  std::string folder;
  std::vector<std::string> sentences;
  DecodingSettings decoding;
  Index batch = 256;
  OnError on_error = OnError::go_on;
  LongSentences long_sentences;
  bool quiet = false;

  TranslateCommand()
      : Command({"translate", "translate sentences, or standard input", translate_footer}) {
    options.add("model", folder, "folder of a trained model").required();
    options.add("sentences", sentences,
                "more models, to answer together; then sentences, each quoted [lines of standard "
                "input]");
    options.add("--batch", batch, from_1, "largest number of lines translated together");
    options.add_flag("--scores", decoding.scores,
                     "print the score of each answer before it: its log-probability, divided by "
                     "the length penalty of a beam");
    options.add("--n-best", decoding.n_best, from_1,
                "print n answers to each line, best first: number of the line, score, answer");
    options.add("--prefix TEXT", decoding.prefix, "start each answer with this text");
    add_on_error(options, on_error, "give it an empty answer");
    long_sentences.add_to(options, "give it an empty answer");
    options.add("--alignments FILE", decoding.alignments,
                "write the alignment of each answer to this file, as in 0-0 1-2 2-1");
    options.add("--attention", decoding.attention, {"table", "json"},
                "print how much each token of an answer attends to each of its source");
    options.add_flag(
        "--quiet", quiet,
        "do not report unknown words and cuts on standard error, nor a word or file as a sentence");
    decoding.add_to(options);
  }

  int run() override {
    decoding.check(options);
    const std::vector<std::string> models = take_models(folder, sentences);
    require_sentences(sentences, quiet);
    std::vector<std::string> inputs;
    if (sentences.empty()) inputs = {"-"};
    require_writable("--alignments", decoding.alignments, Written::in_lines, inputs);
    const Model model = load_for_use(models);
    const Translator translator(model, decoding);
    std::optional<LineWriter> alignments;
    if (!decoding.alignments.empty()) alignments.emplace(decoding.alignments);
    const auto parse = [&](const std::string& line, const auto& place) {
      if (long_sentences.skips(line)) return data::Tokens();
      data::Tokens source =
          long_sentences.source(model, line, place, quiet).value_or(data::Tokens());
      if (!quiet) warn_of_unknown_words(model, source);
      return source;
    };
    std::size_t answered = 0;
    const auto answer = [&](const std::vector<data::Tokens>& sources) {
      std::vector<std::vector<Translation>> answers = translator(sources, answered);
      for (std::size_t i = 0; i < sources.size(); ++i) {
        ++answered;
        if (answers[i].empty()) answers[i].emplace_back();  // an empty line is answered by one
        for (const Translation& each : answers[i]) {
          print(each, sources[i], answered, translator, model.tokenizers.target);
          if (alignments) alignments->write(pharaoh(each, sources[i]));
        }
      }
      if (alignments) alignments->flush();
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

  // Up to three columns: the number of the source, the score, the text. Then a table, if one is
  // wanted. As JSON, all of it is one object.
  void print(const Translation& answer, const data::Tokens& source, std::size_t number,
             const Translator& translator, const data::Tokenizer& tokenizer) const {
    const std::string text = tokenizer.detokenize(answer.tokens);
    if (decoding.attention == "json") {
      std::cout << for_output(attention_json(answer, source, text, number, translator.heads()))
                << '\n';
      return;
    }
    if (decoding.n_best) std::cout << number << '\t';
    if (decoding.n_best || decoding.scores)
      std::cout << (source.empty() ? "" : fixed(answer.score, 6)) << '\t';
    std::cout << for_output(text) << '\n';
    if (decoding.attention == "table" && !source.empty())
      std::cout << attention_table(answer, source);
  }
};

}  // namespace

std::unique_ptr<Command> translate_command() { return std::make_unique<TranslateCommand>(); }

}  // namespace adjoint::seq2seq
