#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

Tensor positions_of(const std::vector<Index>& positions) {
  return from(positions, {static_cast<Index>(positions.size())});
}

BOOST_AUTO_TEST_SUITE(rotary_suite)

BOOST_AUTO_TEST_CASE(each_pair_is_turned_by_its_angle) {
  const Index rows = 5, heads = 3, pairs = 4, width = heads * 2 * pairs;
  const Tensor x = normal({rows, width}, 0, 1, Key(1), DType::f64);
  const std::vector<Index> positions = {0, 1, 2, 7, 1000};
  const Grid before(x), after(rotary(x, positions_of(positions), heads, 100));
  for (Index row = 0; row < rows; ++row)
    for (Index head = 0; head < heads; ++head)
      for (Index j = 0; j < pairs; ++j) {
        const double angle = static_cast<double>(positions[static_cast<std::size_t>(row)]) *
                             std::pow(100.0, -2.0 * static_cast<double>(j) / (2.0 * pairs));
        const Index at = head * 2 * pairs + 2 * j;
        const double a = before[{row, at}], b = before[{row, at + 1}];
        BOOST_TEST(std::abs(after[{row, at}] - (a * std::cos(angle) - b * std::sin(angle))) <
                   1e-12);
        BOOST_TEST(std::abs(after[{row, at + 1}] - (a * std::sin(angle) + b * std::cos(angle))) <
                   1e-12);
      }
}

BOOST_AUTO_TEST_CASE(position_0_changes_nothing) {
  const Tensor x = normal({2, 3, 8}, 0, 1, Key(2));
  BOOST_TEST(distance(rotary(x, zeros({2, 3}, DType::i64), 2), Grid(x)) == 0);
}

// ⟨turned q at i, turned k at j⟩ = ⟨turned q at i + s, turned k at j + s⟩
BOOST_AUTO_TEST_CASE(products_depend_only_on_the_distance) {
  const Tensor q = normal({1, 16}, 0, 1, Key(3), DType::f64),
               k = normal({1, 16}, 0, 1, Key(4), DType::f64);
  const auto product = [&](Index at_q, Index at_k) {
    return sum(rotary(q, positions_of({at_q}), 1) * rotary(k, positions_of({at_k}), 1)).item();
  };
  for (const Index shift : {1, 10, 500})
    for (const Index span : {-3, 0, 1, 12})
      BOOST_TEST(std::abs(product(20 + span, 20) - product(20 + span + shift, 20 + shift)) < 1e-10);
  BOOST_TEST(std::abs(product(20, 20) - product(21, 20)) > 1e-3);
}

BOOST_AUTO_TEST_CASE(the_gradient_is_turned_back) {
  const Tensor x = variable(normal({4, 6}, 0, 1, Key(5), DType::f64));
  const Tensor at = positions_of({3, 1, 4, 1});
  const Tensor y = rotary(x, at, 1);
  // ⟨y, y⟩ = ⟨x, x⟩, so its gradient is 2x.
  BOOST_TEST(distance(grad(sum(y * y), {x})[0], Grid(x * 2.0)) < 1e-12);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
