#include <iostream>

#include "examples/seq2seq/commands/lines.h"
#include "examples/seq2seq/commands/named_models.h"
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
words count as <unk>, unless they can be copied from the source. The perplexity of all targets, exp(-sum of the scores / tokens), follows on
standard error.

  seq2seq score my-model pairs.tsv
  seq2seq score my-model pairs.tsv --tokens
  paste english.txt french.txt | seq2seq score my-model --quiet | sort -g)";

struct ScoreCommand : Command {
  std::string folder, columns;
  std::vector<std::string> arguments;
  Index batch = 256;
  bool tokens = false, summary = false, quiet = false;

  ScoreCommand()
      : Command(
            {"score", "compute the log-probability of given pairs, line by line", score_footer}) {
    options.add("model", folder, "folder of a trained model").required();
    options.add("file FILE", arguments,
                "more models, to answer together; then a file of pairs [standard input]");
    options.add("--columns", columns, "the columns that are source and target, as in 2,4 [1,2]");
    options.add("--batch", batch, from_1, "largest number of pairs scored together");
    options.add_flag("--tokens", tokens, "print the score of each token in a third column");
    options.add_flag("--summary", summary, "print only the perplexity");
    options.add_flag("--quiet", quiet,
                     "do not report unknown words and the perplexity on standard error");
  }

  int run() override {
    require(!summary || !tokens, "--tokens has no effect with --summary; leave one of them out");
    const std::optional<data::Columns> chosen = parse_columns(columns);
    const std::vector<std::string> models = take_models(folder, arguments);
    const std::string file = only_file(arguments);
    const Model model = load_for_use(models);
    Lines input(file);
    const auto parse = [&](const std::string& line) {
      const data::Sides sides = data::cut_at_tabs(line, chosen);
      data::Pair pair = {model.read_source(sides.source), model.read_target(sides.target)};
      if (!quiet) {
        warn_of_unknown_words(model, pair.source);
        warn_of(words_out_of_reach(model, pair.source, pair.target));
      }
      return pair;
    };
    Likelihood likelihood;
    Index count = 0;
    const auto answer = [&](const std::vector<data::Pair>& pairs) {
      const std::vector<nn::PairScore> scores = score_pairs(model, pairs);
      for (std::size_t i = 0; i < scores.size(); ++i) {
        likelihood.add(scores[i]);
        ++count;
        if (summary) continue;
        std::cout << fixed(scores[i].log_probability(), 6) << '\t' << scores[i].tokens.size();
        if (tokens) std::cout << '\t' << for_output(each_token(pairs[i].target, scores[i]));
        std::cout << '\n';
      }
    };
    answer_stream(input, batch, OnError::stop, parse, answer);
    require(count > 0, "score: no pairs to score");
    if (summary || !quiet)
      (summary ? std::cout : std::cerr)
          << "perplexity " << fixed(likelihood.perplexity(), 4) << " on " << count << " pairs, "
          << likelihood.tokens << " tokens\n";
    return status::done;
  }
};

}  // namespace

std::unique_ptr<Command> score_command() { return std::make_unique<ScoreCommand>(); }

}  // namespace adjoint::seq2seq
