#include "nn/batch/mask.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <optional>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// The parts of a mask, some of them absent, and what they allow.
struct Parts {
  Layout queries, keys;
  bool causal = false;
  Tensor lengths = {}, allowed = {};

  Mask mask() const {
    Mask result(queries, keys);
    if (causal) result = result.causal();
    if (lengths.defined()) result = result.with_lengths(lengths);
    if (allowed.defined()) result = result.with_allowed(allowed);
    return result;
  }

  bool may_attend(Index b, Index q, Index k) const {
    if (q >= queries.length(b) || k >= keys.length(b)) return false;
    if (causal && k > queries.first_position() + q) return false;
    if (lengths.defined() && static_cast<double>(k) >= length(b, q)) return false;
    return !allowed.defined() || allowed.at({allowed.size(0) == 1 ? 0 : b, q, k}) != 0;
  }

 private:
  double length(Index b, Index q) const {
    return lengths.rank() == 1 ? lengths.at({b}) : lengths.at({b, q});
  }
};

// How many rows a dense mask has per example: all steps of a padded batch, so that it fits scores
// [batch, queries, keys], or the length of the longest example of a packed one.
Index steps(const Layout& layout) {
  return layout.is_packed() ? std::ranges::max(layout.lengths()) : layout.leading()[1];
}

Grid dense(const Parts& parts) {
  return grid_of({parts.queries.examples(), steps(parts.queries), steps(parts.keys)},
                 [&](const Indices& at) { return parts.may_attend(at[0], at[1], at[2]); });
}

// Attention of one head, query by query.
Tensor attend(const Parts& parts, const Tensor& query, const Tensor& key, const Tensor& value) {
  const Index width = query.size(-1);
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  Tensors rows;
  for (Index b = 0; b < parts.queries.examples(); ++b) {
    const Tensor q = rows_of(query, parts.queries, b), k = rows_of(key, parts.keys, b),
                 v = rows_of(value, parts.keys, b);
    for (Index i = 0; i < q.size(0); ++i) {
      std::vector<Index> seen;
      for (Index j = 0; j < k.size(0); ++j)
        if (parts.may_attend(b, i, j)) seen.push_back(j);
      if (seen.empty()) {
        rows.push_back(zeros({1, width}, DType::f64));
        continue;
      }
      const Tensor which = from(seen, {static_cast<Index>(seen.size())});
      const Tensor scores = matmul(slice(q, 0, i, i + 1), gather(k, which), Transposed::b) * scale;
      rows.push_back(matmul(softmax(scores), gather(v, which)));
    }
  }
  return rows.empty() ? zeros({0, width}, DType::f64) : concat(rows, 0);
}

std::vector<Index> some_lengths(Dice& dice, Index batch, Index most) {
  std::vector<Index> lengths;
  while (static_cast<Index>(lengths.size()) < batch) lengths.push_back(dice.between(0, most));
  return lengths;
}

Layout some_layout(Dice& dice, Index batch, Index most, bool with_padding) {
  if (dice.coin()) return Layout::packed(some_lengths(dice, batch, most));
  std::vector<Index> lengths = some_lengths(dice, batch, most);
  if (!with_padding) return Layout::full(batch, most);
  return Layout::padded(lengths, most + dice.between(0, 2));
}

Parts some_parts(Dice& dice, bool query_padding) {
  const Index batch = dice.between(1, 4), queries = dice.between(1, 4), keys = dice.between(1, 5);
  Parts parts{some_layout(dice, batch, queries, query_padding),
              some_layout(dice, batch, keys, true).placed(0)};
  parts.queries = parts.queries.placed(dice.between(0, 3), dice.between(0, 3));
  parts.causal = dice.coin();
  if (dice.coin())
    parts.lengths = dice.integers(dice.coin() ? Shape{batch} : Shape{batch, queries}, 0, keys + 2);
  if (dice.coin())
    parts.allowed = dice.booleans({dice.coin() ? batch : 1, queries, keys + dice.between(0, 1)});
  return parts;
}

