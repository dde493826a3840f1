#include <iostream>

#include "examples/seq2seq/commands/lines.h"
#include "examples/seq2seq/commands/long_sentences.h"
#include "examples/seq2seq/commands/named_models.h"
#include "examples/seq2seq/settings/counted.h"
#include "nn/translation/encoding.h"

namespace adjoint::seq2seq {
namespace {

// "il:-0.012300 est:-0.456000 <eos>:-0.001000"
std::string each_token(data::Tokens target, const nn::PairScore& score) {
  target.emplace_back(data::Vocabulary::reserved[data::Vocabulary::eos]);
  std::string text;
  for (std::size_t i = 0; i < target.size(); ++i)
    text += (i == 0 ? "" : " ") + target[i] + ':' + fixed(score.tokens[i], 6);
  return text;
}

constexpr auto score_footer = R"(
Each line of the input is a pair: source, tab, target. The output is the natural logarithm of the
probability of the target given its source, and the number of its tokens, including the end. Unknown
words count as <unk>, unless they can be copied from the source. The perplexity of all targets,
exp(-sum of the scores / tokens), follows on standard error.

A line that is not a pair, or has a side that is too long for the model, ends the program. With
--on-error continue it is reported and gets an empty line, and the exit code is 1 in the end;
--too-long skip gives pairs that are too long an empty line silently. No such line counts in the
perplexity.

  seq2seq score my-model pairs.tsv
  seq2seq score my-model pairs.tsv --tokens
  paste english.txt french.txt | seq2seq score my-model --quiet | sort -g)";

struct ScoreCommand : Command {
  std::string folder, columns;
  std::vector<std::string> arguments;
  Index batch = 256;
  OnError on_error = OnError::stop;
  LongSentences long_sentences;
  bool tokens = false, summary = false, quiet = false;

  ScoreCommand()
      : Command(
            {"score", "compute the log-probability of given pairs, line by line", score_footer}) {
    options.add("model", folder, "folder of a trained model").required();
    options.add("file FILE", arguments,
                "more models, to answer together; then a file of pairs, or - [standard input]");
    options.add("--columns", columns, "the columns that are source and target, as in 2,4 [1,2]");
    options.add("--batch", batch, from_1, "largest number of pairs scored together");
    options.add_flag("--tokens", tokens, "print the score of each token in a third column");
    options.add_flag("--summary", summary, "print only the perplexity");
    add_on_error(options, on_error, "print an empty line");
    long_sentences.add_to(options, "print an empty line");
    options.add_flag("--quiet", quiet,
                     "do not report unknown words, cuts and the perplexity on standard error");
  }

  int run() override {
    require(!summary || !tokens, "--tokens has no effect with --summary; leave one of them out");
    const std::optional<data::Columns> chosen = parse_columns(columns);
    const std::vector<std::string> models = take_models(folder, arguments);
    const std::string file = only_file(arguments);
    const Model model = load_for_use(models);
    Lines input(file);
    const auto parse = [&](const std::string& line,
                           const auto& place) -> std::optional<data::Pair> {
      if (long_sentences.skips(line)) return std::nullopt;
      const data::Sides sides = data::cut_at_tabs(line, chosen);
      const auto source = long_sentences.source(model, sides.source, place, quiet),
                 target = long_sentences.target(model, sides.target, place, quiet);
      if (!source || !target) return std::nullopt;
      data::Pair pair = {*source, *target};
      if (!quiet) {
        warn_of_unknown_words(model, pair.source);
        warn_of(words_out_of_reach(model, pair.source, pair.target));
      }
      return pair;
    };
    Likelihood likelihood;
    Index count = 0;
    const auto print = [&](const data::Pair& pair, const nn::PairScore& score) {
      std::cout << fixed(score.log_probability(), 6) << '\t' << score.tokens.size();
      if (tokens) std::cout << '\t' << for_output(each_token(pair.target, score));
    };
    const auto answer = [&](const std::vector<std::optional<data::Pair>>& lines) {
      std::vector<data::Pair> pairs;
      for (const auto& pair : lines)
        if (pair) pairs.push_back(*pair);
      const std::vector<nn::PairScore> scores = score_pairs(model, pairs);
      for (const nn::PairScore& score : scores) likelihood.add(score);
      count += std::ssize(scores);
      if (summary) return;
      std::size_t next = 0;
      for (const auto& pair : lines) {
        if (pair) print(*pair, scores[next++]);
        std::cout << '\n';
      }
    };
    const Index refused = answer_stream(input, batch, on_error, parse, answer);
    require(count > 0, "score: no pairs to score");
    if (summary || !quiet)
      (summary ? std::cout : std::cerr)
          << "perplexity " << fixed(likelihood.perplexity(), 4) << " on " << counted(count, "pair")
          << ", " << counted(likelihood.tokens, "token") << "\n";
    return refused == 0 ? status::done : status::failed;
  }
};

}  // namespace

std::unique_ptr<Command> score_command() { return std::make_unique<ScoreCommand>(); }

}  // namespace adjoint::seq2seq
