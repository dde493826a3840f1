#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

const DType all_types[] = {DType::f32, DType::f64, DType::i64, DType::b8};

// 0, 1, 2, … in a shape and of a type (b8: whether the number is odd).
Tensor counted(const Shape& shape, DType dtype = DType::f64) {
  Tensor x = reshape(arange(shape.numel(), DType::i64), shape);
  if (dtype != DType::b8) return cast(x, dtype);
  for (Index& value : x.edit<Index>()) value %= 2;
  return cast(x, DType::b8);
}

std::size_t at(Index axis) { return static_cast<std::size_t>(axis); }

BOOST_AUTO_TEST_SUITE(movement)

BOOST_AUTO_TEST_CASE(reshape_shares_its_elements) {
  const Tensor x = counted({2, 3});
  const Tensor y = reshape(x, {3, -1});
  BOOST_TEST((y.shape() == Shape{3, 2}));
  BOOST_TEST((y.storage() == x.storage()));
  BOOST_TEST(y.at({1, 0}) == 2);
  BOOST_TEST((reshape(x, {-1}).shape() == Shape{6}));
  BOOST_TEST((reshape(zeros({0, 4}), {-1, 2}).shape() == Shape{0, 2}));
  BOOST_TEST((reshape(x, Shape{2, 3}).storage() == x.storage()));
}

BOOST_AUTO_TEST_CASE(permute_moves_axes) {
  Dice dice(Key(41));
  for (int round = 0; round < 100; ++round) {
    const Index rank = dice.between(1, 5);
    const Shape shape = dice.shape(rank, dice.between(0, 9) == 0 ? 0 : 1);
    const Tensor order = permutation(rank, dice.key());
    Axes axes(order.values<Index>().begin(), order.values<Index>().end());
    const DType dtype = all_types[dice.between(0, 3)];
    const Tensor x = counted(shape, dtype);
    const Grid source(x);
    std::vector<Index> sizes;
    for (const Index axis : axes) sizes.push_back(shape[axis]);
    const Grid expected = grid_of(Shape(sizes), [&](const Indices& to) {
      Indices from(to.size());
      for (std::size_t i = 0; i < to.size(); ++i) from[at(axes[i])] = to[i];
      return source[from];
    });
    if (dice.coin()) axes[0] -= rank;  // from the end
    const Tensor y = permute(x, axes);
    BOOST_TEST((y.dtype() == dtype));
    BOOST_TEST(distance(y, expected) == 0);
  }
}

BOOST_AUTO_TEST_CASE(transpose_exchanges_two_axes) {
  const Tensor x = counted({2, 3, 4});
  BOOST_TEST(distance(transpose(x), permute(x, {0, 2, 1})) == 0);
  BOOST_TEST(distance(transpose(x, 0, 2), permute(x, {2, 1, 0})) == 0);
  BOOST_TEST(distance(transpose(x, 1, 1), x) == 0);
}

BOOST_AUTO_TEST_CASE(broadcast_to_repeats) {
  Dice dice(Key(42));
  for (int round = 0; round < 100; ++round) {
    const Shape whole = dice.shape(dice.between(0, 4), dice.between(0, 9) == 0 ? 0 : 1);
    const Tensor x = counted(dice.shrunk(whole), all_types[dice.between(0, 3)]);
    const Grid source(x);
    const Grid expected =
        grid_of(whole, [&](const Indices& index) { return source.broadcast_at(index); });
    BOOST_TEST(distance(broadcast_to(x, whole), expected) == 0);
  }
}

BOOST_AUTO_TEST_CASE(slice_selects_a_range_of_an_axis) {
  Dice dice(Key(43));
  for (int round = 0; round < 100; ++round) {
    const Index rank = dice.between(1, 4), axis = dice.between(0, rank - 1);
    const Shape shape = dice.shape(rank);
    const Index size = shape[axis];
    const Index begin = dice.between(0, size), end = dice.between(begin, size);
    const Tensor x = counted(shape, all_types[dice.between(0, 3)]);
    const Grid source(x);
    const Grid expected = grid_of(shape.with(axis, end - begin), [&](Indices index) {
      index[at(axis)] += begin;
      return source[index];
    });
    const auto from_the_end = [&](Index i) { return i < size && dice.coin() ? i - size : i; };
    BOOST_TEST(
        distance(slice(x, dice.coin() ? axis : axis - rank, from_the_end(begin), from_the_end(end)),
                 expected) == 0);
  }
}

