#include "autograd/tools/anomaly.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <optional>

#include "autograd/kernels/masked_product.h"
#include "autograd/operation.h"
#include "autograd/pullback.h"
#include "autograd/tools/inspect.h"

namespace adjoint {
namespace {

// What to search for.
using Kind = bool (*)(double);
bool is_nan(double x) { return std::isnan(x); }
bool is_infinite(double x) { return std::isinf(x); }
bool is_not_finite(double x) { return !std::isfinite(x); }

struct Element {
  Index position;  // in row-major order
  double value;
};

// The first element of that kind. None if the values are not real or were not kept.
std::optional<Element> first(const Tensor& x, Kind kind) {
  if (!x.defined() || !x.storage() || !is_real(x.dtype())) return {};
  return dispatch(x.dtype(), [&]<class T>() -> std::optional<Element> {
    if constexpr (Real<T>) {
      const std::span<const T> values = x.values<T>();
      if (kernels::all_finite(values)) return {};
      const auto found =
          std::ranges::find_if(values, [&](T v) { return kind(static_cast<double>(v)); });
      if (found != values.end())
        return Element{found - values.begin(), static_cast<double>(*found)};
    }
    return {};
  });
}

// "inf at [1, 2]"
std::string at_text(const Tensor& x, const Element& element) {
  const std::string value = std::isnan(element.value) ? "NaN" : text_from(element.value);
  return value + (x.rank() == 0 ? "" : " at " + index_text(x.shape(), element.position));
}

std::string statistics_text(const Tensor& x) {
  if (!x.storage()) return "not kept: the vjp does not read it";
  if (x.numel() == 0) return "no elements";
  const Statistics s = statistics(x);
  const bool some_finite = s.nan + s.infinite < s.count;
  return (some_finite ? text_from("min ", s.least, ", max ", s.largest, ", mean ", s.mean)
                      : std::string("none finite")) +
         text_from("; zeros ", s.zeros, ", NaN ", s.nan, ", infinite ", s.infinite);
}

// A line of the report.
struct Entry {
  std::string name;  // "input 0 ('weight')"
  Tensor value;
};
using Entries = std::vector<Entry>;

void add(Entries& entries, const char* role, std::size_t index, const Tensor& x) {
  if (x.defined()) entries.push_back({operand_text(role, index, x), x});
}

// The remedy where a gradient of 0 met an infinite slope; otherwise empty. A where() sends a
// gradient of 0 to the branch that it did not take.
std::string where_text(const Pullback& back, const Tensor& gradient, const Element& element) {
  const Tensor& g = back.cotangent();
  if (!std::isnan(element.value) || back.output_count() != 1 || !g.defined()) return "";
  if (g.shape() != gradient.shape()) return "";
  const bool zero = dispatch(g.dtype(), [&]<class T>() {
    return g.values<T>()[static_cast<std::size_t>(element.position)] == T{0};
  });
  if (!zero) return "";
  return "\n  its cotangent is 0 there, and 0 times an infinite slope is NaN. If a where() takes "
         "its "
         "other branch\n  at this element, make the operand safe inside it: not where(c, f(x), y) "
         "but where(c, f(where(c, x, one)), y)";
}

// Throws. The headline blames a suspect that holds such a value itself, else it is `made`.
[[noreturn]] void report(const char* operation, const std::string& made, const Entries& suspects,
                         Kind kind, const char* origin, const Entries& operands,
                         const Entries& all) {
  TextStream text;
  text << "anomaly: " << operation << ": ";
  const auto suspect = std::ranges::find_if(
      suspects, [&](const Entry& entry) { return first(entry.value, kind).has_value(); });
  if (suspect != suspects.end()) {
    text << suspect->name << " already holds "
         << at_text(suspect->value, *first(suspect->value, kind)) << ": it came from outside"
         << origin;
  } else {
    text << made;
    for (const auto& [name, value] : operands)  // which do not explain the result
      if (const auto element = first(value, is_not_finite))
        text << "\n  " << name << " already contained " << at_text(value, *element);
  }
  if (ambient().scope) text << "\n  in " << *ambient().scope;
  std::size_t width = 0;
  for (const Entry& entry : all) width = std::max(width, entry.name.size());
  for (const auto& [name, value] : all)
    text << "\n  " << std::left << std::setw(static_cast<int>(width)) << name << "  "
         << value.dtype() << ' ' << value.shape() << "  " << statistics_text(value);
  throw Error(text.str());
}

// Whether infinite results are intended: an input's infinity passed on, or a reduction over
// nothing. An infinite leaf is not intended: it is a parameter that diverged.
bool infinity_is_intended(const Inputs& in) {
  bool intended = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const bool infinite = first(in[i], is_infinite).has_value();
    if (infinite && in[i].tracked() && in[i].history().node->is_leaf()) return false;
    intended |= infinite || in[i].numel() == 0;
  }
  return intended;
}

[[noreturn]] void report_forward(const char* operation, const Inputs& in,
                                 std::span<const Tensor> out, std::size_t index,
                                 const Element& element) {
  Entries inputs;
  for (std::size_t i = 0; i < in.size(); ++i) add(inputs, "input", i, in[i]);
  Entries all = inputs;
  for (std::size_t i = 0; i < out.size(); ++i) add(all, "output", i, out[i]);
  const std::string which = out.size() == 1 ? "" : " of " + operand_text("output", index);
  report(operation, "the forward value" + which + " is " + at_text(out[index], element), inputs,
         is_nan(element.value) ? is_nan : is_infinite, "", inputs, all);
}

[[noreturn]] void report_gradient(const char* operation, const Pullback& back,
                                  const Tensors& gradients, std::size_t index,
                                  const Element& element) {
  Entries operands, cotangents;
  for (std::size_t i = 0; i < back.input_count(); ++i) add(operands, "input", i, back.input(i));
  for (std::size_t i = 0; i < back.output_count(); ++i) {
    add(operands, "output", i, back.output(i));
    add(cotangents, "cotangent", i, back.cotangent(i));
  }
  Entries all = operands;
  std::ranges::copy(cotangents, std::back_inserter(all));
  for (std::size_t i = 0; i < gradients.size(); ++i) add(all, "gradient", i, gradients[i]);
  report(operation,
         "the gradient of " + operands[index].name + " is " + at_text(gradients[index], element) +
             where_text(back, gradients[index], element),
         cotangents, is_not_finite, ", or a sum of gradients overflowed", operands, all);
}

}  // namespace

void DetectAnomaly::after_forward(const char* operation, const Inputs& in,
                                  std::span<const Tensor> out) {
  if (ambient().vjp_of) return;  // inside a vjp, whose result is checked as a whole
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (const auto nan = first(out[i], is_nan)) report_forward(operation, in, out, i, *nan);
    const auto infinity = first(out[i], is_infinite);
    if (infinity && !infinity_is_intended(in)) report_forward(operation, in, out, i, *infinity);
  }
}

void DetectAnomaly::after_vjp(const Node& node, const Pullback& back, Tensors& gradients) {
  if (ambient().vjp_of != &node) return;  // a sweep within another vjp
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (const auto element = first(gradients[i], is_not_finite))
      report_gradient(node.name(), back, gradients, i, *element);
}

}  // namespace adjoint
