#include "examples/experiments/frame/results.h"

#include <algorithm>
#include <charconv>

#include "autograd/support/error.h"
#include "autograd/support/files.h"

namespace adjoint::experiments {
namespace {

constexpr std::string_view columns = "quantity,arm,x,seed,value";

void require_simple(const std::string& name) {
  require(!name.empty() && name.find_first_of(",\"\n\r") == std::string::npos,
          "a name in results cannot be empty or hold a comma, a quote or a line break: '", name,
          "'");
}

// The shortest text that reads as the same number.
std::string exact(double number) {
  char text[32];
  return {text, std::to_chars(text, std::end(text), number).ptr};
}

template <class T>
T number(std::string_view text, const std::string& where) {
  T result{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  require(error == std::errc() && end == text.data() + text.size() && !text.empty(), where, ": '",
          text, "' is not a number");
  return result;
}
template <class T>
std::optional<T> number_if_any(std::string_view text, const std::string& where) {
  if (text.empty()) return std::nullopt;
  return number<T>(text, where);
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t comma = line.find(','); comma != line.npos; comma = line.find(',')) {
    cells.push_back(line.substr(0, comma));
    line.remove_prefix(comma + 1);
  }
  cells.push_back(line);
  return cells;
}

// The selected values, each once, in the order in which they first occur.
template <class T, class Select>
std::vector<T> distinct(const std::vector<Measurement>& all, const Select& select) {
  std::vector<T> result;
  for (const Measurement& one : all)
    if (const std::optional<T> found = select(one))
      if (std::ranges::find(result, *found) == result.end()) result.push_back(*found);
  return result;
}

// "# seconds: 12" has the name "seconds" and the value "12".
bool read_remark(std::string_view line, std::string_view name, std::string_view& value) {
  const std::string begin = "# " + std::string(name) + ": ";
  if (!line.starts_with(begin)) return false;
  value = line.substr(begin.size());
  return true;
}

}  // namespace

void Results::add(Measurement measurement) {
  require_simple(measurement.quantity);
  require_simple(measurement.arm);
  measurements_.push_back(std::move(measurement));
}

std::vector<std::string> Results::quantities() const {
  return distinct<std::string>(measurements_,
                               [](const auto& one) { return std::optional(one.quantity); });
}

std::vector<std::string> Results::arms(std::string_view quantity) const {
  return distinct<std::string>(measurements_, [&](const auto& one) {
    return one.quantity == quantity ? std::optional(one.arm) : std::nullopt;
  });
}

std::vector<double> Results::places(std::string_view quantity, std::string_view arm) const {
  return distinct<double>(measurements_, [&](const auto& one) {
    return one.quantity == quantity && one.arm == arm ? one.x : std::nullopt;
  });
}

std::vector<double> Results::values(std::string_view quantity, std::string_view arm,
                                    std::optional<double> x) const {
  std::vector<const Measurement*> found;
  for (const Measurement& one : measurements_)
    if (one.quantity == quantity && one.arm == arm && one.x == x) found.push_back(&one);
  require(!found.empty(), "the results have no '", quantity, "' of '", arm, "'",
          x ? text_from(" at ", *x) : "");
  std::ranges::stable_sort(found, {}, [](const Measurement* one) { return one->seed; });
  std::vector<double> result;
  for (const Measurement* one : found) result.push_back(one->value);
  return result;
}

double Results::value(std::string_view quantity, std::string_view arm,
                      std::optional<double> x) const {
  const std::vector<double> all = values(quantity, arm, x);
  require(all.size() == 1, "the results have ", all.size(), " values of '", quantity, "' of '", arm,
          "', where there should be one");
  return all[0];
}

std::string Results::csv() const {
  std::string text =
      text_from("# form: ", quick ? "quick" : "full", "\n# seconds: ", exact(seconds),
                "\n# processor: ", processor, '\n', columns, '\n');
  for (const Measurement& one : measurements_)
    text += one.quantity + ',' + one.arm + ',' + (one.x ? exact(*one.x) : "") + ',' +
            (one.seed ? std::to_string(*one.seed) : "") + ',' + exact(one.value) + '\n';
  return text;
}

Results Results::from_csv(std::string_view text, const std::filesystem::path& path) {
  Results results;
  bool begun = false;
  std::int64_t line_number = 0;
  for (const std::string& line : lines_of(text)) {
    const std::string where = text_from("'", path.string(), "', line ", ++line_number);
    if (std::string_view value; read_remark(line, "form", value)) {
      results.quick = value == "quick";
    } else if (read_remark(line, "seconds", value)) {
      results.seconds = number<double>(value, where);
    } else if (read_remark(line, "processor", value)) {
      results.processor = value;
    } else if (line == columns) {
      begun = true;
    } else {
      require(begun, where, ": expected '", columns, "' before any numbers");
      const std::vector<std::string_view> cells = cells_of(line);
      require(cells.size() == 5, where, ": expected 5 columns, found ", cells.size());
      results.add({std::string(cells[0]), std::string(cells[1]),
                   number_if_any<double>(cells[2], where),
                   number_if_any<std::int64_t>(cells[3], where), number<double>(cells[4], where)});
    }
  }
  require(begun, "'", path.string(), "' holds no results");
  return results;
}

}  // namespace adjoint::experiments