void check_attention(const Parts& parts, Key key) {
  const auto rows = [&](const Layout& layout, const char* name) {
    return variable(
        normal({Layout::packed(layout.lengths()).rows(), 4}, 0, 1, key.child(name), DType::f64),
        name);
  };
  const Tensor q = rows(parts.queries, "q"), k = rows(parts.keys, "k"), v = rows(parts.keys, "v");
  const double nan = std::numeric_limits<double>::quiet_NaN();  // padding must not be read
  const Tensor query = in_layout(q, parts.queries, nan), keys = in_layout(k, parts.keys, nan),
               values = in_layout(v, parts.keys, nan);
  const Tensor result =
      real_rows(attention(query, keys, values, parts.mask().pattern()), parts.queries);
  const Tensor expected = attend(parts, in_layout(q, parts.queries), in_layout(k, parts.keys),
                                 in_layout(v, parts.keys));
  BOOST_TEST(distance(result, expected) < 1e-13);
  const GradOptions options{.zeros_if_independent = true};
  BOOST_TEST(distance(grad(weighed(result, key), {q, k, v}, options),
                      grad(weighed(expected, key), {q, k, v}, options)) < 1e-13);
}

BOOST_AUTO_TEST_SUITE(mask)

BOOST_AUTO_TEST_CASE(every_combination_written_out) {
  Dice dice(Key(1));
  for (int round = 0; round < 300; ++round) {
    const Parts parts = some_parts(dice, true);
    const Tensor written = parts.mask().dense();
    BOOST_TEST((written.dtype() == DType::b8));
    BOOST_TEST(distance(written, dense(parts)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(attention_obeys_every_combination) {
  Dice dice(Key(2));
  for (int round = 0; round < 300; ++round) check_attention(some_parts(dice, false), dice.key());
}

BOOST_AUTO_TEST_CASE(attention_obeys_every_combination_with_padded_queries) {
  Dice dice(Key(3));
  for (int round = 0; round < 300; ++round) check_attention(some_parts(dice, true), dice.key());
}

BOOST_AUTO_TEST_CASE(meaning_of_the_parts) {
  const Mask whole = Mask::full(2, 2, 3);
  BOOST_TEST(same_bits(whole.dense(), ones({2, 2, 3}, DType::b8)));
  BOOST_TEST(
      same_bits(whole.causal().dense(), bools({{{1, 0, 0}, {1, 1, 0}}, {{1, 0, 0}, {1, 1, 0}}})));
  BOOST_TEST(same_bits(whole.with_lengths(ints({1, 3})).dense(),
                       bools({{{1, 0, 0}, {1, 0, 0}}, {{1, 1, 1}, {1, 1, 1}}})));
  BOOST_TEST(same_bits(whole.with_lengths(ints({{1, 2}, {0, 3}})).dense(),
                       bools({{{1, 0, 0}, {1, 1, 0}}, {{0, 0, 0}, {1, 1, 1}}})));
  BOOST_TEST(same_bits(whole.with_allowed(bools({{{0, 1, 1}, {1, 1, 0}}})).dense(),
                       bools({{{0, 1, 1}, {1, 1, 0}}, {{0, 1, 1}, {1, 1, 0}}})));
  // A decoder that continues at step 4 sees what came before.
  const Mask later = Mask(Layout::full(1, 1).placed(0, 4), Layout::padded({6}, 8)).causal();
  BOOST_TEST(same_bits(later.dense(), bools({{{1, 1, 1, 1, 1, 0, 0, 0}}})));
}

BOOST_AUTO_TEST_CASE(restrictions_add_up) {
  const Mask whole = Mask::full(1, 2, 4);
  const Tensor both = bools({{{1, 1, 0, 0}, {1, 1, 0, 0}}});
  BOOST_TEST(same_bits(whole.with_lengths(ints({2})).with_lengths(ints({3})).dense(), both));
  BOOST_TEST(same_bits(whole.with_lengths(ints({3})).with_lengths(ints({2})).dense(), both));
  const Tensor a = bools({{{1, 1, 0, 1}, {1, 0, 1, 1}}}), b = bools({{{0, 1, 1, 1}, {1, 1, 1, 0}}});
  BOOST_TEST(same_bits(whole.with_allowed(a).with_allowed(b).dense(),
                       bools({{{0, 1, 0, 1}, {1, 0, 1, 0}}})));
  BOOST_TEST(same_bits(whole.with_allowed(a).causal().with_lengths(ints({{1, 4}})).dense(),
                       bools({{{1, 0, 0, 0}, {1, 0, 0, 0}}})));
  BOOST_TEST(same_bits(whole.dense(), ones({1, 2, 4}, DType::b8)));  // left unchanged
}

BOOST_AUTO_TEST_CASE(a_query_that_may_attend_to_nothing_gets_zeros_and_sends_back_none) {
  const Tensor q = variable(normal({1, 2, 4}, 0, 1, Key(1), DType::f64));
  const Tensor k = variable(normal({1, 3, 4}, 0, 1, Key(2), DType::f64));
  const Tensor v = variable(normal({1, 3, 4}, 0, 1, Key(3), DType::f64));
  const Mask whole = Mask::full(1, 2, 3);
  for (const Mask& mask :
       {whole.with_lengths(ints({{0, 3}})), whole.with_allowed(bools({{{0, 0, 0}, {1, 1, 1}}}))})
    for (const bool formula : {false, true}) {
      const FlagGuard guard(&Ambient::composed, formula);
      const Tensor y = attention(q, k, v, mask.pattern(), {.heads = 2});
      BOOST_TEST(distance(slice(y, 1, 0, 1), zeros({1, 1, 4}, DType::f64)) == 0);
      BOOST_TEST(distance(slice(y, 1, 1, 2), zeros({1, 1, 4}, DType::f64)) > 0.01);
      const Tensors of_nothing = grad(weighed(slice(y, 1, 0, 1), Key(4)), {q, k, v});
      for (const Tensor& gradient : of_nothing)
        BOOST_TEST(distance(gradient, zeros(gradient.shape(), DType::f64)) == 0);
      const Tensors gradients = grad(weighed(y, Key(4)), {q, k, v});
      BOOST_TEST(distance(slice(gradients[0], 1, 0, 1), zeros({1, 1, 4}, DType::f64)) == 0);
    }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_an_error) {
  BOOST_CHECK_EXCEPTION(Mask(Layout::full(2, 3), Layout::full(3, 3)), Error,
                        says("mask: 2 examples among the queries, 3 among the keys"));
  const Mask mask = Mask::full(2, 3, 4);
  const std::string lengths =
      "mask: valid lengths must be i64 [batch] or [batch, queries] with a batch of 2, are ";
  BOOST_CHECK_EXCEPTION(mask.with_lengths(ints({1, 2, 3})), Error, says(lengths + "i64 [3]"));
  BOOST_CHECK_EXCEPTION(mask.with_lengths(tensor({1, 2})), Error, says(lengths + "f32 [2]"));
  BOOST_CHECK_EXCEPTION(mask.with_lengths(scalar(1, DType::i64)), Error, says(lengths + "i64 []"));
  BOOST_CHECK_EXCEPTION(mask.with_lengths(ints({{1, 2}, {1, 2}})), Error,
                        says("mask: valid lengths [2, 2] for an example of 3 queries"));
  const std::string allowed =
      "mask: `allowed` must be b8 [batch, queries, keys] with a batch of 2 or 1, is ";
  BOOST_CHECK_EXCEPTION(mask.with_allowed(ones({3, 3, 4}, DType::b8)), Error,
                        says(allowed + "b8 [3, 3, 4]"));
  BOOST_CHECK_EXCEPTION(mask.with_allowed(ones({3, 4}, DType::b8)), Error,
                        says(allowed + "b8 [3, 4]"));
  BOOST_CHECK_EXCEPTION(mask.with_allowed(ones({2, 3, 4})), Error, says(allowed + "f32 [2, 3, 4]"));
  BOOST_CHECK_EXCEPTION(
      mask.with_allowed(ones({2, 3, 3}, DType::b8)), Error,
      says("mask: `allowed` [2, 3, 3] is too small for an example of 3 queries and 4 keys"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
