#include "autograd/support/printable.h"
#include "examples/seq2seq/look/rules.h"
#include "examples/seq2seq/settings/counted.h"

namespace adjoint::seq2seq {
namespace {

/// With the corpus in data/ and the defaults, 780 steps give BLEU 70. After 150, on 600 pairs, the
/// training pairs are not yet learned (README.md gives the losses).
constexpr Index few_steps = 500;
constexpr Index small_batch = 32;
/// Rules of thumb:
constexpr Index few_validation_pairs = 30;
constexpr double many_repeated = 0.05, many_with_several_targets = 0.05, many_too_long = 0.01;
constexpr Index large_vocabulary = 20000;

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
       return text_from(percentage(side.with_blanks), " of the ",
                        source && target ? "sentences" : c.name(side) + "s",
                        " have a blank, so most are one long word: ", c.option(source, target),
                        " characters", c.room_for(side), ", or subwords");
     }},
    {"numbers",
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::has_new_numbers);
       return source || target;
     },
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::has_new_numbers);
       return text_from(percentage(share(side.once_with_digits, side.once)), " of the ",
                        c.name(side),
                        " words that occur once have digits, so a new number is one "
                        "unknown word: ",
                        c.option(source, target), " characters", c.room_for(side));
     }},
    {"rare-words",
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::has_rare_words);
       return source || target;
     },
     [](const Case& c) {
       const auto [source, target, side] = c.sides(&Case::has_rare_words);
       const bool drops = c.settings.data.limits(side.tokenizer).min_frequency > 1;
       return text_from(percentage(share(side.once, side.different)), " of the ", c.name(side),
                        " words occur once, and ", percentage(side.unknown),
                        " of the words in new ", c.name(side),
                        "s are unknown: ", drops ? "--min-frequency 1, or " : "",
                        c.smaller_tokens(c.option(source, target), side));
     }},
    {"few-steps",
     [](const Case& c) {
       return c.settings.training.batch_tokens == 0 && c.settings.training.batch > small_batch &&
              c.steps() < few_steps;
     },
     [](const Case& c) {
       return text_from(counted(c.figures.train, "training pair"), " in batches of ",
                        c.settings.training.batch, " are ", counted(c.steps_in_epoch(), "step"),
                        ", ", c.steps(), " in all epochs: --batch ", small_batch,
                        ", or more --epochs");
     }},
    {"few-validation-pairs",
     [](const Case& c) {
       return c.figures.validation > 0 && c.figures.validation < few_validation_pairs &&
              c.settings.data.validation < 0.1 && c.settings.data.task.empty();
     },
     [](const Case& c) {
       return text_from(counted(c.figures.validation, "validation pair"), " hardly ",
                        c.figures.validation == 1 ? "tells" : "tell",
                        " which epoch is the best: --validation 0.1");
     }},
    {"repeated-pairs",
     [](const Case& c) { return share(c.figures.repeated, c.figures.pairs()) > many_repeated; },
     [](const Case& c) {
       return percentage(share(c.figures.repeated, c.figures.pairs())) +
              " of the pairs repeat another and count more in the loss: if that is not meant, keep "
              "one of each (sort -u)";
     }},
    {"several-targets",
     [](const Case& c) {
       return share(c.figures.with_several_targets, c.figures.sources) > many_with_several_targets;
     },
     [](const Case& c) {
       return percentage(share(c.figures.with_several_targets, c.figures.sources)) +
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

}  // namespace

std::span<const Rule> rules_about_data() { return data_rules; }

}  // namespace adjoint::seq2seq
