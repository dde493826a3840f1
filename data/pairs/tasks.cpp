#include "data/pairs/tasks.h"

#include <algorithm>
#include <set>

#include "autograd/support/error.h"
#include "data/pairs/dates.h"
#include "data/pairs/names.h"

namespace adjoint::data {
namespace {

using Numbers = std::vector<std::int64_t>;

// Each quantity is drawn from a child of the key, named after the quantity.

/// A whole number from low to high, both included.
Index draw_between(Index low, Index high, Key key) {
  return random_integers({}, low, high + 1, key).values<Index>()[0];
}

/// A string of random symbols and of random length.
Numbers draw_string(const TaskOptions& options, Key key) {
  const Index length = draw_between(options.min_length, options.max_length, key.child("length"));
  const Tensor symbols = random_integers({length}, 0, options.symbols, key.child("symbols"));
  const std::span<const Index> values = symbols.values<Index>();
  return {values.begin(), values.end()};
}

Tokens as_tokens(const Numbers& numbers) {
  Tokens tokens;
  for (const std::int64_t number : numbers) tokens.push_back(std::to_string(number));
  return tokens;
}

// --- copy, reverse, sort: a random string, rearranged ---

template <auto rearrange>
Pair draw_rearranged(const TaskOptions& options, Key key) {
  Numbers string = draw_string(options, key);
  Tokens source = as_tokens(string);
  rearrange(string);
  return {.source = std::move(source), .target = as_tokens(string)};
}

// --- addition: a number is a list of digits, units first ---

/// The leading digit is not 0, except in the number 0 itself.
Numbers draw_summand(const TaskOptions& options, Key key) {
  Numbers digits = draw_string(options, key);
  if (digits.size() > 1) digits.back() = draw_between(1, options.symbols - 1, key.child("first"));
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

Pair draw_addition(const TaskOptions& options, Key key) {
  const Numbers a = draw_summand(options, key.child("a"));
  const Numbers b = draw_summand(options, key.child("b"));
  Pair pair = {.source = write_number(a, options.reversed_digits),
               .target = write_number(add(a, b, options.symbols), options.reversed_digits)};
  pair.source.push_back("+");
  for (std::string& digit : write_number(b, options.reversed_digits))
    pair.source.push_back(std::move(digit));
  return pair;
}

// --- the number of distinct sources; it may be astronomical, so a double ---

/// Σ first_digits · symbolsⁿ⁻¹ over the lengths n; a length of 1 allows all symbols.
double count_lengths(const TaskOptions& options, std::int64_t first_digits) {
  double count = 0, rest = 1;
  for (std::int64_t length = 1; length <= options.max_length; ++length) {
    const std::int64_t first = length == 1 ? options.symbols : first_digits;
    if (length >= options.min_length) count += static_cast<double>(first) * rest;
    rest *= static_cast<double>(options.symbols);
  }
  return count;
}

double count_strings(const TaskOptions& options) { return count_lengths(options, options.symbols); }

double count_sums(const TaskOptions& options) {
  const double summands = count_lengths(options, options.symbols - 1);
  return summands * summands;
}

struct Task {
  std::string_view name;
  Pair (*draw)(const TaskOptions&, Key);
  double (*count_sources)(const TaskOptions&);
  // The tokens of the longest source, for a given max_length.
  std::int64_t (*longest_source)(std::int64_t);
  Tokenizer::Kind cut = Tokenizer::Kind::words;
};

constexpr auto length_of_string = [](std::int64_t length) { return length; };
constexpr auto length_of_sum = [](std::int64_t length) { return 2 * length + 1; };  // and the +
constexpr auto length_of_sentence = [](std::int64_t) { return std::int64_t{9}; };
constexpr auto length_of_date = [](std::int64_t) {
  return std::int64_t{29};  // Wednesday, September 30, 1998
};

constexpr std::array tasks = {
    Task{"copy", draw_rearranged<[](Numbers&) {}>, count_strings, length_of_string},
    Task{"reverse", draw_rearranged<std::ranges::reverse>, count_strings, length_of_string},
    Task{"sort", draw_rearranged<std::ranges::sort>, count_strings, length_of_string},
    Task{"addition", draw_addition, count_sums, length_of_sum},
    Task{"names", draw_names, count_names, length_of_sentence},
    Task{"dates", draw_dates, count_dates, length_of_date, Tokenizer::Kind::characters},
};

const Task& find_task(std::string_view name) {
  const auto found = std::ranges::find(tasks, name, &Task::name);
  require(found != tasks.end(), "task: unknown name \"", name,
          "\", expected copy, reverse, sort, addition, names or dates");
  return *found;
}

void check_options(const Task& task, const TaskOptions& o) {
  constexpr std::int64_t largest = 1'000'000'000;
  const bool addition = task.name == "addition";
  require(o.symbols >= 1, task.name, ": symbols must be at least 1, got ", o.symbols);
  require(!addition || (o.symbols >= 2 && o.symbols <= 10),
          "addition: symbols, the base, must lie between 2 and 10, got ", o.symbols);
  require(task.name != "names" || o.symbols <= 26,
          "names: symbols, the letters, must lie between 1 and 26, got ", o.symbols);
  require(addition || !o.reversed_digits, task.name, ": only addition has digits to reverse");
  require(o.min_length >= 1 && o.min_length <= o.max_length, task.name,
          ": lengths must satisfy 1 <= minimum <= maximum, got ", o.min_length, " to ",
          o.max_length);
  require(o.symbols <= largest && o.max_length <= largest, task.name,
          ": symbols and lengths must be at most ", largest, ", got ", o.symbols, " and ",
          o.max_length);
  require(o.train_count >= 0 && o.held_out_count >= 0, task.name,
          ": counts must not be negative, got ", o.train_count, " and ", o.held_out_count);
  const auto wanted =
      static_cast<std::uint64_t>(o.train_count) + static_cast<std::uint64_t>(o.held_out_count);
  const double available = task.count_sources(o);
  if (static_cast<double>(wanted) > available)
    fail(task.name, ": ", wanted, " pairs requested, but there are only ",
         static_cast<std::uint64_t>(available), " distinct sources");
}

}  // namespace

Split make_task(std::string_view name, const TaskOptions& options) {
  const Task& task = find_task(name);
  check_options(task, options);
  const auto train_count = static_cast<std::size_t>(options.train_count);
  const std::size_t wanted = train_count + static_cast<std::size_t>(options.held_out_count);

  std::set<Tokens> seen;
  std::vector<Pair> pairs;
  for (std::uint64_t draw = 0; pairs.size() < wanted; ++draw) {
    Pair pair = task.draw(options, options.key.child("pairs").child(draw));
    if (seen.insert(pair.source).second) pairs.push_back(std::move(pair));
  }

  // Short strings are exhausted early, so in the order drawn the last pairs would all be long.
  const Tensor order = permutation(static_cast<Index>(wanted), options.key.child("order"));
  Split split;
  for (const Index i : order.values<Index>()) {
    std::vector<Pair>& part = split.train.size() < train_count ? split.train : split.held_out;
    part.push_back(std::move(pairs[static_cast<std::size_t>(i)]));
  }
  return split;
}

Tokenizer task_tokenizer(std::string_view name) { return {.kind = find_task(name).cut}; }

std::int64_t longest_source(std::string_view task, std::int64_t max_length) {
  return find_task(task).longest_source(max_length);
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Task& task : tasks) names.emplace_back(task.name);
  return names;
}

}  // namespace adjoint::data
