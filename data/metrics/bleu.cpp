#include "data/metrics/bleu.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "autograd/support/error.h"
#include "data/metrics/metric_text.h"
#include "data/metrics/word_numbers.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

/// Python's text.split(' '): k spaces make k + 1 tokens, some perhaps empty.
Tokens split_at_spaces(std::string_view text) {
  Tokens tokens(1);
  for (const char c : text)
    if (c == ' ')
      tokens.emplace_back();
    else
      tokens.back() += c;
  return tokens;
}

/// The n-grams of two sentences for n = 1, 2, …, each as a number, so that a large n takes no more
/// time than a small one.
class LongerNgrams {
 public:
  LongerNgrams(const Tokens& a, const Tokens& b) {
    WordNumbers number;
    a_.words = a_.ngrams = number(a);
    b_.words = b_.ngrams = number(b);
  }

  /// The n-grams of a that are in b, each counted at most as often as it occurs there.
  std::int64_t matches() const {
    std::unordered_map<Number, std::int64_t> left;
    for (const Number ngram : b_.ngrams) ++left[ngram];
    return std::ranges::count_if(a_.ngrams, [&](Number ngram) {
      const auto found = left.find(ngram);
      return found != left.end() && found->second-- > 0;
    });
  }

  /// Increases n by 1.
  void lengthen() {
    ++n_;
    std::unordered_map<std::uint64_t, Number> known;
    for (Side* side : {&a_, &b_}) {
      side->ngrams.resize(side->words.size() < n_ ? 0 : side->words.size() - n_ + 1);
      for (std::size_t i = 0; i < side->ngrams.size(); ++i) {
        const auto begin = static_cast<std::uint64_t>(side->ngrams[i]),
                   end = static_cast<std::uint64_t>(side->words[i + n_ - 1]);
        side->ngrams[i] =
            known.emplace(begin << 32 | end, static_cast<Number>(known.size())).first->second;
      }
    }
  }

 private:
  using Number = WordNumbers::Number;
  struct Side {
    std::vector<Number> words, ngrams;
  };

  Side a_, b_;
  std::size_t n_ = 1;
};

/// For longer n-grams the weight 1/2ⁿ is 0 in double precision.
constexpr std::size_t last_order_that_counts = 1074;

// --- the options ---

using Tokenize = Tokens (*)(std::string_view text);

Tokenize find_tokenizer(std::string_view name) {
  if (name == "13a") return tokenize_13a;
  if (name == "intl") return tokenize_intl;
  if (name == "char") return tokenize_char;
  require(name == "none", "bleu: unknown tokenizer \"", name,
          "\", expected 13a, intl, char or none");
  return tokenize_none;
}

/// At most one of the three is used; without any there is no smoothing.
struct Smoothing {
  bool halves = false;  // exp
  double floor = 0;     // floor
  double added = 0;     // add-k
  std::string signature;
};

std::string with_value(const std::string& name, double value) {
  TextStream text;
  text << name << '[' << std::fixed << std::setprecision(2) << value << ']';
  return text.str();
}

Smoothing find_smoothing(const BleuOptions& options) {
  const std::string& name = options.smoothing;
  const double value = options.smoothing_value.value_or(name == "floor" ? 0.1 : 1.0);
  if (name == "floor" || name == "add-k") {
    require(value >= 0 && std::isfinite(value),
            "bleu: the smoothing value must be finite and not negative, got ", value);
    std::string signature = with_value(name, value);
    if (name == "floor") return {.floor = value, .signature = std::move(signature)};
    return {.added = value, .signature = std::move(signature)};
  }
  require(name == "exp" || name == "none", "bleu: unknown smoothing \"", name,
          "\", expected exp, floor, add-k or none");
  require(!options.smoothing_value, "bleu: the smoothing ", name, " takes no value");
  return {.halves = name == "exp", .signature = name};
}

// --- counting ---

/// The length nearest to that of the hypothesis, or the shorter of two equally near.
std::size_t nearest_length(std::size_t length, const std::vector<Tokens>& references) {
  const auto rank = [length](std::size_t other) {
    return std::pair(other > length ? other - length : length - other, other);
  };
  return std::ranges::min_element(references, {}, [&](const Tokens& r) { return rank(r.size()); })
      ->size();
}

/// The largest count of each n-gram in any one reference.
NgramCounts largest_counts(const std::vector<Tokens>& references, std::size_t n) {
  NgramCounts largest;
  for (const Tokens& reference : references)
    for (const auto& [ngram, count] : count_ngrams(reference, n))
      largest[ngram] = std::max(largest[ngram], count);
  return largest;
}

