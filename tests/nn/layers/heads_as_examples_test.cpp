#include "tests/nn/layers/heads_as_examples.h"

#include <boost/test/unit_test.hpp>
#include <optional>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;
using enum HeadOrder;

const std::vector<Index> query_lengths = {3, 0, 1, 5}, key_lengths = {2, 4, 6, 3};

// One for each score with each kind of positions that act within these heads.
std::vector<MultiHeadAttention> all_layers(double drop) {
  std::vector<MultiHeadAttention> layers;
  for (const Score score : {Score::dot_product, Score::bilinear, Score::additive})
    for (const Positions positions :
         {Positions::none, Positions::rotary, Positions::linear_biases}) {
      if (!compatible(score, positions)) continue;
      layers.push_back(
          nn::cast(MultiHeadAttention(8, 2, drop, Key(1), {.positions = positions, .score = score}),
                   DType::f64));
      shake(layers.back(), Key(2));
    }
  return layers;
}

struct Outcome {
  Tensor y;  // real rows
  Tensors gradients;
};

// What the layer computes, or with its heads as examples in an order.
Outcome run(const MultiHeadAttention& layer, In how, const Context& context,
            std::optional<HeadOrder> order = std::nullopt) {
  const bool packed = how == In::packed;
  const Layout of_queries =
      packed ? Layout::packed(query_lengths) : Layout::padded(query_lengths, 6);
  const Layout of_keys = packed ? Layout::packed(key_lengths) : Layout::padded(key_lengths, 7);
  const Tensor queries = variable(normal({9, 8}, 0, 1, Key(3), DType::f64)),
               memory = variable(normal({15, 8}, 0, 1, Key(4), DType::f64));
  const Tensor m = in_layout(memory, of_keys, 100);
  const Tensor q = in_layout(queries, of_queries, 100);
  const Mask mask(of_queries, of_keys);
  const Tensor y =
      real_rows(order ? attend(layer, q, m, mask, *order, context) : layer(q, m, m, mask, context),
                of_queries);
  Tensors inputs = {queries, memory};
  for (const Tensor& parameter : parameters(layer)) inputs.push_back(parameter);
  return {y, grad(weighed(y, Key(5)), inputs)};
}

BOOST_AUTO_TEST_SUITE(heads_as_examples)

// The discussion's array, its fix of the order of the heads.
BOOST_AUTO_TEST_CASE(head_major_has_all_examples_of_a_head_together) {
  const Tensor x = reshape(arange(24), {2, 3, 4});
  const Tensor split = transpose_qkv(x, 2, head_major);
  BOOST_TEST(same_bits(split, tensor({{{0, 1}, {4, 5}, {8, 9}},
                                      {{12, 13}, {16, 17}, {20, 21}},
                                      {{2, 3}, {6, 7}, {10, 11}},
                                      {{14, 15}, {18, 19}, {22, 23}}})));
}

BOOST_AUTO_TEST_CASE(values_of_examples_and_heads_follow_by_repeat_or_by_tile) {
  const Tensor lengths = ints({1, 2}), slopes = tensor({0.5, 0.25, 0.125});
  BOOST_TEST(same_bits(for_each_head(lengths, 3, batch_major), ints({1, 1, 1, 2, 2, 2})));
  BOOST_TEST(same_bits(for_each_head(lengths, 3, head_major), ints({1, 2, 1, 2, 1, 2})));
  BOOST_TEST(same_bits(for_each_example(slopes, 2, batch_major),
                       tensor({0.5, 0.25, 0.125, 0.5, 0.25, 0.125})));
  BOOST_TEST(same_bits(for_each_example(slopes, 2, head_major),
                       tensor({0.5, 0.5, 0.25, 0.25, 0.125, 0.125})));
  BOOST_TEST((for_each_head(zeros({2, 4, 5}), 3, head_major).shape() == Shape{6, 4, 5}));
}

