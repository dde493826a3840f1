// Numbers that enter a tensor, change their type, or leave it: exactly where possible, with an
// Error where not.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <sstream>

#include "autograd/ops.h"
#include "autograd/support/ambient.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr Index largest = std::numeric_limits<Index>::max();
constexpr Index least = std::numeric_limits<Index>::min();
constexpr Index beyond_double = 9007199254740993;  // 2⁵³ + 1, which no double equals

// Numbers around each power of two, where digits get lost.
std::vector<Index> demanding_integers() {
  std::vector<Index> result = {0, largest, least, largest - 1, least + 1};
  for (int power = 0; power < 63; ++power)
    for (const Index offset : {-1, 0, 1})
      for (const Index sign : {-1, 1}) result.push_back(sign * ((Index{1} << power) + offset));
  return result;
}

std::string refusal(const std::string& operation, const std::string& number) {
  return operation + ": i64 holds whole numbers from −2⁶³ to 2⁶³ − 1, not " + number;
}

BOOST_AUTO_TEST_SUITE(numbers_in_tensors)

using adjoint::tensor;

BOOST_AUTO_TEST_CASE(integers_keep_all_their_digits) {
  for (const Index value : demanding_integers()) {
    const Tensor x = tensor({{value}, {1}}, DType::i64);
    BOOST_TEST(x.values<Index>()[0] == value);
    BOOST_TEST(x.at<Index>({0, 0}) == value);
    BOOST_TEST(full({2}, value, DType::i64).values<Index>()[1] == value);
    BOOST_TEST(scalar(value, DType::i64).item<Index>() == value);
    BOOST_TEST(from(std::vector<Index>{value}, {}).item<Index>() == value);
    BOOST_TEST(generate({1}, DType::i64, [=](Index) { return value; }).item<Index>() == value);
    std::ostringstream text;
    text << scalar(value, DType::i64);
    BOOST_TEST(text.str() == std::to_string(value) + "  i64 []");
  }
  BOOST_TEST(tensor({largest, 9007199254740993u, 'a', true}, DType::i64).at<Index>({1}) ==
             beyond_double);
}

// item() and at() give a double unless asked for another type.
BOOST_AUTO_TEST_CASE(an_integer_is_read_as_a_real_if_that_has_all_its_digits) {
  for (const Index value : demanding_integers()) {
    const Tensor x = tensor({value}, DType::i64);
    const long double exact = static_cast<long double>(value);  // 64 bits of mantissa
    if (static_cast<long double>(static_cast<double>(value)) == exact)
      BOOST_TEST(x.item() == static_cast<double>(value));
    else
      BOOST_CHECK_THROW(x.item(), Error);
    if (static_cast<long double>(static_cast<float>(value)) == exact)
      BOOST_TEST(x.at<float>({0}) == static_cast<float>(value));
    else
      BOOST_CHECK_THROW(x.at<float>({0}), Error);
  }
  const Tensor x = tensor({beyond_double}, DType::i64);
  BOOST_CHECK_EXCEPTION(
      x.item(), Error,
      says("item: f64 cannot hold all digits of 9007199254740993; read it with item<Index>()"));
  BOOST_CHECK_EXCEPTION(
      x.at({0}), Error,
      says("at: f64 cannot hold all digits of 9007199254740993; read it with at<Index>()"));
}

BOOST_AUTO_TEST_CASE(what_is_no_integer_is_refused) {
  const std::vector<std::pair<double, std::string>> cases = {
      {1.5, "1.5"},           {-0.25, "-0.25"},  {std::nan(""), "nan"},
      {-std::nan(""), "nan"}, {infinity, "inf"}, {-infinity, "-inf"},
      {1e30, "1e+30"},        {-1e30, "-1e+30"}, {0x1p63, "9.22337203685478e+18"}};
  for (const auto& [value, text] : cases) {
    const auto number = [v = value](Index) { return v; };
    BOOST_CHECK_EXCEPTION(tensor({value}, DType::i64), Error, says(refusal("tensor", text)));
    BOOST_CHECK_EXCEPTION(full({3}, value, DType::i64), Error, says(refusal("full", text)));
    BOOST_CHECK_EXCEPTION(generate({1}, DType::i64, number), Error,
                          says(refusal("generate", text)));
    const Tensor x = tensor({1, value}, DType::f64);
    BOOST_CHECK_EXCEPTION(cast(x, DType::i64), Error, says(refusal("cast", text)));
    BOOST_CHECK_EXCEPTION(x.at<Index>({1}), Error, says(refusal("at", text)));
    BOOST_CHECK_THROW(cast(cast(x, DType::f32), DType::i64), Error);
  }
  BOOST_TEST(tensor({-0x1p63}, DType::i64).item<Index>() == least);
  BOOST_CHECK_EXCEPTION(tensor({std::uint64_t{1} << 63}, DType::i64), Error,
                        says(refusal("number", "9223372036854775808")));
}

