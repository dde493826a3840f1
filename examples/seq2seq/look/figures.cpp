#include "examples/seq2seq/look/figures.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "data/text/unicode.h"

namespace adjoint::seq2seq {
namespace {

using Pairs = std::vector<data::Pair>;
using Side = data::Tokens data::Pair::*;

// A key for a sentence: no token contains a line feed.
std::string joined(const data::Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text.append(token) += '\n';
  return text;
}

/// Unknown tokens among all.
struct Unknown {
  Index unknown = 0, all = 0;

  void add(const Pairs& pairs, Side side, const data::Vocabulary& vocabulary) {
    for (const data::Pair& pair : pairs) {
      all += std::ssize(pair.*side);
      unknown += std::ranges::count_if(
          pair.*side, [&](const std::string& token) { return !vocabulary.contains(token); });
    }
  }
  std::optional<double> rate() const {
    if (all == 0) return std::nullopt;
    return static_cast<double>(unknown) / static_cast<double>(all);
  }
};

std::optional<double> unknown_in(const Pairs& pairs, Side side,
                                 const data::Vocabulary& vocabulary) {
  Unknown count;
  count.add(pairs, side, vocabulary);
  return count.rate();
}

// The fraction of the training tokens that would be unknown had they been left out of the text that
// the vocabulary was built from. Of those that occur once this is the estimate of Good (1953) for
// the probability of a new word.
double unknown_if_left_out(const std::unordered_map<std::string, Index>& counts,
                           const data::Vocabulary& vocabulary, Index min_frequency) {
  Index unknown = 0, all = 0;
  for (const auto& [token, count] : counts) {
    all += count;
    if (count <= min_frequency || !vocabulary.contains(token)) unknown += count;
  }
  return all == 0 ? 0 : static_cast<double>(unknown) / static_cast<double>(all);
}

// The words between white space.
Index words_in(std::u32string_view text) {
  Index words = 0;
  bool in_word = false;
  for (const char32_t c : text) {
    const bool was_in_word = std::exchange(in_word, !data::is_white_space(c));
    words += in_word && !was_in_word;
  }
  return words;
}

// The smallest length that a fraction q does not exceed.
Index quantile(std::vector<Index> lengths, double q) {
  std::ranges::sort(lengths);
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(lengths.size())));
  return lengths[std::max<std::size_t>(rank, 1) - 1];
}

void measure_text(const Dataset& dataset, Side side, const data::Tokenizer& tokenizer,
                  SideFigures& figures) {
  std::vector<Index> lengths, words;
  std::unordered_set<char32_t> characters;
  Index with_blanks = 0;
  for (const Pairs* split : {&dataset.train, &dataset.validation, &dataset.held_out})
    for (const data::Pair& pair : *split) {
      lengths.push_back(std::ssize(pair.*side));
      const std::u32string text = data::code_points(tokenizer.detokenize(pair.*side));
      figures.longest_in_characters = std::max(figures.longest_in_characters, std::ssize(text));
      characters.insert(text.begin(), text.end());
      words.push_back(words_in(text));
      with_blanks += std::ranges::any_of(text, data::is_white_space);
    }
  if (lengths.empty()) return;
  figures.median = quantile(lengths, 0.5);
  figures.most_have_at_most = quantile(lengths, 0.95);
  figures.longest = std::ranges::max(lengths);
  figures.median_words = quantile(words, 0.5);
  figures.characters = std::ssize(characters);
  figures.with_blanks = static_cast<double>(with_blanks) / static_cast<double>(lengths.size());
}

SideFigures measure_side(const Dataset& dataset, Side side, const data::Tokenizer& tokenizer,
                         const data::Vocabulary& vocabulary, Index min_frequency) {
  SideFigures figures;
  measure_text(dataset, side, tokenizer, figures);
  std::unordered_map<std::string, Index> counts;
  for (const data::Pair& pair : dataset.train)
    for (const std::string& token : pair.*side) ++counts[token];
  for (const auto& [token, count] : counts) {
    figures.tokens += count;
    figures.once += count == 1;
    figures.once_with_digits +=
        count == 1 && token.find_first_of("0123456789") != std::string::npos;
  }
  figures.different = std::ssize(counts);
  figures.known = vocabulary.size() - std::ssize(data::Vocabulary::reserved);
  figures.unknown_in_validation = unknown_in(dataset.validation, side, vocabulary);
  figures.unknown_in_held_out = unknown_in(dataset.held_out, side, vocabulary);
  Unknown both;
  both.add(dataset.validation, side, vocabulary);
  both.add(dataset.held_out, side, vocabulary);
  figures.unknown =
      both.all > 0 ? *both.rate() : unknown_if_left_out(counts, vocabulary, min_frequency);
  return figures;
}

// Sources, repetitions, and what the splits share.
void measure_pairs(const Dataset& dataset, Figures& figures) {
  std::unordered_map<std::string, std::unordered_set<std::string>> targets_of;
  const auto add = [&](const Pairs& pairs) {
    for (const data::Pair& pair : pairs)
      figures.repeated += !targets_of[joined(pair.source)].insert(joined(pair.target)).second;
  };
  const auto known_sources = [&](const Pairs& pairs) {
    return std::ranges::count_if(
        pairs, [&](const data::Pair& pair) { return targets_of.contains(joined(pair.source)); });
  };
  add(dataset.train);
  figures.validation_in_train = known_sources(dataset.validation);
  figures.held_out_in_train = known_sources(dataset.held_out);
  add(dataset.validation);
  add(dataset.held_out);
  figures.sources = std::ssize(targets_of);
  figures.with_several_targets =
      std::ranges::count_if(targets_of, [](const auto& entry) { return entry.second.size() > 1; });
}

}  // namespace

Figures measure(const Settings& settings, const Dataset& dataset,
                const Vocabularies& vocabularies) {
  const DataSettings& data = settings.data;
  Figures figures;
  figures.train = std::ssize(dataset.train);
  figures.validation = std::ssize(dataset.validation);
  figures.held_out = std::ssize(dataset.held_out);
  figures.too_long = dataset.skipped;
  figures.longest_left_out = dataset.longest_left_out;
  figures.problems = dataset.problems;
  measure_pairs(dataset, figures);
  const std::string source = data.tokenizer_of_source(), target = data.tokenizer_of_target();
  figures.source = measure_side(dataset, &data::Pair::source, dataset.tokenizers.source,
                                vocabularies.source, data.limits(source).min_frequency);
  figures.target = measure_side(dataset, &data::Pair::target, dataset.tokenizers.target,
                                vocabularies.target, data.limits(target).min_frequency);
  figures.source.tokenizer = source;
  figures.target.tokenizer = target;
  return figures;
}

}  // namespace adjoint::seq2seq