BOOST_AUTO_TEST_CASE(concat_joins_along_an_axis) {
  Dice dice(Key(44));
  for (int round = 0; round < 100; ++round) {
    const Index rank = dice.between(1, 4), axis = dice.between(0, rank - 1);
    const Shape shape = dice.shape(rank);
    const DType dtype = all_types[dice.between(0, 3)];
    Tensors parts;
    Index size = 0;
    for (Index i = dice.between(1, 5); i > 0; --i) {
      const Index length = dice.between(0, 3);
      parts.push_back(cast(dice.integers(shape.with(axis, length), 0, 2), dtype));
      size += length;
    }
    const Grid expected = grid_of(shape.with(axis, size), [&](Indices index) {
      std::size_t part = 0;
      while (index[at(axis)] >= parts[part].size(axis)) index[at(axis)] -= parts[part++].size(axis);
      return Grid(parts[part])[index];
    });
    BOOST_TEST(distance(concat(parts, dice.coin() ? axis : axis - rank), expected) == 0);
  }
}

BOOST_AUTO_TEST_CASE(split_undoes_concat) {
  Dice dice(Key(45));
  for (int round = 0; round < 100; ++round) {
    const Index rank = dice.between(1, 4), axis = dice.between(0, rank - 1);
    const Shape shape = dice.shape(rank);
    std::vector<Index> sizes;
    for (Index i = dice.between(1, 9); i > 0; --i) sizes.push_back(dice.between(0, 3));
    const Index total = std::accumulate(sizes.begin(), sizes.end(), Index{0});
    const Tensor x = counted(shape.with(axis, total), all_types[dice.between(0, 3)]);
    const Tensors parts = split(x, dice.coin() ? axis : axis - rank, sizes);
    BOOST_TEST_REQUIRE(parts.size() == sizes.size());
    Index begin = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      BOOST_TEST(distance(parts[i], slice(x, axis, begin, begin + sizes[i])) == 0);
      begin += sizes[i];
    }
  }
  BOOST_TEST(split(zeros({0, 2}), 0, {}).empty());
}

// A part that nothing depends on gets zeros.
BOOST_AUTO_TEST_CASE(split_sends_each_gradient_back_to_its_part) {
  const Tensor x = variable(counted({7, 2}));
  const Tensors parts = split(x, 0, {2, 1, 0, 3, 1});
  const Tensor g = grad(sum(3 * parts[0]) + sum(parts[3] * parts[3]), {x})[0];
  const Tensor expected = concat({full({2, 2}, 3, DType::f64), zeros({1, 2}, DType::f64),
                                  2 * detach(parts[3]), zeros({1, 2}, DType::f64)},
                                 0);
  BOOST_TEST(distance(g, expected) == 0);
}

BOOST_AUTO_TEST_CASE(concat_undoes_slices) {
  const Tensor x = variable(counted({4, 3}));
  const Tensor y = concat({slice(x, 0, 0, 1), slice(x, 0, 1, 3), slice(x, 0, 3, 4)}, 0);
  BOOST_TEST(distance(y, x) == 0);
  const Tensor g = counted({4, 3});
  BOOST_TEST(distance(grad(Tensors{y}, {x}, {g})[0], g) == 0);
}

BOOST_AUTO_TEST_CASE(concat_of_more_tensors_than_bits_in_a_mask) {
  Tensors xs;
  for (int i = 0; i < 70; ++i) xs.push_back(variable(full({1}, i, DType::f64)));
  const Tensor y = sum(concat(xs, 0) * arange(70, DType::f64));
  const Tensors some = grad(y, {xs[0], xs[31], xs[32], xs[69]});
  BOOST_TEST(some[0].item() == 0);
  BOOST_TEST(some[1].item() == 31);
  BOOST_TEST(some[2].item() == 32);
  BOOST_TEST(some[3].item() == 69);
  BOOST_TEST(grad(y, {xs[40]})[0].item() == 40);
}

BOOST_AUTO_TEST_CASE(stack_makes_a_new_axis) {
  const Tensor a = counted({2, 3}), b = a + 10;
  BOOST_TEST(distance(stack({a, b}), concat({reshape(a, {1, 2, 3}), reshape(b, {1, 2, 3})}, 0)) ==
             0);
  const Tensor last = stack({a, b}, -1);
  BOOST_TEST((last.shape() == Shape{2, 3, 2}));
  BOOST_TEST(last.at({1, 2, 0}) == 5);
  BOOST_TEST(last.at({1, 2, 1}) == 15);
  BOOST_TEST((stack({scalar(1), scalar(2)}).shape() == Shape{2}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
