// What is counted in a dataset, and each rule of advice on both sides of its threshold.
#include <boost/test/unit_test.hpp>
#include <functional>

#include "examples/seq2seq/look/description.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;
using namespace adjoint::testing;

InputTexts pairs_in(const std::string& text) {
  InputTexts texts;
  texts.pairs = data::text_lines(text, "pairs.tsv");
  return texts;
}

Figures figures_of(const Settings& settings, const InputTexts& texts) {
  const Dataset dataset = load_dataset(settings, texts);
  return measure(settings, dataset, make_vocabularies(settings, dataset));
}

// Data and settings about which there is nothing to say.
SideFigures good_side(const std::string& tokenizer = "words") {
  SideFigures side;
  side.tokenizer = tokenizer;
  side.longest = 20;
  side.longest_in_characters = 50;
  side.with_blanks = 1;
  side.different = 100;
  side.known = 60;
  side.once = 40;
  return side;
}

Figures good_figures() {
  Figures figures;
  figures.train = 9000;
  figures.validation = 300;
  figures.held_out = 700;
  figures.sources = 10000;
  figures.source = figures.target = good_side();
  return figures;
}

std::string text_of(const std::vector<Advice>& advice, const std::string& rule) {
  for (const Advice& line : advice)
    if (line.rule == rule) return line.text;
  return "";
}

using Change = std::function<void(Settings&, Figures&)>;

std::string data_advice(const std::string& rule, const Change& change) {
  Settings settings;
  Figures figures = good_figures();
  change(settings, figures);
  return text_of(advise(settings, figures), rule);
}

// Nothing is said up to the threshold, and beyond it a line that contains `says`.
void check_rule(const std::string& rule, const Change& up_to, const Change& beyond,
                const std::string& says) {
  BOOST_TEST_CONTEXT(rule) {
    BOOST_TEST(data_advice(rule, up_to) == "");
    const std::string text = data_advice(rule, beyond);
    BOOST_TEST(text.find(says) != std::string::npos, "'" << text << "' lacks '" << says << "'");
  }
}

Change unknown_targets(double unknown, double with_blanks = 1) {
  return [=](Settings&, Figures& f) {
    f.target.unknown = unknown;
    f.target.with_blanks = with_blanks;
  };
}

std::vector<EpochResult> epochs_with(const std::vector<double>& validation_losses) {
  std::vector<EpochResult> epochs;
  for (const double loss : validation_losses) {
    epochs.push_back({.loss = 1, .validation_loss = loss});
    epochs.back().best = loss == std::ranges::min(validation_losses);
  }
  return epochs;
}

std::string run_advice(
    const std::string& rule, const Outcome& outcome,
    const Change& change = [](Settings&, Figures&) {}) {
  Settings settings;
  Figures figures = good_figures();
  change(settings, figures);
  return text_of(advise(settings, figures, outcome), rule);
}

BOOST_AUTO_TEST_SUITE(seq2seq_look)

BOOST_AUTO_TEST_CASE(the_pairs_and_their_splits_are_counted) {
  Settings settings;
  settings.data.held_out = settings.data.validation = 0;
  settings.data.bad_lines = "skip";
  settings.data.too_long = data::TooLong::skip;
  settings.data.max_tokens = 4;
  const Figures f = figures_of(settings, pairs_in("Go.\tVa !\nGo.\tVa !\ngo .\tAllez\nno tab\n"
                                                  "one two three four five\tx\nthere\tlà-bas\n"));
  BOOST_TEST(f.train == 4);
  BOOST_TEST(f.pairs() == 4);
  BOOST_TEST(f.sources == 2);
  BOOST_TEST(f.repeated == 1);
  BOOST_TEST(f.with_several_targets == 1);
  BOOST_TEST(f.too_long == 1);
  BOOST_TEST(f.longest_left_out == 5);
  BOOST_TEST(f.problems.size() == 1u);
  BOOST_TEST(f.target.tokenizer == "words");
  BOOST_TEST(f.target.median == 1);
  BOOST_TEST(f.target.median_words == 1);
  BOOST_TEST(f.target.longest == 2);
  BOOST_TEST(f.target.longest_in_characters == 6);  // là-bas
  BOOST_TEST(f.target.tokens == 6);
  BOOST_TEST(f.target.different == 4);
  BOOST_TEST(f.target.once == 2);
  BOOST_TEST(f.target.once_with_digits == 0);
  BOOST_TEST(f.target.known == 2);
  BOOST_TEST(f.target.with_blanks == 0.0);  // "va!"
  // Nothing is held out: allez and là-bas occur once, va and ! twice, so each would be unknown if
  // one of its two had not been in the text.
  BOOST_TEST(f.target.unknown == 1.0);
  BOOST_TEST(!f.target.unknown_in_held_out);

  const Figures dates = figures_of(settings, pairs_in("3 may 98\tx\n4 may 1998\tx\njuly 3\tx\n"));
  BOOST_TEST(dates.source.once == 4);  // july, 4, 98, 1998
  BOOST_TEST(dates.source.once_with_digits == 3);
}