BOOST_AUTO_TEST_CASE(casting_an_integer_rounds_to_the_nearest_real) {
  for (const Index value : demanding_integers()) {
    const Tensor x = tensor({value}, DType::i64);
    BOOST_TEST(cast(x, DType::f64).item() == static_cast<double>(value));
    BOOST_TEST(cast(x, DType::f32).item() == static_cast<double>(static_cast<float>(value)));
    BOOST_TEST(tensor({value}).item() == static_cast<double>(static_cast<float>(value)));
    BOOST_TEST(cast(x, DType::b8).item<bool>() == (value != 0));
  }
  BOOST_TEST(std::isinf(cast(tensor({1e300}, DType::f64), DType::f32).item()));
}

BOOST_AUTO_TEST_CASE(all_but_zero_is_true) {
  const Tensor x = tensor({0, -0.0, 2, 0.5, -1, std::nan(""), 1e-300}, DType::f64);
  const std::vector<double> expected = {0, 0, 1, 1, 1, 1, 1};
  BOOST_TEST(numbers(cast(x, DType::b8)) == expected);
  BOOST_TEST(numbers(tensor({0, -0.0, 2, 0.5, -1, std::nan(""), 1e-300}, DType::b8)) == expected);
  BOOST_TEST(numbers(cast(cast(x, DType::b8), DType::i64)) == expected);
}

BOOST_AUTO_TEST_CASE(integers_survive_every_operation_that_takes_them) {
  const Tensor x = tensor({beyond_double, largest, least}, DType::i64);
  const Tensor kept = concat({slice(x, 0, 0, 1), slice(x, 0, 1, 3)}, 0);
  BOOST_TEST(same_bits(kept, x));
  BOOST_TEST(same_bits(gather(x, tensor({0, 1, 2}, DType::i64)), x));
  BOOST_TEST(same_bits(where(tensor({true, true, true}, DType::b8), x, zeros({3}, DType::i64)), x));
  BOOST_TEST(same_bits(permute(reshape(x, {1, 3}), {1, 0}), reshape(x, {3, 1})));
  BOOST_TEST(same_bits(copy(x), x));
  BOOST_TEST(numbers(equal(x, tensor({beyond_double - 1, largest, least + 1}, DType::i64))) ==
             (std::vector<double>{0, 1, 0}));
  BOOST_TEST(numbers(less(x, x)) == (std::vector<double>{0, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_target_to_ignore_may_be_any_integer) {
  const Composed composed_guard;
  const Tensor logits = zeros({2, 3});
  for (const Index ignore : {beyond_double, largest, least}) {
    const Tensor targets = tensor({ignore, 1}, DType::i64);
    BOOST_TEST(cross_entropy(logits, targets, {.ignore = ignore}).at({0}) == 0);
  }
  BOOST_CHECK_THROW(cross_entropy(logits, tensor({beyond_double - 1, Index{1}}, DType::i64),
                                  {.ignore = beyond_double}),
                    Error);
}

// The range has 2⁶⁴ − 1 numbers, more than an Index can count.
BOOST_AUTO_TEST_CASE(random_integers_fill_the_whole_range) {
  const Tensor x = random_integers({10'000}, least, largest, Key(1));
  double mean = 0, above_half = 0;
  for (const Index value : x.values<Index>()) {
    mean += static_cast<double>(value) / 10'000;
    above_half += std::abs(static_cast<double>(value)) > 0x1p62 ? 1 : 0;
  }
  BOOST_TEST(std::abs(mean) < 0.03 * 0x1p63);
  BOOST_TEST(std::abs(above_half / 10'000 - 0.5) < 0.03);
  const Tensor last = random_integers({1000}, largest - 2, largest, Key(2));
  for (const Index value : last.values<Index>())
    BOOST_REQUIRE((value == largest - 2 || value == largest - 1));
  BOOST_TEST(random_integers({}, least, least + 1, Key(3)).item<Index>() == least);
}

BOOST_AUTO_TEST_CASE(random_reals_need_a_real_type_and_a_finite_interval) {
  BOOST_CHECK_EXCEPTION(uniform({2}, 0, 1, Key(1), DType::i64), Error,
                        says("uniform: the type must be f32 or f64, is i64"));
  BOOST_CHECK_EXCEPTION(normal({2}, 0, 1, Key(1), DType::b8), Error,
                        says("normal: the type must be f32 or f64, is b8"));
  BOOST_CHECK_EXCEPTION(
      uniform({2}, 1, 0, Key(1)), Error,
      says("uniform: needs low ≤ high, a finite distance apart, got low 1 and high 0"));
  BOOST_CHECK_THROW(uniform({2}, -1e308, 1e308, Key(1), DType::f64), Error);
  BOOST_CHECK_THROW(uniform({2}, 0, std::nan(""), Key(1)), Error);
  BOOST_TEST(uniform({}, 2, 2, Key(1)).item() == 2);
}

BOOST_AUTO_TEST_CASE(negative_counts_are_refused) {
  BOOST_CHECK_EXCEPTION(arange(-1), Error, says("arange: the count must not be negative, is -1"));
  BOOST_CHECK_EXCEPTION(eye(least), Error,
                        says("eye: the size must not be negative, is -9223372036854775808"));
  BOOST_CHECK_EXCEPTION(permutation(-3, Key(1)), Error,
                        says("permutation: the count must not be negative, is -3"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
