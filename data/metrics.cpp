#include "data/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "autograd/error.h"

namespace adjoint::data {
namespace {

// --- n-grams, for both forms of BLEU ---

using Counts = std::unordered_map<std::string, std::int64_t>;

/// The n-grams of the tokens and how often each occurs. No token contains a space, so joining with
/// spaces keeps different n-grams apart.
Counts count_ngrams(const Tokens& tokens, std::size_t n) {
  Counts counts;
  for (std::size_t begin = 0; begin + n <= tokens.size(); ++begin) {
    std::string ngram = tokens[begin];
    for (std::size_t i = 1; i < n; ++i) ngram.append(" ").append(tokens[begin + i]);
    ++counts[std::move(ngram)];
  }
  return counts;
}

std::int64_t total_ngrams(const Tokens& tokens, std::size_t n) {
  return tokens.size() < n ? 0 : static_cast<std::int64_t>(tokens.size() - n + 1);
}

/// How many n-grams of the hypothesis the reference has too; one that it has twice counts at most
/// twice ("clipped").
std::int64_t matching_ngrams(const Tokens& hypothesis, const Tokens& reference, std::size_t n) {
  const Counts allowed = count_ngrams(reference, n);
  std::int64_t matches = 0;
  for (const auto& [ngram, count] : count_ngrams(hypothesis, n)) {
    const auto found = allowed.find(ngram);
    if (found != allowed.end()) matches += std::min(count, found->second);
  }
  return matches;
}

/// Python's text.split(' '): k spaces make k + 1 tokens, some perhaps empty.
Tokens split_at_spaces(std::string_view text) {
  Tokens tokens(1);
  for (const char c : text) {
    if (c == ' ') {
      tokens.emplace_back();
    } else {
      tokens.back() += c;
    }
  }
  return tokens;
}

// --- the 13a tokenizer. It may look at bytes: all its rules are about ASCII, and UTF-8 uses no
// ASCII byte inside another character. Only white space is known by its code points. ---

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_no_digit(char c) { return !is_digit(c); }
bool is_period_or_comma(char c) { return c == '.' || c == ','; }
bool is_dash(char c) { return c == '-'; }

/// [\{-\~\[-\` -\&\(-\+\:-\@\/]: the ASCII symbols but for ' , - and the period
bool is_symbol(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// s/([symbol])/ \1 /g
std::string space_around_symbols(std::string_view text) {
  std::string spaced;
  for (const char c : text) {
    if (is_symbol(c)) {
      spaced.append({' ', c, ' '});
    } else {
      spaced += c;
    }
  }
  return spaced;
}

/// s/([first])([second])/before\1 \2after/g. As in a regular expression a character that has been
/// matched is not looked at again: in "a,,5" the match of "a," uses the first comma up, and the
/// second one has nothing before it to match with.
std::string space_between(std::string_view text, bool (*first)(char), bool (*second)(char),
                          std::string_view before, std::string_view after) {
  std::string spaced;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      spaced.append(before).append({text[i], ' ', text[i + 1]}).append(after);
      ++i;
    } else {
      spaced += text[i];
    }
  }
  return spaced;
}

/// The length in bytes of the character at the start of the text if Python's str.split() takes it
/// for white space, else 0.
std::size_t white_space_length(std::string_view text) {
  const char c = text.front();
  if ((c >= '\t' && c <= '\r') || (c >= '\x1C' && c <= ' ')) return 1;
  static constexpr std::string_view wide[] = {"\xC2\x85", "\u00A0", "\u1680", "\u2000", "\u2001",
                                              "\u2002",   "\u2003", "\u2004", "\u2005", "\u2006",
                                              "\u2007",   "\u2008", "\u2009", "\u200A", "\u2028",
                                              "\u2029",   "\u202F", "\u205F", "\u3000"};
  for (const std::string_view space : wide) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

Tokens split_at_white_space(std::string_view text) {
  Tokens tokens;
  bool begin = true;
  while (!text.empty()) {
    const std::size_t space = white_space_length(text);
    if (space == 0) {
      if (begin) tokens.emplace_back();
      tokens.back() += text.front();
    }
    begin = space > 0;
    text.remove_prefix(std::max<std::size_t>(space, 1));
  }
  return tokens;
}

std::string_view without_trailing_white_space(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t space = white_space_length(text.substr(i));
    i += std::max<std::size_t>(space, 1);
    if (space == 0) end = i;
  }
  return text.substr(0, end);
}

// --- corpus BLEU ---

void add_sentence(const Tokens& hypothesis, const Tokens& reference, BleuScore& bleu) {
  bleu.sys_len += static_cast<std::int64_t>(hypothesis.size());
  bleu.ref_len += static_cast<std::int64_t>(reference.size());
  for (std::size_t order = 0; order < BleuScore::max_order; ++order) {
    bleu.counts[order] += matching_ngrams(hypothesis, reference, order + 1);
    bleu.totals[order] += total_ngrams(hypothesis, order + 1);
  }
}

double brevity_penalty(std::int64_t sys_len, std::int64_t ref_len) {
  if (sys_len >= ref_len) return 1;
  if (sys_len == 0) return 0;
  return std::exp(1 - static_cast<double>(ref_len) / static_cast<double>(sys_len));
}

/// The precisions in per cent; an order without a match gets 1/2, 1/4, ... of one.
void smooth_precisions(BleuScore& bleu) {
  double smallest_match = 1;
  for (std::size_t order = 0; order < BleuScore::max_order; ++order) {
    if (bleu.totals[order] == 0) return;  // longer n-grams do not exist either
    auto matches = static_cast<double>(bleu.counts[order]);
    if (bleu.counts[order] == 0) matches = smallest_match /= 2;
    bleu.precisions[order] = 100 * matches / static_cast<double>(bleu.totals[order]);
  }
}

double geometric_mean(const std::array<double, BleuScore::max_order>& values) {
  double log_sum = 0;
  for (const double value : values) log_sum += std::log(value);  // log 0 = −∞, and exp(−∞) = 0
  return std::exp(log_sum / static_cast<double>(values.size()));
}

}  // namespace