BOOST_AUTO_TEST_CASE(unknown_rates_are_those_of_the_splits_that_are_given) {
  Settings settings;
  settings.data.min_frequency = 1;
  InputTexts texts = pairs_in("a\tx y\nb\tx\n");
  texts.valid = data::text_lines("a\tx z\n", "valid.tsv");
  texts.test = data::text_lines("c\tz z\nb\tx\n", "test.tsv");
  const Figures f = figures_of(settings, texts);
  BOOST_TEST(f.train == 2);
  BOOST_TEST(f.validation_in_train == 1);
  BOOST_TEST(f.held_out_in_train == 1);
  BOOST_TEST(*f.target.unknown_in_validation == 0.5);
  BOOST_TEST(*f.target.unknown_in_held_out == 2.0 / 3);
  BOOST_TEST(f.target.unknown == 0.6);
  BOOST_TEST(*f.source.unknown_in_validation == 0.0);
}

BOOST_AUTO_TEST_CASE(nothing_is_said_about_good_data_and_a_good_run) {
  const Outcome outcome = {
      .epochs = epochs_with({3, 2, 1.5, 1.499}), .target_tokens = 64, .held_out_bleu = 30};
  BOOST_TEST(lines_of(advise({}, good_figures())) == "");
  BOOST_TEST(lines_of(advise({}, good_figures(), outcome)) == "");
}

BOOST_AUTO_TEST_CASE(rare_words) {
  const std::string smaller = data::Subwords::available() ? "subwords" : "characters";
  check_rule(
      "rare-words", unknown_targets(0.05), unknown_targets(0.051),
      "40% of the target words occur once, and 5.1% of the words in new targets are unknown: "
      "--min-frequency 1, or --target-tokenizer " +
          smaller);
  const std::string of_both = data_advice("rare-words", [](Settings& s, Figures& f) {
    s.data.min_frequency = 1;
    f.source.unknown = f.target.unknown = 0.1;
  });
  BOOST_TEST(of_both.ends_with("are unknown: --tokenizer " + smaller), of_both);
  BOOST_TEST(data_advice("rare-words", [](Settings&, Figures& f) {
               f.target = good_side("characters");
               f.target.unknown = 0.5;
             }) == "");
}

BOOST_AUTO_TEST_CASE(text_without_blanks) {
  check_rule("no-blanks", unknown_targets(1, 0.1), unknown_targets(1, 0.09),
             "9.0% of the targets have a blank, so most are one long word: --target-tokenizer "
             "characters, or subwords");
  // A few labels are whole words, too.
  check_rule("no-blanks", unknown_targets(0.05, 0), unknown_targets(0.06, 0), "--target-tokenizer");
  BOOST_TEST(data_advice("rare-words", unknown_targets(1, 0)) == "");
  const std::string longer = data_advice("no-blanks", [](Settings& s, Figures& f) {
    f.source.unknown = f.target.unknown = 1;
    f.source.with_blanks = f.target.with_blanks = 0;
    f.target.longest_in_characters = s.data.max_tokens + 1;
  });
  BOOST_TEST(longer.find("--tokenizer characters --max-tokens 61") != std::string::npos, longer);
}

BOOST_AUTO_TEST_CASE(numbers) {
  const auto with_digits = [](Index once_with_digits) {
    return [=](Settings&, Figures& f) {
      f.source.unknown = 0.1;
      f.source.once_with_digits = once_with_digits;  // of 40
    };
  };
  check_rule("numbers", with_digits(20), with_digits(21),
             "52% of the source words that occur once have digits, so a new number is one unknown "
             "word: --source-tokenizer characters");
  BOOST_TEST(data_advice("rare-words", with_digits(20)) != "");
  BOOST_TEST(data_advice("rare-words", with_digits(21)) == "");
}

BOOST_AUTO_TEST_CASE(few_steps) {
  const auto pairs = [](Index train, Index batch) {
    return [=](Settings& s, Figures& f) {
      f.train = train;
      s.training.batch = batch;
    };
  };
  // 30 epochs
  check_rule("few-steps", pairs(16 * 128 + 1, 128), pairs(16 * 128, 128),
             "2048 training pairs in batches of 128 are 16 steps, 480 in all epochs: --batch 32");
  BOOST_TEST(data_advice("few-steps", pairs(100, 32)) == "");
  BOOST_TEST(data_advice("few-steps", [](Settings& s, Figures& f) {
               f.train = 100;
               s.training.batch_tokens = 1000;
             }) == "");
}

BOOST_AUTO_TEST_CASE(lines_that_train_refuses) {
  const auto problem = [](const std::string& bad_lines) {
    return [=](Settings& s, Figures& f) {
      s.data.bad_lines = bad_lines;
      f.problems = {{"no tab", 3, "pairs.tsv:7: no tab"}};
    };
  };
  check_rule("bad-lines", problem("skip"), problem(""),
             "pairs.tsv:7: no tab: correct such lines, or leave them out with --bad-lines skip");
  const auto longer = [](Index pairs, data::TooLong too_long) {
    return [=](Settings& s, Figures& f) {
      s.data.too_long = too_long;
      f.too_long = pairs;
      f.longest_left_out = 85;
    };
  };
  check_rule(
      "too-long", longer(0, data::TooLong::error), longer(1, data::TooLong::error),
      "1 pair has a side of more than 60 tokens: --max-tokens 85 keeps all, --too-long skip");
  check_rule("too-long", longer(101, data::TooLong::skip), longer(102, data::TooLong::skip),
             "102 pairs have a side of more than 60 tokens: --max-tokens 85 keeps all");
}

