#include "data/tasks.h"

#include <algorithm>
#include <array>
#include <set>

#include "autograd/error.h"

namespace adjoint::data {
namespace {

using Numbers = std::vector<std::int64_t>;

std::int64_t draw_between(std::int64_t low, std::int64_t high, SplitMix64& random) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

std::int64_t draw_length(const TaskOptions& options, SplitMix64& random) {
  return draw_between(options.min_length, options.max_length, random);
}

Tokens as_tokens(const Numbers& numbers) {
  Tokens tokens;
  for (const std::int64_t number : numbers) tokens.push_back(std::to_string(number));
  return tokens;
}

// --- copy, reverse, sort: a random string, and the same string rearranged ---

Numbers draw_string(const TaskOptions& options, SplitMix64& random) {
  Numbers string(static_cast<std::size_t>(draw_length(options, random)));
  for (std::int64_t& symbol : string) symbol = draw_between(0, options.symbols - 1, random);
  return string;
}

template <class Rearrange>
Pair draw_rearranged(const TaskOptions& options, SplitMix64& random, Rearrange rearrange) {
  Numbers string = draw_string(options, random);
  Pair pair = {.source = as_tokens(string), .target = {}};
  rearrange(string);
  pair.target = as_tokens(string);
  return pair;
}

Pair draw_copy(const TaskOptions& options, SplitMix64& random) {
  return draw_rearranged(options, random, [](Numbers&) {});
}

Pair draw_reverse(const TaskOptions& options, SplitMix64& random) {
  return draw_rearranged(options, random, [](Numbers& string) { std::ranges::reverse(string); });
}

Pair draw_sort(const TaskOptions& options, SplitMix64& random) {
  return draw_rearranged(options, random, [](Numbers& string) { std::ranges::sort(string); });
}

// --- addition: numbers are lists of digits, units first, as one adds on paper ---

/// The first digit of a number is not 0, except in the number 0 itself.
Numbers draw_summand(const TaskOptions& options, SplitMix64& random) {
  Numbers digits(static_cast<std::size_t>(draw_length(options, random)));
  for (std::int64_t& digit : digits) digit = draw_between(0, options.symbols - 1, random);
  if (digits.size() > 1) digits.back() = draw_between(1, options.symbols - 1, random);
  return digits;
}

Numbers add(const Numbers& a, const Numbers& b, std::int64_t base) {
  Numbers sum;
  std::int64_t carry = 0;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) || carry > 0; ++i) {
    const std::int64_t column = (i < a.size() ? a[i] : 0) + (i < b.size() ? b[i] : 0) + carry;
    sum.push_back(column % base);
    carry = column / base;
  }
  return sum;
}

Tokens write_number(Numbers digits, bool units_first) {
  if (!units_first) std::ranges::reverse(digits);
  return as_tokens(digits);
}

Pair draw_addition(const TaskOptions& options, SplitMix64& random) {
  const Numbers a = draw_summand(options, random);
  const Numbers b = draw_summand(options, random);
  Pair pair = {.source = write_number(a, options.reversed_digits),
               .target = write_number(add(a, b, options.symbols), options.reversed_digits)};
  pair.source.push_back("+");
  for (std::string& digit : write_number(b, options.reversed_digits)) {
    pair.source.push_back(std::move(digit));
  }
  return pair;
}

// --- how many different sources there are; as a double, for it may be astronomic ---

double count_strings(const TaskOptions& options) {
  double count = 0;
  double of_this_length = 1;
  for (std::int64_t length = 1; length <= options.max_length; ++length) {
    of_this_length *= static_cast<double>(options.symbols);
    if (length >= options.min_length) count += of_this_length;
  }
  return count;
}

/// Numbers of n > 1 digits begin with one of base − 1 digits; 0 counts as a number of one digit.
double count_sums(const TaskOptions& options) {
  double summands = 0;
  double tails = 1;  // what may follow the first digit
  for (std::int64_t length = 1; length <= options.max_length; ++length) {
    const std::int64_t heads = length == 1 ? options.symbols : options.symbols - 1;
    if (length >= options.min_length) summands += static_cast<double>(heads) * tails;
    tails *= static_cast<double>(options.symbols);
  }
  return summands * summands;
}

struct Task {
  std::string_view name;
  Pair (*draw)(const TaskOptions&, SplitMix64&);
  double (*count_sources)(const TaskOptions&);
};

constexpr std::array tasks = {
    Task{"copy", draw_copy, count_strings},
    Task{"reverse", draw_reverse, count_strings},
    Task{"sort", draw_sort, count_strings},
    Task{"addition", draw_addition, count_sums},
};

const Task& find_task(std::string_view name) {
  const auto found = std::ranges::find(tasks, name, &Task::name);
  require(found != tasks.end(), "task: unknown name \"", name,
          "\", expected copy, reverse, sort or addition");
  return *found;
}

void check_options(const Task& task, const TaskOptions& o) {
  const bool addition = task.name == "addition";
  require(o.symbols >= 1, task.name, ": symbols must be at least 1, got ", o.symbols);
  require(!addition || (o.symbols >= 2 && o.symbols <= 10),
          "addition: symbols, the base, must lie between 2 and 10, got ", o.symbols);
  require(addition || !o.reversed_digits, task.name, ": only addition has digits to reverse");
  require(o.min_length >= 1 && o.min_length <= o.max_length, task.name,
          ": lengths must be at least 1 and in order, got ", o.min_length, " to ", o.max_length);
  require(o.train_count >= 0 && o.held_out_count >= 0, task.name,
          ": counts must not be negative, got ", o.train_count, " and ", o.held_out_count);
  const auto wanted =
      static_cast<std::uint64_t>(o.train_count) + static_cast<std::uint64_t>(o.held_out_count);
  const double available = task.count_sources(o);
  if (static_cast<double>(wanted) > available) {
    fail(task.name, ": ", wanted, " pairs are asked for, but there are only ",
         static_cast<std::uint64_t>(available), " different sources");
  }
}

}  // namespace

Split make_task(std::string_view name, const TaskOptions& options) {
  const Task& task = find_task(name);
  check_options(task, options);
  const auto train_count = static_cast<std::size_t>(options.train_count);
  const std::size_t wanted = train_count + static_cast<std::size_t>(options.held_out_count);

  SplitMix64 random(options.seed);
  std::set<Tokens> seen;
  std::vector<Pair> pairs;
  while (pairs.size() < wanted) {
    Pair pair = task.draw(options, random);
    if (seen.insert(pair.source).second) pairs.push_back(std::move(pair));
  }
  // Short strings are used up early on: without a shuffle the last pairs would all be long.
  shuffle(pairs, random);

  Split split;
  split.held_out.assign(pairs.begin() + options.train_count, pairs.end());
  pairs.resize(train_count);
  split.train = std::move(pairs);
  return split;
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Task& task : tasks) names.emplace_back(task.name);
  return names;
}

}  // namespace adjoint::data
