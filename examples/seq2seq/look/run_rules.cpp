#include <algorithm>
#include <cmath>

#include "examples/seq2seq/look/rules.h"

namespace adjoint::seq2seq {
namespace {

/// BLEU is at most 41 (rules.h).
constexpr double most_unknown = 0.30;
/// Rules of thumb:
constexpr std::size_t rising_epochs = 5;
constexpr double still_falling = 0.01;  // in the last epoch: of the loss, and in nats

std::string number(double value) { return text_from(std::fixed, std::setprecision(2), value); }

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
       return percentage(c.figures.target.unknown) +
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
       const SideFigures& target = c.figures.target;
       const bool has_blanks = target.with_blanks >= few_blanks;
       // Four words in a row are what BLEU counts at most.
       const bool are_short = target.median_words < static_cast<Index>(data::BleuScore::max_order);
       std::string found = "BLEU is 0";
       if (every_validation_bleu_is_0(c.outcome))
         found =
             c.settings.training.best_by == "bleu"
                 ? "the validation BLEU was 0 after every epoch, so the validation loss decided "
                   "which was the best"
                 : "the validation BLEU was 0 after every epoch";
       if (has_blanks && !are_short)
         return text_from(found, "; half of the targets have ", target.median_words,
                          " words or more, so the answers are too short or wrong: more --epochs, "
                          "or more pairs");
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
           " --epochs ", 2 * c.settings.training.epochs,
           can_go_on ? " trains it for longer" : " starts over and trains for longer");
     }},
};

}  // namespace

std::span<const Rule> rules_about_runs() { return run_rules; }

}  // namespace adjoint::seq2seq
