#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>

#include "autograd/support/error.h"
#include "data/metrics/accuracy.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/lines.h"
#include "examples/seq2seq/commands/reporting.h"
#include "examples/seq2seq/model/pair_scores.h"
#include "examples/seq2seq/settings/validators.h"

namespace adjoint::seq2seq {
namespace {

struct Arguments {
  std::string model, pairs;
  std::size_t batch = 256;
  bool tokens = false, summary = false, quiet = false;
};

data::Pair read_pair(const Model& model, std::string_view line) {
  const data::Columns columns = data::cut_at_tabs(line);
  return {read_source(model, columns.source), read_target(model, columns.target)};
}

// "il:-0.012300 est:-0.456000 <eos>:-0.001000"
std::string each_token(data::Tokens target, const nn::PairScore& score) {
  target.emplace_back(data::Vocabulary::reserved[data::Vocabulary::eos]);
  std::string text;
  for (std::size_t i = 0; i < target.size(); ++i)
    text += (i == 0 ? "" : " ") + target[i] + ':' + fixed(score.tokens[i], 6);
  return text;
}

class Scoring {
 public:
  Scoring(const Model& model, const Arguments& arguments) : model_(model), arguments_(arguments) {}

  /// Scores some lines; the Error of one that is refused comes after the scores of those before.
  void operator()(std::span<const std::string> lines, const Place& place) {
    const auto pairs = read_each<data::Pair>(lines, place, [&](const std::string& line) {
      data::Pair pair = read_pair(model_, line);
      if (!arguments_.quiet) {
        warn_of_unknown_words(pair.source, model_.source);
        warn_of_unknown_words(pair.target, model_.target);
      }
      return pair;
    });
    const std::vector<nn::PairScore> scores = score_pairs(model_, pairs.values);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      log_probability_ += scores[i].log_probability();
      tokens_ += std::ssize(scores[i].tokens);
      ++pairs_;
      if (!arguments_.summary) print(pairs.values[i].target, scores[i]);
    }
    require_written();
    pairs.require_all();
  }

  /// After the last: of all together.
  void summarise(std::ostream& stream) const {
    stream << "perplexity " << fixed(data::perplexity(-log_probability_, tokens_), 4) << " on "
           << pairs_ << " pairs, " << tokens_ << " tokens\n";
  }
  bool empty() const { return pairs_ == 0; }

 private:
  void print(const data::Tokens& target, const nn::PairScore& score) const {
    std::cout << fixed(score.log_probability(), 6) << '\t' << score.tokens.size();
    if (arguments_.tokens) std::cout << '\t' << each_token(target, score);
    std::cout << '\n';
  }

  const Model& model_;
  const Arguments& arguments_;
  double log_probability_ = 0;
  Index tokens_ = 0, pairs_ = 0;
};

int run(const Arguments& arguments) {
  const Model model = load(arguments.model);
  std::optional<Lines> input;
  arguments.pairs.empty() ? input.emplace() : input.emplace(arguments.pairs);
  Scoring score(model, arguments);
  for (std::vector<std::string> lines; !(lines = input->next(arguments.batch)).empty();)
    score(lines, [&](std::size_t i) { return input->place(i); });
  require(!score.empty(), "score: there are no pairs");
  if (arguments.summary)
    score.summarise(std::cout);
  else if (!arguments.quiet)
    score.summarise(std::cerr);
  return status::done;
}

constexpr auto footer = R"(
A pair is a line of source, tab, target. Its score is the natural logarithm of the probability that
the model answers the source with just this target; the number of tokens counts the end, which has
to be said too. A word that the model does not know counts as <unk>. At the end the perplexity of
all targets, exp(-sum of the scores / tokens), is written to standard error.

  seq2seq score my-model pairs.tsv
  seq2seq score my-model pairs.tsv --tokens
  paste english.txt french.txt | seq2seq score my-model --quiet | sort -g)";

}  // namespace

Command add_score(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("score", "how likely a model finds given pairs, line by line");
  const auto arguments = std::make_shared<Arguments>();
  app->footer(footer);
  app->add_option("model", arguments->model, "folder of a trained model")->required();
  app->add_option("file", arguments->pairs, "file of pairs; none: read lines from standard input")
      ->type_name("FILE");
  app->add_option("--batch", arguments->batch, "pairs scored together, at most")->check(counting());
  app->add_flag("--tokens", arguments->tokens, "and the score of each token, in a third column");
  app->add_flag("--summary", arguments->summary, "print the perplexity of all and nothing else");
  app->add_flag("--quiet", arguments->quiet,
                "neither unknown words nor the perplexity on standard error");
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace adjoint::seq2seq
