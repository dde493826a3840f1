// What the rules of advice are made of.
#pragma once

#include <iomanip>
#include <span>

#include "examples/seq2seq/look/advice.h"

namespace adjoint::seq2seq {

/// If a fraction u of the tokens is <unk>, at most (1 − u)ⁿ of the n-grams can be right, and their
/// geometric mean up to n = 4 caps BLEU at 100 (1 − u)^2.5: 88 for this fraction.
constexpr double many_unknown = 0.05;
/// The share of sides with a blank below which `words` cuts nothing. A rule of thumb: languages
/// without blanks have them around foreign words only.
constexpr double few_blanks = 0.1;
/// The share of the words that occur once beyond which numbers, dates or codes are what is new. A
/// rule of thumb.
constexpr double most_with_digits = 0.5;

inline std::string percentage(double fraction) {
  return text_from(std::fixed, std::setprecision(fraction < 0.1 ? 1 : 0), 100 * fraction, "%");
}

inline double share(Index part, Index all) {
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
  bool has_new_numbers(const SideFigures& side) const {
    return cuts_at_blanks(side) && side.unknown > many_unknown && !lacks_blanks(side) &&
           share(side.once_with_digits, side.once) > most_with_digits;
  }
  bool has_rare_words(const SideFigures& side) const {
    return cuts_at_blanks(side) && side.unknown > many_unknown && !lacks_blanks(side) &&
           !has_new_numbers(side);
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

std::span<const Rule> rules_about_data();  ///< before a training
std::span<const Rule> rules_about_runs();  ///< after it

}  // namespace adjoint::seq2seq
