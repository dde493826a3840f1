#include "data/metrics/error_rates.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "autograd/support/error.h"
#include "data/metrics/metric_text.h"

namespace adjoint::data {
namespace {

ErrorRate sum_up(std::string_view name, const std::vector<Tokens>& hypotheses,
                 const std::vector<Tokens>& references,
                 std::int64_t (*errors)(const Tokens&, const Tokens&)) {
  require(!hypotheses.empty(), name, ": no sentences");
  require(hypotheses.size() == references.size(), name, ": ", hypotheses.size(),
          " hypotheses, but ", references.size(), " references");
  ErrorRate sum;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    sum.errors += errors(hypotheses[i], references[i]);
    sum.ref_len += std::ssize(references[i]);
  }
  sum.rate = error_rate(static_cast<double>(sum.errors), static_cast<double>(sum.ref_len));
  return sum;
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

double sequence_accuracy(const std::vector<Tokens>& predicted,
                         const std::vector<Tokens>& expected) {
  require(predicted.size() == expected.size(), "sequence_accuracy: ", predicted.size(),
          " predicted sentences, but ", expected.size(), " expected ones");
  require(!predicted.empty(), "sequence_accuracy: no sentences");
  std::int64_t right = 0;
  for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == expected[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(predicted.size());
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

double error_rate(double errors, double length) {
  if (length > 0) return 100 * errors / length;
  return errors > 0 ? 100 : 0;
}

ErrorRate word_error_rate(const std::vector<Tokens>& hypotheses,
                          const std::vector<Tokens>& references) {
  return sum_up("word_error_rate", hypotheses, references, edit_distance);
}

ErrorRate position_independent_error_rate(const std::vector<Tokens>& hypotheses,
                                          const std::vector<Tokens>& references) {
  return sum_up("position_independent_error_rate", hypotheses, references,
                [](const Tokens& a, const Tokens& b) {
                  return std::max(std::ssize(a), std::ssize(b)) -
                         matching_ngrams(count_ngrams(a, 1), count_ngrams(b, 1));
                });
}

}  // namespace adjoint::data
