// Gradient checks of plain C++ functions and of kernels on raw arrays. This is the only header that
// such a check includes.
//
//   const auto value = [](std::span<const double> x) { return x[0] * std::sin(x[1]); };
//   const auto gradient = [](std::span<const double> x, std::span<double> g) {
//     g[0] = std::sin(x[1]);
//     g[1] = x[0] * std::cos(x[1]);
//   };
//   std::cout << check_gradient(value, gradient, {2.0, 0.5}) << '\n';
//
// For a kernel with several inputs or outputs there is check_vjp. Everything holds for float as
// well as for double; functions of float are called in float.
#pragma once

#include <functional>
#include <ranges>
#include <span>
#include <type_traits>

#include "autograd/gradcheck.h"

namespace adjoint {

/// An input: what reports call it, its axes, and its elements in row-major order.
template <Real T>
struct Array {
  std::string name;
  Shape shape;
  std::vector<T> values;
};

/// An output, of which only the shape is known before it is computed.
struct ArrayForm {
  std::string name;
  Shape shape;
};

/// How check_vjp() and check_gradient() go about it.
struct ArrayOptions {
  /// The gradients are added to what their arrays hold, as in x̄ += …, and not stored in its place.
  bool accumulates = false;
  /// `names` come from the arrays; `order` must be 1.
  GradcheckOptions check = {};
};

/// One span for each array.
template <class T>
using Spans = std::vector<std::span<T>>;
/// Computes the outputs. What has no derivative, such as sizes and indices, the function captures.
template <Real T>
using ArrayForward = std::function<void(const Spans<const T>& inputs, const Spans<T>& outputs)>;
/// Computes x̄ = Jᵀ ȳ: one gradient for each input, of its shape.
template <Real T>
using ArrayBackward =
    std::function<void(const Spans<const T>& inputs, const Spans<const T>& outputs,
                       const Spans<const T>& cotangents, const Spans<T>& gradients)>;

/// Computes J u, how the outputs change when the inputs move along u.
template <Real T>
using ArrayJvp = std::function<void(const Spans<const T>& inputs, const Spans<const T>& tangents,
                                    const Spans<T>& output_tangents)>;

/// Checks the backward function of a kernel at these inputs:
///
///   check_vjp(
///       [](auto& in, auto& out) { matmul(in[0].data(), in[1].data(), out[0].data(), 3, 4, 5); },
///       [](auto& in, auto&, auto& cotangents, auto& gradients) { … },
///       {{"a", {3, 4}, a}, {"b", {4, 5}, b}}, {{"c", {3, 5}}});
///
/// For kernels in single precision write check_vjp<float>. The forward runs just before each
/// backward, on the same arrays, so a layer may keep what its backward needs.
///
/// Beside wrong derivatives the report names an element of an output or a gradient that is not
/// written, or depends on what the array held before; an array that is changed but should only be
/// read; writes up to 64 elements outside of an array; and what a function throws. Arrays are
/// surrounded by NaN, so what is read outside of them shows as well.
///
/// A jvp, where there is one, is compared with the backward: ⟨ȳ, J u⟩ = ⟨Jᵀ ȳ, u⟩.
///
/// Error if the number of values does not fit a shape, or there is nothing to check.
template <Real T = double>
GradcheckReport check_vjp(const std::type_identity_t<ArrayForward<T>>& forward,
                          const std::type_identity_t<ArrayBackward<T>>& backward,
                          const std::vector<Array<T>>& inputs,
                          const std::vector<ArrayForm>& outputs, const ArrayOptions& options = {},
                          const std::type_identity_t<ArrayJvp<T>>& jvp = nullptr);

namespace detail {
template <Real T>
GradcheckReport check_scalar_function(
    const std::function<T(std::span<const T>)>& value,
    const std::function<void(std::span<const T>, std::span<T>)>& gradient, const Array<T>& x,
    const ArrayOptions& options);

template <class F, class T, class... Result>
concept TakesArray = std::invocable<F&, std::span<const T>, Result...> ||
    std::invocable<F&, std::vector<T>, Result...>;

/// Calls f with the elements as a span, or as the vector that it asks for.
template <class T, class F, class... Result>
requires TakesArray<F, T, Result...>
decltype(auto) call(F& f, std::span<const T> x, Result... result) {
  if constexpr (std::invocable<F&, std::span<const T>, Result...>)
    return f(x, result...);
  else
    return f(std::vector<T>(x.begin(), x.end()), result...);
}

template <Real T>
const Array<T>& as_array(const Array<T>& x) {
  return x;
}
template <std::ranges::input_range X>
auto as_array(const X& x) {
  using T = std::ranges::range_value_t<X>;
  const std::vector<T> values(std::ranges::begin(x), std::ranges::end(x));
  return Array<T>{"x", {std::ssize(values)}, values};
}
}  // namespace detail

/// Checks the gradient of a function of one array with a number as its value. Both take x as a
/// std::span<const T> or as a vector. The gradient is written to a std::span<T>, the second
/// argument, or is returned as a vector. x is any range of double or float, or an Array with a name
/// and a shape. Errors and findings as for check_vjp.
template <class Value, class Gradient, class X = std::vector<double>>
GradcheckReport check_gradient(Value value, Gradient gradient, const X& x,
                               const ArrayOptions& options = {}) {
  const auto array = detail::as_array(x);
  using T = typename decltype(array.values)::value_type;
  static_assert(detail::TakesArray<Value, T>,
                "value is a function of one std::span<const T> or std::vector<T>, where T is the "
                "type of the elements of x");
  constexpr bool writes = detail::TakesArray<Gradient, T, std::span<T>>;
  static_assert(writes || detail::TakesArray<Gradient, T>,
                "gradient is a function of x that returns a vector, or one of x and of the "
                "std::span<T> that it writes to");
  const auto values = [&](std::span<const T> at) {
    return static_cast<T>(detail::call<T>(value, at));
  };
  const auto gradients = [&](std::span<const T> at, std::span<T> result) {
    if constexpr (writes) {
      detail::call<T>(gradient, at, result);
    } else {
      const auto returned = detail::call<T>(gradient, at);
      require(std::size(returned) == result.size(), "returned ", std::size(returned),
              " elements where x has ", result.size());
      std::ranges::copy(returned, result.begin());
    }
  };
  return detail::check_scalar_function<T>(values, gradients, array, options);
}

}  // namespace adjoint
