#include "nn/layers/normalization.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const Context inference = Context::inference();

// A recognisable sublayer.
Tensor squared(const Tensor& x) { return x * x; }

AddNorm made(NormPlacement placement, double drop = 0, Normalization kind = Normalization::layer) {
  AddNorm layer = nn::cast(AddNorm(5, placement, drop, kind), DType::f64);
  shake(layer, Key(1));
  return layer;
}

BOOST_AUTO_TEST_SUITE(normalization)

BOOST_AUTO_TEST_CASE(rows_get_mean_zero_and_variance_one) {
  const LayerNorm layer = nn::cast(LayerNorm(50), DType::f64);
  const Tensor y = layer(normal({2, 3, 50}, 5, 3, Key(1), DType::f64));
  BOOST_TEST(distance(mean(y, {-1}), zeros({2, 3}, DType::f64)) < 1e-14);
  BOOST_TEST(distance(variance(y, {-1}), ones({2, 3}, DType::f64)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(then_gain_and_bias) {
  LayerNorm layer = nn::cast(LayerNorm(4), DType::f64);
  shake(layer, Key(1));
  const Tensor x = normal({3, 4}, 1, 2, Key(2), DType::f64);
  const Grid rows(x), gain(layer.gain), bias(layer.bias);
  const Grid expected = grid_of({3, 4}, [&](const Indices& at) {
    double average = 0, spread = 0;
    for (Index i = 0; i < 4; ++i) average += rows[{at[0], i}] / 4;
    for (Index i = 0; i < 4; ++i) spread += std::pow(rows[{at[0], i}] - average, 2) / 4;
    return (rows[at] - average) / std::sqrt(spread + 1e-5) * gain[{at[1]}] + bias[{at[1]}];
  });
  BOOST_TEST(distance(layer(x), expected) < 1e-13);
}

BOOST_AUTO_TEST_CASE(it_begins_as_plain_normalisation) {
  const LayerNorm layer(3);
  BOOST_TEST(same_bits(layer.gain, ones({3})));
  BOOST_TEST(same_bits(layer.bias, zeros({3})));
}

// √((1² + 7²)/2) = 5.
BOOST_AUTO_TEST_CASE(rms_norm_divides_by_the_root_mean_square) {
  RmsNorm layer = nn::cast(RmsNorm(2), DType::f64);
  BOOST_TEST(same_bits(layer.gain, ones({2}, DType::f64)));
  const Tensor x = tensor({{1, 7}, {-7, 1}}, DType::f64);
  BOOST_TEST(distance(layer(x), tensor({{0.2, 1.4}, {-1.4, 0.2}}, DType::f64)) < 1e-6);
  layer.gain = tensor({5, 10}, DType::f64);
  BOOST_TEST(distance(layer(x), tensor({{1, 14}, {-7, 2}}, DType::f64)) < 1e-5);
}

BOOST_AUTO_TEST_CASE(a_norm_has_the_kind_it_was_made_with) {
  const Tensor x = normal({2, 3, 5}, 1, 1, Key(2));
  const Norm layer(5), rms(5, Normalization::rms);
  BOOST_TEST(same_bits(layer(x), LayerNorm(5)(x)));
  BOOST_TEST(same_bits(rms(x), RmsNorm(5)(x)));
  BOOST_TEST(names_of(layer) == (std::vector<std::string>{"gain", "bias"}),
             boost::test_tools::per_element());
  BOOST_TEST(names_of(rms) == (std::vector<std::string>{"gain"}), boost::test_tools::per_element());
  const Norm copy = clone(rms);
  BOOST_TEST((parameters(copy)[0].storage() != parameters(rms)[0].storage()));
}

BOOST_AUTO_TEST_CASE(the_norm_stands_after_or_before) {
  const Tensor x = normal({2, 3, 5}, 0, 1, Key(2), DType::f64);
  const Layout layout = Layout::full(2, 3);
  for (const Normalization kind : {Normalization::layer, Normalization::rms}) {
    const AddNorm post = made(NormPlacement::post, 0, kind),
                  pre = made(NormPlacement::pre, 0, kind);
    BOOST_TEST(distance(post(x, layout, inference, squared), post.norm(x + x * x)) == 0);
    BOOST_TEST(distance(pre(x, layout, inference, squared), x + squared(pre.norm(x))) == 0);
  }
}

BOOST_AUTO_TEST_CASE(dropout_acts_on_the_sublayer_alone) {
  const Tensor x = normal({2, 30, 5}, 0, 1, Key(2), DType::f64);
  const Layout layout = Layout::full(2, 30);
  const AddNorm pre = made(NormPlacement::pre, 0.5);
  const Tensor y = pre(x, layout, Context::training(Key(3)), squared);
  const std::vector<double> change = numbers(y - x), whole = numbers(squared(pre.norm(x)));
  int dropped = 0;
  for (std::size_t i = 0; i < change.size(); ++i) {
    dropped += change[i] == 0;
    BOOST_TEST((change[i] == 0 || std::abs(change[i] - 2 * whole[i]) < 1e-12));
  }
  BOOST_TEST((dropped > 110 && dropped < 190));

  for (const Normalization kind : {Normalization::layer, Normalization::rms}) {
    const AddNorm post = made(NormPlacement::post, 0.5, kind);
    const Tensor expected =
        post.norm(x + nn::dropout(squared(x), 0.5, layout, Context::training(Key(3))));
    BOOST_TEST(distance(post(x, layout, Context::training(Key(3)), squared), expected) == 0);
  }
}

BOOST_AUTO_TEST_CASE(its_parameters_are_the_norms) {
  BOOST_TEST(names_of(made(NormPlacement::pre)) == (std::vector<std::string>{"gain", "bias"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
