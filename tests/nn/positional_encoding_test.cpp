#include "nn/positional_encoding.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const Context inference = Context::inference();

PositionalEncoding made(Positions kind, Index positions = 10, Index width = 6) {
  return nn::cast(PositionalEncoding(kind, positions, width, 0, Key(1)), DType::f64);
}

BOOST_AUTO_TEST_SUITE(positional_encoding)

// Also odd widths, the last sine of which is without its cosine.
BOOST_AUTO_TEST_CASE(sinusoids_have_their_formula) {
  for (const Index width : {1, 2, 3, 7, 8, 33}) {
    const Grid expected = grid_of({20, width}, [&](const Indices& at) {
      const double pair = static_cast<double>(2 * (at[1] / 2));
      const double angle =
          static_cast<double>(at[0]) / std::pow(10000, pair / static_cast<double>(width));
      return at[1] % 2 == 0 ? std::sin(angle) : std::cos(angle);
    });
    const Tensor table = sinusoids(20, width);
    BOOST_TEST((table.dtype() == DType::f64));
    BOOST_TEST(distance(table, expected) < 1e-14);
    BOOST_TEST(distance(sinusoids(20, width, DType::f32), expected) < 1e-7);
  }
}

BOOST_AUTO_TEST_CASE(values_lie_between_minus_one_and_one) {
  double largest = 0;
  for (const double value : numbers(sinusoids(2000, 32)))
    largest = std::max(largest, std::abs(value));
  BOOST_TEST(largest <= 1);
  BOOST_TEST(largest > 0.999);
}

// What makes relative positions easy: P[p + k] is a rotation of P[p] that depends on k alone.
BOOST_AUTO_TEST_CASE(a_shift_is_a_rotation) {
  const Tensor table = sinusoids(50, 2);
  const Tensor rotation =
      tensor({{std::cos(5), std::sin(5)}, {-std::sin(5), std::cos(5)}}, DType::f64);
  const Tensor shifted = matmul(slice(table, 0, 0, 45), rotation, Transposed::b);
  BOOST_TEST(distance(shifted, slice(table, 0, 5, 50)) < 1e-13);
}

BOOST_AUTO_TEST_CASE(each_row_gets_its_position) {
  const Tensor x = normal({2, 4, 6}, 0, 1, Key(2), DType::f64);
  for (const Positions kind : {Positions::sinusoidal, Positions::learned}) {
    const PositionalEncoding encoding = made(kind);
    const Tensor expected = x + slice(encoding.table, 0, 0, 4);  // [2, 4, 6] + [4, 6]
    BOOST_TEST(distance(encoding(x, Layout::full(2, 4), inference), expected) < 1e-15);
  }
  BOOST_TEST(same_bits(made(Positions::none)(x, Layout::full(2, 4), inference), x));
  BOOST_TEST(!made(Positions::none).table.defined());
}

BOOST_AUTO_TEST_CASE(a_position_by_itself_is_a_row_of_the_whole) {
  const Tensor x = normal({3, 10, 6}, 0, 1, Key(2), DType::f64);
  for (const Positions kind : {Positions::none, Positions::sinusoidal, Positions::learned,
                               Positions::rotary, Positions::linear_biases}) {
    const PositionalEncoding encoding = made(kind);
    const Tensor whole = encoding(x, Layout::full(3, 10), inference);
    for (Index t = 0; t < 10; ++t) {
      const Layout now = Layout::full(3, 1).placed(0, t);
      const Tensor step = encoding(slice(x, 1, t, t + 1), now, inference);
      BOOST_TEST(same_bits(step, slice(whole, 1, t, t + 1)));
    }
  }
}

BOOST_AUTO_TEST_CASE(packed_rows_get_the_positions_of_their_examples) {
  const Layout padded = Layout::padded({2, 0, 4}, 5), packed = Layout::packed({2, 0, 4});
  const Tensor rows = normal({6, 6}, 0, 1, Key(2), DType::f64);
  for (const Positions kind : {Positions::sinusoidal, Positions::learned}) {
    const PositionalEncoding encoding = made(kind);
    const Tensor apart = encoding(in_layout(rows, padded), padded, inference);
    BOOST_TEST(same_bits(encoding(rows, packed, inference), real_rows(apart, padded)));
  }
}

BOOST_AUTO_TEST_CASE(a_position_beyond_the_table_is_an_error) {
  for (const Positions kind : {Positions::sinusoidal, Positions::learned}) {
    const PositionalEncoding encoding = made(kind, 4);
    const auto complaint =
        says("positional encoding: position 4 is beyond the 4 that the model was made for");
    BOOST_CHECK_NO_THROW(encoding(zeros({1, 4, 6}), Layout::full(1, 4), inference));
    BOOST_CHECK_EXCEPTION(encoding(zeros({1, 5, 6}), Layout::full(1, 5), inference), Error,
                          complaint);
    BOOST_CHECK_EXCEPTION(encoding(zeros({1, 1, 6}), Layout::full(1, 1).placed(0, 4), inference),
                          Error, complaint);
  }
  const Tensor x = zeros({1, 50, 6});
  BOOST_CHECK_NO_THROW(made(Positions::none, 4)(x, Layout::full(1, 50), inference));
}

BOOST_AUTO_TEST_CASE(only_a_learned_table_is_a_parameter) {
  BOOST_TEST(parameters(made(Positions::none)).empty());
  BOOST_TEST(parameters(made(Positions::sinusoidal)).empty());
  BOOST_TEST(names_of(made(Positions::learned)) == std::vector<std::string>{"table"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_learned_table_gets_the_gradients_of_all_examples) {
  const PositionalEncoding encoding = made(Positions::learned, 5, 2);
  const Tensor x = zeros({3, 2}, DType::f64);
  const Tensor y = encoding(x, Layout::packed({2, 1}), inference);
  const Tensor factors = tensor({{1, 2}, {3, 4}, {5, 6}}, DType::f64);
  const Tensors gradients = grad(sum(y * factors), {encoding.table});
  const Tensor expected = tensor({{6, 8}, {3, 4}, {0, 0}, {0, 0}, {0, 0}}, DType::f64);
  BOOST_TEST(distance(gradients[0], expected) == 0);
}

BOOST_AUTO_TEST_CASE(dropout_comes_after_adding) {
  const PositionalEncoding encoding(Positions::sinusoidal, 100, 8, 0.5, Key(1));
  const Tensor x = full({1, 100, 8}, 3);
  const Tensor y = encoding(x, Layout::full(1, 100), Context::training(Key(2)));
  const Tensor kept = encoding(x, Layout::full(1, 100), inference);  // nothing of it is zero
  Index dropped = 0;
  const std::vector<double> ys = numbers(y), whole = numbers(kept);
  for (std::size_t i = 0; i < ys.size(); ++i) {
    BOOST_TEST((ys[i] == 0 || std::abs(ys[i] - 2 * whole[i]) < 1e-5));
    dropped += ys[i] == 0;
  }
  BOOST_TEST((dropped > 300 && dropped < 500));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
