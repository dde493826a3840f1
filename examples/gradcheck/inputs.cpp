#include "examples/gradcheck/inputs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "autograd/ops.h"
#include "autograd/support/printable.h"
#include "nn/saving/safetensors.h"

namespace adjoint::program {
namespace {

constexpr Index most_elements = 10'000'000;  // of an input, so that a slip does not fill the memory

// ---- Parsing ------------------------------------------------------------------------------------

struct Given {
  ArrayDescription form;  // with a shape, or else
  Tensor values;
};

template <class T>
std::vector<T> numbers_in(std::string_view list) {
  std::vector<T> numbers;
  while (true) {
    T number{};
    const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), number);
    require(error == std::errc(), "expected numbers, separated by commas without spaces");
    numbers.push_back(number);
    list.remove_prefix(static_cast<std::size_t>(end - list.data()));
    if (list.empty()) return numbers;
    require(list.front() == ',', "expected numbers, separated by commas without spaces");
    list.remove_prefix(1);
  }
}

DType dtype_named(std::string_view name) {
  for (const DType dtype : {DType::f32, DType::f64, DType::i64, DType::b8})
    if (name == name_of(dtype)) return dtype;
  fail("the type is f64, f32, i64 or b8, not ", printable_line(name));
}

Given parse_one(std::string_view name, std::string_view value) {
  Given given;
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
    given.form.dtype = dtype_named(name.substr(colon + 1));
    name = name.substr(0, colon);
  }
  given.form.name = name;
  require(!name.empty() && !value.empty(), "expected NAME=SHAPE, such as x=[3,4]");
  if (value.starts_with('[') && value.ends_with(']')) {
    const std::string_view sizes = value.substr(1, value.size() - 2);
    given.form.shape = Shape(sizes.empty() ? std::vector<Index>() : numbers_in<Index>(sizes));
  } else if (value.ends_with(".safetensors")) {
    const auto tensors = nn::read_safetensors(std::string(value)).tensors;
    const auto found = tensors.find(given.form.name);
    require(found != tensors.end(), "the file has no tensor of that name");
    given.values = found->second;
    if (!given.form.dtype) given.form.dtype = given.values.dtype();
  } else {
    const auto numbers = numbers_in<double>(value);
    const bool is_scalar = numbers.size() == 1;
    given.values = from(numbers, is_scalar ? Shape() : Shape{std::ssize(numbers)});
  }
  return given;
}

// Without spaces within brackets, and without commas behind them.
std::string tightened(const std::string& text) {
  std::string result;
  bool inside = false;
  for (const char letter : text) {
    inside = letter == '[' || (inside && letter != ']');
    const bool superfluous = letter == ',' && !result.empty() && result.back() == ']';
    if (!superfluous && !(inside && letter == ' ')) result += letter;
  }
  return result;
}

std::vector<Given> parse(const std::string& text) {
  std::vector<Given> all;
  std::istringstream words(tightened(text));
  for (std::string word; words >> word;) try {
      const std::size_t equals = std::min(word.find('='), word.size());
      const std::string_view view = word;
      all.push_back(
          parse_one(view.substr(0, equals), view.substr(std::min(equals + 1, view.size()))));
      const auto same = [&](const Given& other) { return other.form.name == all.back().form.name; };
      require(std::ranges::count_if(all, same) == 1, "the name occurs twice");
    } catch (const Error& error) {
      fail("the input ", printable_line(word), ": ", error.what());
    }
  return all;
}

// ---- Choosing values ----------------------------------------------------------------------------

// Within the domain, and not at its borders.
Tensor random_values(const Shape& shape, const Domain& domain, Key key) {
  Tensor x = normal(shape, 0, 1, key, DType::f64);
  if (domain.simplex) return softmax(x);
  const bool has_low = std::isfinite(domain.low), has_high = std::isfinite(domain.high);
  const double width = domain.high - domain.low;
  require(!has_low || !has_high || std::isfinite(width), "low and high are too far apart");
  if (has_low && has_high)
    x = uniform(shape, domain.low + 0.1 * width, domain.high - 0.1 * width, key, DType::f64);
  for (double& value : x.edit<double>()) {
    if (has_low && !has_high) value = domain.low + std::abs(value) + 0.1;
    if (has_high && !has_low) value = domain.high - std::abs(value) - 0.1;
    if (!domain.away_from) continue;
    const double margin = 0.1 * (has_low && has_high ? width : 1);
    const double distance = value - *domain.away_from;
    if (std::abs(distance) < margin) value += std::copysign(margin, distance);
    if (value > domain.high) value = *domain.away_from - margin;
    if (value < domain.low) value = *domain.away_from + margin;
  }
  return x;
}

Tensor random_integers_in(const Shape& shape, const Domain& domain, Key key) {
  require(std::abs(domain.low) < 0x1p53 && std::abs(domain.high) < 0x1p53,
          "the program must describe the low and the high of integers, or --inputs their values");
  return random_integers(shape, static_cast<Index>(std::ceil(domain.low)),
                         static_cast<Index>(std::floor(domain.high)) + 1, key);
}

void require_inside(const Tensor& x, const Domain& domain) {
  const Tensor values = cast(x, DType::f64);
  for (const double value : values.values<double>())
    require(std::isfinite(value) && value >= domain.low && value <= domain.high, "the value ",
            value, " is outside of what the program describes, ", domain.low, " to ", domain.high);
}

Tensor choose(const ArrayDescription& form, const Tensor& values, Key key) {
  const DType dtype = form.dtype.value_or(DType::f64);
  if (values.defined()) {
    require(!form.shape || *form.shape == values.shape(), "the values have the shape ",
            values.shape(), ", the program describes ", form.shape.value_or(Shape()));
    require_inside(values, form.domain);
    return cast(values, dtype);
  }
  require(form.shape.has_value(), "its shape is not known; write --inputs \"", form.name,
          "=[3,4]\"");
  require(form.shape->numel() <= most_elements, "it has ", form.shape->numel(),
          " elements, at most ", most_elements, " can be checked");
  if (dtype == DType::b8) return cast(random_integers(*form.shape, 0, 2, key), dtype);
  if (dtype == DType::i64) return random_integers_in(*form.shape, form.domain, key);
  return cast(random_values(*form.shape, form.domain, key), dtype);
}

}  // namespace

Point choose_point(const std::string& text, const std::vector<ArrayDescription>& described,
                   Key key) {
  std::vector<Given> given = parse(text);
  std::vector<ArrayDescription> forms = described;
  if (described.empty())
    for (const Given& one : given) forms.push_back(one.form);
  require(!forms.empty(),
          "which inputs there are is not known: the program describes none; write --inputs "
          "\"x=[3,4] y=[4]\"");
  Point point;
  for (ArrayDescription& form : forms) {
    const auto found =
        std::ranges::find(given, form.name, [](const Given& one) { return one.form.name; });
    Tensor values = form.values;
    if (found != given.end()) {
      if (found->form.shape) form.shape = found->form.shape;
      if (found->form.dtype) form.dtype = found->form.dtype;
      values = found->values;  // if these are not given either, they are random
      given.erase(found);
    }
    try {
      point.values.push_back(choose(form, values, key.child(form.name)));
    } catch (const Error& error) {
      fail("the input ", printable_line(form.name), ": ", error.what());
    }
    point.names.push_back(form.name);
    point.domains.push_back(is_real(point.values.back().dtype()) ? form.domain : Domain());
  }
  require(given.empty(), "the program has no input ",
          given.empty() ? "" : printable_line(given[0].form.name));
  return point;
}

}  // namespace adjoint::program
