#include "nn/layers/linear.h"

#include <boost/test/unit_test.hpp>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(linear)

BOOST_AUTO_TEST_CASE(each_output_is_a_weighted_sum_plus_bias) {
  Dice dice(Key(1));
  for (const Bias bias : {Bias::yes, Bias::no}) {
    Linear layer = nn::cast(Linear(4, 3, dice.key(), bias), DType::f64);
    shake(layer, dice.key());
    const Grid weight(layer.weight), shift(bias == Bias::yes ? layer.bias : zeros({3}));
    for (const Shape& shape : {Shape{4}, Shape{5, 4}, Shape{2, 3, 4}, Shape{0, 4}}) {
      const Tensor x = dice.tensor(shape);
      const Grid rows(x);
      const Shape result = shape.with(-1, 3);
      const Grid expected = grid_of(result, [&](const Indices& at) {
        double total = shift[{at.back()}];
        Indices from = at;
        for (Index i = 0; i < 4; ++i) {
          from.back() = i;
          total += rows[from] * weight[{at.back(), i}];
        }
        return total;
      });
      BOOST_TEST(distance(layer(x), expected) < 1e-14);
    }
  }
}

BOOST_AUTO_TEST_CASE(it_begins_with_xavier_weights_and_a_bias_of_zero) {
  const Linear layer(5, 3, Key(1));
  BOOST_TEST((layer.weight.form() == Form{{3, 5}, DType::f32}));
  BOOST_TEST(same_bits(layer.weight, xavier_uniform({3, 5}, Key(1))));
  BOOST_TEST(same_bits(layer.bias, zeros({3})));
  BOOST_TEST(!Linear(5, 3, Key(1), Bias::no).bias.defined());
}

BOOST_AUTO_TEST_CASE(another_width_is_an_error) {
  const Linear layer(5, 3, Key(1));
  BOOST_CHECK_EXCEPTION(layer(zeros({2, 4})), Error, [](const Error& error) {
    const std::string text = error.what();
    return text.starts_with("linear: ") && text.find("[2, 4]") != text.npos &&
           text.find("[3, 5]") != text.npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
