// What the metrics compare: references, the tokens of a text, and n-grams.
#pragma once

#include <unordered_map>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// One or several sets of references, as they come in files: sets[k][i] is the k-th reference of
/// sentence i, or an empty string if sentence i has fewer references than others.
struct ReferenceSets {
  ReferenceSets(std::vector<std::vector<std::string>> several) : sets(std::move(several)) {}
  ReferenceSets(std::vector<std::string> one) : sets{std::move(one)} {}
  ReferenceSets(std::initializer_list<std::string> one) : sets{one} {}

  std::vector<std::vector<std::string>> sets;
};

/// The references of each sentence, without the empty ones; they refer to the sets. A sentence
/// without any keeps one empty reference (sacreBLEU refuses it).
class References {
 public:
  /// Errors start with the name of the metric: no sentences, no set, or a set that does not have
  /// one reference for each hypothesis.
  References(std::string_view metric, std::size_t hypotheses, const ReferenceSets& references);

  const std::vector<std::string_view>& of(std::size_t sentence) const { return all_[sentence]; }

  /// The start of a score's signature: "nrefs:1", or "nrefs:var" if the number varies.
  std::string signature() const;

 private:
  std::vector<std::vector<std::string_view>> all_;
};

// A tokenizer is part of the definition of a score: only scores with the same tokenizer compare. In
// the end all of them split at Unicode's white space. Error, with the byte offset, if the text is
// not UTF-8.

/// sacreBLEU's "13a", after NIST's mteval-v13a.pl. Resolves entities like &quot;. ASCII symbols
/// become tokens of their own, except ' , - and the period; `.` and `,` do unless between digits,
/// `-` does after a digit.
Tokens tokenize_13a(std::string_view text);

/// sacreBLEU's "intl", after mteval-v14.pl: every Unicode symbol becomes a token of its own, and so
/// does every punctuation mark unless between numbers. A mark at either end of the text stays with
/// a number next to it, as in the script.
Tokens tokenize_intl(std::string_view text);

/// sacreBLEU's "char": each code point that is not white space.
Tokens tokenize_char(std::string_view text);

/// sacreBLEU's "none": splits at white space only.
Tokens tokenize_none(std::string_view text);

/// What tokenize_tercom() does to a text.
struct TercomOptions {
  bool case_sensitive = false;
  bool normalize = false;           ///< resolve entities and split off marks, much as 13a
  bool remove_punctuation = false;  ///< drop . , ? : ; ! " ( )
};

/// The tokenizer of tercom and of sacreBLEU's TER: by default lower case, split at white space.
/// (sacreBLEU's option for Asian scripts is not supported.)
Tokens tokenize_tercom(std::string_view text, const TercomOptions& options = {});

/// The count of each n-gram, by its tokens joined with spaces. No token of a metric contains a
/// space next to another character, so different n-grams of one length have different keys.
using NgramCounts = std::unordered_map<std::string, std::int64_t>;

/// Empty if there are fewer than n tokens.
NgramCounts count_ngrams(const Tokens& tokens, std::size_t n);

/// The number of n-grams, repetitions included.
std::int64_t total(const NgramCounts& counts);

/// The n-grams of the hypothesis that are in the reference, each counted at most as often as it
/// occurs there ("clipped").
std::int64_t matching_ngrams(const NgramCounts& hypothesis, const NgramCounts& reference);

}  // namespace adjoint::data
