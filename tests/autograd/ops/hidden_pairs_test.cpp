// What a mask hides has no influence on values, gradients and second derivatives, whatever it
// holds.
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

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr GradOptions graph = {.create_graph = true, .zeros_if_independent = true};

std::shared_ptr<const Pattern> shared(Pattern pattern) {
  return std::make_shared<const Pattern>(std::move(pattern));
}

// ---- Attention ----------------------------------------------------------------------------------

// Queries, keys, values and a cotangent of the result. Some rows are poisoned.
struct Case {
  Pattern pattern;
  AttentionOptions options;
  Tensors xs;  // query, key, value
  Tensor cotangent;
  std::vector<bool> poisoned_query, poisoned_key;

  explicit Case(Dice& dice, DType dtype) {
    Index query_rows = 0, key_rows = 0, most = 0;
    for (Index n = dice.between(1, 3); n > 0; --n) {
      // One query takes the path of a decoding step; more than 64 make two blocks.
      const Index queries = dice.coin() ? 1 : dice.between(1, dice.between(0, 9) == 0 ? 70 : 5);
      const Index keys = dice.between(1, 6);
      pattern.examples.push_back({query_rows, queries, key_rows, keys, dice.between(0, 2), n});
      query_rows += queries + dice.between(0, 1);
      key_rows += keys + dice.between(0, 1);
      most = std::max(most, keys);
    }
    pattern.causal = dice.coin();
    if (dice.coin()) pattern.lengths = dice.integers({query_rows}, 0, most);
    if (dice.coin()) pattern.allowed = dice.booleans({query_rows, most});
    options = {.heads = dice.between(1, 2), .linear_biases = dice.coin()};
    if (dice.coin()) options.dropout = 0.4;
    options.key = dice.key();
    const Index width = options.heads * dice.between(1, 3);
    const Index value_width = options.heads * dice.between(1, 3);
    for (const Shape& shape :
         {Shape{query_rows, width}, Shape{key_rows, width}, Shape{key_rows, value_width}})
      xs.push_back(cast(dice.tensor(shape), dtype));
    cotangent = cast(dice.tensor({query_rows, value_width}), dtype);
    for (Index i = 0; i < query_rows; ++i) poisoned_query.push_back(dice.between(0, 3) == 0);
    for (Index j = 0; j < key_rows; ++j) poisoned_key.push_back(dice.between(0, 3) == 0);
  }

  bool may_attend(const Pattern::Example& e, Index i, Index j) const {
    return j < pattern.visible_keys(e, i) &&
           (!pattern.allowed.defined() || pattern.allowed.at({e.query_begin + i, j}) != 0);
  }
  // Queries that neither are poisoned nor see a poisoned key, and keys that only such queries see.
  std::vector<bool> clean_queries, clean_keys;
  void find_clean() {
    clean_queries.assign(poisoned_query.size(), true);
    clean_keys.assign(poisoned_key.size(), true);
    for (const Pattern::Example& e : pattern.examples)
      for (Index i = 0; i < e.queries; ++i) {
        const auto row = static_cast<std::size_t>(e.query_begin + i);
        bool clean = !poisoned_query[row], sees = false;
        for (Index j = 0; j < e.keys; ++j)
          if (may_attend(e, i, j)) {
            sees = true;
            clean = clean && !poisoned_key[static_cast<std::size_t>(e.key_begin + j)];
          }
        clean_queries[row] = clean || !sees;
        for (Index j = 0; j < e.keys; ++j)
          if (may_attend(e, i, j) && !clean)
            clean_keys[static_cast<std::size_t>(e.key_begin + j)] = false;
      }
  }
};

// x with NaN or infinity in some rows.
Tensor poisoned(const Tensor& x, const std::vector<bool>& rows, Dice& dice) {
  const double poisons[] = {nan, infinity, -infinity};
  Tensor result = copy(x);
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (Index c = 0; rows[row] && c < x.size(1); ++c) {
      const double poison = poisons[dice.between(0, 2)];
      const auto at = row * static_cast<std::size_t>(x.size(1)) + static_cast<std::size_t>(c);
      dispatch(x.dtype(), [&]<class T>() { result.edit<T>()[at] = static_cast<T>(poison); });
    }
  return result;
}

// The result, and its first and second derivatives with respect to q, k and v.
struct Derivatives {
  Tensor value;
  Tensors first, second;

