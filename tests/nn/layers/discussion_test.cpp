// The cases of the discussion that this project springs from, with its literal arrays: in which
// order heads and valid lengths become the examples of a larger batch, and why embeddings are
// scaled before positions are added.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/gradcheck.h"
#include "nn/layers/linear.h"
#include "tests/nn/layers/heads_as_examples.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;
using namespace adjoint::experiments;

constexpr Orders repeated, tiled{HeadOrder::batch_major, LengthOrder::tile},
    head_major_tiled{HeadOrder::head_major, LengthOrder::tile};

// The part of x that belongs to the example.
Tensor alone(const Tensor& x, Index example) { return slice(x, 0, example, example + 1); }

// How much an example's result depends on the other examples of its batch.
template <class Attention>
double dependence_on_others(const Tensor& x, const Tensor& lengths, const Attention& attention) {
  const Tensor together = attention(x, lengths);
  double worst = 0;
  for (Index b = 0; b < x.size(0); ++b) {
    const Tensor own = attention(alone(x, b), slice(lengths, 0, b, b + 1));
    worst = std::max(worst, distance(alone(together, b), own));
  }
  return worst;
}

struct TwoLengths {
  MultiHeadAttention layer = nn::cast(MultiHeadAttention(4, 2, 0, Key(1)), DType::f64);
  Tensor x = variable(normal({2, 3, 4}, 0, 1, Key(2), DType::f64));
  Tensor lengths = ints({1, 2});
};

BOOST_AUTO_TEST_SUITE(discussion)

BOOST_AUTO_TEST_CASE(transpose_qkv_puts_the_heads_of_an_example_side_by_side) {
  const Tensor x = reshape(arange(24), {2, 3, 4});
  BOOST_TEST(same_bits(x, tensor({{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}},
                                  {{12, 13, 14, 15}, {16, 17, 18, 19}, {20, 21, 22, 23}}})));
  const Tensor split = transpose_qkv(x, 2);
  BOOST_TEST(same_bits(split, tensor({{{0, 1}, {4, 5}, {8, 9}},
                                      {{2, 3}, {6, 7}, {10, 11}},
                                      {{12, 13}, {16, 17}, {20, 21}},
                                      {{14, 15}, {18, 19}, {22, 23}}})));
  BOOST_TEST(same_bits(transpose_output(split, 2), x));
}

BOOST_AUTO_TEST_CASE(lengths_follow_the_heads_by_repeat) {
  BOOST_TEST(
      same_bits(lengths_for_heads(ints({1, 2}), 2, LengthOrder::repeat), ints({1, 1, 2, 2})));
  BOOST_TEST(same_bits(lengths_for_heads(ints({1, 2}), 2, LengthOrder::tile), ints({1, 2, 1, 2})));

  const Tensor of_queries = lengths_for_heads(ints({{1, 2, 3}, {4, 5, 6}}), 4, LengthOrder::repeat);
  BOOST_TEST(same_bits(of_queries, ints({{1, 2, 3},
                                         {1, 2, 3},
                                         {1, 2, 3},
                                         {1, 2, 3},
                                         {4, 5, 6},
                                         {4, 5, 6},
                                         {4, 5, 6},
                                         {4, 5, 6}})));
  BOOST_TEST(same_bits(reshape(of_queries, {2, 4, 3}),
                       ints({{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}},
                             {{4, 5, 6}, {4, 5, 6}, {4, 5, 6}, {4, 5, 6}}})));
}

