#include "nn/layers/attention.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>

#include "tests/nn/layers/heads_as_examples.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const Context inference = Context::inference();

Tensor random(const Shape& shape, std::uint64_t seed) {
  return variable(normal(shape, 0, 1, Key(seed), DType::f64));
}

MultiHeadAttention multi_head(Index width, Index heads, Bias bias = Bias::yes) {
  auto layer = nn::cast(MultiHeadAttention(width, heads, 0, Key(1), {.bias = bias}), DType::f64);
  shake(layer, Key(2));
  return layer;
}

// The same by the book: heads as examples of a larger batch, with a mask for each.
Tensor by_the_book(const MultiHeadAttention& layer, const Tensor& queries, const Tensor& keys,
                   const Tensor& values, const Tensor& dense) {
  const Tensor q = transpose_qkv(layer.query(queries), layer.head_count());
  const Tensor k = transpose_qkv(layer.key(keys), layer.head_count());
  const Tensor v = transpose_qkv(layer.value(values), layer.head_count());
  const Tensor scores = matmul(q, k, Transposed::b) / std::sqrt(static_cast<double>(q.size(2)));
  const Tensor may = repeat_for_heads(adjoint::cast(dense, DType::i64), layer.head_count());
  const Tensor weights = masked_softmax(scores, adjoint::cast(may, DType::b8));
  return layer.output(transpose_output(matmul(weights, v), layer.head_count()));
}

AdditiveAttention additive() {
  auto layer = nn::cast(AdditiveAttention(3, 5, 7, 0, Key(1)), DType::f64);
  shake(layer, Key(2));
  return layer;
}

Grid additive_weights(const AdditiveAttention& layer, const Tensor& queries, const Tensor& keys,
                      const std::vector<Index>& lengths) {
  const Grid q(layer.query(queries)), k(layer.key(keys)), w(layer.score.weight);
  Grid weights({queries.size(0), queries.size(1), keys.size(1)});
  for (Index b = 0; b < queries.size(0); ++b)
    for (Index i = 0; i < queries.size(1); ++i) {
      double total = 0;
      for (Index j = 0; j < lengths[static_cast<std::size_t>(b)]; ++j) {
        double score = 0;
        for (Index h = 0; h < 7; ++h) score += w[{0, h}] * std::tanh(q[{b, i, h}] + k[{b, j, h}]);
        total += weights[{b, i, j}] = std::exp(score);
      }
      for (Index j = 0; j < keys.size(1); ++j) weights[{b, i, j}] /= total;
    }
  return weights;
}

BOOST_AUTO_TEST_SUITE(attention)

