#include "autograd/tools/anomaly.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <optional>

#include "autograd/operation.h"
#include "autograd/pullback.h"

namespace adjoint {
namespace {

// ---- Looking through values --------------------------------------------------------------------

template <Real T>
bool all_finite(std::span<const T> values) {
  int found = 0;
#pragma omp simd reduction(| : found)
  for (std::size_t i = 0; i < values.size(); ++i)
    found |= !(std::abs(values[i]) <= std::numeric_limits<T>::max());  // of NaN, nothing holds
  return found == 0;
}

// Which elements are looked for.
bool is_nan(double x) { return std::isnan(x); }
bool is_infinite(double x) { return std::isinf(x); }
bool is_not_finite(double x) { return !std::isfinite(x); }

struct Element {
  Index position;  // in row-major order
  double value;
};

// The first element of that kind; nothing in a tensor whose values are not real or were not kept.
std::optional<Element> first(const Tensor& x, bool (*kind)(double)) {
  if (!x.defined() || !x.storage() || !is_real(x.dtype())) return {};
  return dispatch(x.dtype(), [&]<class T>() -> std::optional<Element> {
    if constexpr (Real<T>) {
      const std::span<const T> values = x.values<T>();
      if (all_finite(values)) return {};
      const auto found =
          std::ranges::find_if(values, [&](T v) { return kind(static_cast<double>(v)); });
      if (found != values.end())
        return Element{found - values.begin(), static_cast<double>(*found)};
    }
    return {};
  });
}

bool holds(const Tensor& x, bool (*kind)(double)) { return first(x, kind).has_value(); }

// ---- The report --------------------------------------------------------------------------------

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  std::ostringstream text;
  text << value;
  return text.str();
}

// "inf at [1, 2]"
std::string at_text(const Tensor& x, const Element& element) {
  const std::string index = index_text(x.shape(), element.position);
  return number(element.value) + (index.empty() ? "" : " at " + index);
}

struct Statistics {
  Index zeros = 0, nans = 0, infinities = 0, finite = 0;
  double least = std::numeric_limits<double>::infinity(), largest = -least, sum = 0;

  explicit Statistics(const Tensor& x) {
    dispatch(x.dtype(), [&]<class T>() {
      for (const T value : x.values<T>()) count(static_cast<double>(value));
    });
  }

 private:
  void count(double value) {
    nans += std::isnan(value);
    infinities += std::isinf(value);
    zeros += value == 0;
    if (!std::isfinite(value)) return;
    ++finite;
    least = std::min(least, value);
    largest = std::max(largest, value);
    sum += value;
  }
};

std::string statistics_text(const Tensor& x) {
  if (!x.storage()) return "not kept: the vjp does not read it";
  if (x.numel() == 0) return "no elements";
  const Statistics s(x);
  std::ostringstream text;
  if (s.finite == 0)
    text << "none finite";
  else
    text << "min " << s.least << ", max " << s.largest << ", mean "
         << s.sum / static_cast<double>(s.finite);
  text << "; zeros " << s.zeros << ", NaN " << s.nans << ", infinite " << s.infinities;
  return text.str();
}

/// A tensor that an operation has to do with, and what it is to it.
struct Part {
  std::string role;  ///< "input 0 ('weight')"
  Tensor value;
};

std::string role(const char* what, std::size_t index, const Tensor& x = {}) {
  const std::string which = std::string(what) + ' ' + std::to_string(index);
  return x.name().empty() ? which : which + " ('" + x.name() + "')";
}

// A part for each tensor that is not empty.
std::vector<Part> parts(const char* what, std::span<const Tensor> tensors) {
  std::vector<Part> result;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].defined()) result.push_back({role(what, i), tensors[i]});
  return result;
}

std::vector<Part> joined(std::vector<Part> parts, const std::vector<Part>& more) {
  parts.insert(parts.end(), more.begin(), more.end());
  return parts;
}

[[noreturn]] void report(const char* operation, const std::string& what,
                         const std::vector<Part>& operands, const std::string& remarks = {}) {
  std::ostringstream text;
  text << "anomaly: " << operation << ": " << what << remarks;
  if (ambient().scope) text << "\n  in " << *ambient().scope;
  std::size_t width = 0;
  for (const Part& operand : operands) width = std::max(width, operand.role.size());
  for (const Part& operand : operands)
    text << "\n  " << std::left << std::setw(static_cast<int>(width)) << operand.role << "  "
         << operand.value.dtype() << ' ' << operand.value.shape() << "  "
         << statistics_text(operand.value);
  throw Error(text.str());
}

