#include "nn/layers/positional_encoding.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

const Context inference = Context::inference();

PositionalEncoding made(Positions kind, Index positions = 10, Index width = 6,
                        const PositionOptions& options = {}, Reach reach = Reach::both_sides) {
  return nn::cast(PositionalEncoding(kind, positions, width, 0, Key(1), options, reach),
                  DType::f64);
}

BOOST_AUTO_TEST_SUITE(positional_encoding)

// Odd widths too, whose last sine has no cosine.
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

// P[p + k] is a rotation of P[p] that depends on k alone, which makes relative positions easy.
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

BOOST_AUTO_TEST_CASE(step_by_step_is_the_whole) {
  for (const TransformerConfig& config : position_configs())
    for (const Index taps : {2, 3, 12}) {
      PositionOptions options = config.position_options();
      options.taps = taps;
      const PositionalEncoding encoding = made(config.positions, 10, 8, options, Reach::back);
      const Tensor x = normal({3, 10, options.width_without(8)}, 0, 1, Key(2), DType::f64);
      const Tensor whole = encoding(x, Layout::full(3, 10), inference);  // [3, 10, 8]
      Tensor recent;
      for (Index t = 0; t < 10; ++t) {
        const Layout now = Layout::full(3, 1).placed(0, t);
        const Tensor step = encoding.step(slice(x, 1, t, t + 1), recent, now);
        BOOST_TEST(distance(step, slice(whole, 1, t, t + 1)) < 1e-14, positions_of(config));
      }
      BOOST_TEST(recent.defined() == (config.positions == Positions::convolutional));
    }
}

BOOST_AUTO_TEST_CASE(packed_equals_padded) {
  Dice dice(Key(3));
  for (const TransformerConfig& config : position_configs())
    for (const Reach reach : {Reach::both_sides, Reach::back}) {
      const std::vector<Index> lengths = {dice.between(0, 4), 0, dice.between(1, 6), 1};
      const Layout padded = Layout::padded(lengths, 7), packed = Layout::packed(lengths);
      const PositionalEncoding encoding =
          made(config.positions, 10, 8, config.position_options(), reach);
      const Tensor rows = dice.tensor({packed.rows(), config.position_options().width_without(8)});
      const Tensor together = encoding(rows, packed, inference);
      BOOST_TEST((together.shape() == Shape{packed.rows(), 8}));
      // NaN in the padding would show if it were read.
      const Tensor apart = encoding(in_layout(rows, padded, std::nan("")), padded, inference);
      BOOST_TEST(distance(real_rows(apart, padded), together) < 1e-14, positions_of(config));
    }
}

