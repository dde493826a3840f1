#include "data/metrics/chrf.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "data/metrics/metric_text.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

// --- the n-grams of a sentence by order: first of characters, then of words ---

using Orders = std::vector<NgramCounts>;

Tokens characters(std::string_view text, bool whitespace) {
  Tokens tokens;
  for (const char32_t c : code_points(text))
    if (whitespace || !is_white_space(c)) tokens.push_back(utf8(c));
  return tokens;
}

bool is_mark(char c) {
  constexpr std::string_view marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  return marks.find(c) != std::string_view::npos;
}

/// Splits at white space, and splits an ASCII mark off the end of a word, or else off its
/// beginning, but never off both: "(hi)" gives "(hi" and ")", as in Popović's script.
Tokens words(std::string_view text) {
  Tokens tokens;
  for (const std::string& word : tokenize_none(text)) {
    std::size_t cut = 0;
    if (word.size() > 1) cut = is_mark(word.back()) ? word.size() - 1 : is_mark(word.front());
    if (cut > 0) tokens.push_back(word.substr(0, cut));
    tokens.push_back(word.substr(cut));
  }
  return tokens;
}

Orders count_orders(std::string_view text, const ChrfOptions& options) {
  const std::string cased = options.lowercase ? lower_case(text) : std::string(text);
  Orders orders;
  const auto append = [&](const Tokens& tokens, std::int64_t highest) {
    for (std::int64_t n = 1; n <= highest; ++n)
      orders.push_back(count_ngrams(tokens, static_cast<std::size_t>(n)));
  };
  append(characters(cased, options.whitespace), options.char_order);
  append(words(cased), options.word_order);
  return orders;
}

// --- the overlap of two sentences, or of two corpora ---

struct Overlap {
  std::int64_t hypothesis = 0, reference = 0, both = 0;  // n-grams of one order
};

using Overlaps = std::vector<Overlap>;  // by order

Overlaps compare(const Orders& hypothesis, const Orders& reference) {
  Overlaps overlaps;
  for (std::size_t i = 0; i < hypothesis.size(); ++i) {
    // An order that the reference does not have is not counted against the hypothesis.
    const std::int64_t in_hypothesis = reference[i].empty() ? 0 : total(hypothesis[i]);
    overlaps.push_back(
        {in_hypothesis, total(reference[i]), matching_ngrams(hypothesis[i], reference[i])});
  }
  return overlaps;
}

// --- the score ---

/// (1 + β²) · P · R / (β² P + R)
double f_score(double precision, double recall, const ChrfOptions& options) {
  const auto beta = static_cast<double>(options.beta);
  const double weight = beta * beta;
  return (1 + weight) * precision * recall / (weight * precision + recall);
}

/// F of the average precision and recall over the orders that occur on both sides, from 0 to 1.
double f_of_averages(const Overlaps& overlaps, const ChrfOptions& options) {
  double precision = 0, recall = 0, orders = 0;
  for (const Overlap& o : overlaps) {
    if (o.hypothesis == 0 || o.reference == 0) continue;
    precision += static_cast<double>(o.both) / static_cast<double>(o.hypothesis);
    recall += static_cast<double>(o.both) / static_cast<double>(o.reference);
    ++orders;
  }
  if (precision == 0) return 0;  // so is recall: nothing matches
  return f_score(precision / orders, recall / orders, options);
}

/// The average of F over all orders, from 0 to 1.
double average_of_f(const Overlaps& overlaps, const ChrfOptions& options) {
  constexpr double epsilon = 1e-16;  // in place of 0 / 0
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : epsilon;
  };
  double sum = 0;
  for (const Overlap& o : overlaps) {
    const double precision = share(o.both, o.hypothesis), recall = share(o.both, o.reference);
    sum += precision + recall > 0 ? f_score(precision, recall, options) : epsilon;
  }
  return sum / static_cast<double>(overlaps.size());
}

double score(const Overlaps& overlaps, const ChrfOptions& options) {
  return options.epsilon_smoothing ? average_of_f(overlaps, options)
                                   : f_of_averages(overlaps, options);
}

/// The overlap with the reference that scores highest; ties go to the first.
Overlaps best_overlaps(const Orders& hypothesis, const std::vector<std::string_view>& references,
                       const ChrfOptions& options) {
  Overlaps best;
  double highest = -1;
  for (const std::string_view reference : references) {
    Overlaps overlaps = compare(hypothesis, count_orders(reference, options));
    const double s = score(overlaps, options);
    if (s > highest) {
      highest = s;
      best = std::move(overlaps);
    }
  }
  return best;
}

}  // namespace

ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses, const ReferenceSets& sets,
                      const ChrfOptions& options) {
  const auto& [char_order, word_order, beta, lowercase, whitespace, epsilon_smoothing] = options;
  constexpr std::int64_t longest = 100;
  require(std::min(char_order, word_order) >= 0 && std::max(char_order, word_order) > 0,
          "corpus_chrf: the n-gram orders must not be negative or all 0, got ", char_order,
          " for characters and ", word_order, " for words");
  require(std::max(char_order, word_order) <= longest,
          "corpus_chrf: the n-gram orders must be at most ", longest, ", got ", char_order,
          " for characters and ", word_order, " for words");
  require(beta >= 1, "corpus_chrf: beta must be at least 1, got ", beta);
  const References references("corpus_chrf", hypotheses.size(), sets);
  Overlaps sum(static_cast<std::size_t>(char_order + word_order));
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    const Overlaps sentence =
        best_overlaps(count_orders(hypotheses[i], options), references.of(i), options);
    for (std::size_t order = 0; order < sum.size(); ++order) {
      sum[order].hypothesis += sentence[order].hypothesis;
      sum[order].reference += sentence[order].reference;
      sum[order].both += sentence[order].both;
    }
  }
  return {.score = 100 * score(sum, options),
          .name = "chrF" + std::to_string(beta) +
                  std::string(static_cast<std::size_t>(word_order), '+'),
          .signature = references.signature() + (lowercase ? "|case:lc" : "|case:mixed") +
                       (epsilon_smoothing ? "|eff:no" : "|eff:yes") +
                       "|nc:" + std::to_string(char_order) + "|nw:" + std::to_string(word_order) +
                       (whitespace ? "|space:yes" : "|space:no")};
}

}  // namespace adjoint::data
