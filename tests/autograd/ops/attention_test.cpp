#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <memory>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Pattern = AttentionPattern;

std::shared_ptr<const Pattern> shared(Pattern pattern) {
  return std::make_shared<const Pattern>(std::move(pattern));
}

struct Case {
  Tensor query, key, value;  // [rows, heads · d]
  Pattern pattern;
  Index heads;
  bool linear_biases;
  AttentionOptions options() const { return {.heads = heads, .linear_biases = linear_biases}; }
};

bool may_attend(const Pattern& pattern, const Pattern::Example& e, Index query, Index key) {
  const Index row = e.query_begin + query;
  if (pattern.causal && key > e.first_position + query) return false;
  if (pattern.lengths.defined() &&
      static_cast<double>(key) >= Grid(pattern.lengths).values[static_cast<std::size_t>(row)])
    return false;
  return !pattern.allowed.defined() || pattern.allowed.at({row, key}) != 0;
}

// The formula, for each query and head.
Grid reference(const Case& c) {
  const Grid q(c.query), k(c.key), v(c.value);
  const Index width = q.shape[1] / c.heads, value_width = v.shape[1] / c.heads;
  Grid result({q.shape[0], v.shape[1]});
  for (const Pattern::Example& e : c.pattern.examples)
    for (Index head = 0; head < c.heads; ++head)
      for (Index i = 0; i < e.queries; ++i) {
        std::vector<double> weights;
        double total = 0;
        for (Index j = 0; j < e.keys; ++j) {
          double score = 0;
          for (Index d = 0; d < width; ++d)
            score +=
                q[{e.query_begin + i, head * width + d}] * k[{e.key_begin + j, head * width + d}];
          score /= std::sqrt(static_cast<double>(width));
          if (c.linear_biases)
            score -=
                std::pow(2.0, -8.0 * static_cast<double>(head + 1) / static_cast<double>(c.heads)) *
                std::abs(static_cast<double>(e.first_position + i - j));
          weights.push_back(may_attend(c.pattern, e, i, j) ? std::exp(score) : 0);
          total += weights.back();
        }
        if (total == 0) continue;
        for (Index j = 0; j < e.keys; ++j)
          for (Index d = 0; d < value_width; ++d)
            result[{e.query_begin + i, head * value_width + d}] +=
                weights[static_cast<std::size_t>(j)] / total *
                v[{e.key_begin + j, head * value_width + d}];
      }
  return result;
}

// Examples packed one after the other, with rows of no example between them.
Case random_case(Dice& dice) {
  Case c;
  c.heads = dice.between(1, 3);
  c.linear_biases = dice.coin();
  Index query_rows = dice.between(0, 1), key_rows = dice.between(0, 1), most = 0;
  const Index examples = dice.between(0, 4);
  for (Index n = 0; n < examples; ++n) {
    const Index queries = dice.between(0, 4), keys = dice.between(0, 5);
    c.pattern.examples.push_back(
        {query_rows, queries, key_rows, keys, dice.between(0, 2), dice.between(0, 99)});
    query_rows += queries + dice.between(0, 2);
    key_rows += keys + dice.between(0, 2);
    most = std::max(most, keys);
  }
  c.pattern.causal = dice.coin();
  if (dice.coin()) c.pattern.lengths = dice.integers({query_rows}, 0, most + 2);
  if (dice.coin()) c.pattern.allowed = dice.booleans({query_rows, most + dice.between(0, 1)});
  const Index width = c.heads * dice.between(1, 4);
  c.query = dice.tensor({query_rows, width});
  c.key = dice.tensor({key_rows, width});
  c.value = dice.tensor({key_rows, c.heads * dice.between(1, 4)});
  return c;
}

BOOST_AUTO_TEST_SUITE(attention)

using adjoint::attention;  // the suite has the same name

