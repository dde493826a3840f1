#include "autograd/tools/explain_not_finite.h"

#include <algorithm>
#include <cmath>

#include "autograd/support/error.h"
#include "autograd/tools/inspect.h"

namespace adjoint::telling {
namespace {

using Story = TapeStory;

double element(const Tensor& x, Index position) {
  return dispatch(x.dtype(), [&]<class T>() {
    return static_cast<double>(x.values<T>()[static_cast<std::size_t>(position)]);
  });
}

bool has_nan(const Tensor& x) { return x.defined() && statistics(x).nan > 0; }
bool has_infinity(const Tensor& x) { return x.defined() && statistics(x).infinite > 0; }

// Whether an element is like that. Of a tensor in the gradient's shape, only elements where the
// gradient is NaN count.
template <class Condition>
bool any_at_nan(const Tensor& x, const Tensor& gradient, Condition condition) {
  if (!x.defined()) return false;
  const bool aligned = x.shape() == gradient.shape();
  for (Index i = 0; i < x.numel(); ++i)
    if ((!aligned || std::isnan(element(gradient, i))) && condition(element(x, i))) return true;
  return false;
}

Tensors operands(const Story& story, const Story::Node& node) {
  Tensors values;
  for (const Story::Input& x : node.inputs)
    values.push_back(x.node > 0 ? story.value(x.node, x.output).values : x.values);
  return values;
}

std::string why_nan(const Story::Node& node, const Tensors& operands, const Story::Vjp& vjp,
                    std::size_t input) {
  const Tensor& gradient = vjp.gradients[input];
  const auto any = [&](const Tensors& tensors, auto condition) {
    return std::ranges::any_of(tensors,
                               [&](const Tensor& x) { return any_at_nan(x, gradient, condition); });
  };
  const auto is_zero = [](double x) { return x == 0; };
  for (const Story::Output& y : node.outputs)
    if (has_nan(y.values)) return "NaN, because y itself is NaN: the operation has no value there.";
  if (node.operation == "pow" && input == 1 &&
      any_at_nan(operands[0], gradient, [](double a) { return a < 0; }))
    return "NaN, because a is negative and has no logarithm: b has a gradient only where a ≥ 0.";
  if (any(vjp.cotangents, is_zero))
    return "NaN, because 0 · ∞ is: ȳ is 0 and the slope is infinite. Where the result is not used, "
           "give the operation a safe operand: where(c, f(where(c, x, 1)), 0), f being the "
           "operation.";
  if (any(vjp.cotangents, [](double g) { return std::isinf(g); }))
    return "NaN, because ∞ · 0 is: ȳ is infinite and the slope is 0.";
  return "NaN, though ȳ is not: the formula has no value at this point.";
}

}  // namespace

std::string why_not_finite(const Story& story, const Story::Vjp& vjp, std::size_t input) {
  const Tensor& gradient = vjp.gradients[input];
  if (!gradient.defined() || statistics(gradient).finite()) return "";
  const Story::Node& node = story.node(vjp.node);
  const Tensors values = operands(story, node);
  const auto explained_by = [&](auto condition) {
    return std::ranges::any_of(values, condition) || std::ranges::any_of(vjp.cotangents, condition);
  };
  if (has_nan(gradient)) return explained_by(has_nan) ? "" : why_nan(node, values, vjp, input);
  if (explained_by(has_infinity)) return "";
  return text_from("Infinite: the slope is infinite here, or too large for ", gradient.dtype(),
                   '.');
}

}  // namespace adjoint::telling
