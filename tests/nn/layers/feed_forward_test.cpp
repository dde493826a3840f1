#include "nn/layers/feed_forward.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

FeedForward made(Activation activation) {
  FeedForward layer = nn::cast(FeedForward(4, 7, activation, Key(1)), DType::f64);
  shake(layer, Key(2));
  return layer;
}

BOOST_AUTO_TEST_SUITE(feed_forward)

BOOST_AUTO_TEST_CASE(two_affine_layers_around_an_activation) {
  const Tensor x = normal({2, 3, 4}, 0, 1, Key(3), DType::f64);
  for (const Activation activation : {Activation::relu, Activation::gelu}) {
    const FeedForward layer = made(activation);
    const Tensor before = matmul(x, layer.up.weight, Transposed::b) + layer.up.bias;
    const Tensor hidden =
        activation == Activation::relu ? maximum(before, zeros({}, DType::f64)) : gelu(before);
    const Tensor expected = matmul(hidden, layer.down.weight, Transposed::b) + layer.down.bias;
    BOOST_TEST(distance(layer(x, Context::inference()), expected) < 1e-14);
  }
}

// σ(g) ⊙ h, gelu(g) ⊙ h and g σ(g) ⊙ h, with σ and Φ from the standard library.
BOOST_AUTO_TEST_CASE(a_gate_multiplies_what_it_lets_through) {
  const auto sigma = [](double g) { return 1 / (1 + std::exp(-g)); };
  const auto phi = [](double g) { return std::erfc(-g / std::sqrt(2.0)) / 2; };
  const std::vector<std::pair<Activation, std::function<double(double)>>> gates = {
      {Activation::glu, sigma},
      {Activation::geglu, [&](double g) { return g * phi(g); }},
      {Activation::swiglu, [&](double g) { return g * sigma(g); }}};
  const Tensor x = normal({2, 3, 4}, 0, 1, Key(3), DType::f64);
  for (const auto& [activation, f] : gates) {
    const FeedForward layer = made(activation);
    const Grid g((*layer.gate)(x)), h(layer.up(x)), down(layer.down.weight), bias(layer.down.bias);
    const Grid expected = grid_of({2, 3, 4}, [&](const Indices& at) {
      double total = bias[{at[2]}];
      for (Index i = 0; i < 7; ++i)
        total += f(g[{at[0], at[1], i}]) * h[{at[0], at[1], i}] * down[{at[2], i}];
      return total;
    });
    BOOST_TEST(distance(layer(x, Context::inference()), expected) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(a_gate_is_a_third_layer) {
  const FeedForward layer(4, 7, Activation::swiglu, Key(1)), plain(4, 7, Activation::gelu, Key(1));
  BOOST_TEST(names_of(layer) == (std::vector<std::string>{"gate.weight", "gate.bias", "up.weight",
                                                          "up.bias", "down.weight", "down.bias"}),
             boost::test_tools::per_element());
  BOOST_TEST((layer.gate->weight.shape() == Shape{7, 4}));
  BOOST_TEST(same_bits(layer.up.weight, plain.up.weight));
  BOOST_TEST(!same_bits(layer.gate->weight, layer.up.weight));
}

BOOST_AUTO_TEST_CASE(each_row_is_treated_alike_and_alone) {
  const FeedForward layer = made(Activation::relu);
  const Tensor x = normal({5, 4}, 0, 1, Key(3), DType::f64);
  const Tensor all = layer(x, Context::inference());
  for (Index row = 0; row < 5; ++row) {
    const Tensor one = layer(slice(x, 0, row, row + 1), Context::inference());
    BOOST_TEST(distance(one, slice(all, 0, row, row + 1)) < 1e-15);
  }
}

BOOST_AUTO_TEST_CASE(both_layers_have_weights_and_biases) {
  const FeedForward layer(4, 7, Activation::relu, Key(1));
  BOOST_TEST(names_of(layer) ==
                 (std::vector<std::string>{"up.weight", "up.bias", "down.weight", "down.bias"}),
             boost::test_tools::per_element());
  BOOST_TEST((layer.up.weight.shape() == Shape{7, 4}));
  BOOST_TEST((layer.down.weight.shape() == Shape{4, 7}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
