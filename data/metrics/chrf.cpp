#include "data/metrics/chrf.h"

#include <string_view>

#include "autograd/support/error.h"
#include "data/metrics/metric_tokens.h"
#include "data/metrics/ngrams.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

// --- the n-grams of a sentence, order by order: those of characters, then those of words ---

using Orders = std::vector<NgramCounts>;

Tokens characters(std::string_view text, bool whitespace) {
  Tokens tokens;
  for (const char32_t c : code_points(text)) {
    if (whitespace || !is_white_space(c)) tokens.push_back(utf8(c));
  }
  return tokens;
}

bool is_mark(char c) {
  constexpr std::string_view marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  return marks.find(c) != std::string_view::npos;
}

/// The words between white space. An ASCII mark at the end of a word is set apart, or else one at
/// its beginning, but never both: "(hi)" gives "(hi" and ")", in Popović's script as here.
Tokens words(std::string_view text) {
  Tokens tokens;
  for (const std::string& word : tokenize_none(text)) {
    if (word.size() > 1 && is_mark(word.back())) {
      tokens.push_back(word.substr(0, word.size() - 1));
      tokens.emplace_back(1, word.back());
    } else if (word.size() > 1 && is_mark(word.front())) {
      tokens.emplace_back(1, word.front());
      tokens.push_back(word.substr(1));
    } else {
      tokens.push_back(word);
    }
  }
  return tokens;
}

void append_orders(const Tokens& tokens, std::int64_t highest, Orders& orders) {
  for (std::int64_t n = 1; n <= highest; ++n) {
    orders.push_back(count_ngrams(tokens, static_cast<std::size_t>(n)));
  }
}

Orders count_orders(std::string_view text, const ChrfOptions& options) {
  const std::string cased = options.lowercase ? lower_case(text) : std::string(text);
  Orders orders;
  append_orders(characters(cased, options.whitespace), options.char_order, orders);
  append_orders(words(cased), options.word_order, orders);
  return orders;
}

// --- what two sentences, or two corpora, share ---

struct Overlap {
  std::int64_t hypothesis = 0, reference = 0, both = 0;  // n-grams of one order
};

using Overlaps = std::vector<Overlap>;  // by order

std::int64_t sum(const NgramCounts& counts) {
  std::int64_t total = 0;
  for (const auto& [ngram, count] : counts) total += count;
  return total;
}

Overlaps compare(const Orders& hypothesis, const Orders& reference) {
  Overlaps overlaps;
  for (std::size_t i = 0; i < hypothesis.size(); ++i) {
    // Where the reference has no n-gram there is none to get wrong.
    const std::int64_t in_hypothesis = reference[i].empty() ? 0 : sum(hypothesis[i]);
    overlaps.push_back(
        {in_hypothesis, sum(reference[i]), matching_ngrams(hypothesis[i], reference[i])});
  }
  return overlaps;
}

// --- the score ---

/// (1 + β²) · P · R / (β² P + R)
double f_score(double precision, double recall, const ChrfOptions& options) {
  const auto weight = static_cast<double>(options.beta * options.beta);
  return (1 + weight) * precision * recall / (weight * precision + recall);
}

/// From 0 to 1: the F of averages, over the orders that occur on both sides.
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

/// From 0 to 1: the average of F over all orders.
double average_of_f(const Overlaps& overlaps, const ChrfOptions& options) {
  constexpr double epsilon = 1e-16;  // instead of a share of nothing
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : epsilon;
  };
  double total = 0;
  for (const Overlap& o : overlaps) {
    const double precision = share(o.both, o.hypothesis), recall = share(o.both, o.reference);
    total += precision + recall > 0 ? f_score(precision, recall, options) : epsilon;
  }
  return total / static_cast<double>(overlaps.size());
}

double score(const Overlaps& overlaps, const ChrfOptions& options) {
  return options.epsilon_smoothing ? average_of_f(overlaps, options)
                                   : f_of_averages(overlaps, options);
}

/// Against the reference that gives the highest score, the first of several.
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

void check(const ChrfOptions& o) {
  require(o.char_order >= 0 && o.word_order >= 0 && o.char_order + o.word_order > 0,
          "corpus_chrf: there must be an order of n-grams, got ", o.char_order,
          " for characters and ", o.word_order, " for words");
  require(o.beta >= 1, "corpus_chrf: beta must be at least 1, got ", o.beta);
}

}  // namespace

ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses, ReferenceSets sets,
                      const ChrfOptions& options) {
  check(options);
  const References references("corpus_chrf", hypotheses.size(), sets);
  Overlaps total(static_cast<std::size_t>(options.char_order + options.word_order));
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    const Overlaps sentence =
        best_overlaps(count_orders(hypotheses[i], options), references.of(i), options);
    for (std::size_t order = 0; order < total.size(); ++order) {
      total[order].hypothesis += sentence[order].hypothesis;
      total[order].reference += sentence[order].reference;
      total[order].both += sentence[order].both;
    }
  }
  return {.score = 100 * score(total, options),
          .name = "chrF" + std::to_string(options.beta) +
                  std::string(static_cast<std::size_t>(options.word_order), '+'),
          .signature = references.signature() + (options.lowercase ? "|case:lc" : "|case:mixed") +
                       (options.epsilon_smoothing ? "|eff:no" : "|eff:yes") +
                       "|nc:" + std::to_string(options.char_order) +
                       "|nw:" + std::to_string(options.word_order) +
                       (options.whitespace ? "|space:yes" : "|space:no")};
}

ChrfScore corpus_chrf(const std::vector<std::string>& hypotheses,
                      const std::vector<std::string>& references, const ChrfOptions& options) {
  return corpus_chrf(hypotheses, ReferenceSets(&references, 1), options);
}

}  // namespace adjoint::data
