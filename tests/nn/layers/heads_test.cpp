#include "nn/layers/heads.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/checks/gradcheck.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const Context inference = Context::inference();

RelativeHeads made(Index heads, Index max_distance, Index head_width, bool with_values, Key key,
                   double drop = 0) {
  return nn::cast(RelativeHeads(heads, head_width, drop, max_distance, with_values, key),
                  DType::f64);
}

// A sequence's queries, keys and values, two heads, and who may see whom.
struct Case {
  Index heads = 2, head_width, max_distance, first;
  Layout queries, keys;
  Mask mask;
  Tensor q, k, v;
  RelativeHeads relative;

  explicit Case(Dice& dice)
      : head_width(dice.between(1, 3)),
        max_distance(dice.between(1, 4)),
        first(dice.between(0, 3)),
        queries(Layout::padded({dice.between(0, 5), dice.between(1, 5)}, 5).placed(0, first)),
        keys(Layout::padded({dice.between(0, 8), dice.between(1, 8)}, 8)),
        mask(dice.coin() ? Mask(queries, keys).causal() : Mask(queries, keys)),
        q(dice.tensor({2, 5, 2 * head_width})),
        k(dice.tensor({2, 8, 2 * head_width})),
        v(dice.tensor({2, 8, 2 * head_width})),
        relative(made(heads, max_distance, head_width, dice.coin(), dice.key())) {}

  Tensor result() const { return relative(q, k, v, mask, inference); }
  // The row of the vectors for query i and key j.
  Index row(Index i, Index j) const {
    return max_distance + std::clamp(j - (first + i), -max_distance, max_distance);
  }
  // The weights of a query's head, by equation 4; none where it sees nothing.
  std::vector<double> weights(Index example, Index i, Index head) const {
    const Grid queries_of(q), keys_of(k), vectors(relative.key_vectors);
    const Tensor dense = mask.dense();
    std::vector<double> weights;
    double total = 0;
    for (Index j = 0; j < 8; ++j) {
      double score = 0;
      for (Index c = 0; c < head_width; ++c) {
        const Index at = head * head_width + c;
        score +=
            queries_of[{example, i, at}] * (keys_of[{example, j, at}] + vectors[{row(i, j), c}]);
      }
      const bool visible = dense.at({example, i, j}) != 0;
      weights.push_back(visible ? std::exp(score / std::sqrt(static_cast<double>(head_width))) : 0);
      total += weights.back();
    }
    for (double& weight : weights) weight = total > 0 ? weight / total : 0;
    return weights;
  }
};

BOOST_AUTO_TEST_SUITE(relative_attention_suite)

