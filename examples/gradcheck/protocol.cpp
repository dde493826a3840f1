#include "examples/gradcheck/protocol.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/ops.h"
#include "autograd/support/printable.h"
#include "nn/saving/safetensors.h"

namespace adjoint::program {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t deepest = 16;  // brackets within brackets

// ---- Writing ------------------------------------------------------------------------------------

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// As Python's json module writes and reads it: NaN and Infinity are numbers.
void append(std::string& text, double value) {
  if (std::isnan(value)) {
    text += "NaN";
  } else if (std::isinf(value)) {
    text += value < 0 ? "-Infinity" : "Infinity";
  } else {
    char digits[32];
    const std::string_view number(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    text += number;
    if (number.find_first_of(".e") == std::string_view::npos) text += ".0";  // it is no integer
  }
}
void append(std::string& text, Index value) { text += std::to_string(value); }

// Nested lists.
template <class T>
void append(std::string& text, std::span<const T> values, std::span<const Index> sizes) {
  if (sizes.empty()) {
    if constexpr (Real<T>)
      append(text, static_cast<double>(values[0]));
    else
      append(text, static_cast<Index>(values[0]));
    return;
  }
  const auto inner = static_cast<std::size_t>(sizes[0]) == 0
                         ? std::size_t{0}
                         : values.size() / static_cast<std::size_t>(sizes[0]);
  text += '[';
  for (std::size_t i = 0; i < static_cast<std::size_t>(sizes[0]); ++i) {
    if (i > 0) text += ',';
    append(text, values.subspan(i * inner, inner), sizes.subspan(1));
  }
  text += ']';
}

void append(std::string& text, const Tensor& x) {
  dispatch(x.dtype(), [&]<class T>() { append(text, x.values<T>(), x.shape().sizes()); });
}

// ---- Reading ------------------------------------------------------------------------------------

// The text with NaN, Infinity and -Infinity, which JSON lacks, in quotes.
std::string with_quoted_names(std::string_view line) {
  std::string text;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (!in_string && (line[i] == 'N' || line[i] == 'I' || line[i] == '-')) {
      const auto names = {std::string_view("NaN"), std::string_view("-Infinity"),
                          std::string_view("Infinity")};
      const auto name = std::ranges::find_if(
          names, [&](std::string_view n) { return line.substr(i).starts_with(n); });
      if (name != names.end()) {
        (text += '"').append(*name) += '"';
        i += name->size() - 1;
        continue;
      }
    }
    if (line[i] == '"') in_string = !in_string;
    text += line[i];
    if (in_string && line[i] == '\\' && i + 1 < line.size()) text += line[++i];
  }
  return text;
}

Json parse(std::string_view line) {
  using Event = Json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto guard = [&](int depth, Event event, const Json& parsed) {
    if (event == Event::object_start || event == Event::array_start)
      require(depth < static_cast<int>(deepest), "its answer nests brackets deeper than arrays do");
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key)
      require(keys.back().insert(parsed.get<std::string>()).second, "its answer has the key ",
              printable_line(parsed.get<std::string>()), " twice");
    return true;
  };
  try {
    // The parser would take a NUL for the end of the line.
    if (line.starts_with('{') && line.find('\0') == std::string_view::npos)
      return Json::parse(with_quoted_names(line), guard);
  } catch (const nlohmann::json::parse_error&) {
  } catch (const nlohmann::json::out_of_range&) {
    fail("its answer has a number that is out of range");
  }
  fail("its answer is not a JSON object: ", printable_line(line),
       "; other text belongs on standard error");
}

std::string keys_of(const Json& object) {
  std::string text;
  for (const auto& [key, value] : object.items())
    text += (text.empty() ? "" : ", ") + printable_line(key);
  return text.empty() ? "nothing" : printable_line(text, 200);
}

// The object in a line, which answers the request with this number.
Json read_answer(std::string_view line, std::int64_t id) {
  Json answer = parse(line);
  if (answer.contains("error")) {
    const Json& error = answer["error"];
    throw Refused("it says: " +
                  printable_line(error.is_string() ? error.get<std::string>() : error.dump(), 400));
  }
  if (answer.contains("id"))
    require(answer["id"] == id, "its answer has the id ", printable_line(answer["id"].dump()),
            ", the request had ", id);
  return answer;
}

