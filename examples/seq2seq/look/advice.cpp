#include "examples/seq2seq/look/advice.h"

#include <algorithm>
#include <cmath>
#include <iomanip>

#include "autograd/support/printable.h"

namespace adjoint::seq2seq {
namespace {

// ---- The thresholds -----------------------------------------------------------------------------
// Those that were measured say how; the others are rules of thumb.

/// If a fraction u of the tokens is <unk>, at most (1 − u)ⁿ of the n-grams can be right, and their
/// geometric mean up to n = 4 caps BLEU at 100 (1 − u)^2.5: 88 for this fraction, and 41 for the
/// next.
constexpr double many_unknown = 0.05, most_unknown = 0.30;
/// The share of sides with a blank below which `words` cuts nothing. A rule of thumb: languages
/// without blanks have them around foreign words only.
constexpr double few_blanks = 0.1;
/// With the corpus in data/ and the defaults, 780 steps give BLEU 70. After 150, on 600 pairs, the
/// training pairs are not yet learned (README.md gives the losses).
constexpr Index few_steps = 500;
constexpr Index small_batch = 16;
/// Rules of thumb:
constexpr Index few_validation_pairs = 30;
constexpr double many_repeated = 0.05, many_with_several_targets = 0.05, many_too_long = 0.01;
constexpr Index large_vocabulary = 20000;
constexpr std::size_t rising_epochs = 5;
constexpr double still_falling = 0.01;  // in the last epoch: of the loss, and in nats

// ---- Words --------------------------------------------------------------------------------------

std::string percent(double fraction) {
  return text_from(std::fixed, std::setprecision(fraction < 0.1 ? 1 : 0), 100 * fraction, "%");
}

std::string number(double value) { return text_from(std::fixed, std::setprecision(2), value); }

double share(Index part, Index all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

/// What the conditions and sentences of a rule see.
struct Case {
  const Settings& settings;
  const Figures& figures;
  const Outcome& outcome;

  bool cuts_at_blanks(const SideFigures& side) const {
    return side.tokenizer == "words" || side.tokenizer == "blanks";
  }
  bool lacks_blanks(const SideFigures& side) const {
    return cuts_at_blanks(side) && side.with_blanks < few_blanks && side.unknown > many_unknown;
  }
  bool has_rare_words(const SideFigures& side) const {
    return cuts_at_blanks(side) && side.unknown > many_unknown && !lacks_blanks(side);
  }
  /// The name of a side's option for its tokenizer.
  std::string option(bool source, bool target) const {
    return source && target ? "--tokenizer" : source ? "--source-tokenizer" : "--target-tokenizer";
  }
  /// "--tokenizer subwords", if the library is there; else characters.
  std::string smaller_tokens(const std::string& option, const SideFigures& side) const {
    if (data::Subwords::available()) return option + " subwords";
    return option + " characters" + room_for(side);
  }
  /// " --max-tokens 120", if the characters of a side need it.
  std::string room_for(const SideFigures& side) const {
    if (side.longest_in_characters <= settings.data.max_tokens) return "";
    return " --max-tokens " + std::to_string(side.longest_in_characters);
  }
  /// Which sides something holds for, and the one to name: of both, that with more unknown words.
  struct Sides {
    bool source, target;
    const SideFigures& side;
  };
  Sides sides(bool (Case::*holds)(const SideFigures&) const) const {
    const bool source = (this->*holds)(figures.source), target = (this->*holds)(figures.target);
    const bool names_source =
        source && (!target || figures.source.unknown > figures.target.unknown);
    return {source, target, names_source ? figures.source : figures.target};
  }
  std::string name(const SideFigures& side) const {
    return &side == &figures.source ? "source" : "target";
  }

  Index steps_in_epoch() const {
    const Index batch = settings.training.batch;
    return (figures.train + batch - 1) / batch;
  }
  Index steps() const { return settings.training.epochs * steps_in_epoch(); }
};

/// A condition, and the sentence with its remedy.
struct Rule {
  const char* name;
  bool (*applies)(const Case&);
  std::string (*text)(const Case&);
};

// ---- Before a training --------------------------------------------------------------------------

const Rule data_rules[] = {
    {"bad-lines",
     [](const Case& c) {
       return !c.figures.problems.empty() && !c.settings.data.skips_bad_lines();
     },
     [](const Case& c) {
       return printable_line(c.figures.problems.front().first, 0) +
              ": correct such lines, or leave them out with --bad-lines skip";
     }},
    {"too-long",
     [](const Case& c) {
       const Index all = c.figures.pairs() + c.figures.too_long;
       return c.figures.too_long > 0 && (c.settings.data.too_long == data::TooLong::error ||
                                         share(c.figures.too_long, all) > many_too_long);
     },
     [](const Case& c) {
       return text_from(c.figures.too_long, c.figures.too_long == 1 ? " pair has" : " pairs have",
                        " a side of more than ", c.settings.data.max_tokens,
                        " tokens: --max-tokens ", c.figures.longest_left_out, " keeps all",
                        c.settings.data.too_long == data::TooLong::error
                            ? ", --too-long skip leaves them out"
                            : "");
     }},
    {"no-blanks",
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::lacks_blanks);
       return source || target;
     },
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::lacks_blanks);
       return text_from(percent(side.with_blanks), " of the ",
                        source && target ? "sentences" : c.name(side) + "s",
                        " have a blank, so most are one long word: ", c.option(source, target),
                        " characters", c.room_for(side), ", or subwords");
     }},
    {"rare-words",
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::has_rare_words);
       return source || target;
     },
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::has_rare_words);
       const bool drops = c.settings.data.limits(side.tokenizer).min_frequency > 1;
       return text_from(percent(share(side.once, side.different)), " of the ", c.name(side),
                        " words occur once, and ", percent(side.unknown), " of the words in new ",
                        c.name(side), "s are unknown: ", drops ? "--min-frequency 1, or " : "",
                        c.smaller_tokens(c.option(source, target), side));
     }},
    {"few-steps",
     [](const Case& c) {
       return c.settings.training.batch_tokens == 0 && c.settings.training.batch > small_batch &&
              c.steps() < few_steps;
     },
     [](const Case& c) {
       return text_from(c.figures.train, " training pairs in batches of ",
                        c.settings.training.batch, " are ", c.steps_in_epoch(), " steps, ",
                        c.steps(), " in all epochs: --batch ", small_batch, ", or more --epochs");
     }},
    {"few-validation-pairs",
     [](const Case& c) {
       return c.figures.validation > 0 && c.figures.validation < few_validation_pairs &&
              c.settings.data.validation < 0.1 && c.settings.data.task.empty();
     },
     [](const Case& c) {
       return text_from(c.figures.validation,
                        " validation pairs hardly tell which epoch is the best: --validation 0.1");
     }},
    {"repeated-pairs",
     [](const Case& c) { return share(c.figures.repeated, c.figures.pairs()) > many_repeated; },
     [](const Case& c) {
       return percent(share(c.figures.repeated, c.figures.pairs())) +
              " of the pairs repeat another and count more in the loss: if that is not meant, keep "
              "one of each (sort -u)";
     }},
    {"several-targets",
     [](const Case& c) {
       return share(c.figures.with_several_targets, c.figures.sources) > many_with_several_targets;
     },
     [](const Case& c) {
       return percent(share(c.figures.with_several_targets, c.figures.sources)) +
              " of the sources have several targets: `evaluate --group-references` accepts each of "
              "them";
     }},
    {"shared-sources",
     [](const Case& c) { return c.figures.validation_in_train + c.figures.held_out_in_train > 0; },
     [](const Case& c) {
       return text_from(c.figures.validation_in_train, " validation and ",
                        c.figures.held_out_in_train,
                        " held-out pairs have a source of the training pairs, where the score "
                        "measures memory: take them out of one file");
     }},
    {"large-vocabulary", [](const Case& c) { return c.figures.target.known > large_vocabulary; },
     [](const Case& c) {
       return text_from(c.figures.target.known,
                        " target words make every step slow: --max-vocabulary 10000, or "
                        "--target-tokenizer subwords");
     }},
};

