#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>

#include "autograd/grad.h"
#include "autograd/kernels/dropout.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(dropout)

using adjoint::dropout;  // the suite has the same name

BOOST_AUTO_TEST_CASE(kept_elements_are_scaled_and_others_are_zero) {
  Dice dice(Key(101));
  for (int round = 0; round < 60; ++round) {
    const double p = 0.1 * static_cast<double>(dice.between(1, 9));
    const double rounded = std::round(p * 0x1p16) / 0x1p16;
    const Tensor x = dice.nonzero(dice.shape(dice.between(1, 3), 1, 9));
    const std::vector<double> before = numbers(x);
    const std::vector<double> after = numbers(dropout(x, p, dice.key()));
    for (std::size_t i = 0; i < after.size(); ++i)
      BOOST_TEST((after[i] == 0 || std::abs(after[i] - before[i] / (1 - rounded)) < 1e-12));
  }
}

// Element i of row r is decided by 16 bits of the words whose counter is (r, i / 8, plane), as
// kernels/dropout.h says, no matter how many elements or rows are drawn at once.
template <Real T>
void check_masks_by_definition() {
  Dice dice(Key(103));
  for (int round = 0; round < 60; ++round) {
    const Index rows = dice.between(1, 40), width = dice.between(1, 150);
    const Key key = dice.key();
    // Some row numbers need the upper word, too.
    const auto first = 0x100000000 - static_cast<std::uint64_t>(dice.between(1, 60));
    const auto plane = static_cast<std::uint32_t>(dice.between(0, 9));
    const kernels::DropoutMask<T> mask(0.3, key.value());
    std::vector<T> x(static_cast<std::size_t>(rows * width));
    std::iota(x.begin(), x.end(), T{1});
    std::vector<T> by_rows(x.size()), together(x.size());
    const Index stride = kernels::lanes<T> + dice.between(0, 9);
    std::vector<T> by_column(static_cast<std::size_t>(width * stride));
    const T scale = static_cast<T>(0x1p16 / (0x1p16 - std::round(0.3 * 0x1p16)));
    for (Index row = 0; row < rows; ++row)
      mask.apply(x.data() + row * width, by_rows.data() + row * width, width,
                 first + static_cast<std::uint64_t>(row), plane);
    mask.apply(
        x.data(), together.data(), rows, width,
        [&](Index row) { return first + static_cast<std::uint64_t>(row); }, plane);
    mask.factors_by_column(width, stride, first, plane, by_column.data());
    bool same = true;
    for (Index row = 0; row < std::max(rows, kernels::lanes<T>); ++row)
      for (Index i = 0; i < width; ++i) {
        const auto words =
            philox<7>(key.value(), first + static_cast<std::uint64_t>(row),
                      std::uint64_t{plane} << 32 | static_cast<std::uint64_t>(i / 8));
        const std::uint32_t word = words[static_cast<std::size_t>(i % 8 / 2)];
        const bool kept = (i % 2 == 0 ? word & 0xffff : word >> 16) >= std::round(0.3 * 0x1p16);
        const T factor = kept ? scale : T{0};
        const auto at = static_cast<std::size_t>(row * width + i);
        if (row < rows) same = same && by_rows[at] == x[at] * factor && by_rows[at] == together[at];
        if (row < kernels::lanes<T>)
          same = same && by_column[static_cast<std::size_t>(i * stride + row)] == factor;
      }
    BOOST_TEST(same, rows << " rows of " << width);
  }
}

BOOST_AUTO_TEST_CASE(a_bit_is_a_function_of_key_and_position) {
  check_masks_by_definition<float>();
  check_masks_by_definition<double>();
}

BOOST_AUTO_TEST_CASE(the_dropped_fraction_is_p) {
  const Index count = 400'000;
  for (const double p : {0.01, 0.1, 0.5, 0.9}) {
    const Tensor y = dropout(ones({count / 100, 100}, DType::f64), p, Key(102));
    const double dropped = static_cast<double>(count) - sum(sign(y)).item();
    const double deviation = std::sqrt(p * (1 - p) * static_cast<double>(count));
    BOOST_TEST(std::abs(dropped - p * static_cast<double>(count)) < 4 * deviation, p);
    BOOST_TEST(std::abs(mean(y).item() - 1) < 4 * deviation / static_cast<double>(count) / (1 - p));
  }
}

BOOST_AUTO_TEST_CASE(p_0_keeps_everything) {
  const Tensor x = tensor({1, 2, 3});
  BOOST_TEST(same_bits(dropout(x, 0, Key(1)), x));
}

BOOST_AUTO_TEST_CASE(the_key_decides) {
  const Tensor x = ones({8, 16});
  BOOST_TEST(same_bits(dropout(x, 0.5, Key(1)), dropout(x, 0.5, Key(1))));
  BOOST_TEST(!same_bits(dropout(x, 0.5, Key(1)), dropout(x, 0.5, Key(2))));
}

BOOST_AUTO_TEST_CASE(both_types_drop_the_same_elements) {
  const Tensor x = ones({8, 16});
  const Tensor narrow = dropout(x, 0.25, Key(3));
  const Tensor wide = dropout(cast(x, DType::f64), 0.25, Key(3));
  BOOST_TEST(distance(narrow, wide) < 1e-6);
}

// A bit depends only on the row's number and the column, not on how many rows there are or in which
// order they come.
BOOST_AUTO_TEST_CASE(rows_keep_their_numbers_in_another_arrangement) {
  const Tensor x = ones({2, 3, 7});
  const Tensor whole = reshape(dropout(x, 0.5, Key(4)), {6, 7});
  const Tensor some = dropout(ones({3, 7}), 0.5, Key(4), ints({5, 0, 2}));
  BOOST_TEST(same_bits(some, gather(whole, ints({5, 0, 2}))));
  const Tensor shard = dropout(ones({1, 3, 7}), 0.5, Key(4), ints({{3, 4, 5}}));
  BOOST_TEST(same_bits(reshape(shard, {3, 7}), slice(whole, 0, 3, 6)));
}

BOOST_AUTO_TEST_CASE(a_wider_row_begins_like_a_narrower_one) {
  const Tensor wide = dropout(ones({4, 200}), 0.5, Key(5));
  for (const Index width : {1, 3, 5, 63, 64, 65, 130})
    BOOST_TEST(same_bits(slice(wide, 1, 0, width), dropout(ones({4, width}), 0.5, Key(5))));
}

// No two positions may share random bits.
BOOST_AUTO_TEST_CASE(rows_and_columns_are_independent) {
  const Tensor y = sign(dropout(ones({300, 300}, DType::f64), 0.5, Key(8)));  // zeros and ones
  for (const Index shift : {1, 2, 4, 16, 64})
    for (const Index axis : {0, 1}) {
      const Tensor same =
          cast(equal(slice(y, axis, shift, 300), slice(y, axis, 0, 300 - shift)), DType::f64);
      BOOST_TEST(std::abs(mean(same).item() - 0.5) < 0.01, "axis " << axis << ", by " << shift);
    }
}

BOOST_AUTO_TEST_CASE(the_gradient_has_the_same_mask) {
  const Tensor x = variable(ones({5, 9}, DType::f64));
  const Tensor rows = ints({7, 1, 4, 1000, 3});
  for (const Tensor& numbers_of_rows : {Tensor(), rows}) {
    const Tensor y = dropout(x, 0.4, Key(6), numbers_of_rows);
    const Tensor g = normal({5, 9}, 0, 1, Key(7), DType::f64);
    BOOST_TEST(distance(grad(Tensors{y}, {x}, {g})[0], detach(y) * g) < 1e-14);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
