#include <boost/test/unit_test.hpp>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// Σ_k a[…, i, k] b[…, k, j], one element after the other; the factors are at least matrices.
Grid product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  const Grid left(transpose_a ? transpose(a) : a), right(transpose_b ? transpose(b) : b);
  const Shape batch = broadcast("test", left.shape.part(0, left.shape.rank() - 2),
                                right.shape.part(0, right.shape.rank() - 2));
  const Shape result = batch.joined({left.shape[-2], right.shape[-1]});
  const auto element = [&](const Grid& x, const Indices& at, Index row, Index column) {
    const Index rank = x.shape.rank() - 2;
    Indices own(at.end() - 2 - rank, at.end() - 2);
    for (Index axis = 0; axis < rank; ++axis)
      if (x.shape[axis] == 1) own[static_cast<std::size_t>(axis)] = 0;
    own.push_back(row);
    own.push_back(column);
    return x[own];
  };
  return grid_of(result, [&](const Indices& at) {
    double total = 0;
    for (Index k = 0; k < left.shape[-1]; ++k)
      total += element(left, at, at[at.size() - 2], k) * element(right, at, k, at.back());
    return total;
  });
}

const Transposed all_flags[] = {Transposed::no, Transposed::a, Transposed::b, Transposed::both};

BOOST_AUTO_TEST_SUITE(matmul)

using adjoint::matmul;  // the suite has the same name

BOOST_AUTO_TEST_CASE(products_of_matrices_and_batches) {
  Dice dice(Key(61));
  for (int round = 0; round < 100; ++round) {
    const Index smallest = dice.between(0, 9) == 0 ? 0 : 1;
    const Index rows = dice.between(smallest, 5), inner = dice.between(smallest, 5),
                columns = dice.between(smallest, 5);
    const Shape batch = dice.shape(dice.between(0, 3), 1, 3);
    const Shape batch_a = dice.shrunk(batch), batch_b = dice.shrunk(batch);
    for (const Transposed flags : all_flags) {
      const bool ta = flags == Transposed::a || flags == Transposed::both;
      const bool tb = flags == Transposed::b || flags == Transposed::both;
      const Tensor a = dice.tensor(batch_a.joined(ta ? Shape{inner, rows} : Shape{rows, inner}));
      const Tensor b =
          dice.tensor(batch_b.joined(tb ? Shape{columns, inner} : Shape{inner, columns}));
      BOOST_TEST(distance(matmul(a, b, flags), product(a, b, ta, tb)) < 1e-12,
                 "a " << a.shape() << ", b " << b.shape() << ", flags " << static_cast<int>(flags));
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_products_too) {
  Dice dice(Key(62));
  for (int round = 0; round < 50; ++round) {
    const Index rows = dice.between(1, 4), inner = dice.between(1, 4), columns = dice.between(1, 4);
    const Shape batch = dice.shape(dice.between(0, 2), 1, 3);
    for (const Transposed flags : all_flags) {
      const bool ta = flags == Transposed::a || flags == Transposed::both;
      const bool tb = flags == Transposed::b || flags == Transposed::both;
      const Shape shape_a = batch.joined(ta ? Shape{inner, rows} : Shape{rows, inner});
      const Shape shape_b = batch.joined(tb ? Shape{columns, inner} : Shape{inner, columns});
      const Tensor a = variable(dice.tensor(shape_a)), b = variable(dice.tensor(shape_b));
      const Tensor g = dice.tensor(batch.joined({rows, columns}));
      const Tensors gradients = grad(Tensors{matmul(a, b, flags)}, {a, b}, {g});
      const Grid of_a = ta ? product(b, g, tb, true) : product(g, b, false, !tb);
      const Grid of_b = tb ? product(g, a, true, ta) : product(a, g, !ta, false);
      BOOST_TEST(distance(gradients[0], of_a) < 1e-12);
      BOOST_TEST(distance(gradients[1], of_b) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(vectors_count_as_rows_and_columns) {
  Dice dice(Key(63));
  for (int round = 0; round < 50; ++round) {
    const Index inner = dice.between(1, 5);
    const Shape batch = dice.shape(dice.between(0, 2));
    const Tensor v = dice.tensor({inner}), w = dice.tensor({inner});
    const Tensor a = dice.tensor(batch.joined({3, inner})),
                 b = dice.tensor(batch.joined({inner, 2}));
    const Grid row(product(reshape(v, {1, inner}), b, false, false));
    const Grid column(product(a, reshape(w, {inner, 1}), false, false));
    const Tensor vb = matmul(v, b), aw = matmul(a, w);
    BOOST_TEST((vb.shape() == batch.joined({2})));
    BOOST_TEST((aw.shape() == batch.joined({3})));
    BOOST_TEST(distance(reshape(vb, row.shape), row) < 1e-12);
    BOOST_TEST(distance(reshape(aw, column.shape), column) < 1e-12);
    BOOST_TEST(matmul(v, w).item() == sum(v * w).item(), boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(nothing_to_add_up_gives_zeros) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor y = matmul(zeros({2, 0}, dtype), zeros({0, 3}, dtype));
    BOOST_TEST(distance(y, Grid({2, 3})) == 0);
    const Tensor batch = matmul(zeros({4, 2, 0}, dtype), zeros({4, 0, 3}, dtype));
    BOOST_TEST(distance(batch, Grid({4, 2, 3})) == 0);
  }
}

// Larger than what is cut into panels; against the same product in small pieces.
BOOST_AUTO_TEST_CASE(large_products_agree_with_small_ones) {
  const Tensor a = normal({700, 150}, 0, 1, Key(64), DType::f64);
  const Tensor b = normal({150, 130}, 0, 1, Key(65), DType::f64);
  for (const Transposed flags : all_flags) {
    const bool ta = flags == Transposed::a || flags == Transposed::both;
    const bool tb = flags == Transposed::b || flags == Transposed::both;
    const Tensor y = matmul(ta ? transpose(a) : a, tb ? transpose(b) : b, flags);
    for (const Index row : {0, 255, 256, 511, 699}) {
      const Tensor expected = sum(reshape(slice(a, 0, row, row + 1), {150, 1}) * b, {0});
      BOOST_TEST(distance(reshape(slice(y, 0, row, row + 1), {130}), expected) < 1e-11);
    }
  }
}

BOOST_AUTO_TEST_CASE(linear_is_a_product_and_a_bias) {
  Dice dice(Key(66));
  for (int round = 0; round < 50; ++round) {
    const Index inputs = dice.between(0, 5), outputs = dice.between(1, 5);
    const Shape rows = dice.shape(dice.between(0, 3), 0, 3);
    const Tensor x = dice.tensor(rows.joined({inputs})), weight = dice.tensor({outputs, inputs}),
                 bias = dice.tensor({outputs});
    const Grid values(x), weights(weight), constants(bias);
    for (const bool with_bias : {false, true}) {
      const Grid expected = grid_of(rows.joined({outputs}), [&](Indices at) {
        const Index output = at.back();
        double total = with_bias ? constants[{output}] : 0;
        for (Index i = 0; i < inputs; ++i) {
          at.back() = i;
          total += values[at] * weights[{output, i}];
        }
        return total;
      });
      BOOST_TEST(distance(linear(x, weight, with_bias ? bias : Tensor()), expected) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
