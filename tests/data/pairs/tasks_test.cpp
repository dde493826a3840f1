#include "data/pairs/tasks.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "autograd/support/error.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::Key;
using adjoint::testing::says;
namespace tt = boost::test_tools;

std::vector<Pair> all_pairs(const Split& split) {
  std::vector<Pair> pairs = split.train;
  pairs.insert(pairs.end(), split.held_out.begin(), split.held_out.end());
  return pairs;
}

std::vector<int> numbers(const Tokens& tokens) {
  std::vector<int> values;
  for (const std::string& token : tokens) values.push_back(std::stoi(token));
  return values;
}

/// The value of the digits from `first` up to `last`, read as a number.
template <class Iterator>
long value(Iterator first, Iterator last, long base) {
  long result = 0;
  for (; first != last; ++first) result = result * base + std::stol(*first);
  return result;
}

long value(Tokens digits, long base, bool reversed) {
  if (reversed) std::ranges::reverse(digits);
  return value(digits.begin(), digits.end(), base);
}

/// Checks an addition the way a reader would.
void check_sum(const Pair& pair, const TaskOptions& options) {
  const auto plus = std::ranges::find(pair.source, "+");
  BOOST_REQUIRE((plus != pair.source.end()));
  const bool reversed = options.reversed_digits;
  const long a = value(Tokens(pair.source.begin(), plus), options.symbols, reversed);
  const long b = value(Tokens(plus + 1, pair.source.end()), options.symbols, reversed);
  BOOST_TEST(a + b == value(pair.target, options.symbols, reversed));

  const std::string& first_digit = reversed ? *(plus - 1) : pair.source.front();
  if (plus - pair.source.begin() > 1) BOOST_TEST(first_digit != "0");
  if (pair.target.size() > 1) {
    BOOST_TEST((reversed ? pair.target.back() : pair.target.front()) != "0");
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tasks)

BOOST_AUTO_TEST_CASE(targets_follow_from_sources) {
  const TaskOptions options = {.symbols = 50, .min_length = 1, .max_length = 25};
  for (const Pair& pair : make_task("copy", options).train) {
    BOOST_TEST(pair.target == pair.source, tt::per_element());
  }
  for (const Pair& pair : make_task("reverse", options).train) {
    BOOST_TEST(pair.target == Tokens(pair.source.rbegin(), pair.source.rend()), tt::per_element());
  }
  for (const Pair& pair : make_task("sort", options).train) {
    std::vector<int> sorted = numbers(pair.source);
    std::ranges::sort(sorted);
    BOOST_TEST(numbers(pair.target) == sorted, tt::per_element());
  }
}

BOOST_AUTO_TEST_CASE(sums_are_right_in_every_base_and_direction) {
  for (const std::int64_t base : {2, 7, 10}) {
    for (const bool reversed : {false, true}) {
      const TaskOptions options = {.symbols = base,
                                   .min_length = 1,
                                   .max_length = 6,
                                   .train_count = 300,
                                   .reversed_digits = reversed};
      for (const Pair& pair : all_pairs(make_task("addition", options))) check_sum(pair, options);
    }
  }
}

// In base 2 with one digit there are four sums: 0+0, 0+1, 1+0 and 1+1 = 10.
BOOST_AUTO_TEST_CASE(all_sums_of_one_binary_digit) {
  TaskOptions options = {.symbols = 2, .max_length = 1, .train_count = 3, .held_out_count = 1};
  std::map<Tokens, Tokens> sums;
  for (const Pair& pair : all_pairs(make_task("addition", options))) {
    sums[pair.source] = pair.target;
  }
  BOOST_TEST(sums.size() == 4u);
  BOOST_TEST((sums[{"0", "+", "1"}]) == (Tokens{"1"}), tt::per_element());
  BOOST_TEST((sums[{"1", "+", "1"}]) == (Tokens{"1", "0"}), tt::per_element());
  options.reversed_digits = true;
  for (const Pair& pair : all_pairs(make_task("addition", options))) {
    if (pair.source == Tokens{"1", "+", "1"}) {
      BOOST_TEST(pair.target == (Tokens{"0", "1"}), tt::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(no_source_occurs_twice) {
  for (const std::string& name : task_names()) {
    const TaskOptions options = {.symbols = 5, .max_length = 4, .train_count = 500, .key = Key(3)};
    const Split split = make_task(name, options);
    BOOST_TEST(split.train.size() == 500u);
    BOOST_TEST(split.held_out.size() == 100u);
    std::set<Tokens> seen;
    for (const Pair& pair : all_pairs(split)) BOOST_TEST(seen.insert(pair.source).second);
  }
}

BOOST_AUTO_TEST_CASE(lengths_and_symbols_cover_their_range) {
  const TaskOptions options = {.symbols = 8, .min_length = 3, .max_length = 6};
  const Split split = make_task("copy", options);
  for (const auto* part : {&split.train, &split.held_out}) {
    std::set<std::size_t> lengths;
    std::set<std::string> symbols;
    for (const Pair& pair : *part) {
      lengths.insert(pair.source.size());
      symbols.insert(pair.source.begin(), pair.source.end());
    }
    BOOST_TEST((lengths == std::set<std::size_t>{3, 4, 5, 6}));
    BOOST_TEST((symbols == std::set<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"}));
  }
}

BOOST_AUTO_TEST_CASE(short_strings_are_held_out_too) {
  // 2 + 4 + ... + 256 = 510 strings, all of them used: about half of each length is held out. In
  // the order drawn the held-out half would have none of up to five symbols.
  const TaskOptions options = {
      .symbols = 2, .max_length = 8, .train_count = 255, .held_out_count = 255};
  const auto is_short = [](const Pair& pair) { return pair.source.size() <= 5; };
  const Split split = make_task("copy", options);
  BOOST_TEST(std::ranges::count_if(all_pairs(split), is_short) == 62);
  BOOST_TEST(std::ranges::count_if(split.held_out, is_short) > 15);
}

BOOST_AUTO_TEST_CASE(pairs_depend_on_the_key_alone) {
  TaskOptions options;
  const Split one = make_task("reverse", options);
  BOOST_TEST((make_task("reverse", options).train == one.train));
  BOOST_TEST((make_task("reverse", options).held_out == one.held_out));
  options.key = Key(1);
  BOOST_TEST((make_task("reverse", options).train != one.train));
}

// Computed independently of this library, from the definitions of Philox and of Key::child.
BOOST_AUTO_TEST_CASE(pairs_are_the_same_everywhere) {
  const Split split = make_task("sort", {.symbols = 20,
                                         .min_length = 2,
                                         .max_length = 4,
                                         .train_count = 2,
                                         .held_out_count = 1,
                                         .key = Key(7)});
  const std::vector<Pair> train = {{{"2", "16"}, {"2", "16"}},
                                   {{"0", "5", "18"}, {"0", "5", "18"}}};
  const std::vector<Pair> held_out = {{{"5", "8", "6"}, {"5", "6", "8"}}};
  BOOST_TEST((split.train == train));
  BOOST_TEST((split.held_out == held_out));

  const TaskOptions three = {.max_length = 3, .train_count = 3, .held_out_count = 0, .key = Key(7)};
  const std::vector<Pair> sums = {{{"6", "0", "+", "3", "2", "5"}, {"3", "8", "5"}},
                                  {{"4", "+", "2"}, {"6"}},
                                  {{"7", "+", "9", "4", "5"}, {"9", "5", "2"}}};
  BOOST_TEST((make_task("addition", three).train == sums));
}

BOOST_AUTO_TEST_CASE(invalid_options_are_refused) {
  const auto check = [](const std::string& name, const TaskOptions& options,
                        const std::string& complaint) {
    BOOST_CHECK_EXCEPTION(make_task(name, options), Error, says(complaint));
  };
  check("swap", {},
        "task: unknown name \"swap\", expected copy, reverse, sort, addition, names or dates");
  check("copy", {.symbols = 0}, "copy: symbols must be at least 1, got 0");
  check("addition", {.symbols = 11},
        "addition: symbols, the base, must lie between 2 and 10, got 11");
  check("sort", {.reversed_digits = true}, "sort: only addition has digits to reverse");
  check("copy", {.min_length = 0},
        "copy: lengths must satisfy 1 <= minimum <= maximum, got 0 to 10");
  check("copy", {.min_length = 5, .max_length = 4},
        "copy: lengths must satisfy 1 <= minimum <= maximum, got 5 to 4");
  check("copy", {.train_count = -1}, "copy: counts must not be negative, got -1 and 100");
  check("copy", {.symbols = 2, .max_length = 3},  // 2 + 4 + 8
        "copy: 1100 pairs requested, but there are only 14 distinct sources");
  check("addition", {.max_length = 1},
        "addition: 1100 pairs requested, but there are only 100 distinct sources");
  check("addition", {.min_length = 2, .max_length = 2, .train_count = 8100},  // (99 − 9)²
        "addition: 8200 pairs requested, but there are only 8100 distinct sources");
}

BOOST_AUTO_TEST_CASE(names_are_listed) {
  BOOST_TEST(task_names() == (std::vector<std::string>{"copy", "reverse", "sort", "addition",
                                                       "names", "dates"}),
             tt::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