  Derivatives(const Case& c, const Tensors& inputs, const Tensor& cotangent, Key key) {
    Tensors xs, directions;
    for (const Tensor& x : inputs) xs.push_back(variable(x));
    const Tensor y = attention(xs[0], xs[1], xs[2], shared(c.pattern), c.options);
    first = grad(Tensors{y}, xs, {cotangent}, graph);
    for (std::size_t i = 0; i < 3; ++i)
      directions.push_back(cast(normal(xs[i].shape(), 0, 1, key.child(i), DType::f64), y.dtype()));
    second = grad(first, xs, directions, {.zeros_if_independent = true});
    value = detach(y);
  }
};

double distance_in_rows(const Tensor& a, const Tensor& b, const std::vector<bool>& rows) {
  double worst = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row]) continue;
    const auto at = static_cast<Index>(row);
    const Tensor wide = cast(detach(b), DType::f64);
    worst = std::max(worst, distance(slice(detach(a), 0, at, at + 1), slice(wide, 0, at, at + 1)));
  }
  return worst;
}

void check_attention(bool composed_form) {
  Dice dice(Key(composed_form ? 141 : 142));
  for (int round = 0; round < 150; ++round) {
    const DType dtype = dice.coin() ? DType::f32 : DType::f64;
    const double tolerance = dtype == DType::f32 ? 1e-4 : 1e-11;
    Case c(dice, dtype);
    c.find_clean();
    const Tensors bad = {poisoned(c.xs[0], c.poisoned_query, dice),
                         poisoned(c.xs[1], c.poisoned_key, dice),
                         poisoned(c.xs[2], c.poisoned_key, dice)};
    const Tensor bad_cotangent = poisoned(c.cotangent, c.poisoned_query, dice);
    const FlagGuard guard(&Ambient::composed, composed_form);
    const Derivatives good(c, c.xs, c.cotangent, Key(1)), actual(c, bad, bad_cotangent, Key(1));
    const auto near = [&](const Tensor& a, const Tensor& b, const std::vector<bool>& rows,
                          const char* what) {
      BOOST_TEST(distance_in_rows(a, b, rows) < tolerance, what << " in round " << round);
    };
    near(actual.value, good.value, c.clean_queries, "value");
    near(actual.first[0], good.first[0], c.clean_queries, "gradient of the queries");
    near(actual.first[1], good.first[1], c.clean_keys, "gradient of the keys");
    near(actual.first[2], good.first[2], c.clean_keys, "gradient of the values");
    near(actual.second[0], good.second[0], c.clean_queries, "second derivative of the queries");
    near(actual.second[1], good.second[1], c.clean_keys, "second derivative of the keys");
    near(actual.second[2], good.second[2], c.clean_keys, "second derivative of the values");
    const Tensor weights = attention_weights(bad[0], bad[1], shared(c.pattern), c.options);
    for (std::size_t n = 0; n < c.pattern.examples.size(); ++n) {
      const Pattern::Example& e = c.pattern.examples[n];
      for (Index i = 0; i < e.queries; ++i)
        for (Index j = 0; j < e.keys; ++j)
          if (!c.may_attend(e, i, j)) BOOST_TEST(weights.at({static_cast<Index>(n), 0, i, j}) == 0);
    }
  }
}

BOOST_AUTO_TEST_SUITE(hidden_pairs)

BOOST_AUTO_TEST_CASE(attention_does_not_feel_what_its_mask_hides) { check_attention(false); }

BOOST_AUTO_TEST_CASE(composed_attention_does_not_feel_it_either) { check_attention(true); }

// With the identity as values, the result shows the weights and which of them are dropped.
BOOST_AUTO_TEST_CASE(a_dropped_weight_hides_its_value) {
  const Index keys = 8;
  const Tensor q = normal({6, keys}, 0, 1, Key(143), DType::f64), v = eye(keys, DType::f64);
  const AttentionOptions options{.dropout = 0.5, .key = Key(7)};
  const auto pattern = shared(Pattern::whole(1, 6, keys));
  const Tensor k = slice(concat({q, q}, 0), 0, 0, keys);
  const Tensor weights = attention(q, k, v, pattern, options);
  for (const bool composed_form : {false, true}) {
    const FlagGuard guard(&Ambient::composed, composed_form);
    for (Index j = 0; j < keys; ++j) {
      std::vector<bool> rows(static_cast<std::size_t>(keys), false);
      rows[static_cast<std::size_t>(j)] = true;
      Dice dice(Key(144));
      const Tensor bad = poisoned(v, rows, dice);
      const Tensor query = variable(q), value = variable(bad);
      const Tensor y = attention(query, k, value, pattern, options);
      const Tensor g = grad(sum(y), {query})[0];
      for (Index i = 0; i < 6; ++i) {
        const bool dropped = weights.at({i, j}) == 0;
        BOOST_TEST(std::isfinite(sum(slice(detach(y), 0, i, i + 1)).item()) == dropped);
        BOOST_TEST(std::isfinite(sum(slice(g, 0, i, i + 1)).item()) == dropped);
      }
    }
  }
}

