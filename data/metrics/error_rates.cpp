#include "data/metrics/error_rates.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "autograd/support/error.h"
#include "data/metrics/ngrams.h"

namespace adjoint::data {
namespace {

std::int64_t length(const Tokens& tokens) { return static_cast<std::int64_t>(tokens.size()); }

std::int64_t position_independent_errors(const Tokens& a, const Tokens& b) {
  return std::max(length(a), length(b)) - matching_ngrams(count_ngrams(a, 1), count_ngrams(b, 1));
}

ErrorRate sum_up(std::string_view name, const std::vector<Tokens>& hypotheses,
                 const std::vector<Tokens>& references,
                 std::int64_t (*errors)(const Tokens&, const Tokens&)) {
  require(!hypotheses.empty(), name, ": no sentences");
  require(hypotheses.size() == references.size(), name, ": ", hypotheses.size(),
          " hypotheses, but ", references.size(), " references");
  ErrorRate sum;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    sum.errors += errors(hypotheses[i], references[i]);
    sum.ref_len += length(references[i]);
  }
  if (sum.errors > 0) {
    sum.rate = sum.ref_len == 0
                   ? 100
                   : 100 * static_cast<double>(sum.errors) / static_cast<double>(sum.ref_len);
  }
  return sum;
}

}  // namespace

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

ErrorRate word_error_rate(const std::vector<Tokens>& hypotheses,
                          const std::vector<Tokens>& references) {
  return sum_up("word_error_rate", hypotheses, references, edit_distance);
}

ErrorRate position_independent_error_rate(const std::vector<Tokens>& hypotheses,
                                          const std::vector<Tokens>& references) {
  return sum_up("position_independent_error_rate", hypotheses, references,
                position_independent_errors);
}

}  // namespace adjoint::data