BOOST_AUTO_TEST_CASE(multi_head_equals_heads_as_examples) {
  for (const Index heads : {1, 2, 4, 8}) {
    const MultiHeadAttention layer = multi_head(8, heads);
    const Tensor q = random({3, 4, 8}, 3), k = random({3, 5, 8}, 4), v = random({3, 5, 8}, 5);
    const Mask whole = Mask::full(3, 4, 5);
    for (const Mask& mask : {whole, whole.causal(), whole.with_lengths(ints({1, 5, 3})),
                             whole.with_lengths(ints({{1, 0, 3, 5}, {2, 2, 2, 2}, {5, 5, 5, 0}})),
                             whole.with_lengths(ints({4, 1, 2})).causal()}) {
      Tensors inputs = {q, k, v};
      for (const Tensor& parameter : parameters(layer)) inputs.push_back(parameter);
      const Tensor y = layer(q, k, v, mask, inference);
      const Tensor expected = by_the_book(layer, q, k, v, mask.dense());
      BOOST_TEST(distance(y, expected) < 1e-13);
      BOOST_TEST(distance(grad(weighed(y, Key(6)), inputs),
                          grad(weighed(expected, Key(6)), inputs)) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(heads_attend_in_parts_of_the_width) {
  const Tensor q = random({2, 3, 6}, 1), k = random({2, 4, 6}, 2), v = random({2, 4, 6}, 3);
  const Mask mask = Mask::full(2, 3, 4);
  const auto part = [](const Tensor& x, Index head) { return slice(x, 2, 3 * head, 3 * head + 3); };
  Tensors apart;
  for (const Index head : {0, 1})
    apart.push_back(
        dot_product_attention(part(q, head), part(k, head), part(v, head), mask, 1, 0, inference));
  BOOST_TEST(distance(dot_product_attention(q, k, v, mask, 2, 0, inference), concat(apart, 2)) <
             1e-15);
}

BOOST_AUTO_TEST_CASE(weights_of_a_query_add_up_to_one_over_what_it_sees) {
  const MultiHeadAttention layer = multi_head(8, 2);
  const Tensor q = random({3, 4, 8}, 3), k = random({3, 4, 8}, 4);
  const Mask mask =
      Mask::full(3, 4, 4).with_lengths(ints({{1, 2, 3, 0}, {4, 4, 4, 4}, {0, 1, 4, 2}})).causal();
  const Grid weights(layer.weights(q, k, mask)), seen(mask.dense());
  BOOST_TEST((weights.shape == Shape{3, 2, 4, 4}));
  for (Index b = 0; b < 3; ++b)
    for (Index head = 0; head < 2; ++head)
      for (Index i = 0; i < 4; ++i) {
        double total = 0, visible = 0;
        for (Index j = 0; j < 4; ++j) {
          const double weight = weights[{b, head, i, j}];
          BOOST_TEST((seen[{b, i, j}] != 0 ? weight > 0 && weight <= 1 : weight == 0));
          total += weight;
          visible += seen[{b, i, j}];
        }
        BOOST_TEST(std::abs(total - (visible > 0 ? 1 : 0)) < 1e-14);
      }
}

BOOST_AUTO_TEST_CASE(weights_times_values_are_the_result) {
  const MultiHeadAttention layer = multi_head(8, 2);
  const Tensor q = random({3, 4, 8}, 3), x = random({3, 5, 8}, 4);
  const Mask mask = Mask::full(3, 4, 5).with_lengths(ints({3, 5, 1}));
  const Tensor weights = reshape(layer.weights(q, x, mask), {6, 4, 5});  // [batch · heads, …]
  const Tensor heads = matmul(weights, transpose_qkv(layer.value(x), 2));
  BOOST_TEST(distance(layer(q, x, x, mask, inference), layer.output(transpose_output(heads, 2))) <
             1e-14);
}

BOOST_AUTO_TEST_CASE(projected_keys_and_values_may_be_given) {
  const MultiHeadAttention layer = multi_head(8, 2);
  const Tensor q = random({3, 4, 8}, 3), k = random({3, 5, 8}, 4), v = random({3, 5, 8}, 5);
  const Mask mask = Mask::full(3, 4, 5);
  BOOST_TEST(same_bits(layer.attend(q, layer.key(k), layer.value(v), mask, inference),
                       layer(q, k, v, mask, inference)));
}

BOOST_AUTO_TEST_CASE(padded_equals_packed) {
  const MultiHeadAttention layer = multi_head(8, 2);
  const std::vector<Index> lengths = {3, 0, 1, 5};
  const Tensor rows = random({9, 8}, 3);
  const auto attend = [&](const Layout& layout, double padding) {
    const Tensor x = in_layout(rows, layout, padding);
    return real_rows(layer(x, x, x, Mask(layout, layout).causal(), inference), layout);
  };
  const Tensor packed = attend(Layout::packed(lengths), 0);
  const Tensor padded = attend(Layout::padded(lengths, 6), 100);
  BOOST_TEST(distance(packed, padded) < 1e-14);
  Tensors inputs = {rows};
  for (const Tensor& parameter : parameters(layer)) inputs.push_back(parameter);
  BOOST_TEST(distance(grad(weighed(packed, Key(4)), inputs),
                      grad(weighed(padded, Key(4)), inputs)) < 1e-13);
}

// The dropped weights depend on the example, not on the layout.
BOOST_AUTO_TEST_CASE(dropout_of_the_weights) {
  const std::vector<Index> lengths = {3, 1, 5};
  const Tensor rows = random({9, 8}, 3);
  const auto attend = [&](const Layout& layout, const Context& context) {
    const Tensor x = in_layout(rows, layout);
    return real_rows(dot_product_attention(x, x, x, Mask(layout, layout), 2, 0.5, context), layout);
  };
  const Layout packed = Layout::packed(lengths), padded = Layout::padded(lengths, 6);
  const auto training = [] { return Context::training(Key(7)); };
  BOOST_TEST(distance(attend(packed, training()), attend(padded, training())) < 1e-14);
  BOOST_TEST(distance(attend(packed, training()), attend(packed, inference)) > 0.1);
  BOOST_TEST(distance(attend(packed, training()), attend(packed, Context::training(Key(8)))) > 0.1);

  // The last example alone, placed where it was.
  const Layout last = Layout::packed({5}).placed(2);
  const Tensor x = slice(rows, 0, 4, 9);
  const Tensor part = dot_product_attention(x, x, x, Mask(last, last), 2, 0.5, training());
  BOOST_TEST(distance(part, slice(attend(packed, training()), 0, 4, 9)) < 1e-14);
}

// With queries of zero every weight is 1/n, and with an identity as values they are the result.
BOOST_AUTO_TEST_CASE(the_right_share_of_weights_is_dropped_and_the_rest_scaled_up) {
  constexpr Index n = 100;
  const Tensor nothing = zeros({1, n, n}), values = reshape(eye(n), {1, n, n});
  const Mask mask = Mask::full(1, n, n);
  const auto check = [](const Tensor& weights, double p) {
    double dropped = 0;
    for (const double weight : numbers(weights)) {
      BOOST_TEST((weight == 0 || std::abs(weight * n * (1 - p) - 1) < 1e-5));
      dropped += weight == 0;
    }
    BOOST_TEST(std::abs(dropped / (n * n) - p) < 0.02);
  };
  for (const double p : {0.1, 0.5}) {
    const Context training = Context::training(Key(9));
    check(dot_product_attention(nothing, nothing, values, mask, 1, p, training), p);
    check(dot_product_attention(nothing, nothing, values, mask, 1, p, inference), 0);
    const AdditiveAttention layer(n, n, 4, p, Key(1));
    const Layout layout = Layout::full(1, n);
    const Context child = training.child("additive");
    check(layer(nothing, nothing, values, mask, layout, child), p);
    check(layer(nothing, nothing, values, mask, layout, inference), 0);
  }
}

// ---- Other scores ------------------------------------------------------------------------------

MultiHeadAttention with(Score score) {
  auto layer = nn::cast(MultiHeadAttention(6, 2, 0, Key(1), {.score = score}), DType::f64);
  shake(layer, Key(2), 0.5);
  return layer;
}

// softmax of score(head, q, k), rows of one head of the projected queries and keys.
Grid weights_by(const MultiHeadAttention& layer, const Tensor& queries, const Tensor& keys,
                const std::function<double(Index, const std::vector<double>&,
                                           const std::vector<double>&)>& score) {
  const Grid q(layer.query(queries)), k(layer.key(keys));
  const auto row = [](const Grid& x, Index b, Index i, Index head) {
    return std::vector<double>{x[{b, i, 3 * head}], x[{b, i, 3 * head + 1}],
                               x[{b, i, 3 * head + 2}]};
  };
  Grid weights({queries.size(0), 2, queries.size(1), keys.size(1)});
  for (Index b = 0; b < queries.size(0); ++b)
    for (Index head = 0; head < 2; ++head)
      for (Index i = 0; i < queries.size(1); ++i) {
        double total = 0;
        for (Index j = 0; j < keys.size(1); ++j)
          total += weights[{b, head, i, j}] =
              std::exp(score(head, row(q, b, i, head), row(k, b, j, head)));
        for (Index j = 0; j < keys.size(1); ++j) weights[{b, head, i, j}] /= total;
      }
  return weights;
}

// qᵀ W k / √d
BOOST_AUTO_TEST_CASE(bilinear_scores_have_a_matrix_for_each_head) {
  const MultiHeadAttention layer = with(Score::bilinear);
  const Tensor queries = random({2, 4, 6}, 3), keys = random({2, 5, 6}, 4);
  const Grid w(std::get<DotProductHeads>(layer.heads).weight);
  const Grid expected =
      weights_by(layer, queries, keys, [&](Index head, const auto& q, const auto& k) {
        double score = 0;
        for (std::size_t i = 0; i < 3; ++i)
          for (std::size_t j = 0; j < 3; ++j)
            score += q[i] * w[{head, static_cast<Index>(i), static_cast<Index>(j)}] * k[j];
        return score / std::sqrt(3.0);
      });
  BOOST_TEST(distance(layer.weights(queries, keys, Mask::full(2, 4, 5)), expected) < 1e-14);
}

BOOST_AUTO_TEST_CASE(bilinear_scores_begin_as_the_dot_product) {
  const MultiHeadAttention plain(6, 2, 0, Key(1)),
      bilinear(6, 2, 0, Key(1), {.score = Score::bilinear});
  const Tensor x = normal({2, 4, 6}, 0, 1, Key(3));
  const Mask mask = Mask::full(2, 4, 4);
  BOOST_TEST(distance(bilinear(x, x, x, mask, inference), plain(x, x, x, mask, inference)) < 1e-6);
  BOOST_TEST((std::get<DotProductHeads>(bilinear.heads).weight.shape() == Shape{2, 3, 3}));
  BOOST_TEST(names_of(bilinear).back() == "score.weight");
}

// wᵀ tanh(q + k)
BOOST_AUTO_TEST_CASE(additive_scores_have_a_vector_for_each_head) {
  const MultiHeadAttention layer = with(Score::additive);
  const Tensor queries = random({2, 4, 6}, 3), keys = random({2, 5, 6}, 4);
  const Grid w(std::get<AdditiveHeads>(layer.heads).weight);
  const Grid expected =
      weights_by(layer, queries, keys, [&](Index head, const auto& q, const auto& k) {
        double score = 0;
        for (std::size_t i = 0; i < 3; ++i)
          score += w[{head, static_cast<Index>(i)}] * std::tanh(q[i] + k[i]);
        return score;
      });
  BOOST_TEST(distance(layer.weights(queries, keys, Mask::full(2, 4, 5)), expected) < 1e-14);
}

// ---- Heads switched off, weights looked at -----------------------------------------------------

// The layer without the head: its part of the width is cut out of all four projections.
BOOST_AUTO_TEST_CASE(pruning_a_head_equals_a_layer_without_it) {
  MultiHeadAttention layer = multi_head(9, 3);
  const Tensor q = random({2, 4, 9}, 3), x = random({2, 5, 9}, 4);
  const Mask mask = Mask::full(2, 4, 5).with_lengths(ints({5, 3}));
  const auto without_middle = [](const Tensor& weight, Index axis) {
    return concat({slice(weight, axis, 0, 3), slice(weight, axis, 6, 9)}, axis);
  };
  const auto project = [&](const Linear& projection, const Tensor& in) {
    return linear(in, without_middle(projection.weight, 0), without_middle(projection.bias, 0));
  };
  const Tensor found = dot_product_attention(project(layer.query, q), project(layer.key, x),
                                             project(layer.value, x), mask, 2, 0,
                                             inference);  // [batch, queries, 6]
  const Tensor expected = linear(found, without_middle(layer.output.weight, 1), layer.output.bias);

  const Grid all(layer.weights(q, x, mask));
  layer.prune({1});
  const Tensor y = layer(q, x, x, mask, inference);
  BOOST_TEST(distance(y, expected) < 1e-14);
  const Tensors inputs = parameters(layer);
  BOOST_TEST(distance(grad(weighed(y, Key(6)), inputs), grad(weighed(expected, Key(6)), inputs)) <
             1e-13);
  BOOST_TEST(distance(layer.weights(q, x, mask), grid_of(all.shape, [&](const Indices& at) {
                        return at[1] == 1 ? 0 : all[at];
                      })) == 0);
}

// They are the weights behind the results: weights times values, projected, equal the results.
BOOST_AUTO_TEST_CASE(a_watching_context_gets_the_weights) {
  for (const Score score : {Score::dot_product, Score::bilinear, Score::additive}) {
    MultiHeadAttention layer =
        nn::cast(MultiHeadAttention(8, 2, 0, Key(1), {.score = score}), DType::f64);
    shake(layer, Key(2));
    const Tensor q = random({3, 4, 8}, 3), x = random({3, 5, 8}, 4);
    const Mask mask = Mask::full(3, 4, 5).with_lengths(ints({3, 5, 1}));
    AttentionWeights seen;
    const Context watching = inference.watching(seen);
    const Tensor y = layer(q, x, x, mask, watching.child("here"));
    BOOST_TEST(same_bits(y, layer(q, x, x, mask, inference)));
    BOOST_TEST_REQUIRE(seen.size() == 1u);
    const Tensor weights = reshape(seen.at("here"), {6, 4, 5});  // [batch · heads, …]
    const Tensor heads = matmul(weights, transpose_qkv(layer.value(x), 2));
    BOOST_TEST(distance(y, layer.output(transpose_output(heads, 2))) < 1e-14);
  }
}

// ---- Additive ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(additive_attention_has_its_formula) {
  const AdditiveAttention layer = additive();
  const Tensor q = random({2, 3, 3}, 3), k = random({2, 4, 5}, 4), v = random({2, 4, 6}, 5);
  const Mask mask = Mask::full(2, 3, 4).with_lengths(ints({4, 2}));
  const Grid expected = additive_weights(layer, q, k, {4, 2});
  BOOST_TEST(distance(layer.weights(q, k, mask), expected) < 1e-14);

  const Tensor y = layer(q, k, v, mask, Layout::full(2, 3), inference);
  const Grid values(v);
  const Grid result = grid_of({2, 3, 6}, [&](const Indices& at) {
    double total = 0;
    for (Index j = 0; j < 4; ++j) total += expected[{at[0], at[1], j}] * values[{at[0], j, at[2]}];
    return total;
  });
  BOOST_TEST(distance(y, result) < 1e-14);
  BOOST_TEST(
      names_of(layer) == (std::vector<std::string>{"query.weight", "key.weight", "score.weight"}),
      boost::test_tools::per_element());
}

// Also when no example has the length of the batch.
BOOST_AUTO_TEST_CASE(additive_attention_leaves_out_padding) {
  const AdditiveAttention layer = additive();
  const Tensor q = random({2, 3, 3}, 3), k = random({2, 4, 5}, 4);
  for (const std::vector<Index>& lengths :
       {std::vector<Index>{4, 2}, std::vector<Index>{3, 2}, std::vector<Index>{1, 1}}) {
    const Mask mask(Layout::full(2, 3), Layout::padded(lengths, 4));
    BOOST_TEST_CONTEXT("lengths of " << lengths[0] << " and " << lengths[1])
    BOOST_TEST(distance(layer.weights(q, k, mask), additive_weights(layer, q, k, lengths)) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(additive_attention_leaves_out_padded_queries) {
  const AdditiveAttention layer = additive();
  const Tensor q = random({2, 3, 3}, 3), k = random({2, 4, 5}, 4), v = random({2, 4, 6}, 5);
  const Layout queries = Layout::padded({2, 1}, 3);
  const Tensor y = layer(q, k, v, Mask(queries, Layout::full(2, 4)), queries, inference);
  const Tensor all = layer(q, k, v, Mask::full(2, 3, 4), Layout::full(2, 3), inference);
  BOOST_TEST(distance(real_rows(y, queries), real_rows(all, queries)) < 1e-14);
}

// ---- Errors ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(wrong_use_is_an_error) {
  BOOST_CHECK_EXCEPTION(MultiHeadAttention(8, 3, 0, Key(1)), Error,
                        says("multi-head attention: 3 heads do not divide a width of 8"));
  BOOST_CHECK_EXCEPTION(MultiHeadAttention(8, 0, 0, Key(1)), Error,
                        says("multi-head attention: 0 heads do not divide a width of 8"));
  for (const HeadOptions& options :
       {HeadOptions{.positions = Positions::rotary, .score = Score::additive},
        HeadOptions{.positions = Positions::relative, .score = Score::additive},
        HeadOptions{.positions = Positions::relative, .score = Score::bilinear}})
    BOOST_CHECK_EXCEPTION(MultiHeadAttention(8, 2, 0, Key(1), options), Error,
                          says("multi-head attention: rotary positions need products as scores, "
                               "and relative positions need dot products"));
  MultiHeadAttention layer(8, 2, 0, Key(1));
  BOOST_CHECK_EXCEPTION(layer.prune({1, 2}), Error,
                        says("multi-head attention: there is no head 2 among 2"));
  BOOST_TEST(layer.pruned.empty());
  BOOST_CHECK_EXCEPTION(
      additive().weights(zeros({2, 3}), zeros({2, 4, 5}), Mask::full(2, 3, 4)), Error,
      says("additive attention: needs padded [batch, steps, width], got queries [2, 3] and keys "
           "[2, 4, 5]"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
