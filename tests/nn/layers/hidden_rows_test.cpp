// Rows that a mask hides may hold anything, in every kind of attention, forward and backward.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "nn/layers/attention.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr GradOptions graph = {.create_graph = true, .zeros_if_independent = true};

struct Kind {
  std::string name;
  HeadOptions options;
};
std::vector<Kind> kinds() {
  return {{"dot products", {}},
          {"bilinear", {.score = Score::bilinear}},
          {"rotary", {.positions = Positions::rotary}},
          {"linear biases", {.positions = Positions::linear_biases}},
          {"relative", {.positions = Positions::relative, .max_distance = 2}},
          {"additive", {.score = Score::additive}},
          {"additive, linear biases",
           {.positions = Positions::linear_biases, .score = Score::additive}}};
}

MultiHeadAttention made(const Kind& kind, double drop) {
  auto layer = nn::cast(MultiHeadAttention(8, 2, drop, Key(1), kind.options), DType::f64);
  shake(layer, Key(2));
  return layer;
}

// Queries of lengths 3 and 1, padded to 3 steps; keys of lengths 2 and 4, padded to 4.
const Layout query_layout = Layout::padded({3, 1}, 3), key_layout = Layout::padded({2, 4}, 4);
const Index query_rows = 4, key_rows = 6;

// The result at real rows, and the first and second derivatives with respect to parameters and
// inputs.
Tensors derivatives(const MultiHeadAttention& layer, const Mask& mask, double padding,
                    const Context& context) {
  const Tensor queries =
      variable(in_layout(normal({query_rows, 8}, 0, 1, Key(3), DType::f64), query_layout, padding));
  const Tensor memory =
      variable(in_layout(normal({key_rows, 8}, 0, 1, Key(4), DType::f64), key_layout, padding));
  const Tensor y = real_rows(layer(queries, memory, memory, mask, context), query_layout);
  Tensors xs = {queries, memory};
  for (const Tensor& parameter : parameters(layer)) xs.push_back(parameter);
  const Tensors first = grad(weighed(y, Key(5)), xs, graph);
  Tensor along;
  for (const Tensor& g : first) {
    const Tensor term = weighed(g, Key(6));
    along = along.defined() ? along + term : term;
  }
  Tensors result = grad(along, xs, {.zeros_if_independent = true});
  for (const Tensor& g : first) result.push_back(detach(g));
  result.push_back(detach(y));
  return result;
}

BOOST_AUTO_TEST_SUITE(hidden_rows)

BOOST_AUTO_TEST_CASE(padding_has_no_influence_on_results_gradients_and_second_derivatives) {
  const Mask plain(query_layout, key_layout);
  for (const Kind& kind : kinds())
    for (const bool composed_form : {false, true})
      for (const double drop : {0.0, 0.3})
        for (const Mask& mask : {plain, plain.with_lengths(ints({1, 3}))}) {
          const FlagGuard guard(&Ambient::composed, composed_form);
          const MultiHeadAttention layer = made(kind, drop);
          const Tensors expected = derivatives(layer, mask, 0, Context::training(Key(7)));
          for (const double padding : {nan, infinity}) {
            const Tensors actual = derivatives(layer, mask, padding, Context::training(Key(7)));
            for (std::size_t i = 0; i < actual.size(); ++i)
              BOOST_TEST(distance(actual[i], expected[i]) < 1e-10,
                         kind.name << (composed_form ? ", composed" : "") << ", dropout " << drop
                                   << ", padding " << padding << ", tensor " << i);
          }
        }
}

