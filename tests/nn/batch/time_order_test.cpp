#include "nn/batch/time_order.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

std::vector<Index> some_lengths(Dice& dice) {
  std::vector<Index> lengths;
  for (Index i = dice.between(1, 6); i > 0; --i) lengths.push_back(dice.between(0, 5));
  return lengths;
}

// Row (b, t) of a [batch, steps] layout holds 100 b + t.
Tensor labelled(const Layout& padded) {
  Tensor x = zeros({padded.examples(), padded.steps()}, DType::i64);
  for (Index b = 0; b < padded.examples(); ++b)
    for (Index t = 0; t < padded.steps(); ++t)
      x.edit<Index>()[static_cast<std::size_t>(b * padded.steps() + t)] = 100 * b + t;
  return x;
}

BOOST_AUTO_TEST_SUITE(time_order)

BOOST_AUTO_TEST_CASE(rows_come_step_by_step_the_longest_example_first) {
  const Layout padded = Layout::padded({2, 3, 0, 1}, 4);
  const TimeOrder order(padded);
  BOOST_TEST(order.counts() == (std::vector<Index>{3, 2, 1}), boost::test_tools::per_element());
  BOOST_TEST(distance(order.arrange(labelled(padded)), Grid(ints({100, 0, 300, 101, 1, 102}))) ==
             0);
  BOOST_TEST(distance(order.mirror(order.arrange(labelled(padded))),
                      Grid(ints({102, 1, 300, 101, 0, 100}))) == 0);
  BOOST_TEST(distance(order.sort(ints({7, 8, 9, 10})), Grid(ints({8, 7, 10, 9}))) == 0);
  BOOST_TEST(distance(order.spread(ints({7, 8, 9, 10})), Grid(ints({8, 7, 10, 8, 7, 8}))) == 0);
}

BOOST_AUTO_TEST_CASE(restore_undoes_arrange_and_unsort_sort) {
  Dice dice(Key(1));
  for (int round = 0; round < 50; ++round) {
    const Layout packed = Layout::packed(some_lengths(dice));
    const Layout padded = Layout::padded(packed.lengths(), packed.steps() + dice.between(0, 2));
    const Tensor rows = dice.tensor({packed.rows(), 3});
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const TimeOrder of_packed(packed), of_padded(padded);
    const Tensor arranged = of_packed.arrange(rows);
    BOOST_TEST(same_bits(of_padded.arrange(in_layout(rows, padded, nan)), arranged));
    BOOST_TEST(distance(of_packed.restore(arranged), rows) == 0);
    BOOST_TEST(distance(of_padded.restore(arranged), in_layout(rows, padded)) == 0);
    const Layout tight = Layout::padded(packed.lengths(), packed.steps());
    BOOST_TEST(distance(TimeOrder(tight).restore(arranged), in_layout(rows, tight)) == 0);
    BOOST_TEST(same_bits(of_packed.mirror(of_packed.mirror(arranged)), arranged));
    const Tensor each = dice.tensor({packed.examples(), 2});
    BOOST_TEST(distance(of_packed.unsort(of_packed.sort(each)), each) == 0);
    BOOST_TEST(distance(of_packed.sort(of_packed.unsort(each)), each) == 0);
  }
}

BOOST_AUTO_TEST_CASE(rows_keep_their_numbers) {
  const Layout packed = Layout::packed({2, 3, 1}), padded = Layout::padded({2, 3, 1}, 5);
  const Tensor numbers = TimeOrder(packed.placed(4)).row_numbers();
  BOOST_TEST(distance(numbers, TimeOrder(padded.placed(4)).row_numbers()) == 0);
  BOOST_TEST(distance(TimeOrder(packed).restore(numbers), packed.placed(4).row_numbers()) == 0);
}

BOOST_AUTO_TEST_CASE(there_may_be_no_rows) {
  const TimeOrder order(Layout::padded({0, 0}, 2));
  BOOST_TEST(order.counts().empty());
  BOOST_TEST((order.arrange(zeros({2, 2, 3})).shape() == Shape{0, 3}));
  BOOST_TEST((order.restore(zeros({0, 3})).shape() == Shape{2, 2, 3}));
}

BOOST_AUTO_TEST_CASE(rows_of_another_layout_are_an_error) {
  const TimeOrder order(Layout::padded({1, 2}, 2));
  BOOST_CHECK_EXCEPTION(order.arrange(zeros({3, 4})), Error,
                        says("time order: the layout is [2, 2], x is [3, 4]"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