// What an operation was given that was not finite already, though it did not come out as such.
std::string remarks_on(const std::vector<Part>& given) {
  std::string text;
  for (const Part& operand : given)
    if (const auto element = first(operand.value, is_not_finite))
      text += "\n  " + operand.role + " already contained " + at_text(operand.value, *element);
  return text;
}

// ---- Forward -----------------------------------------------------------------------------------

std::vector<Part> parts_of(const Inputs& in) {
  std::vector<Part> operands;
  for (std::size_t i = 0; i < in.size(); ++i) operands.push_back({role("input", i, in[i]), in[i]});
  return operands;
}

bool is_leaf(const Tensor& x) { return x.tracked() && x.history().node->is_leaf(); }

// Whether infinite results are meant: those of an input handed on, or what a reduction over nothing
// is by convention. That of a leaf is not: it is a parameter that has gone astray.
bool infinity_is_meant(const Inputs& in) {
  bool meant = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const bool infinite = holds(in[i], is_infinite);
    if (infinite && is_leaf(in[i])) return false;
    meant |= infinite || in[i].numel() == 0;
  }
  return meant;
}

[[noreturn]] void report_forward(const char* operation, const Inputs& in,
                                 std::span<const Tensor> out, std::size_t index,
                                 const Element& element) {
  const std::vector<Part> given = parts_of(in);
  const std::vector<Part> all = joined(given, parts("output", out));
  const auto kind = is_nan(element.value) ? is_nan : is_infinite;
  for (const Part& operand : given)
    if (const auto source = first(operand.value, kind))
      report(operation,
             operand.role + " already holds " + at_text(operand.value, *source) +
                 ": it came from outside",
             all);
  const std::string which = out.size() == 1 ? "" : " of " + role("output", index);
  report(operation, "the forward value" + which + " is " + at_text(out[index], element), all,
         remarks_on(given));
}

// ---- Backward ----------------------------------------------------------------------------------

// Inputs and outputs, as far as their values were kept.
std::vector<Part> parts_of(const Pullback& back) {
  std::vector<Part> operands;
  for (std::size_t i = 0; i < back.input_count(); ++i) {
    const Tensor x = back.input(i);
    operands.push_back({role("input", i, x), x});
  }
  for (std::size_t i = 0; i < back.output_count(); ++i)
    operands.push_back({role("output", i), back.output(i)});
  return operands;
}

std::vector<Part> cotangents_of(const Pullback& back) {
  Tensors cotangents;
  for (std::size_t i = 0; i < back.output_count(); ++i)
    cotangents.push_back(back.cotangent(i));
  return parts("cotangent", cotangents);
}

[[noreturn]] void report_gradient(const char* operation, const Pullback& back,
                                  const Tensors& gradients, std::size_t index,
                                  const Element& element) {
  const std::vector<Part> operands = parts_of(back);
  const std::vector<Part> cotangents = cotangents_of(back);
  const std::vector<Part> all = joined(joined(operands, cotangents), parts("gradient", gradients));
  for (const Part& cotangent : cotangents)
    if (const auto source = first(cotangent.value, is_not_finite))
      report(operation,
             cotangent.role + " already holds " + at_text(cotangent.value, *source) +
                 ": it came from outside, or gradients that were added up overflowed",
             all);
  report(operation,
         "the gradient of " + operands[index].role + " is " + at_text(gradients[index], element),
         all, remarks_on(operands));
}

}  // namespace

// ---- The observer ------------------------------------------------------------------------------

void DetectAnomaly::after_forward(const char* operation, const Inputs& in,
                                  std::span<const Tensor> out) {
  if (ambient().vjp_of) return;  // a step of a vjp, whose result is looked at as a whole
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (const auto nan = first(out[i], is_nan)) report_forward(operation, in, out, i, *nan);
    const auto infinity = first(out[i], is_infinite);
    if (infinity && !infinity_is_meant(in)) report_forward(operation, in, out, i, *infinity);
  }
}

void DetectAnomaly::after_vjp(const Node& node, const Pullback& back, Tensors& gradients) {
  if (ambient().vjp_of != &node) return;  // of a sweep within another vjp
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (const auto element = first(gradients[i], is_not_finite))
      report_gradient(node.name(), back, gradients, i, *element);
}

}  // namespace adjoint