BOOST_AUTO_TEST_CASE(each_example_of_the_larger_batch_has_its_example_and_head) {
  Dice dice(Key(1));
  for (int round = 0; round < 40; ++round) {
    const Index batch = dice.between(1, 4), steps = dice.between(1, 5), heads = dice.between(1, 4),
                d = dice.between(1, 3);
    const Tensor x = dice.tensor({batch, steps, heads * d});
    const Grid values(x);
    for (const HeadOrder order : {batch_major, head_major}) {
      const Tensor split = transpose_qkv(x, heads, order);
      BOOST_TEST(same_bits(transpose_output(split, heads, order), x));
      const Grid b(for_each_head(arange(batch, DType::i64), heads, order)),
          h(for_each_example(arange(heads, DType::i64), batch, order));
      BOOST_TEST(distance(split, grid_of(split.shape(), [&](const Indices& at) {
                            const auto example = static_cast<Index>(b[{at[0]}]),
                                       head = static_cast<Index>(h[{at[0]}]);
                            return values[{example, at[1], head * d + at[2]}];
                          })) == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(both_orders_give_the_same_bits) {
  for (const double drop : {0.0, 0.4})
    for (const MultiHeadAttention& layer : all_layers(drop))
      for (const In how : {In::padded, In::packed}) {
        const Outcome batch = run(layer, how, Context::training(Key(6)), batch_major);
        const Outcome head = run(layer, how, Context::training(Key(6)), head_major);
        BOOST_TEST(same_bits(batch.y, head.y));
        BOOST_TEST(same_bits(batch.gradients, head.gradients));
      }
}

BOOST_AUTO_TEST_CASE(and_the_same_as_the_layer_up_to_rounding) {
  for (const MultiHeadAttention& layer : all_layers(0))
    for (const In how : {In::padded, In::packed}) {
      const Outcome expected = run(layer, how, Context::inference());
      const Outcome actual = run(layer, how, Context::inference(), head_major);
      BOOST_TEST(distance(actual.y, expected.y) < 1e-13);
      BOOST_TEST(distance(actual.gradients, expected.gradients) < 1e-12);
    }
}

// Dropout too, in heads that no kernel computes.
BOOST_AUTO_TEST_CASE(and_the_same_as_additive_heads_in_training) {
  for (const MultiHeadAttention& layer : all_layers(0.4)) {
    if (!std::holds_alternative<AdditiveHeads>(layer.heads)) continue;
    const Outcome expected = run(layer, In::packed, Context::training(Key(6)));
    const Outcome actual = run(layer, In::packed, Context::training(Key(6)), head_major);
    BOOST_TEST(distance(actual.y, expected.y) < 1e-13);
    BOOST_TEST(distance(actual.gradients, expected.gradients) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(padded_equals_packed_with_the_same_weights_dropped) {
  for (const MultiHeadAttention& layer : all_layers(0.4)) {
    const auto train = [&](In how) { return run(layer, how, Context::training(Key(6))); };
    const Outcome padded = train(In::padded), packed = train(In::packed);
    BOOST_TEST(distance(padded.y, packed.y) < 1e-13);
    BOOST_TEST(distance(padded.gradients, packed.gradients) < 1e-12);
    const Outcome whole = run(layer, In::packed, Context::inference());
    BOOST_TEST(distance(packed.y, whole.y) > 0.01);
  }
}

BOOST_AUTO_TEST_CASE(each_head_drops_weights_of_its_own) {
  constexpr Index n = 40;
  const PaddedPattern padded = Mask::full(2, n, n).padded();
  const Tensor kept =
      reshape(dropped(ones({4, n, n}), padded, 2, batch_major, 0.5, Context::training(Key(7))),
              {2, 2, n, n});  // [batch, heads, …]
  const auto part = [&](Index b, Index h) { return slice(slice(kept, 0, b, b + 1), 1, h, h + 1); };
  for (const auto& [b, h] : {std::pair<Index, Index>{0, 1}, {1, 0}, {1, 1}}) {
    BOOST_TEST(distance(part(b, h), part(0, 0)) > 1);
    BOOST_TEST(std::abs(mean(part(b, h)).item() - 1) < 0.1);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