void add_sentence(const Tokens& hypothesis, const std::vector<Tokens>& references,
                  BleuScore& bleu) {
  bleu.sys_len += static_cast<std::int64_t>(hypothesis.size());
  bleu.ref_len += static_cast<std::int64_t>(nearest_length(hypothesis.size(), references));
  for (std::size_t order = 0; order < BleuScore::max_order; ++order) {
    const NgramCounts ngrams = count_ngrams(hypothesis, order + 1);
    bleu.counts[order] += matching_ngrams(ngrams, largest_counts(references, order + 1));
    bleu.totals[order] += total(ngrams);
  }
}

// --- the score from the counts ---

double brevity_penalty(std::int64_t sys_len, std::int64_t ref_len) {
  if (sys_len >= ref_len) return 1;
  if (sys_len == 0) return 0;
  return std::exp(1 - static_cast<double>(ref_len) / static_cast<double>(sys_len));
}

/// Sets the precisions, in percent. Returns the number of orders that the hypotheses are long
/// enough for.
std::size_t smooth_precisions(const Smoothing& smoothing, BleuScore& bleu) {
  double smallest_match = 1;
  for (std::size_t order = 0; order < BleuScore::max_order; ++order) {
    const double added = order == 0 ? 0 : smoothing.added;
    const double ngrams = static_cast<double>(bleu.totals[order]) + added;
    if (ngrams == 0) return order;  // longer n-grams do not exist either
    double matches = static_cast<double>(bleu.counts[order]) + added;
    if (matches == 0) matches = smoothing.halves ? smallest_match /= 2 : smoothing.floor;
    bleu.precisions[order] = 100 * matches / ngrams;
  }
  return BleuScore::max_order;
}

void compute_score(const Smoothing& smoothing, bool effective_order, BleuScore& bleu) {
  bleu.bp = brevity_penalty(bleu.sys_len, bleu.ref_len);
  if (bleu.counts == std::array<std::int64_t, BleuScore::max_order>{}) return;
  const std::size_t existing = smooth_precisions(smoothing, bleu);
  const std::size_t orders = effective_order ? existing : BleuScore::max_order;
  double log_sum = 0;  // log 0 = −∞, and exp(−∞) = 0
  for (std::size_t order = 0; order < orders; ++order) log_sum += std::log(bleu.precisions[order]);
  bleu.score = bleu.bp * std::exp(log_sum / static_cast<double>(orders));
}

}  // namespace

double bleu(std::string_view prediction, std::string_view label, std::int64_t k) {
  require(k >= 1, "bleu: k must be at least 1, got ", k);
  const Tokens predicted = split_at_spaces(prediction);
  const Tokens expected = split_at_spaces(label);
  const double ratio = static_cast<double>(expected.size()) / static_cast<double>(predicted.size());

  double score = std::exp(std::min(0.0, 1 - ratio));
  const std::size_t longest =
      std::min({static_cast<std::size_t>(k), predicted.size(), last_order_that_counts});
  LongerNgrams ngrams(predicted, expected);
  for (std::size_t n = 1; n <= longest && score > 0; ++n, ngrams.lengthen()) {
    const double precision =
        static_cast<double>(ngrams.matches()) / static_cast<double>(predicted.size() - n + 1);
    score *= std::pow(precision, std::pow(0.5, n));
  }
  return score;
}

BleuScore corpus_bleu(const std::vector<std::string>& hypotheses, const ReferenceSets& sets,
                      const BleuOptions& options) {
  const Tokenize tokenizer = find_tokenizer(options.tokenizer);
  const Smoothing smoothing = find_smoothing(options);
  const References references("corpus_bleu", hypotheses.size(), sets);
  const auto tokenize = [&](std::string_view text) {
    return tokenizer(options.lowercase ? lower_case(text) : std::string(text));
  };

  BleuScore bleu;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    std::vector<Tokens> tokenized;
    for (const std::string_view reference : references.of(i))
      tokenized.push_back(tokenize(reference));
    add_sentence(tokenize(hypotheses[i]), tokenized, bleu);
  }
  compute_score(smoothing, options.effective_order, bleu);
  bleu.signature = references.signature() + (options.lowercase ? "|case:lc" : "|case:mixed") +
                   (options.effective_order ? "|eff:yes" : "|eff:no") +
                   "|tok:" + options.tokenizer + "|smooth:" + smoothing.signature;
  return bleu;
}

BleuScore sentence_bleu(const std::string& hypothesis, const std::vector<std::string>& references,
                        const BleuOptions& options) {
  std::vector<std::vector<std::string>> sets;
  for (const std::string& reference : references) sets.push_back({reference});
  return corpus_bleu({hypothesis}, sets, options);
}

}  // namespace adjoint::data