BOOST_AUTO_TEST_CASE(pairs_that_spoil_a_score) {
  const auto count = [](Index Figures::*figure, Index value) {
    return [=](Settings&, Figures& f) { f.*figure = value; };
  };
  check_rule("few-validation-pairs", count(&Figures::validation, 30),
             count(&Figures::validation, 29), "29 validation pairs");
  BOOST_TEST(data_advice("few-validation-pairs", count(&Figures::validation, 0)) == "");
  check_rule("repeated-pairs", count(&Figures::repeated, 500), count(&Figures::repeated, 501),
             "5.0% of the pairs repeat another");
  check_rule("several-targets", count(&Figures::with_several_targets, 500),
             count(&Figures::with_several_targets, 501), "--group-references");
  check_rule("shared-sources", count(&Figures::held_out_in_train, 0),
             count(&Figures::held_out_in_train, 1), "0 validation and 1 held-out pairs");
  check_rule(
      "large-vocabulary", [](Settings&, Figures& f) { f.target.known = 20000; },
      [](Settings&, Figures& f) { f.target.known = 20001; }, "--max-vocabulary 10000");
}

BOOST_AUTO_TEST_CASE(a_run_that_went_wrong) {
  const Outcome good = {.epochs = {{.loss = 1}}, .target_tokens = 64, .held_out_bleu = 30};
  BOOST_TEST(run_advice("unknown-words", good, unknown_targets(0.3)) == "");
  BOOST_TEST(
      run_advice("unknown-words", good, unknown_targets(0.31)).starts_with("31% of the words"));

  const auto with_loss = [](double loss) {
    return Outcome{.epochs = {{.loss = loss}}, .target_tokens = 64};  // ln 64 = 4.1589
  };
  BOOST_TEST(run_advice("above-guessing", with_loss(4.158)) == "");
  BOOST_TEST(run_advice("above-guessing", with_loss(4.16)).find("uniform guess") !=
             std::string::npos);

  const auto rising = [](const std::vector<double>& losses) {
    return run_advice("rising-loss", {.epochs = epochs_with(losses), .target_tokens = 64});
  };
  BOOST_TEST(rising({2, 1, 1.1, 1.2, 1.3, 1.4}) == "");  // four times
  BOOST_TEST(rising({1, 1.1, 1.2, 1.3, 1.3, 1.4}) == "");
  BOOST_TEST(rising({2, 1, 1.1, 1.2, 1.3, 1.4, 1.5}).find("from 1.00 to 1.50: --patience 5") !=
             std::string::npos);

  const auto falling = [](double last) {
    return run_advice("still-falling", {.epochs = epochs_with({3, 2, last}), .target_tokens = 64});
  };
  BOOST_TEST(falling(1.985) == "");
  BOOST_TEST(falling(1.975).find("--resume --epochs 60") != std::string::npos);
  const Outcome learned = {.epochs = epochs_with({0.02, 0.011}), .target_tokens = 64};
  BOOST_TEST(run_advice("still-falling", learned) == "");
  BOOST_TEST(run_advice("still-falling", {.epochs = epochs_with({3, 2}), .target_tokens = 64},
                        [](Settings& s, Figures&) { s.training.schedule = "cosine"; })
                 .ends_with(": --restart --epochs 60 starts over and trains for longer"));
}

BOOST_AUTO_TEST_CASE(a_bleu_of_0) {
  const auto advice = [](std::optional<double> held_out, std::vector<double> each,
                         double with_blanks) {
    Outcome outcome = {.epochs = {}, .target_tokens = 64, .held_out_bleu = held_out};
    for (const double bleu : each) outcome.epochs.push_back({.loss = 1, .bleu = bleu});
    return run_advice("bleu-0", outcome, unknown_targets(0, with_blanks));
  };
  BOOST_TEST(advice(0.1, {0, 0}, 1).find("after every epoch") != std::string::npos);
  BOOST_TEST(advice(0.1, {0, 0.01}, 1) == "");
  BOOST_TEST(advice({}, {}, 1) == "");
  BOOST_TEST(advice(0.0, {}, 1).find("--best-by chrf") != std::string::npos);
  BOOST_TEST(advice(0.0, {}, 0.05).find("--bleu-tokenizer char") != std::string::npos);
  // Where the targets are long enough, the answers are what is wrong.
  const std::string of_long =
      run_advice("bleu-0", {.epochs = {}, .target_tokens = 64, .held_out_bleu = 0},
                 [](Settings&, Figures& f) { f.target.median_words = 4; });
  BOOST_TEST(of_long ==
             "BLEU is 0; half of the targets have 4 words or more, so the answers are too short or "
             "wrong: more --epochs, or more pairs");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