double number_from(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (json == "Infinity") return std::numeric_limits<double>::infinity();
  if (json == "-Infinity") return -std::numeric_limits<double>::infinity();
  fail(printable_line(json.dump(-1, ' ', false, Json::error_handler_t::replace)),
       " is not a number");
}

// The sizes of nested lists, by their first elements.
std::vector<Index> sizes_of(const Json* json) {
  std::vector<Index> sizes;
  for (; json->is_array(); json = &json->front()) {
    sizes.push_back(std::ssize(*json));
    if (json->empty()) break;
  }
  return sizes;
}

void read_numbers(const Json& json, std::span<const Index> sizes, std::vector<double>& numbers) {
  if (sizes.empty()) return numbers.push_back(number_from(json));
  require(json.is_array() && std::ssize(json) == sizes[0],
          "its rows differ in length, or numbers stand beside lists");
  for (const Json& row : json) read_numbers(row, sizes.subspan(1), numbers);
}

Tensor array_from(const Json& json, const std::optional<Shape>& expected) {
  const std::vector<Index> sizes = sizes_of(&json);
  require(std::ssize(sizes) <= Shape::max_rank, "it has more than ", Shape::max_rank, " axes");
  Shape shape(sizes);
  std::vector<double> numbers;
  read_numbers(json, sizes, numbers);
  if (expected && shape.rank() <= 1 && shape.numel() == expected->numel()) shape = *expected;
  return from(numbers, shape);
}

template <class F>
auto about(const std::string& what, const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    fail(what, ": ", error.what());
  }
}

NamedTensors arrays_in_file(const std::string& path) {
  NamedTensors arrays;
  try {
    for (const auto& [name, x] : nn::read_safetensors(path).tensors)
      arrays.emplace_back(name, cast(x, DType::f64));
  } catch (const Error& error) {
    fail(printable_line(error.what(), 400));  // the path is the program's
  }
  return arrays;
}

NamedTensors arrays_in(const Json& answer, const std::string& field,
                       const std::vector<ArrayDescription>& expected) {
  NamedTensors arrays;
  if (const std::string key = field + "_file"; answer.contains(key)) {
    require(answer[key].is_string(), key, " is not the path of a file");
    return arrays_in_file(answer[key].get<std::string>());
  }
  require(answer.contains(field), "its answer has no ", field, ", but ", keys_of(answer));
  require(answer[field].is_object(), field, " is not an object of arrays by name");
  for (const auto& [name, json] : answer[field].items()) {
    const auto known = std::ranges::find(expected, name, &ArrayDescription::name);
    const std::optional<Shape> shape = known == expected.end() ? std::nullopt : known->shape;
    arrays.emplace_back(
        name, about(field + ": " + printable_line(name), [&] { return array_from(json, shape); }));
  }
  return arrays;
}

Index index_from(const Json& json) {
  require(json.is_number_integer() &&
              (!json.is_number_unsigned() || std::in_range<Index>(json.get<std::uint64_t>())),
          "a shape is a list of integers");
  return json.get<Index>();
}

DType dtype_from(const Json& json) {
  for (const DType dtype : {DType::f32, DType::f64, DType::i64, DType::b8})
    if (json == name_of(dtype)) return dtype;
  fail("the dtype is f64, f32, i64 or b8, not ", printable_line(json.dump()));
}