// A row does not influence the queries that may not see it, although others see it.
BOOST_AUTO_TEST_CASE(a_key_that_only_later_queries_see_reaches_only_those) {
  const Index steps = 4;
  const Mask mask = Mask::full(1, steps, steps).causal();
  for (const Kind& kind : kinds())
    for (const double poison : {nan, infinity}) {
      const MultiHeadAttention layer = made(kind, 0);
      const Tensor rows = normal({1, steps, 8}, 0, 1, Key(8), DType::f64);
      const auto run = [&](double last) {
        const Tensor queries = variable(rows);
        const Tensor x =
            concat({slice(rows, 1, 0, steps - 1), full({1, 1, 8}, last, DType::f64)}, 1);
        const Tensor y = std::visit(
            [&](const auto& heads) {
              const Tensor q = heads.queries(queries, mask.query_positions());
              return heads(q, heads.keys(x, mask.key_positions()), x, mask, Context::inference());
            },
            layer.heads);
        const Tensor early = slice(y, 1, 0, steps - 1);
        const Tensor g = grad(weighed(early, Key(9)), {queries})[0];
        return Tensors{detach(early), slice(g, 1, 0, steps - 1)};
      };
      const Tensors actual = run(poison), expected = run(0);
      BOOST_TEST(distance(actual[0], expected[0]) < 1e-12, kind.name);
      BOOST_TEST(distance(actual[1], expected[1]) < 1e-12, kind.name);
    }
}

BOOST_AUTO_TEST_CASE(additive_attention_does_not_feel_padding) {
  auto layer = nn::cast(AdditiveAttention(3, 5, 7, 0.3, Key(1)), DType::f64);
  const Mask mask(query_layout, key_layout);
  const auto run = [&](double padding) {
    const Tensor q = variable(
        in_layout(normal({query_rows, 3}, 0, 1, Key(2), DType::f64), query_layout, padding));
    const Tensor k =
        variable(in_layout(normal({key_rows, 5}, 0, 1, Key(3), DType::f64), key_layout, padding));
    const Tensor y =
        real_rows(layer(q, k, k, mask, query_layout, Context::training(Key(4))), query_layout);
    Tensors xs = {q, k};
    for (const Tensor& parameter : parameters(layer)) xs.push_back(parameter);
    Tensors result = grad(weighed(y, Key(5)), xs);
    result.push_back(detach(y));
    return result;
  };
  const Tensors expected = run(0);
  for (const double padding : {nan, infinity}) BOOST_TEST(distance(run(padding), expected) < 1e-12);
}

BOOST_AUTO_TEST_CASE(a_pruned_head_may_hold_anything) {
  MultiHeadAttention layer = made(kinds()[0], 0);
  const Mask mask(query_layout, key_layout);
  layer.prune({1});
  const Tensors expected = derivatives(layer, mask, 0, Context::inference());
  Tensor weight = layer.value.weight;  // its last four rows give the values of head 1
  const std::span<double> elements = weight.edit<double>();
  std::fill(elements.begin() + 32, elements.end(), nan);
  const Tensor x = in_layout(normal({query_rows, 8}, 0, 1, Key(3), DType::f64), query_layout);
  const Tensor m = in_layout(normal({key_rows, 8}, 0, 1, Key(4), DType::f64), key_layout);
  const Tensor y = real_rows(layer(x, m, m, mask, Context::inference()), query_layout);
  BOOST_TEST(distance(y, expected.back()) < 1e-12);
}

BOOST_AUTO_TEST_CASE(masks_say_which_rows_take_part) {
  const Mask mask(query_layout, key_layout);
  BOOST_TEST(numbers(mask.attending_queries()) == (std::vector<double>{1, 1, 1, 1, 0, 0}));
  BOOST_TEST(numbers(mask.attended_keys()) == (std::vector<double>{1, 1, 0, 0, 1, 1, 1, 1}));
  const Mask some = mask.with_lengths(ints({{1, 0, 1}, {3, 0, 0}}));
  BOOST_TEST(numbers(some.attending_queries()) == (std::vector<double>{1, 0, 1, 1, 0, 0}));
  BOOST_TEST(numbers(some.attended_keys()) == (std::vector<double>{1, 0, 0, 0, 1, 1, 1, 0}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
