// The linear probe: what a linear map can read is found, what it cannot is not.
#include "examples/experiments/questions/linear_probe.h"

#include <boost/test/unit_test.hpp>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::experiments;
using namespace adjoint::testing;

// All pairs of one of `first` and one of `second` vectors, and their sums.
struct Sums {
  Tensor a, b;  // i64 [pairs]: which of the first, which of the second
  Tensor rows;  // [pairs, width]
  Tensor folds;
};
Sums sums(Index first, Index second, Index width, Key key) {
  const Index pairs = first * second;
  const auto number = [&](const auto& f) { return generate({pairs}, DType::i64, f); };
  Sums result;
  result.a = number([=](Index i) { return i / second; });
  result.b = number([=](Index i) { return i % second; });
  result.rows = gather(normal({first, width}, 0, 1, key.child("first")), result.a) +
                gather(normal({second, width}, 0, 1, key.child("second")), result.b);
  const Tensor order = permutation(pairs, key.child("order"));
  result.folds = number([&](Index i) { return order.at<Index>({i}) % 10; });
  return result;
}

BOOST_AUTO_TEST_SUITE(linear_probe_suite)

BOOST_AUTO_TEST_CASE(both_parts_of_a_sum_are_read_if_features_outnumber_them) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Sums all = sums(6, 5, 12, Key(seed));
    BOOST_TEST(linear_probe(all.rows, all.a, all.folds) == 100);
    BOOST_TEST(linear_probe(all.rows, all.b, all.folds) == 100);
  }
}

BOOST_AUTO_TEST_CASE(and_not_if_they_outnumber_the_features) {
  const Sums all = sums(40, 5, 4, Key(1));
  BOOST_TEST(linear_probe(all.rows, all.a, all.folds) < 60);
}

BOOST_AUTO_TEST_CASE(a_class_that_rows_do_not_tell_is_guessed) {
  const Tensor rows = normal({400, 3}, 0, 1, Key(1));
  const Tensor classes = random_integers({400}, 0, 4, Key(2));
  const Tensor folds = random_integers({400}, 0, 5, Key(3));
  const double named = linear_probe(rows, classes, folds);
  BOOST_TEST(named > 15);  // 25 by guessing, with a standard deviation of 2.2
  BOOST_TEST(named < 35);
}

// Fitted to its own row, a classifier of as many features as rows could name any class.
BOOST_AUTO_TEST_CASE(a_row_is_never_fitted) {
  const Tensor folds = arange(40, DType::i64);
  const Tensor classes = random_integers({40}, 0, 2, Key(4));
  BOOST_TEST(linear_probe(eye(40), classes, folds) < 80);
}

BOOST_AUTO_TEST_CASE(size_and_offset_of_features_do_not_matter) {
  const Sums all = sums(4, 3, 8, Key(5));
  const Tensor moved = all.rows * tensor({1, 100, 0.01, 1, 1, 10, 1, 0.1}) + 3;
  BOOST_TEST(linear_probe(moved, all.b, all.folds) == 100);
  // A feature that is constant, and one that repeats another, change nothing.
  const Tensor more = concat({all.rows, ones({12, 1}), slice(all.rows, 1, 0, 1)}, 1);
  BOOST_TEST(linear_probe(more, all.b, all.folds) == 100);
}

BOOST_AUTO_TEST_CASE(errors) {
  const Tensor rows = zeros({3, 2}), three = arange(3, DType::i64), two = arange(2, DType::i64);
  BOOST_CHECK_EXCEPTION(
      linear_probe(rows, two, three), Error,
      says("linear probe: needs rows [rows, features] with a class and a fold each, "
           "got [3, 2], [2] and [3]"));
  BOOST_CHECK_EXCEPTION(
      linear_probe(three, three, three), Error,
      says("linear probe: needs rows [rows, features] with a class and a fold each, "
           "got [3], [3] and [3]"));
  BOOST_CHECK_EXCEPTION(linear_probe(rows, three, zeros({3}, DType::i64)), Error,
                        says("linear probe: one fold leaves no row to fit the classifier to"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