// ---- Parts --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(masked_products_leave_hidden_pairs_out) {
  const Tensor mask = bools({{1, 0, 0}, {1, 1, 0}});
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor a = variable(tensor({{1, 2}, {nan, 1}}, dtype));
    const Tensor b = variable(tensor({{3, 4}, {5, infinity}, {nan, nan}}, dtype));
    const Tensor scores = masked_scores(a, b, mask);
    BOOST_TEST(distance(scores, tensor({{11, 0, 0}, {nan, nan, 0}}, DType::f64)) == 0);
    const Tensors g = grad(Tensors{scores}, {a, b}, {tensor({{1, 9, 9}, {0, 0, nan}}, dtype)});
    BOOST_TEST(distance(slice(g[0], 0, 0, 1), tensor({{3, 4}}, DType::f64)) == 0);
    BOOST_TEST(distance(slice(g[1], 0, 2, 3), zeros({1, 2}, DType::f64)) == 0);

    const Tensor w = variable(tensor({{2, nan, infinity}, {1, 1, 7}}, dtype));
    const Tensor y = masked_sum(w, b, mask);
    BOOST_TEST(distance(y, tensor({{6, 8}, {8, infinity}}, DType::f64)) == 0);
    const Tensors h = grad(Tensors{y}, {w, b}, {tensor({{1, 1}, {0, 1}}, dtype)});
    BOOST_TEST(distance(h[0], tensor({{7, 0, 0}, {4, infinity, 0}}, DType::f64)) == 0);
    BOOST_TEST(distance(h[1], tensor({{2, 3}, {0, 1}, {0, 0}}, DType::f64)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(masked_products_are_products_of_what_is_visible) {
  Dice dice(Key(145));
  for (int round = 0; round < 60; ++round) {
    const Shape batch = dice.shape(dice.between(0, 2), 1, 3);
    const Index n = dice.between(1, 5), m = dice.between(1, 5), d = dice.between(1, 9);
    const Shape pairs = batch.joined({n, m});
    const Tensor a = dice.tensor(batch.joined({n, d})), b = dice.tensor(batch.joined({m, d}));
    const Tensor w = dice.tensor(pairs), mask = dice.booleans(dice.shrunk(pairs));
    const Tensor zero = scalar(0, DType::f64);
    BOOST_TEST(distance(masked_scores(a, b, mask), where(mask, matmul(a, b, Transposed::b), zero)) <
               1e-13);
    BOOST_TEST(distance(masked_sum(w, b, mask), matmul(where(mask, w, zero), b)) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(masked_softmax_does_not_feel_hidden_elements) {
  const Tensor mask = bools({{1, 1, 0}, {0, 1, 1}, {0, 0, 0}});
  const GradOptions lenient = {.create_graph = true, .zeros_if_independent = true};
  for (const bool composed_form : {false, true}) {
    const FlagGuard guard(&Ambient::composed, composed_form);
    const Tensor x = variable(tensor({{0, 0, nan}, {infinity, 1, 1}, {nan, nan, nan}}, DType::f64));
    const Tensor y = masked_softmax(x, mask);
    BOOST_TEST(distance(y, tensor({{.5, .5, 0}, {0, .5, .5}, {0, 0, 0}}, DType::f64)) == 0);
    const Tensor g = tensor({{1, 0, nan}, {nan, 1, 0}, {nan, 1, 1}}, DType::f64);
    const Tensor first = grad(Tensors{y}, {x}, {g}, lenient)[0];
    BOOST_TEST(distance(first, tensor({{.25, -.25, 0}, {0, .25, -.25}, {0, 0, 0}}, DType::f64)) ==
               0);
    const Tensor second = grad(Tensors{first}, {x}, {g}, lenient)[0];
    BOOST_TEST(std::isfinite(sum(second).item()));
    // A row that is NaN leaves its hidden elements at 0.
    const Tensor bad = masked_softmax(tensor({{nan, 0, 1}}, DType::f64), bools({1, 1, 0}));
    BOOST_TEST(bad.at({0, 2}) == 0);
    BOOST_TEST(std::isnan(bad.at({0, 0})));
  }
}

// ---- Dropout ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_dropout_drops_has_no_influence) {
  const Tensor kept = dropout(ones({5, 7}, DType::f64), 0.5, Key(3));
  const Tensor is_kept = greater(kept, scalar(0, DType::f64));
  const Tensor good = normal({5, 7}, 0, 1, Key(146), DType::f64);
  const Tensor gain = ones({7}, DType::f64), bias = zeros({7}, DType::f64);
  const Tensor g = normal({5, 7}, 0, 1, Key(147), DType::f64);
  for (const double poison : {nan, infinity})
    for (const bool composed_form : {false, true}) {
      const FlagGuard guard(&Ambient::composed, composed_form);
      const Tensor f = where(is_kept, good, scalar(poison, DType::f64));
      const auto derivatives = [&](const Tensor& value) {
        const Tensor x = variable(good), y = variable(value);
        const Tensor z =
            dropout(y, 0.5, Key(3)) + add_norm(x, y, gain, bias, {.dropout = 0.5, .key = Key(3)});
        const Tensors first = grad(Tensors{z}, {x, y}, {g}, graph);
        const Tensors second = grad(first, {x, y}, {g, g});
        return Tensors{detach(z), first[0], first[1], second[0], second[1]};
      };
      const Tensors expected = derivatives(where(is_kept, good, scalar(0, DType::f64)));
      const Tensors actual = derivatives(f);
      for (std::size_t i = 0; i < expected.size(); ++i)
        BOOST_TEST(distance(detach(actual[i]), detach(expected[i])) < 1e-12);
    }
}

// ---- Cross-entropy ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(ignored_rows_have_no_influence_in_any_form_or_order) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double smoothing : {0.0, 0.2})
      for (const bool composed_form : {false, true}) {
        const FlagGuard guard(&Ambient::composed, composed_form);
        const CrossEntropyOptions options{.smoothing = smoothing};
        const Tensor targets = ints({-100, 1, -100});
        const auto derivatives = [&](const Tensor& logits, const Tensor& g) {
          const Tensor x = variable(logits);
          const Tensor y = cross_entropy(x, targets, options);
          const Tensor first = grad(Tensors{y}, {x}, {g}, graph)[0];
          const Tensor direction = tensor({{1, 2, 3}, {3, 1, 2}, {0, 0, 1}}, dtype);
          return Tensors{detach(y), first, grad(Tensors{first}, {x}, {direction}, graph)[0]};
        };
        const Tensors actual = derivatives(
            tensor({{nan, 0, infinity}, {1, 2, 3}, {-infinity, -infinity, -infinity}}, dtype),
            tensor({nan, 2, infinity}, dtype));
        const Tensors expected =
            derivatives(tensor({{0, 0, 0}, {1, 2, 3}, {0, 0, 0}}, dtype), tensor({1, 2, 1}, dtype));
        for (std::size_t i = 0; i < 3; ++i)
          BOOST_TEST(distance(detach(actual[i]), cast(detach(expected[i]), DType::f64)) == 0);
      }
}

// A class with a logit of −∞ has probability 0, but it still counts as a class.
BOOST_AUTO_TEST_CASE(a_logit_of_minus_infinity_elsewhere_is_a_class_of_probability_0) {
  for (const bool composed_form : {false, true}) {
    const FlagGuard guard(&Ambient::composed, composed_form);
    const Tensor x = variable(tensor({{0, 0, -infinity}}, DType::f64));
    const Tensor y = cross_entropy(x, ints({1}));
    BOOST_TEST(distance(y, tensor({std::log(2)}, DType::f64)) < 1e-15);
    const Tensor first = grad(sum(y), {x}, graph)[0];
    BOOST_TEST(distance(first, tensor({{.5, -.5, 0}}, DType::f64)) < 1e-15);
    const Tensor second = grad(Tensors{first}, {x}, {tensor({{1, 0, 0}}, DType::f64)}, graph)[0];
    BOOST_TEST(distance(second, tensor({{.25, -.25, 0}}, DType::f64)) < 1e-15);
    // Smoothing gives it a share of the target: the loss is infinite, the gradient is not.
    const Tensor smooth = cross_entropy(x, ints({1}), {.smoothing = 0.3});
    BOOST_TEST(smooth.at({0}) == infinity);
    BOOST_TEST(distance(grad(sum(smooth), {x})[0], tensor({{.4, -.3, -.1}}, DType::f64)) < 1e-15);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
