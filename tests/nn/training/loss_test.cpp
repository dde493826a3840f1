#include "nn/training/loss.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// −log softmax(logits)(target), smoothed, summed over the targets that are not padding.
double naive_sum(const Tensor& logits, const Tensor& targets, Index padding, double smoothing) {
  const Index classes = logits.size(-1), rows = targets.numel();
  const Grid x(reshape(logits, {rows, classes}));
  const Tensor flat = reshape(targets, {rows});
  double total = 0;
  for (Index row = 0; row < rows; ++row) {
    const auto target = static_cast<Index>(flat.at({row}));
    if (target == padding) continue;
    double normaliser = 0;
    for (Index c = 0; c < classes; ++c) normaliser += std::exp(x[{row, c}]);
    for (Index c = 0; c < classes; ++c) {
      const double share =
          (c == target ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
      total -= share * (x[{row, c}] - std::log(normaliser));
    }
  }
  return total;
}

BOOST_AUTO_TEST_SUITE(loss)

BOOST_AUTO_TEST_CASE(a_sum_and_a_count_of_real_tokens) {
  Dice dice(Key(1));
  for (int round = 0; round < 50; ++round) {
    const Shape leading = dice.shape(dice.between(1, 3));
    const Tensor logits = dice.tensor(leading.joined({5})), targets = dice.integers(leading, 0, 5);
    const double smoothing = dice.coin() ? 0.1 : 0;
    const Index padding = dice.between(-1, 4);
    const LossSum loss = masked_cross_entropy(logits, targets, padding, smoothing);
    BOOST_TEST((loss.sum.shape() == Shape{}));
    BOOST_TEST(std::abs(loss.sum.item() - naive_sum(logits, targets, padding, smoothing)) < 1e-11);
    Index count = 0;
    for (const double target : numbers(targets)) count += static_cast<Index>(target) != padding;
    BOOST_TEST(loss.count == count);
  }
}

BOOST_AUTO_TEST_CASE(padding_has_no_loss_and_no_gradient) {
  const Tensor logits = variable(normal({3, 4}, 0, 1, Key(1), DType::f64));
  const LossSum loss = masked_cross_entropy(logits, ints({2, 0, 3}), 0);
  BOOST_TEST(loss.count == 2);
  const Tensor gradient = grad(loss.sum, {logits})[0];
  BOOST_TEST(distance(slice(gradient, 0, 1, 2), zeros({1, 4}, DType::f64)) == 0);
  BOOST_TEST(distance(slice(gradient, 0, 0, 1), zeros({1, 4}, DType::f64)) > 0.01);

  const LossSum nothing = masked_cross_entropy(logits, ints({0, 0, 0}), 0, 0.1);
  BOOST_TEST(nothing.count == 0);
  BOOST_TEST(nothing.sum.item() == 0);
  BOOST_TEST(distance(grad(nothing.sum, {logits})[0], zeros({3, 4}, DType::f64)) == 0);
}

// For a batch cut in two, the mean of the means would differ; sums and counts add up.
BOOST_AUTO_TEST_CASE(sums_and_counts_of_shards_add_up) {
  const Tensor logits = normal({4, 3, 6}, 0, 1, Key(1), DType::f64);
  const Tensor targets = ints({{1, 2, 3}, {4, 0, 0}, {5, 1, 0}, {2, 0, 0}});
  const LossSum whole = masked_cross_entropy(logits, targets, 0);
  double sum = 0;
  Index count = 0;
  for (Index b = 0; b < 4; ++b) {
    const LossSum part =
        masked_cross_entropy(slice(logits, 0, b, b + 1), slice(targets, 0, b, b + 1), 0);
    sum += part.sum.item();
    count += part.count;
  }
  BOOST_TEST(whole.count == 7);
  BOOST_TEST(count == 7);
  BOOST_TEST(sum == whole.sum.item(), boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_match_are_an_error) {
  const auto check = [](const Tensor& logits, const Tensor& targets, const std::string& text) {
    BOOST_CHECK_EXCEPTION(masked_cross_entropy(logits, targets, 0), Error, says(text));
  };
  const std::string rule = "cross_entropy: logits are […, classes], targets […]; logits are ";
  check(zeros({2, 3, 5}), zeros({2, 1}, DType::i64), rule + "[2, 3, 5], targets [2, 1]");
  check(zeros({2, 3, 5}), zeros({6}, DType::i64), rule + "[2, 3, 5], targets [6]");
  check(zeros({2, 3, 5}), zeros({2, 3, 5}, DType::i64), rule + "[2, 3, 5], targets [2, 3, 5]");
  check(zeros({2, 5}), zeros({2}), "cross_entropy: targets must be i64, are f32; cast() them");
  check(zeros({2, 5}), ints({1, 5}),
        "cross_entropy: target 5 is not one of 5 classes, counted from 0; rows to be left out have "
        "the "
        "target 0");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