BOOST_AUTO_TEST_CASE(values_follow_from_the_formula) {
  Dice dice(Key(121));
  for (int round = 0; round < 200; ++round) {
    const Case c = random_case(dice);
    const auto pattern = shared(c.pattern);
    const Grid expected = reference(c);
    const auto run = [&] { return attention(c.query, c.key, c.value, pattern, c.options()); };
    BOOST_TEST(distance(run(), expected) < 1e-12);
    const Composed guard;
    BOOST_TEST(distance(run(), expected) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(weights_times_values_are_the_attention) {
  Dice dice(Key(122));
  for (int round = 0; round < 50; ++round) {
    const Case c = random_case(dice);
    const Tensor weights = attention_weights(c.query, c.key, shared(c.pattern), c.options());
    const Index width = c.value.size(-1) / c.heads;
    const Grid w(weights), v(c.value);
    Grid result({c.query.size(0), c.value.size(1)});
    for (std::size_t n = 0; n < c.pattern.examples.size(); ++n) {
      const Pattern::Example& e = c.pattern.examples[n];
      for (Index head = 0; head < c.heads; ++head)
        for (Index i = 0; i < e.queries; ++i)
          for (Index j = 0; j < e.keys; ++j)
            for (Index d = 0; d < width; ++d)
              result[{e.query_begin + i, head * width + d}] +=
                  w[{static_cast<Index>(n), head, i, j}] * v[{e.key_begin + j, head * width + d}];
    }
    BOOST_TEST(distance(attention(c.query, c.key, c.value, shared(c.pattern), c.options()),
                        result) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(the_pattern_of_a_whole_batch) {
  const Pattern pattern = Pattern::whole(2, 3, 4);
  BOOST_TEST(pattern.examples.size() == 2u);
  BOOST_TEST(pattern.examples[1].query_begin == 3);
  BOOST_TEST(pattern.examples[1].queries == 3);
  BOOST_TEST(pattern.examples[1].key_begin == 4);
  BOOST_TEST(pattern.examples[1].keys == 4);
  BOOST_TEST(pattern.examples[1].number == 1);
}

BOOST_AUTO_TEST_CASE(visible_keys_are_limited_by_causality_and_lengths) {
  Pattern pattern = Pattern::whole(1, 3, 4);
  const Pattern::Example& e = pattern.examples[0];
  BOOST_TEST(pattern.visible_keys(e, 0) == 4);
  pattern.causal = true;
  BOOST_TEST(pattern.visible_keys(e, 0) == 1);
  BOOST_TEST(pattern.visible_keys(e, 2) == 3);
  pattern.examples[0].first_position = 2;
  BOOST_TEST(pattern.visible_keys(e, 0) == 3);
  BOOST_TEST(pattern.visible_keys(e, 2) == 4);
  pattern.lengths = ints({0, 9, -3});
  BOOST_TEST(pattern.visible_keys(e, 0) == 0);
  BOOST_TEST(pattern.visible_keys(e, 1) == 4);
  BOOST_TEST(pattern.visible_keys(e, 2) == 0);
}

// ---- Padded and packed --------------------------------------------------------------------------

struct Batch {
  std::vector<Index> lengths;
  Index longest = 0, total = 0, width = 12;
  Tensor packed_rows;  // i64 [total]: where a packed row stands in the padded batch
  Pattern padded, packed;
};

Batch random_batch(Dice& dice) {
  Batch batch;
  for (Index n = dice.between(1, 5); n > 0; --n) {
    batch.lengths.push_back(dice.between(1, 9));
    batch.longest = std::max(batch.longest, batch.lengths.back());
  }
  std::vector<Index> rows;
  for (std::size_t n = 0; n < batch.lengths.size(); ++n) {
    const Index length = batch.lengths[n], begin = static_cast<Index>(n) * batch.longest;
    const auto number = static_cast<Index>(n);
    batch.padded.examples.push_back({begin, length, begin, length, 0, number});
    batch.packed.examples.push_back({batch.total, length, batch.total, length, 0, number});
    for (Index i = 0; i < length; ++i) rows.push_back(begin + i);
    batch.total += length;
  }
  batch.packed_rows = from(rows, {batch.total});
  return batch;
}

BOOST_AUTO_TEST_CASE(padded_and_packed_batches_agree_bit_by_bit) {
  Dice dice(Key(123));
  for (int round = 0; round < 60; ++round) {
    Batch batch = random_batch(dice);
    batch.padded.causal = batch.packed.causal = dice.coin();
    const AttentionOptions options{.heads = 3, .dropout = dice.coin() ? 0.3 : 0, .key = dice.key()};
    const Index rows = static_cast<Index>(batch.lengths.size()) * batch.longest;
    const DType dtype = dice.coin() ? DType::f32 : DType::f64;
    Tensors padded, packed;
    for (int i = 0; i < 3; ++i) {
      const Tensor x = cast(dice.tensor({rows, batch.width}), dtype);
      padded.push_back(variable(x));
      packed.push_back(variable(gather(x, batch.packed_rows)));
    }
    const Tensor g = cast(dice.tensor({rows, batch.width}), dtype);
    const Tensor whole = attention(padded[0], padded[1], padded[2], shared(batch.padded), options);
    const Tensor dense = attention(packed[0], packed[1], packed[2], shared(batch.packed), options);
    BOOST_TEST(same_bits(gather(detach(whole), batch.packed_rows), detach(dense)));
    const Tensors of_whole = grad(Tensors{whole}, padded, {g});
    const Tensors of_dense = grad(Tensors{dense}, packed, {gather(g, batch.packed_rows)});
    for (std::size_t i = 0; i < 3; ++i)
      BOOST_TEST(same_bits(gather(of_whole[i], batch.packed_rows), of_dense[i]));
  }
}

// Lengths have the same effect as fewer keys.
BOOST_AUTO_TEST_CASE(lengths_agree_with_examples_alone) {
  Dice dice(Key(124));
  for (int round = 0; round < 50; ++round) {
    const Batch batch = random_batch(dice);
    const auto count = static_cast<Index>(batch.lengths.size());
    Pattern pattern = Pattern::whole(count, batch.longest, batch.longest);
    std::vector<Index> lengths;
    for (const Index length : batch.lengths)
      lengths.insert(lengths.end(), static_cast<std::size_t>(batch.longest), length);
    pattern.lengths = from(lengths, {count, batch.longest});
    const Tensor x = dice.tensor({count, batch.longest, batch.width});
    const AttentionOptions options{.heads = 2, .dropout = 0.2, .key = Key(9)};
    const Tensor y = attention(x, x, x, shared(pattern), options);
    for (Index n = 0; n < count; ++n) {
      const Index length = batch.lengths[static_cast<std::size_t>(n)];
      Pattern alone;
      alone.examples = {{0, length, 0, length, 0, n}};
      const Tensor rows =
          slice(reshape(slice(x, 0, n, n + 1), {batch.longest, batch.width}), 0, 0, length);
      const Tensor own =
          slice(reshape(slice(y, 0, n, n + 1), {batch.longest, batch.width}), 0, 0, length);
      BOOST_TEST(distance(attention(rows, rows, rows, shared(alone), options), own) < 1e-12);
    }
  }
}

// Step by step, as in decoding: one query at its position gets what the whole sequence gives it.
BOOST_AUTO_TEST_CASE(a_query_at_a_position_agrees_with_the_whole_sequence) {
  const Tensor x = normal({6, 8}, 0, 1, Key(125), DType::f64);
  Pattern whole = Pattern::whole(1, 6, 6);
  whole.causal = true;
  const AttentionOptions options{.heads = 2, .dropout = 0.3, .key = Key(10)};
  const Tensor all = attention(x, x, x, shared(whole), options);
  for (Index position = 0; position < 6; ++position) {
    Pattern step;
    step.examples = {{0, 1, 0, position + 1, position, 0}};
    step.causal = true;
    const Tensor one = attention(slice(x, 0, position, position + 1), x, x, shared(step), options);
    BOOST_TEST(distance(one, slice(all, 0, position, position + 1)) < 1e-13);
  }
}

// ---- Rows without keys, and what may stand in padding -------------------------------------------

BOOST_AUTO_TEST_CASE(a_query_that_may_attend_to_nothing_gets_zeros_and_sends_back_nothing) {
  Pattern pattern = Pattern::whole(1, 3, 2);
  pattern.allowed = bools({{1, 1}, {0, 0}, {1, 1}});
  pattern.lengths = ints({2, 2, 0});
  const Tensor q = variable(normal({3, 4}, 0, 1, Key(126), DType::f64));
  const Tensor k = variable(normal({2, 4}, 0, 1, Key(127), DType::f64));
  const Tensor y = attention(q, k, k, shared(pattern), {.heads = 2});
  BOOST_TEST(distance(slice(y, 0, 1, 3), Grid({2, 4})) == 0);
  const Tensor g = grad(sum(y * y), {q})[0];
  BOOST_TEST(distance(slice(g, 0, 1, 3), Grid({2, 4})) == 0);
  // A cotangent of the empty rows reaches no input.
  const Tensor only = concat({zeros({1, 4}, DType::f64), ones({2, 4}, DType::f64)}, 0);
  for (const Tensor& gradient : grad(Tensors{y}, {q, k}, {only}))
    BOOST_TEST(distance(gradient, Grid(gradient.shape())) == 0);
}

BOOST_AUTO_TEST_CASE(rows_of_no_example_may_hold_anything) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Pattern pattern;
  pattern.examples = {{0, 1, 1, 1}};
  const Tensor q = variable(tensor({{1, 2}, {nan, nan}}, DType::f64));
  const Tensor k = variable(tensor({{nan, nan}, {3, 4}}, DType::f64));
  const Tensor y = attention(q, k, k, shared(pattern));
  BOOST_TEST(distance(y, tensor({{3, 4}, {0, 0}}, DType::f64)) == 0);
  for (const Tensor& gradient : grad(sum(y), {q, k})) BOOST_TEST(!std::isnan(sum(gradient).item()));
}

BOOST_AUTO_TEST_CASE(large_scores_do_not_overflow) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor q = tensor({{1e4, 0}}, dtype), k = tensor({{1e4, 0}, {-1e4, 0}}, dtype);
    const Tensor v = tensor({{1, 2}, {3, 4}}, dtype);
    const Tensor y = attention(q, k, v, shared(Pattern::whole(1, 1, 2)));
    BOOST_TEST(distance(y, tensor({{1, 2}}, DType::f64)) == 0);
  }
}

// ---- Dropout and sharing ------------------------------------------------------------------------

// With the identity for values, the result shows the dropped weights themselves.
BOOST_AUTO_TEST_CASE(dropout_zeroes_weights_and_scales_the_others) {
  const Index keys = 64;
  const Tensor q = zeros({50, keys}, DType::f64), v = eye(keys, DType::f64);
  Pattern pattern = Pattern::whole(1, 50, keys);
  const Tensor y = attention(q, v, v, shared(pattern), {.dropout = 0.25, .key = Key(11)});
  Index dropped = 0;
  for (const double weight : numbers(y)) {
    BOOST_TEST((weight == 0 || std::abs(weight - 1. / 64 / 0.75) < 1e-15));
    dropped += weight == 0 ? 1 : 0;
  }
  BOOST_TEST(std::abs(static_cast<double>(dropped) - 800) < 4 * std::sqrt(3200 * 0.25 * 0.75));
}

BOOST_AUTO_TEST_CASE(examples_that_share_keys_add_their_gradients) {
  Dice dice(Key(128));
  Pattern beam;  // four hypotheses on one source
  for (Index n = 0; n < 4; ++n) beam.examples.push_back({n, 1, 0, 5, 0, n});
  Pattern apart = Pattern::whole(4, 1, 5);
  const Tensor q = variable(dice.tensor({4, 6})), k = variable(dice.tensor({5, 6})),
               v = variable(dice.tensor({5, 6}));
  const Tensor g = dice.tensor({4, 6});
  const auto repeated = [](const Tensor& x) {
    return reshape(broadcast_to(x, {4, 5, 6}), {20, 6});
  };
  const Tensor together = attention(q, k, v, shared(beam), {.heads = 2});
  const Tensor each = attention(q, repeated(k), repeated(v), shared(apart), {.heads = 2});
  BOOST_TEST(distance(together, each) < 1e-13);
  const Tensors left = grad(Tensors{together}, {q, k, v}, {g});
  const Tensors right = grad(Tensors{each}, {q, k, v}, {g});
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(distance(left[i], right[i]) < 1e-13);
}

// Enough examples to use several threads.
BOOST_AUTO_TEST_CASE(a_large_batch_agrees_with_its_examples_alone) {
  const Index batch = 64, steps = 20, width = 32;
  const Tensor x = normal({batch, steps, width}, 0, 1, Key(129));
  const AttentionOptions options{.heads = 4};
  const Tensor y = attention(x, x, x, shared(Pattern::whole(batch, steps, steps)), options);
  for (const Index n : {0, 31, 63}) {
    const Tensor own = slice(x, 0, n, n + 1);
    const Tensor alone = attention(own, own, own, shared(Pattern::whole(1, steps, steps)), options);
    BOOST_TEST(same_bits(alone, slice(y, 0, n, n + 1)));
  }
}

// Otherwise two threads might write the same rows.
BOOST_AUTO_TEST_CASE(query_rows_belong_to_one_example) {
  const Tensor x = ones({4, 2});
  auto pattern = std::make_shared<AttentionPattern>();
  pattern->examples = {{0, 3, 0, 4}, {2, 2, 0, 4}};
  BOOST_CHECK_EXCEPTION(adjoint::attention(x, x, x, pattern), Error, [](const Error& error) {
    return std::string(error.what()) ==
           "attention: the examples' query rows overlap or are out of order at row 2";
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