// ---- The filter --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_filter_has_its_formula) {
  Dice dice(Key(4));
  for (int round = 0; round < 50; ++round) {
    const Index taps = dice.between(2, 6), width = dice.between(1, 4);
    const Reach reach = dice.coin() ? Reach::back : Reach::both_sides;
    const Index behind = reach == Reach::back ? taps - 1 : taps / 2;
    const Layout layout = Layout::packed({dice.between(0, 7), dice.between(1, 7)});
    const PositionalEncoding encoding =
        made(Positions::convolutional, 1, width, {.taps = taps}, reach);
    BOOST_TEST((encoding.filter.shape() == Shape{taps, width}));
    const Tensor x = dice.tensor({layout.rows(), width});
    const Grid rows(x), filter(encoding.filter);
    const Grid expected = grid_of(x.shape(), [&](const Indices& at) {
      const Index example = at[0] < layout.length(0) ? 0 : 1;
      double total = rows[at];
      for (Index tap = 0; tap < taps; ++tap) {
        const Index row = at[0] + tap - behind, step = row - layout.begin(example);
        if (step >= 0 && step < layout.length(example))
          total += filter[{tap, at[1]}] * rows[{row, at[1]}];
      }
      return total;
    });
    BOOST_TEST(distance(encoding(x, layout, inference), expected) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(a_filter_stays_within_its_sequence) {
  const Layout layout = Layout::padded({2, 3, 1}, 4);
  const PositionalEncoding encoding = made(Positions::convolutional, 1, 2, {.taps = 5});
  const Tensor x = variable(normal({3, 4, 2}, 0, 1, Key(5), DType::f64));
  const Tensor y = encoding(x, layout, inference);
  const Tensor gradient = grad(weighed(rows_of(y, layout, 1), Key(6)), {x})[0];
  const Tensor allowed = reshape(slice(gradient, 0, 1, 2), {4, 2});
  for (const Index row : {0, 1, 2})
    BOOST_TEST(distance(slice(allowed, 0, row, row + 1), zeros({1, 2}, DType::f64)) > 0.01);
  BOOST_TEST(distance(slice(allowed, 0, 3, 4), zeros({1, 2}, DType::f64)) == 0);
  for (const Index other : {0, 2})
    BOOST_TEST(distance(slice(gradient, 0, other, other + 1), zeros({1, 4, 2}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_CASE(a_decoders_filter_does_not_look_ahead) {
  const PositionalEncoding encoding =
      made(Positions::convolutional, 1, 2, {.taps = 4}, Reach::back);
  const Tensor x = normal({1, 6, 2}, 0, 1, Key(7), DType::f64);
  const Tensor whole = encoding(x, Layout::full(1, 6), inference);
  for (Index t = 1; t < 6; ++t) {
    const Tensor prefix = encoding(slice(x, 1, 0, t), Layout::full(1, t), inference);
    BOOST_TEST(distance(prefix, slice(whole, 1, 0, t)) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(a_filter_that_misses_rows_is_an_error) {
  const Layout later = Layout::full(1, 1).placed(0, 4);
  const Tensor x = zeros({1, 1, 6}, DType::f64);
  Tensor recent;
  BOOST_CHECK_EXCEPTION(
      made(Positions::convolutional)(x, later, inference), Error,
      says("positional encoding: a filter needs the rows before position 4; step() keeps them"));
  BOOST_CHECK_EXCEPTION(
      made(Positions::convolutional).step(x, recent, later), Error,
      says("positional encoding: a filter that reads 1 rows ahead cannot run step by step"));
}

// ---- Modes -------------------------------------------------------------------------------------

// The question of the discussion: a projected concatenation is the sum of two projections.
BOOST_AUTO_TEST_CASE(concatenation_adds_projections) {
  for (const Positions kind : all_positions) {
    if (!is_encoding(kind)) continue;
    const PositionalEncoding encoding = made(kind, 10, 6, {.mode = PositionMode::concatenate});
    const Layout layout = Layout::full(2, 4);
    const Tensor x = normal({2, 4, 6}, 0, 1, Key(8), DType::f64);
    const Tensor e = made(kind)(x, layout, inference) - x;
    const Tensor& weight = encoding.projection->weight;  // [6, 12]
    const Tensor expected = linear(x, slice(weight, 1, 0, 6), encoding.projection->bias) +
                            linear(e, slice(weight, 1, 6, 12));
    BOOST_TEST(distance(encoding(x, layout, inference), expected) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(a_split_width_keeps_both_apart) {
  for (const Positions kind : all_positions) {
    if (!is_encoding(kind)) continue;
    const PositionalEncoding encoding =
        made(kind, 10, 6, {.mode = PositionMode::split, .width = 3});
    const Layout layout = Layout::full(2, 4);
    const Tensor x = normal({2, 4, 3}, 0, 1, Key(9), DType::f64);
    const Tensor e = made(kind, 10, 3)(x, layout, inference) - x;
    BOOST_TEST(distance(encoding(x, layout, inference), concat({x, e}, 2)) < 1e-14);
  }
}

// ---- Tables ------------------------------------------------------------------------------------

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

BOOST_AUTO_TEST_CASE(a_filter_and_a_projection_are_parameters) {
  const PositionalEncoding encoding =
      made(Positions::convolutional, 10, 6, {.mode = PositionMode::concatenate});
  const std::vector<std::string> expected = {"filter", "projection.weight", "projection.bias"};
  BOOST_TEST(names_of(encoding) == expected, boost::test_tools::per_element());
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
  const Tensor kept = encoding(x, Layout::full(1, 100), inference);  // without zeros
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