BOOST_FIXTURE_TEST_CASE(each_example_gets_the_result_that_it_gets_alone, TwoLengths) {
  const auto ours = [&](const Tensor& h, const Tensor& valid) {
    const Mask mask = Mask::full(h.size(0), h.size(1), h.size(1)).with_lengths(valid);
    return layer(h, h, h, mask, Context::inference());
  };
  const auto with = [&](const Orders& orders) {
    return [&, orders](const Tensor& h, const Tensor& valid) {
      return book_attention(layer, h, valid, orders);
    };
  };
  BOOST_TEST(dependence_on_others(x, lengths, ours) < 1e-14);
  BOOST_TEST(dependence_on_others(x, lengths, with(repeated)) < 1e-14);
  BOOST_TEST(dependence_on_others(x, lengths, with(tiled)) > 0.1);
  BOOST_TEST(distance(ours(x, lengths), book_attention(layer, x, lengths, repeated)) < 1e-14);

  // What hides the bug: a batch of one, equal lengths.
  BOOST_TEST(distance(book_attention(layer, x, ints({2, 2}), tiled), ours(x, ints({2, 2}))) <
             1e-14);
  BOOST_TEST(distance(book_attention(layer, alone(x, 1), ints({2}), tiled),
                      ours(alone(x, 1), ints({2}))) < 1e-14);
}

// The discussion's other fix: keep the tile, and put all examples of a head together.
BOOST_FIXTURE_TEST_CASE(tiled_lengths_are_right_for_heads_in_head_major_order, TwoLengths) {
  const auto with = [&](LengthOrder order) {
    return [&, order](const Tensor& h, const Tensor& valid) {
      return book_attention(layer, h, valid, {HeadOrder::head_major, order});
    };
  };
  BOOST_TEST(dependence_on_others(x, lengths, with(LengthOrder::tile)) < 1e-14);
  BOOST_TEST(dependence_on_others(x, lengths, with(LengthOrder::repeat)) > 0.1);
  BOOST_TEST(same_bits(book_attention(layer, x, lengths, head_major_tiled),
                       book_attention(layer, x, lengths, repeated)));

  // And the same from a mask.
  const Mask mask = Mask::full(2, 3, 3).with_lengths(lengths);
  const auto by_mask = [&](HeadOrder order) {
    return testing::attend(layer, x, x, mask, order, Context::inference());
  };
  const Tensor batch_major = by_mask(HeadOrder::batch_major);
  BOOST_TEST(same_bits(batch_major, by_mask(HeadOrder::head_major)));
  BOOST_TEST(distance(batch_major, book_attention(layer, x, lengths, repeated)) < 1e-14);
}

// The wrong order is differentiated as correctly as the right one: finite differences show that the
// gradient belongs to the function, not that the function is right.
BOOST_FIXTURE_TEST_CASE(a_gradient_check_cannot_see_the_wrong_order, TwoLengths) {
  Tensors inputs = {x};
  for (const Tensor& parameter : parameters(layer)) inputs.push_back(parameter);
  for (const Orders& orders : {repeated, tiled}) {
    const auto report = gradcheck(
        [&](const Tensors& values) {
          const Tensors weights(values.begin() + 1, values.end());
          return Tensors{
              book_attention(with_parameters(layer, weights), values[0], lengths, orders)};
        },
        inputs);
    BOOST_TEST(report);
    BOOST_TEST(report.worst_error < 1e-7);
  }
}

BOOST_AUTO_TEST_CASE(embeddings_are_scaled_before_positions_are_added) {
  const Index width = 16;
  const Embedding embedding(7, width, Key(3));
  const PositionalEncoding positions(Positions::sinusoidal, 10, width, 0, Key(4));
  const Tensor ids = ints({{3, 1, 3}, {6, 0, 2}});
  const Tensor encoded = positions(embedding(ids), Layout::full(2, 3), Context::inference());

  const Grid table(embedding.table);
  const Grid expected = grid_of({2, 3, width}, [&](const Indices& at) {
    const auto token = static_cast<Index>(ids.at({at[0], at[1]}));
    const double frequency =
        std::pow(10000.0, -static_cast<double>(at[2] / 2 * 2) / static_cast<double>(width));
    const double angle = static_cast<double>(at[1]) * frequency;
    return 4 * table[{token, at[2]}] + (at[2] % 2 == 0 ? std::sin(angle) : std::cos(angle));
  });
  BOOST_TEST(distance(encoded, expected) < 1e-6);

  for (const double value : numbers(sinusoids(1000, width))) BOOST_TEST(std::abs(value) <= 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
