#include <boost/test/unit_test.hpp>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

struct Case {
  Shape x;
  Index axis;
  Tensor indices;
  Shape result;  // of gather
};

Case random_case(Dice& dice) {
  const Index rank = dice.between(1, 3), axis = dice.between(0, rank - 1);
  const Shape x = dice.shape(rank);
  const Shape shape = dice.shape(dice.between(0, 2), 0);
  const Tensor indices = dice.integers(shape, none, x[axis]);
  return {x, axis, indices, x.part(0, axis).joined(shape).joined(x.part(axis + 1, rank))};
}

// Finds where in x an element of gather's result comes from; false if its index is none.
bool source(const Case& c, const Indices& at, Indices& from) {
  const Index rank = c.indices.rank();
  const Indices place(at.begin() + c.axis, at.begin() + c.axis + rank);
  const auto chosen = static_cast<Index>(Grid(c.indices)[place]);
  from.assign(at.begin(), at.begin() + c.axis);
  from.push_back(chosen);
  from.insert(from.end(), at.begin() + c.axis + rank, at.end());
  return chosen != none;
}

BOOST_AUTO_TEST_SUITE(indexing)

BOOST_AUTO_TEST_CASE(gather_selects_slices) {
  Dice dice(Key(51));
  for (int round = 0; round < 100; ++round) {
    const Case c = random_case(dice);
    const Tensor x = dice.tensor(c.x);
    const Grid values(x);
    Indices from;
    const Grid expected = grid_of(
        c.result, [&](const Indices& at) { return source(c, at, from) ? values[from] : 0.0; });
    BOOST_TEST(distance(gather(x, c.indices, dice.coin() ? c.axis : c.axis - x.rank()), expected) ==
               0);
  }
}

BOOST_AUTO_TEST_CASE(scatter_add_puts_them_back) {
  Dice dice(Key(52));
  for (int round = 0; round < 100; ++round) {
    const Case c = random_case(dice);
    const Tensor x = dice.tensor(c.result);
    const Grid values(x);
    Grid expected(c.x);
    Indices to;
    each_index(c.result, [&](const Indices& at) {
      if (source(c, at, to)) expected[to] += values[at];
    });
    BOOST_TEST(distance(scatter_add(x, c.indices, c.axis, c.x[c.axis]), expected) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(gather_and_scatter_add_are_adjoint) {
  Dice dice(Key(53));
  for (int round = 0; round < 50; ++round) {
    const Case c = random_case(dice);
    const Tensor x = dice.tensor(c.x), g = dice.tensor(c.result);
    const double left = sum(gather(x, c.indices, c.axis) * g).item();
    const double right = sum(x * scatter_add(g, c.indices, c.axis, c.x[c.axis])).item();
    BOOST_TEST(left == right, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(gather_takes_every_type) {
  const Tensor order = ints({2, none, 0});
  for (const DType dtype : {DType::f32, DType::f64, DType::i64, DType::b8}) {
    const Tensor x = tensor({1, 0, 1}, dtype);
    Tensor y;
    BOOST_CHECK_NO_THROW(y = gather(x, order));
    if (!y.defined()) {
      BOOST_ERROR("gather fails for " << name_of(dtype));
      continue;
    }
    BOOST_TEST((y.dtype() == dtype));
    BOOST_TEST(numbers(y) == (std::vector<double>{1, 0, 1}));
  }
}

BOOST_AUTO_TEST_CASE(scatter_add_adds_integers) {
  const Tensor y = scatter_add(ints({1, 1, 1}), ints({2, 0, 2}), 0, 3);
  BOOST_TEST((y.dtype() == DType::i64));
  BOOST_TEST(numbers(y) == (std::vector<double>{1, 0, 2}));
}

BOOST_AUTO_TEST_CASE(one_hot_in_every_type) {
  for (const DType dtype : {DType::f32, DType::f64, DType::i64, DType::b8}) {
    Tensor y;
    BOOST_CHECK_NO_THROW(y = one_hot(ints({{1}, {none}}), 3, dtype));
    if (!y.defined()) {
      BOOST_ERROR("one_hot fails for " << name_of(dtype));
      continue;
    }
    BOOST_TEST((y.form() == Form{{2, 1, 3}, dtype}));
    BOOST_TEST(numbers(y) == (std::vector<double>{0, 1, 0, 0, 0, 0}));
  }
}

BOOST_AUTO_TEST_CASE(embedding_looks_up_rows) {
  Dice dice(Key(54));
  for (int round = 0; round < 50; ++round) {
    const Index tokens = dice.between(1, 6), width = dice.between(1, 9);
    const Tensor table = dice.tensor({tokens, width});
    const Tensor ids = dice.integers(dice.shape(dice.between(0, 3), 0), 0, tokens);
    BOOST_TEST(same_bits(embedding(ids, table), gather(table, ids)));
  }
}

// An id that occurs twice gets the sum of both gradients; one that does not occur gets zeros.
BOOST_AUTO_TEST_CASE(embedding_gradients_add_up) {
  const Tensor table = variable(zeros({3, 2}, DType::f64));
  const Tensor y = embedding(ints({2, 0, 2}), table);
  const Tensor g = tensor({{1, 2}, {3, 4}, {5, 6}}, DType::f64);
  const Tensor gradient = grad(Tensors{y}, {table}, {g})[0];
  BOOST_TEST(distance(gradient, tensor({{3, 4}, {0, 0}, {6, 8}}, DType::f64)) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
