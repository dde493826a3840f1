#include "nn/layers/embedding.h"

#include <boost/test/unit_test.hpp>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(embedding)

BOOST_AUTO_TEST_CASE(rows_of_the_table_times_the_root_of_the_width) {
  const Embedding scaled(5, 9, Key(1)), plain(5, 9, Key(1), Scaled::no);
  BOOST_TEST(same_bits(scaled.table, plain.table));
  const Tensor ids = ints({{4, 0}, {2, 4}, {1, 1}});
  const Grid table(plain.table);
  const Grid rows = grid_of({3, 2, 9}, [&](const Indices& at) {
    return table[{static_cast<Index>(ids.at({at[0], at[1]})), at[2]}];
  });
  BOOST_TEST(distance(plain(ids), rows) == 0);
  BOOST_TEST(distance(scaled(ids), plain(ids) * 3.0) < 1e-6);
  BOOST_TEST((scaled(ints({1})).shape() == Shape{1, 9}));
  BOOST_TEST((scaled(scalar(3, DType::i64)).shape() == Shape{9}));
}

BOOST_AUTO_TEST_CASE(scaling_brings_the_entries_to_variance_one) {
  const Embedding layer(500, 64, Key(1));
  const Tensor rows = layer(arange(500, DType::i64));
  BOOST_TEST(std::abs(mean(rows).item()) < 0.02);
  BOOST_TEST(variance(rows).item() == 1, boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_CASE(a_repeated_id_gathers_its_gradients) {
  const Embedding layer = nn::cast(Embedding(4, 2, Key(1)), DType::f64);
  const Tensors gradients = grad(sum(layer(ints({3, 1, 3, 3}))), {layer.table});
  const double root = std::sqrt(2.0);
  BOOST_TEST(distance(gradients[0], tensor({{0, 0}, {root, root}, {0, 0}, {3 * root, 3 * root}},
                                           DType::f64)) < 1e-14);
}

BOOST_AUTO_TEST_CASE(an_id_that_is_not_in_the_table_is_an_error) {
  const Embedding layer(7, 4, Key(1));
  BOOST_CHECK_EXCEPTION(
      layer(ints({{0, 6}, {7, 1}})), Error,
      says(
          "embedding: token id 7 (number 2 of ids of shape [2, 2]) is not in a table of 7 tokens"));
  BOOST_CHECK_EXCEPTION(
      layer(ints({-1})), Error,
      says("embedding: token id -1 (number 0 of ids of shape [1]) is not in a table of 7 tokens"));
  BOOST_CHECK_EXCEPTION(layer(zeros({2})), Error,
                        says("embedding: ids must be i64, are f32; cast() them"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