// ---- After it -----------------------------------------------------------------------------------

// The validation losses of the last epochs, if there were as many and all were measured.
std::vector<double> last_validation_losses(const Outcome& outcome, std::size_t count) {
  std::vector<double> losses;
  const std::size_t all = outcome.epochs.size();
  for (std::size_t i = all - std::min(all, count); i < all; ++i)
    if (outcome.epochs[i].validation_loss) losses.push_back(*outcome.epochs[i].validation_loss);
  if (losses.size() < count) losses.clear();
  return losses;
}

bool every_validation_bleu_is_0(const Outcome& outcome) {
  const auto is_0 = [](const EpochResult& epoch) { return epoch.bleu && *epoch.bleu == 0; };
  return !outcome.epochs.empty() && std::ranges::all_of(outcome.epochs, is_0);
}

const Rule run_rules[] = {
    {"unknown-words", [](const Case& c) { return c.figures.target.unknown > most_unknown; },
     [](const Case& c) {
       const bool drops = c.settings.data.limits(c.figures.target.tokenizer).min_frequency > 1;
       return percent(c.figures.target.unknown) +
              " of the words in new targets are unknown, so no answer can be right there: " +
              (drops ? "--min-frequency 1, or " : "") +
              c.smaller_tokens("--target-tokenizer", c.figures.target);
     }},
    {"above-guessing",
     [](const Case& c) {
       return !c.outcome.epochs.empty() &&
              c.outcome.epochs.back().loss > std::log(static_cast<double>(c.outcome.target_tokens));
     },
     [](const Case& c) {
       return text_from("the loss, ", number(c.outcome.epochs.back().loss),
                        ", is above that of a uniform guess among ", c.outcome.target_tokens,
                        " tokens, ", number(std::log(static_cast<double>(c.outcome.target_tokens))),
                        ": a lower --learning-rate, or --warm-up");
     }},
    {"rising-loss",
     [](const Case& c) {
       // One more than the epochs in which it rose.
       const std::vector<double> losses = last_validation_losses(c.outcome, rising_epochs + 1);
       return !losses.empty() &&
              std::ranges::adjacent_find(losses, std::greater_equal()) == losses.end();
     },
     [](const Case& c) {
       const std::vector<double> losses = last_validation_losses(c.outcome, rising_epochs + 1);
       return text_from("the validation loss has risen for ", rising_epochs, " epochs, from ",
                        number(losses.front()), " to ", number(losses.back()), ": --patience ",
                        rising_epochs, c.settings.training.keep == "best" ? "" : " --keep best",
                        ", a higher --dropout, or fewer --epochs");
     }},
    {"bleu-0",
     [](const Case& c) {
       return every_validation_bleu_is_0(c.outcome) || c.outcome.held_out_bleu == 0;
     },
     [](const Case& c) {
       const bool has_blanks = c.figures.target.with_blanks >= few_blanks;
       std::string found = "BLEU is 0";
       if (every_validation_bleu_is_0(c.outcome))
         found =
             c.settings.training.best_by == "bleu"
                 ? "the validation BLEU was 0 after every epoch, so the validation loss decided "
                   "which was the best"
                 : "the validation BLEU was 0 after every epoch";
       return found + "; " +
              (has_blanks ? "it needs four words in a row, so for short sentences: --best-by chrf "
                            "or exact"
                          : "without blanks a sentence is one word to it: --bleu-tokenizer char, "
                            "or --best-by chrf or exact");
     }},
    {"still-falling",
     [](const Case& c) {
       const std::vector<double> losses = last_validation_losses(c.outcome, 2);
       return !losses.empty() && c.outcome.epochs.back().best &&
              losses[0] - losses[1] > still_falling * std::max(1.0, losses[0]);
     },
     [](const Case& c) {
       const bool can_go_on = c.settings.training.schedule_options(1).total == 0;
       return text_from(
           "the validation loss was still falling: ", can_go_on ? "--resume" : "--restart",
           " --epochs ", 2 * c.settings.training.epochs, " trains it for longer");
     }},
};

std::vector<Advice> apply(std::span<const Rule> rules, const Case& facts) {
  std::vector<Advice> advice;
  for (const Rule& rule : rules)
    if (rule.applies(facts)) advice.push_back({rule.name, rule.text(facts)});
  return advice;
}

}  // namespace

std::vector<Advice> advise(const Settings& settings, const Figures& figures) {
  return apply(data_rules, {settings, figures, {}});
}

std::vector<Advice> advise(const Settings& settings, const Figures& figures,
                           const Outcome& outcome) {
  return apply(run_rules, {settings, figures, outcome});
}

}  // namespace adjoint::seq2seq
