#include "data/metrics/accuracy.h"

#include <cmath>

#include "autograd/support/error.h"

namespace adjoint::data {

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

}  // namespace adjoint::data
