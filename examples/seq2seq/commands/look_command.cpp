#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "autograd/support/printable.h"
#include "autograd/support/threads.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/look/description.h"

namespace adjoint::seq2seq {
namespace {

using Json = nlohmann::ordered_json;

/// What `train` would see with one tokenizer for both sides.
struct Look {
  std::string tokenizer;
  std::optional<Figures> figures;
  std::string problem;  // why there are none
};

// Nothing ends it: what `train` would refuse is counted instead.
Figures look_at(Settings settings, const InputTexts& texts) {
  settings.data.bad_lines = "skip";
  settings.data.too_long = data::TooLong::skip;
  const Dataset dataset = load_dataset(settings, texts);
  return measure(settings, dataset, make_vocabularies(settings, dataset));
}

Look look_with(Settings settings, const std::string& tokenizer, const InputTexts& texts) {
  settings.data.tokenizer = tokenizer;
  settings.data.source_tokenizer = settings.data.target_tokenizer = "";
  try {
    return {tokenizer, look_at(std::move(settings), texts), ""};
  } catch (const Error& error) {
    return {tokenizer, std::nullopt, error.what()};
  }
}

std::string percentage(double fraction) { return fixed(100 * fraction, 1) + "%"; }

// ---- The tables ---------------------------------------------------------------------------------

void print_side(const std::string& title, const std::vector<Look>& looks,
                SideFigures Figures::*side) {
  std::cout << '\n'
            << std::left << std::setw(12) << title << std::right << std::setw(8) << "median"
            << std::setw(6) << "95%" << std::setw(9) << "longest" << std::setw(11) << "different"
            << std::setw(8) << "once" << std::setw(8) << "known" << std::setw(9) << "unknown"
            << '\n';
  for (const auto& [tokenizer, figures, problem] : looks) {
    std::cout << std::left << std::setw(12) << tokenizer << std::right;
    if (!figures) {
      std::cout << "  " << printable_line(problem, 0) << '\n';
      continue;
    }
    const SideFigures& f = *figures.*side;
    std::cout << std::setw(8) << f.median << std::setw(6) << f.most_have_at_most << std::setw(9)
              << f.longest << std::setw(11) << f.different << std::setw(8) << f.once << std::setw(8)
              << f.known << std::setw(9) << percentage(f.unknown) << '\n';
  }
}

constexpr auto legend = R"(
median, 95%, longest: tokens in a sentence. different, once: tokens of the training pairs, and how
many of them occur once. known: tokens in the vocabulary. unknown: the fraction of the tokens in
validation and held-out pairs that are not in it.
)";

// ---- JSON ---------------------------------------------------------------------------------------

Json json_of(const std::optional<double>& fraction) { return fraction ? Json(*fraction) : Json(); }

Json json_of(const SideFigures& f) {
  return {{"median", f.median},
          {"percentile_95", f.most_have_at_most},
          {"longest", f.longest},
          {"longest_in_characters", f.longest_in_characters},
          {"characters", f.characters},
          {"with_blanks", f.with_blanks},
          {"tokens", f.tokens},
          {"different", f.different},
          {"once", f.once},
          {"once_with_digits", f.once_with_digits},
          {"known", f.known},
          {"unknown", f.unknown},
          {"unknown_in_validation", json_of(f.unknown_in_validation)},
          {"unknown_in_held_out", json_of(f.unknown_in_held_out)}};
}

Json json_of(const Figures& f, const std::vector<Look>& looks, const std::vector<Advice>& advice) {
  Json json = {{"pairs", f.pairs()},
               {"train", f.train},
               {"validation", f.validation},
               {"held_out", f.held_out},
               {"different_sources", f.sources},
               {"repeated", f.repeated},
               {"sources_with_several_targets", f.with_several_targets},
               {"validation_in_train", f.validation_in_train},
               {"held_out_in_train", f.held_out_in_train},
               {"too_long", f.too_long},
               {"left_out", Json::array()},
               {"source", json_of(f.source)},
               {"target", json_of(f.target)},
               {"tokenizers", Json::object()},
               {"advice", Json::array()}};
  for (const data::Corpus::Problem& problem : f.problems)
    json["left_out"].push_back(
        {{"lines", problem.lines}, {"reason", problem.reason}, {"first", problem.first}});
  for (const auto& [tokenizer, figures, problem] : looks)
    json["tokenizers"][tokenizer] = figures ? Json{{"too_long", figures->too_long},
                                                   {"source", json_of(figures->source)},
                                                   {"target", json_of(figures->target)}}
                                            : Json{{"problem", problem}};
  for (const Advice& line : advice)
    json["advice"].push_back({{"rule", line.rule}, {"text", line.text}});
  return json;
}

constexpr auto look_footer = R"(
Counts what `train` would learn from, with the same options, the same splits and the same
vocabularies, and trains nothing. For subwords train must learn the pieces first, so their figures
are not in the tables. Lines that train refuses are counted and named.

  seq2seq look pairs.tsv
  seq2seq look pairs.tsv --tokenizer characters --max-tokens 120
  cut -f 2,4 tatoeba.tsv | seq2seq look - --json)";

struct LookCommand : Command {
  Settings settings;
  InputFiles files;
  bool as_json = false;

  LookCommand() : Command({"look", "look at a file of pairs before training", look_footer}) {
    options.add_flag("--json", as_json, "print a JSON object instead");
    settings.data.add_to(options);
    files.add_to(options);
    options.group("Training");
    options.add("--epochs", settings.training.epochs, from_1, "as for train");
    options.add("--batch", settings.training.batch, from_1, "as for train");
    options.add("--seed", settings.training.seed, any_seed, "as for train; it draws the splits");
  }

  int run() override {
    require(!files.pairs.empty(), "look: give a file of pairs");
    settings.data.check(options);
    const InputTexts texts = read(files);
    const Figures chosen = look_at(settings, texts);
    const std::vector<std::string> tokenizers = {"words", "blanks", "characters"};
    std::vector<Look> looks(tokenizers.size());
    parallel_tasks(std::ssize(looks), [&](Index i) {
      const auto at = static_cast<std::size_t>(i);
      const std::string& tokenizer = tokenizers[at];
      const bool is_chosen =
          chosen.source.tokenizer == tokenizer && chosen.target.tokenizer == tokenizer;
      looks[at] = is_chosen ? Look{tokenizer, chosen, ""} : look_with(settings, tokenizer, texts);
    });
    const std::vector<Advice> advice = advise(settings, chosen);
    if (as_json) {
      std::cout
          << json_of(chosen, looks, advice).dump(-1, ' ', false, Json::error_handler_t::replace)
          << std::endl;
      return status::done;
    }
    std::cout << describe_pairs(chosen) << describe_tokens(chosen)
              << "different characters: " << chosen.source.characters << " in the sources, "
              << chosen.target.characters << " in the targets\n";
    print_side("sources", looks, &Figures::source);
    print_side("targets", looks, &Figures::target);
    std::cout << legend << '\n' << lines_of(advice);
    return status::done;
  }
};

}  // namespace

std::unique_ptr<Command> look_command() { return std::make_unique<LookCommand>(); }

}  // namespace adjoint::seq2seq