double bleu(std::string_view prediction, std::string_view label, std::int64_t k) {
  require(k >= 1, "bleu: k must be at least 1, got ", k);
  const Tokens predicted = split_at_spaces(prediction);
  const Tokens expected = split_at_spaces(label);
  const double ratio = static_cast<double>(expected.size()) / static_cast<double>(predicted.size());

  double score = std::exp(std::min(0.0, 1 - ratio));
  const std::size_t longest = std::min(static_cast<std::size_t>(k), predicted.size());
  for (std::size_t n = 1; n <= longest; ++n) {
    const double precision = static_cast<double>(matching_ngrams(predicted, expected, n)) /
                             static_cast<double>(total_ngrams(predicted, n));
    score *= std::pow(precision, std::pow(0.5, n));
  }
  return score;
}

Tokens tokenize_13a(std::string_view text) {
  std::string line(without_trailing_white_space(text));
  replace_all(line, "<skipped>", "");
  replace_all(line, "-\n", "");
  replace_all(line, "\n", " ");
  replace_all(line, "&quot;", "\"");
  replace_all(line, "&amp;", "&");
  replace_all(line, "&lt;", "<");
  replace_all(line, "&gt;", ">");
  line = space_around_symbols(" " + line + " ");
  line = space_between(line, is_no_digit, is_period_or_comma, "", " ");
  line = space_between(line, is_period_or_comma, is_no_digit, " ", "");
  line = space_between(line, is_digit, is_dash, "", " ");
  return split_at_white_space(line);
}

BleuScore corpus_bleu(const std::vector<std::string>& hypotheses,
                      const std::vector<std::string>& references) {
  require(!hypotheses.empty(), "corpus_bleu: there is no sentence");
  require(hypotheses.size() == references.size(), "corpus_bleu: ", hypotheses.size(),
          " hypotheses, but ", references.size(), " references");
  BleuScore bleu;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    add_sentence(tokenize_13a(hypotheses[i]), tokenize_13a(references[i]), bleu);
  }
  bleu.bp = brevity_penalty(bleu.sys_len, bleu.ref_len);
  if (bleu.counts == std::array<std::int64_t, BleuScore::max_order>{}) return bleu;
  smooth_precisions(bleu);
  bleu.score = bleu.bp * geometric_mean(bleu.precisions);
  return bleu;
}

double token_accuracy(std::span<const std::int64_t> predicted,
                      std::span<const std::int64_t> expected, std::int64_t ignored) {
  require(predicted.size() == expected.size(), "token_accuracy: ", predicted.size(),
          " predicted ids, but ", expected.size(), " expected ones");
  std::int64_t right = 0, counted = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == ignored) continue;
    ++counted;
    if (predicted[i] == expected[i]) ++right;
  }
  require(counted > 0, "token_accuracy: no position counts");
  return static_cast<double>(right) / static_cast<double>(counted);
}

double perplexity(double summed_negative_log_likelihood, std::int64_t count) {
  require(count >= 1, "perplexity: the number of tokens must be at least 1, got ", count);
  return std::exp(summed_negative_log_likelihood / static_cast<double>(count));
}

std::int64_t edit_distance(const Tokens& a, const Tokens& b) {
  // row[j] is the distance between the first i tokens of a and the first j of b.
  std::vector<std::int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t diagonal = std::exchange(row[0], row[0] + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t substitute = diagonal + (a[i] == b[j] ? 0 : 1);
      const std::int64_t insert_or_delete = std::min(row[j], row[j + 1]) + 1;
      diagonal = std::exchange(row[j + 1], std::min(substitute, insert_or_delete));
    }
  }
  return row.back();
}

}  // namespace adjoint::data