BOOST_AUTO_TEST_CASE(it_has_its_formula) {
  Dice dice(Key(1));
  for (int round = 0; round < 60; ++round) {
    const Case c(dice);
    const Grid values(c.v);
    const Grid expected = grid_of(c.q.shape(), [&](const Indices& at) {
      const Index head = at[2] / c.head_width, feature = at[2] % c.head_width;
      const std::vector<double> weights = c.weights(at[0], at[1], head);
      double total = 0;
      for (Index j = 0; j < 8; ++j) {
        const double own = c.relative.value_vectors.defined()
                               ? c.relative.value_vectors.at({c.row(at[1], j), feature})
                               : 0;
        total += weights[static_cast<std::size_t>(j)] * (values[{at[0], j, at[2]}] + own);
      }
      return total;
    });
    BOOST_TEST(distance(c.result(), expected) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(its_weights_are_those_that_it_uses) {
  Dice dice(Key(2));
  for (int round = 0; round < 20; ++round) {
    const Case c(dice);
    const Tensor weights = c.relative.weights(c.q, c.k, c.mask);
    for (Index example = 0; example < 2; ++example)
      for (Index head = 0; head < 2; ++head)
        for (Index i = 0; i < c.queries.length(example); ++i) {
          const std::vector<double> expected = c.weights(example, i, head);
          for (Index j = 0; j < weights.size(3); ++j)
            BOOST_TEST(std::abs(weights.at({example, head, i, j}) -
                                expected[static_cast<std::size_t>(j)]) < 1e-12);
        }
  }
}

BOOST_AUTO_TEST_CASE(with_vectors_of_zeros_it_is_attention) {
  Dice dice(Key(3));
  for (int round = 0; round < 20; ++round) {
    Case c(dice);
    replace_parameters(c.relative, [](const std::string&, const Tensor& parameter) {
      return zeros(parameter.shape(), DType::f64);
    });
    BOOST_TEST(distance(c.result(), attention(c.q, c.k, c.v, c.mask.pattern(), {.heads = 2})) <
               1e-13);
  }
}

BOOST_AUTO_TEST_CASE(packed_equals_padded) {
  Dice dice(Key(4));
  const std::vector<Index> lengths = {3, 0, 5, 1};
  const Layout padded = Layout::padded(lengths, 6), packed = Layout::packed(lengths);
  const RelativeHeads relative = made(2, 2, 3, true, Key(5), 0.4);
  const Tensor rows = dice.tensor({9, 6});
  const auto run = [&](const Tensor& x, const Layout& layout) {
    return relative(x, x, x, Mask(layout, layout).causal(), Context::training(Key(6)));
  };
  const Tensor apart = run(in_layout(rows, padded, std::nan("")), padded);
  BOOST_TEST(distance(real_rows(apart, padded), run(rows, packed)) < 1e-13);
  // Rows of padding are no queries.
  BOOST_TEST(distance(slice(apart, 0, 1, 2), zeros({1, 6, 6}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(each_head_drops_weights_of_its_own) {
  const Layout layout = Layout::full(1, 20);
  const RelativeHeads relative = made(2, 2, 20, false, Key(5), 0.5);
  // Values that show the weights: v is the identity in each head.
  const Tensor eyes = concat({eye(20, DType::f64), eye(20, DType::f64)}, 1);
  const Tensor same = zeros({20, 40}, DType::f64);  // all weights are 1/20
  const Tensor y = relative(same, same, eyes, Mask(layout, layout), Context::training(Key(6)));
  const Tensor first = slice(y, 1, 0, 20), second = slice(y, 1, 20, 40);
  Index dropped = 0;
  for (const double weight : numbers(y)) {
    BOOST_TEST((weight == 0 || std::abs(weight - 0.1) < 1e-12));
    dropped += weight == 0;
  }
  BOOST_TEST((dropped > 300 && dropped < 500));
  BOOST_TEST(distance(first, second) > 0.05);
}

BOOST_AUTO_TEST_CASE(only_distances_matter) {
  Dice dice(Key(7));
  const RelativeHeads relative = made(1, 2, 4, true, Key(8));
  const Tensor x = dice.tensor({1, 9, 4});
  const auto run = [&](Index begin, Index end) {  // the steps of a window by themselves
    const Tensor window = slice(x, 1, begin, end);
    return relative(window, window, window, Mask::full(1, end - begin, end - begin), inference);
  };
  const Tensor doubled = concat({slice(x, 1, 0, 4), slice(x, 1, 0, 4)}, 1);
  const Layout two = Layout::packed({4, 4});
  const Tensor flat = reshape(doubled, {8, 4});
  const Tensor twice = relative(flat, flat, flat, Mask(two, two), inference);
  BOOST_TEST(distance(slice(twice, 0, 4, 8), slice(twice, 0, 0, 4)) < 1e-15);
  BOOST_TEST(distance(reshape(run(0, 4), {4, 4}), slice(twice, 0, 0, 4)) < 1e-14);
  // Reversal changes the sign of distances, so the order matters.
  const Tensor order = ints({3, 2, 1, 0});
  const Tensor reversed = gather(slice(x, 1, 0, 4), order, 1);
  const Tensor back = relative(reversed, reversed, reversed, Mask::full(1, 4, 4), inference);
  BOOST_TEST(distance(gather(back, order, 1), run(0, 4)) > 0.01);
}

BOOST_AUTO_TEST_CASE(gradients_are_checked_twice) {
  Dice dice(Key(9));
  for (int round = 0; round < 3; ++round) {
    Case c(dice);
    c.relative.drop = 0.3;
    BOOST_TEST(nn::gradcheck(c.relative,
                             [&](const RelativeHeads& relative, const Tensors& x) {
                               return relative(x[0], x[1], x[2], c.mask,
                                               Context::training(Key(10)));
                             },
                             {c.q, c.k, c.v}, {.order = 2}));
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_an_error) {
  BOOST_CHECK_EXCEPTION(made(2, 0, 4, true, Key(1)), Error,
                        says("relative positions: the largest distance must be at least 1, is 0"));
  const Tensor x = zeros({1, 2, 8}, DType::f64);
  BOOST_CHECK_EXCEPTION(made(4, 1, 4, true, Key(1))(x, x, x, Mask::full(1, 2, 2), inference), Error,
                        says("relative attention: 4 heads with vectors [3, 4] do not fit a query "
                             "[1, 2, 8] and a key [1, 2, 8]"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