ArrayDescription describe(const Json& json) {
  require(json.is_object() && json.contains("name") && json["name"].is_string(),
          "each is an object with a name");
  ArrayDescription result{json["name"].get<std::string>()};
  for (const auto& [key, value] : json.items()) {
    if (key == "shape") {
      require(value.is_array(), "the shape is not a list");
      std::vector<Index> sizes;
      for (const Json& size : value) sizes.push_back(index_from(size));
      result.shape = Shape(sizes);
    } else if (key == "values") {
      result.values = array_from(value, result.shape);
    } else if (key == "dtype") {
      result.dtype = dtype_from(value);
    } else if (key == "low") {
      result.domain.low = number_from(value);
    } else if (key == "high") {
      result.domain.high = number_from(value);
    } else if (key == "away_from") {
      result.domain.away_from = number_from(value);
      require(std::isfinite(*result.domain.away_from), "away_from is not a finite number");
    } else if (key == "simplex") {
      require(value.is_boolean(), "simplex is true or false");
      result.domain.simplex = value.get<bool>();
    } else {
      require(key == "name", "the key ", printable_line(key),
              " is unknown; known are name, shape, values, dtype, low, high, simplex, away_from");
    }
  }
  require(result.domain.low < result.domain.high, "low must be less than high");
  if (result.values.defined()) {
    const Shape shape = result.shape.value_or(result.values.shape());
    require(result.values.shape() == shape, "the values have the shape ", result.values.shape(),
            ", not ", shape);
    result.shape = shape;
  }
  return result;
}

std::vector<ArrayDescription> descriptions(const Json& answer, const std::string& field) {
  std::vector<ArrayDescription> result;
  if (!answer.contains(field)) return result;
  require(answer[field].is_array(), field, " is not a list");
  std::set<std::string> names;
  for (const Json& json : answer[field]) {
    result.push_back(about(field, [&] { return describe(json); }));
    require(names.insert(result.back().name).second, field, ": the name ",
            printable_line(result.back().name), " occurs twice");
  }
  return result;
}

}  // namespace

std::string request(const std::string& kind, std::int64_t id,
                    const std::vector<std::pair<std::string, NamedTensors>>& fields,
                    const Files& files) {
  std::string text = "{\"id\":" + std::to_string(id) + ",\"request\":" + quoted(kind);
  if (!files.request.empty()) {
    nn::SafeTensors content;
    for (const auto& [field, arrays] : fields)
      for (const auto& [name, x] : arrays) content.tensors[field + "." + name] = x;
    nn::write_safetensors(files.request, content);
    return text + ",\"file\":" + quoted(files.request) +
           ",\"answer_file\":" + quoted(files.answer) + "}";
  }
  for (const auto& [field, arrays] : fields) {
    text += "," + quoted(field) + ":{";
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      text += (i > 0 ? "," : "") + quoted(arrays[i].first) + ":";
      append(text, arrays[i].second);
    }
    text += "}";
  }
  return text + "}";
}

Description read_description(std::string_view line, std::int64_t id) {
  const Json answer = read_answer(line, id);
  Description result{descriptions(answer, "inputs"), descriptions(answer, "outputs")};
  if (answer.contains("jvp")) {
    require(answer["jvp"].is_boolean(), "jvp is true or false");
    result.has_jvp = answer["jvp"].get<bool>();
  }
  return result;
}

NamedTensors read_arrays(std::string_view line, std::int64_t id, const std::string& field,
                         const std::vector<ArrayDescription>& expected) {
  const Json answer = read_answer(line, id);
  NamedTensors arrays = arrays_in(answer, field, expected);
  if (expected.empty()) {
    require(!arrays.empty(), field, " has no array");
    return arrays;
  }
  NamedTensors ordered;
  for (const ArrayDescription& wanted : expected) {
    const auto found = std::ranges::find(arrays, wanted.name, &NamedTensors::value_type::first);
    require(found != arrays.end(), field, " has no ", printable_line(wanted.name), ", but ",
            answer.contains(field) ? keys_of(answer[field]) : "other names");
    const Shape& shape = found->second.shape();
    require(!wanted.shape || shape == *wanted.shape, field, ": ", printable_line(wanted.name),
            " has the shape ", shape, ", expected ", wanted.shape.value_or(Shape()));
    ordered.push_back(*found);
    arrays.erase(found);
  }
  require(arrays.empty(), field, " has ", arrays.empty() ? "" : printable_line(arrays[0].first),
          ", which is not one of its names");
  return ordered;
}

}  // namespace adjoint::program
