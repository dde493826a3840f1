#include "nn/batch/layout.h"

#include <boost/test/unit_test.hpp>

#include "nn/batch/sequences.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// The row number of an example and a step.
Index named(Index example, Index step) { return (example << 32) + step; }

BOOST_AUTO_TEST_SUITE(layout)

BOOST_AUTO_TEST_CASE(padded) {
  const Layout layout = Layout::padded({2, 0, 3}, 3);
  BOOST_TEST(!layout.is_packed());
  BOOST_TEST(layout.examples() == 3);
  BOOST_TEST(layout.rows() == 9);
  BOOST_TEST((layout.leading() == Shape{3, 3}));
  BOOST_TEST((layout.lengths() == std::vector<Index>{2, 0, 3}));
  BOOST_TEST(layout.length(2) == 3);
  BOOST_TEST(layout.begin(0) == 0);
  BOOST_TEST(layout.begin(1) == 3);
  BOOST_TEST(layout.begin(2) == 6);
  BOOST_TEST(same_bits(layout.positions(), ints({0, 1, 2, 0, 1, 2, 0, 1, 2})));
}

BOOST_AUTO_TEST_CASE(packed) {
  const Layout layout = Layout::packed({2, 0, 3});
  BOOST_TEST(layout.is_packed());
  BOOST_TEST(layout.examples() == 3);
  BOOST_TEST(layout.rows() == 5);
  BOOST_TEST((layout.leading() == Shape{5}));
  BOOST_TEST(layout.begin(1) == 2);
  BOOST_TEST(layout.begin(2) == 2);
  BOOST_TEST(same_bits(layout.positions(), ints({0, 1, 0, 1, 2})));
  BOOST_TEST(same_bits(
      layout.row_numbers(),
      from(std::vector<Index>{named(0, 0), named(0, 1), named(2, 0), named(2, 1), named(2, 2)},
           {5})));
}

BOOST_AUTO_TEST_CASE(neighbours_are_of_the_same_sequence) {
  const Layout packed = Layout::packed({2, 0, 3});
  const Tensor expected = ints({{-1, 0, 1}, {0, 1, -1}, {-1, 2, 3}, {2, 3, 4}, {3, 4, -1}});
  BOOST_TEST(same_bits(packed.neighbours(1, 1), expected));
  BOOST_TEST(
      same_bits(Layout::packed({3}).neighbours(2, 0), ints({{-1, -1, 0}, {-1, 0, 1}, {0, 1, 2}})));
  // Padding is no neighbour and has none.
  BOOST_TEST(same_bits(Layout::padded({1, 2}, 3).neighbours(0, 1),
                       ints({{0, -1}, {-1, -1}, {-1, -1}, {3, 4}, {4, -1}, {-1, -1}})));
}

BOOST_AUTO_TEST_CASE(full_means_no_padding) {
  const Layout layout = Layout::full(2, 3);
  BOOST_TEST((layout.lengths() == std::vector<Index>{3, 3}));
  BOOST_TEST((layout.leading() == Shape{2, 3}));
}

BOOST_AUTO_TEST_CASE(a_row_has_the_same_number_in_every_layout) {
  const std::vector<Index> lengths = {2, 0, 3, 1};
  const Layout padded = Layout::padded(lengths, 4), packed = Layout::packed(lengths);
  const auto real = [&](const Tensor& numbers) {
    return real_rows(reshape(numbers, padded.leading()), padded);
  };
  BOOST_TEST(same_bits(real(padded.row_numbers()), packed.row_numbers()));
  BOOST_TEST(same_bits(real(padded.positions()), packed.positions()));

  // The second half of the batch alone.
  const Layout half = Layout::packed({3, 1}).placed(2);
  BOOST_TEST(same_bits(half.row_numbers(), slice(packed.row_numbers(), 0, 2, 6)));
  BOOST_TEST(half.first_example() == 2);
  BOOST_TEST(half.begin(0) == 0);
}

BOOST_AUTO_TEST_CASE(placed_later_in_the_sequence) {
  const Layout now = Layout::full(2, 1).placed(5, 7);
  BOOST_TEST(now.first_position() == 7);
  BOOST_TEST(now.rows() == 2);
  BOOST_TEST(same_bits(now.positions(), ints({7, 7})));
  BOOST_TEST(same_bits(now.row_numbers(), from(std::vector<Index>{named(5, 7), named(6, 7)}, {2})));
}

BOOST_AUTO_TEST_CASE(empty_batches_and_examples) {
  BOOST_TEST(Layout::packed({}).rows() == 0);
  BOOST_TEST(Layout::packed({0, 0}).rows() == 0);
  BOOST_TEST((Layout::padded({}, 3).leading() == Shape{0, 3}));
  BOOST_TEST((Layout::padded({0}, 0).leading() == Shape{1, 0}));
}

BOOST_AUTO_TEST_CASE(a_length_that_does_not_fit_is_an_error) {
  BOOST_CHECK_EXCEPTION(Layout::padded({1, 4}, 3), Error,
                        says("layout: a length of 4 in a batch of 3 steps"));
  // A packed batch has no fixed number of steps.
  for (const bool packed : {false, true})
    BOOST_CHECK_EXCEPTION(packed ? Layout::packed({2, -3}) : Layout::padded({2, -3}, 3), Error,
                          [&](const Error& error) {
                            const std::string text = error.what();
                            return text.starts_with("layout: a length of -3") &&
                                   (!packed || text.find("steps") == text.npos);
                          });
}

BOOST_AUTO_TEST_CASE(more_rows_than_can_be_counted_are_an_error) {
  const Index half = Index{1} << 62;
  BOOST_CHECK_EXCEPTION(
      Layout::padded({1, 1}, half), Error,
      says("layout: the sizes 4611686018427387904 and 4611686018427387904 add up to more than an "
           "index can hold"));
  BOOST_CHECK_THROW(Layout::packed({half, half}), Error);
  BOOST_CHECK_THROW(Layout::padded({1}, 1).neighbours(half, half), Error);
}

BOOST_AUTO_TEST_CASE(sequences_take_either_layout) {
  const std::vector<Ids> sequences = {{5, 6}, {}, {7, 8, 9}};
  const Sequences padded = Sequences::padded(sequences, -7);
  BOOST_TEST(same_bits(padded.ids, ints({{5, 6, -7}, {-7, -7, -7}, {7, 8, 9}})));
  BOOST_TEST((padded.layout.lengths() == std::vector<Index>{2, 0, 3}));
  const Sequences packed = Sequences::packed(sequences);
  BOOST_TEST(same_bits(packed.ids, ints({5, 6, 7, 8, 9})));
  BOOST_TEST(packed.layout.is_packed());
  const Sequences later = packed.placed(10);
  BOOST_TEST(same_bits(later.ids, packed.ids));
  BOOST_TEST(later.layout.first_example() == 10);
  BOOST_TEST((Sequences::padded({}, 0).ids.shape() == Shape{0, 0}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
