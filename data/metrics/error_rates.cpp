#include "data/metrics/error_rates.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/support/error.h"
#include "data/metrics/metric_text.h"
#include "data/metrics/word_numbers.h"

namespace adjoint::data {
namespace {

/// Every set needs one reference for each sentence; the first set is `references`.
void require_matching(std::string_view name, const std::vector<Tokens>& hypotheses,
                      const std::vector<Tokens>& references,
                      const std::vector<std::vector<Tokens>>& more) {
  require(!hypotheses.empty(), name, ": no sentences");
  const auto require_size = [&](const std::vector<Tokens>& set) {
    require(hypotheses.size() == set.size(), name, ": ", hypotheses.size(), " hypotheses, but ",
            set.size(), " references");
  };
  require_size(references);
  std::ranges::for_each(more, require_size);
}

using CountErrors = std::int64_t (*)(const Tokens& hypothesis, const Tokens& reference);

ErrorRate rate_of(CountErrors errors, const Tokens& hypothesis, const Tokens& reference) {
  ErrorRate one = {.errors = errors(hypothesis, reference), .ref_len = std::ssize(reference)};
  one.rate = error_rate(static_cast<double>(one.errors), static_cast<double>(one.ref_len));
  return one;
}

ErrorRate sum_up(std::string_view name, CountErrors errors, const std::vector<Tokens>& hypotheses,
                 const std::vector<Tokens>& references,
                 const std::vector<std::vector<Tokens>>& more) {
  require_matching(name, hypotheses, references, more);
  ErrorRate sum;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    ErrorRate best = rate_of(errors, hypotheses[i], references[i]);
    for (const std::vector<Tokens>& set : more)
      if (!set[i].empty())
        best = std::min(best, rate_of(errors, hypotheses[i], set[i]),
                        [](const ErrorRate& a, const ErrorRate& b) { return a.rate < b.rate; });
    sum.errors += best.errors;
    sum.ref_len += best.ref_len;
  }
  sum.rate = error_rate(static_cast<double>(sum.errors), static_cast<double>(sum.ref_len));
  return sum;
}

std::size_t index(WordNumbers::Number number) { return static_cast<std::size_t>(number); }

/// Up to 64 rows of the table of edit distances, column by column (Myers, "A fast bit-vector
/// algorithm for approximate string matching", JACM 1999; in strips: Hyyrö 2003). Neighbouring
/// cells differ by −1, 0 or 1, so two bits describe a cell.
class Strip {
 public:
  static constexpr std::size_t rows = 64;

  explicit Strip(std::size_t used) : last_(used - 1) {}

  /// Takes the rows whose word equals that of the next column, and by how much the cell above the
  /// strip exceeds its left neighbour. Returns that difference for the last row.
  std::int8_t next(std::uint64_t equal, std::int8_t step_above) {
    const std::uint64_t falls_above = step_above < 0 ? 1 : 0, rises_above = step_above > 0 ? 1 : 0;
    const std::uint64_t vertical = equal | falls_;
    equal |= falls_above;
    const std::uint64_t horizontal = (((equal & rises_) + rises_) ^ rises_) | equal;
    std::uint64_t rises = falls_ | ~(horizontal | rises_), falls = rises_ & horizontal;
    const auto step = static_cast<std::int8_t>((rises >> last_ & 1) - (falls >> last_ & 1));
    rises = rises << 1 | rises_above;
    falls = falls << 1 | falls_above;
    rises_ = falls | ~(vertical | rises);
    falls_ = rises & vertical;
    return step;
  }

 private:
  std::size_t last_;
  std::uint64_t rises_ = ~std::uint64_t{0}, falls_ = 0;  // relative to the row above
};

// D(0, j) = j: above the first strip, each cell is one more than its left neighbour.
constexpr std::int8_t first_step = 1;

/// Comparing the words of short sentences costs less than numbering them.
std::int64_t distance_in_one_strip(const Tokens& a, const Tokens& b) {
  if (a.empty()) return std::ssize(b);
  Strip strip(a.size());
  std::int64_t distance = std::ssize(a);
  for (const std::string& word : b) {
    std::uint64_t equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i) equal |= std::uint64_t{a[i] == word} << i;
    distance += strip.next(equal, first_step);
  }
  return distance;
}

std::int64_t distance_in_strips(const Tokens& a, const Tokens& b) {
  WordNumbers number;
  const std::vector<WordNumbers::Number> rows = number(a), columns = number(b);
  std::vector<std::uint64_t> equal(number.size());  // by word: its rows in the strip
  std::vector<std::int8_t> steps(columns.size(), first_step);
  for (std::size_t begin = 0; begin < rows.size(); begin += Strip::rows) {
    const auto strip_rows =
        std::span(rows).subspan(begin).first(std::min(Strip::rows, rows.size() - begin));
    for (std::size_t i = 0; i < strip_rows.size(); ++i)
      equal[index(strip_rows[i])] |= std::uint64_t{1} << i;
    Strip strip(strip_rows.size());
    for (std::size_t j = 0; j < columns.size(); ++j)
      steps[j] = strip.next(equal[index(columns[j])], steps[j]);
    for (const WordNumbers::Number word : strip_rows) equal[index(word)] = 0;
  }
  return std::accumulate(steps.begin(), steps.end(), std::ssize(rows));
}

}  // namespace

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
  require(counted > 0, "token_accuracy: every position is ignored");
  return static_cast<double>(right) / static_cast<double>(counted);
}

double sequence_accuracy(const std::vector<Tokens>& predicted, const std::vector<Tokens>& expected,
                         const std::vector<std::vector<Tokens>>& more) {
  require_matching("sequence_accuracy", predicted, expected, more);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const auto is_right = [&](const std::vector<Tokens>& set) {
      return !set[i].empty() && set[i] == predicted[i];
    };
    if (predicted[i] == expected[i] || std::ranges::any_of(more, is_right)) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(predicted.size());
}

double perplexity(double summed_negative_log_likelihood, std::int64_t count) {
  require(count >= 1, "perplexity: the number of tokens must be at least 1, got ", count);
  return std::exp(summed_negative_log_likelihood / static_cast<double>(count));
}

std::int64_t edit_distance(const Tokens& a, const Tokens& b) {
  return a.size() <= Strip::rows ? distance_in_one_strip(a, b) : distance_in_strips(a, b);
}

double error_rate(double errors, double length) {
  if (length > 0) return 100 * errors / length;
  return errors > 0 ? 100 : 0;
}

ErrorRate word_error_rate(const std::vector<Tokens>& hypotheses,
                          const std::vector<Tokens>& references,
                          const std::vector<std::vector<Tokens>>& more) {
  return sum_up("word_error_rate", edit_distance, hypotheses, references, more);
}

ErrorRate position_independent_error_rate(const std::vector<Tokens>& hypotheses,
                                          const std::vector<Tokens>& references,
                                          const std::vector<std::vector<Tokens>>& more) {
  const auto errors = [](const Tokens& a, const Tokens& b) {
    return std::max(std::ssize(a), std::ssize(b)) -
           matching_ngrams(count_ngrams(a, 1), count_ngrams(b, 1));
  };
  return sum_up("position_independent_error_rate", errors, hypotheses, references, more);
}

}  // namespace adjoint::data
