#include <iostream>
#include <memory>

#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/lines.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string model, pairs;
  Index batch = 256;
  bool tokens = false, summary = false, quiet = false;
};

// "il:-0.012300 est:-0.456000 <eos>:-0.001000"
std::string each_token(data::Tokens target, const nn::PairScore& score) {
  target.emplace_back(data::Vocabulary::reserved[data::Vocabulary::eos]);
  std::string text;
  for (std::size_t i = 0; i < target.size(); ++i)
    text += (i == 0 ? "" : " ") + target[i] + ':' + fixed(score.tokens[i], 6);
  return text;
}

int run(const Arguments& arguments) {
  const Model model = load(arguments.model);
  Lines input = arguments.pairs.empty() ? Lines() : Lines(arguments.pairs);
  const auto parse = [&](const std::string& line) {
    const data::Columns columns = data::cut_at_tabs(line);
    data::Pair pair = {model.read_source(columns.source), model.read_target(columns.target)};
    if (!arguments.quiet) {
      warn_of_unknown_words(pair.source, model.source);
      warn_of_unknown_words(pair.target, model.target);
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
      if (arguments.summary) continue;
      std::cout << fixed(scores[i].log_probability(), 6) << '\t' << scores[i].tokens.size();
      if (arguments.tokens) std::cout << '\t' << each_token(pairs[i].target, scores[i]);
      std::cout << '\n';
    }
  };
  answer_stream<data::Pair>(input, arguments.batch, parse, answer);
  require(count > 0, "score: no pairs to score");
  if (arguments.summary || !arguments.quiet)
    (arguments.summary ? std::cout : std::cerr)
        << "perplexity " << fixed(likelihood.perplexity(), 4) << " on " << count << " pairs, "
        << likelihood.tokens << " tokens\n";
  return status::done;
}

constexpr auto footer = R"(
Each line of the input is a pair: source, tab, target. The output is the natural logarithm of the
probability of the target given its source, and the number of its tokens, including the end. Unknown
words count as <unk>. The perplexity of all targets, exp(-sum of the scores / tokens), follows on
standard error.

  seq2seq score my-model pairs.tsv
  seq2seq score my-model pairs.tsv --tokens
  paste english.txt french.txt | seq2seq score my-model --quiet | sort -g)";

}  // namespace

Command score_command() {
  Options options("score", "compute the log-probability of given pairs, line by line", footer);
  const auto arguments = std::make_shared<Arguments>();
  options.add("model", arguments->model, "folder of a trained model").required();
  options.add("file", arguments->pairs, "file of pairs [standard input]").value_name("FILE");
  options.add("--batch", arguments->batch, from_1, "largest number of pairs scored together");
  options.add_flag("--tokens", arguments->tokens,
                   "print the score of each token in a third column");
  options.add_flag("--summary", arguments->summary, "print only the perplexity");
  options.add_flag("--quiet", arguments->quiet,
                   "do not report unknown words and the perplexity on standard error");
  return {options, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
