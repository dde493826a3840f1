#include "autograd/random.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "autograd/kernels/philox.h"
#include "autograd/ops.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// Words as the published vectors write them.
std::array<std::uint32_t, 4> words(std::array<std::uint32_t, 4> counter,
                                   std::array<std::uint32_t, 2> key) {
  const auto join = [](std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
  };
  return philox(join(key[0], key[1]), join(counter[0], counter[1]), join(counter[2], counter[3]));
}

double moment(const Tensor& x, int order) {
  double total = 0;
  for (const double value : numbers(x)) total += std::pow(value, order);
  return total / static_cast<double>(x.numel());
}

BOOST_AUTO_TEST_SUITE(random)

// The known answers for philox4x32-10 that come with Salmon et al.'s Random123.
BOOST_AUTO_TEST_CASE(philox_gives_the_known_answers) {
  using Words = std::array<std::uint32_t, 4>;
  BOOST_TEST(
      (words({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  BOOST_TEST((words({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  BOOST_TEST((words({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

BOOST_AUTO_TEST_CASE(a_register_of_counters_gives_what_each_gives_alone) {
  using kernels::Counters;
  kernels::RandomWords counters;
  for (std::size_t word = 0; word < 4; ++word)
    for (Index i = 0; i < kernels::counters_in_register; ++i)  // the upper halves do not matter
      counters[word][i] = 0xabcdef0000000000 + word * 0x9e3779b9 + static_cast<std::uint64_t>(i);
  const kernels::RandomWords random = kernels::philox<10>(0x0123456789abcdef, counters);
  for (Index i = 0; i < kernels::counters_in_register; ++i) {
    const auto low = [i](const Counters& x) { return static_cast<std::uint32_t>(x[i]); };
    const auto alone =
        words({low(counters[0]), low(counters[1]), low(counters[2]), low(counters[3])},
              {0x89abcdef, 0x01234567});
    for (std::size_t word = 0; word < 4; ++word) BOOST_TEST(low(random[word]) == alone[word]);
  }
}

BOOST_AUTO_TEST_CASE(the_same_key_gives_the_same_numbers) {
  const Key key = Key(1).child("weights").child(3);
  BOOST_TEST(same_bits(normal({100}, 0, 1, key), normal({100}, 0, 1, key)));
  BOOST_TEST(same_bits(uniform({100}, 0, 1, key), uniform({100}, 0, 1, key)));
  BOOST_TEST(!same_bits(uniform({100}, 0, 1, key), uniform({100}, 0, 1, Key(1))));
}

// Number i is a function of key and i alone: a longer tensor begins like a shorter one, and the
// types agree up to rounding.
BOOST_AUTO_TEST_CASE(numbers_do_not_depend_on_how_many_there_are) {
  const Tensor longer = normal({100}, 2, 3, Key(5), DType::f64);
  BOOST_TEST(same_bits(slice(longer, 0, 0, 10), normal({10}, 2, 3, Key(5), DType::f64)));
  BOOST_TEST(distance(normal({100}, 2, 3, Key(5)), longer) < 1e-6);
}

BOOST_AUTO_TEST_CASE(children_are_streams_of_their_own) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) seen.insert(Key(7).child(i).value());
  for (const char* name : {"a", "b", "ab", "ba", "dropout", ""})
    seen.insert(Key(7).child(name).value());
  seen.insert(Key(7).value());
  BOOST_TEST(seen.size() == 1007u);
  BOOST_TEST((Key(7).child("a") == Key(7).child("a")));
  BOOST_TEST((Key(7).child("a").child("b") != Key(7).child("b").child("a")));
}

BOOST_AUTO_TEST_CASE(uniform_fills_its_interval_evenly) {
  const Index count = 200'000;
  const Tensor x = uniform({count}, -1, 3, Key(8), DType::f64);
  BOOST_TEST(max(x).item() < 3);
  BOOST_TEST(max(-x).item() <= 1);
  BOOST_TEST(max(x).item() > 2.999);
  BOOST_TEST(max(-x).item() > 0.999);
  const Tensor unit = (x + 1) / 4;
  for (int order = 1; order <= 4; ++order)
    BOOST_TEST(std::abs(moment(unit, order) - 1.0 / (order + 1)) < 0.003, "moment " << order);
}

// The largest double below 1 is nearer to 1 than to any smaller float: it must not become 1.
BOOST_AUTO_TEST_CASE(uniform_never_reaches_its_upper_end) {
  const Tensor x = uniform({16}, 0, 1, Key(306180));
  for (const double value : numbers(x)) BOOST_TEST(value < 1);
}

BOOST_AUTO_TEST_CASE(normal_has_the_moments_of_the_normal_distribution) {
  const Tensor x = normal({400'000}, 0, 1, Key(9), DType::f64);
  BOOST_TEST(std::abs(moment(x, 1)) < 0.006);
  BOOST_TEST(std::abs(moment(x, 2) - 1) < 0.01);
  BOOST_TEST(std::abs(moment(x, 3)) < 0.03);
  BOOST_TEST(std::abs(moment(x, 4) - 3) < 0.1);
  const Tensor y = normal({400'000}, 5, 0.5, Key(10), DType::f64);
  BOOST_TEST(std::abs(mean(y).item() - 5) < 0.004);
  BOOST_TEST(std::abs(variance(y).item() - 0.25) < 0.003);
  // Neighbours know nothing of each other.
  const Tensor products = slice(x, 0, 0, 399'999) * slice(x, 0, 1, 400'000);
  BOOST_TEST(std::abs(mean(products).item()) < 0.006);
}

BOOST_AUTO_TEST_CASE(whole_numbers_are_even_and_in_range) {
  const Tensor x = random_integers({60'000}, -2, 4, Key(11));
  BOOST_TEST((x.dtype() == DType::i64));
  std::array<int, 6> counts{};
  for (const Index value : x.values<Index>()) {
    BOOST_REQUIRE((value >= -2 && value < 4));
    ++counts[static_cast<std::size_t>(value + 2)];
  }
  for (const int count : counts) BOOST_TEST(std::abs(count - 10'000) < 400);
  BOOST_TEST(random_integers({}, 5, 6, Key(1)).item() == 5);
  BOOST_CHECK_EXCEPTION(random_integers({1}, 3, 3, Key(1)), Error,
                        says("random_integers: no integer lies in [3, 3)"));
}

BOOST_AUTO_TEST_CASE(a_permutation_has_every_number_once) {
  for (const Index count : {0, 1, 2, 3, 10, 1000}) {
    std::vector<double> order = numbers(permutation(count, Key(12)));
    std::ranges::sort(order);
    BOOST_TEST(order == numbers(arange(count, DType::i64)));
  }
}

BOOST_AUTO_TEST_CASE(all_permutations_are_equally_frequent) {
  std::array<int, 6> counts{};
  for (std::uint64_t i = 0; i < 6000; ++i) {
    const std::vector<double> order = numbers(permutation(3, Key(13).child(i)));
    ++counts[static_cast<std::size_t>(order[0] * 2 + (order[1] > order[2] ? 1 : 0))];
  }
  for (const int count : counts) BOOST_TEST(std::abs(count - 1000) < 130);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
