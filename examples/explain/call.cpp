#include "examples/explain/call.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "autograd/support/printable.h"

namespace adjoint::expression {
namespace {

constexpr double largest_whole = 0x1p53;  // up to here, f64 tells whole numbers apart

bool is_whole(double x) { return std::abs(x) <= largest_whole && std::trunc(x) == x; }

std::vector<double> numbers_of(const Tensor& x) {
  std::vector<double> numbers;
  dispatch(x.dtype(), [&]<class T>() {
    for (const T value : x.values<T>()) numbers.push_back(static_cast<double>(value));
  });
  return numbers;
}

}  // namespace

// ---- Tensors ------------------------------------------------------------------------------------

// That of the first operand that is no constant.
DType Call::dtype() const {
  bool constant = true;
  for (std::size_t i = 0; i < node_.count; ++i) {
    const auto type = given(i) ? values_.type(operand(i)) : std::nullopt;
    if (type && is_real(*type)) return *type;
    constant = constant && !type;
  }
  return constant ? DType::f64 : values_.dtype();
}

Tensor Call::as_real(const Value& value) const {
  return is_real(value.x.dtype()) && !value.constant ? value.x : cast(value.x, dtype());
}

Tensor Call::any(std::size_t i) const {
  const Value value = values_.value(operand(i));
  return is_real(value.x.dtype()) ? as_real(value) : value.x;
}

Tensors Call::of_one_type(const std::vector<std::size_t>& nodes) const {
  std::vector<Value> values;
  for (const std::size_t node : nodes) values.push_back(values_.value(node));
  const DType first = values[0].x.dtype();
  const bool same = !is_real(first) && std::ranges::all_of(values, [&](const Value& value) {
    return value.x.dtype() == first;
  });
  Tensors tensors;
  for (const Value& value : values) tensors.push_back(same ? value.x : as_real(value));
  return tensors;
}

std::pair<Tensor, Tensor> Call::alike(std::size_t i, std::size_t j) const {
  const Tensors both = of_one_type({operand(i), operand(j)});
  return {both[0], both[1]};
}

Tensors Call::list() const {
  std::vector<std::size_t> nodes;
  for (std::size_t i = parameters().size(); i < node_.count; ++i) nodes.push_back(operand(i));
  return of_one_type(nodes);
}

Tensor Call::whole(std::size_t i) const {
  const Tensor x = fixed(i);
  if (x.dtype() == DType::i64) return x;
  for (const double number : numbers_of(x))
    if (!is_whole(number)) refuse_argument(i, " must be whole numbers, not ", number);
  return cast(x, DType::i64);
}

Tensor Call::condition(std::size_t i) const {
  const Tensor x = fixed(i);
  if (x.dtype() == DType::b8) return x;
  for (const double number : numbers_of(x))
    if (number != 0 && number != 1)
      refuse_argument(i, " must be true or false, which 1 and 0 stand for, not ", number,
                      "; a comparison gives it");
  return cast(x, DType::b8);
}

// ---- Numbers ------------------------------------------------------------------------------------

std::optional<double> Call::constant(std::size_t i) const {
  const Node& node = program_.nodes[operand(i)];
  if (node.kind == Node::Kind::number) return node.number;
  if (values_.type(operand(i))) return {};
  const Tensor x = values_.fixed(operand(i)).x;
  return x.rank() == 0 ? std::optional(numbers_of(x)[0]) : std::nullopt;
}

double Call::number(std::size_t i) const {
  if (!given(i)) {
    const std::string& text = parameters()[i].standard.value();
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  const Tensor x = fixed(i);
  if (x.numel() != 1)
    refuse_argument(i, " must be a single number, not a tensor of shape ", x.shape());
  return numbers_of(x)[0];
}

Index Call::integer(std::size_t i) const {
  const double value = number(i);
  if (!is_whole(value)) refuse_argument(i, " must be a whole number up to 2^53, not ", value);
  return static_cast<Index>(value);
}

bool Call::flag(std::size_t i) const {
  const double value = number(i);
  if (value != 0 && value != 1) refuse_argument(i, " must be 0 or 1, not ", value);
  return value == 1;
}

std::vector<Index> Call::integers(std::size_t i) const {
  std::vector<Index> result;
  if (!given(i)) return result;
  const Tensor x = fixed(i);
  if (x.rank() > 1)
    refuse_argument(i, " must be a list of whole numbers, not a tensor of shape ", x.shape());
  for (const double value : numbers_of(x)) {
    if (!is_whole(value)) refuse_argument(i, " must be whole numbers up to 2^53, not ", value);
    result.push_back(static_cast<Index>(value));
  }
  return result;
}

void Call::require_axis(std::size_t i, Index axis, const Tensor& x) const {
  if (axis < -x.rank() || axis >= x.rank())
    refuse(place(i), node_.function->name, ": no axis ", axis, " in a tensor of shape ", x.shape());
}

Index Call::axis(std::size_t i, const Tensor& x) const {
  const Index axis = integer(i);
  require_axis(i, axis, x);
  return axis;
}

std::vector<Index> Call::axes(std::size_t i, const Tensor& x) const {
  const std::vector<Index> all = integers(i);
  for (const Index axis : all) require_axis(i, axis, x);
  return all;
}

Shape Call::shape(std::size_t i) const {
  const std::vector<Index> sizes = integers(i);
  require_allowed(i, sizes);
  return Shape(sizes);
}

void Call::require_allowed(std::size_t i, const std::vector<Index>& sizes) const {
  double elements = 1;
  for (const Index size : sizes) {
    if (size < 0) refuse_argument(i, ": an axis cannot have size ", size);
    elements *= static_cast<double>(std::max<Index>(1, size));
  }
  if (elements > static_cast<double>(values_.most_elements()))
    refuse_argument(
        i, ": these are ",
        elements < largest_whole ? std::to_string(static_cast<Index>(elements)) : "over 2^53",
        " elements; at most ", values_.most_elements(), " are allowed here");
}

std::size_t Call::word(std::size_t i, const std::vector<std::string>& words) const {
  std::string text = parameters()[i].standard.value_or("");
  if (given(i)) {
    const Node& node = program_.nodes[operand(i)];
    text = node.kind == Node::Kind::name ? program_.names[node.name] : "";
  }
  const auto found = std::ranges::find(words, text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string all = words[0];
  for (std::size_t k = 1; k < words.size(); ++k)
    all += (k + 1 < words.size() ? ", " : " or ") + words[k];
  refuse_argument(i, " must be the word ", all);
}

}  // namespace adjoint::expression
