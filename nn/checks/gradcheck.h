// The gradient check of a module: are its parameters' gradients those of what it computes?
//
//   BOOST_TEST(nn::gradcheck(
//       model, [](const FeedForward& m, const Tensors& in) { return m(in[0], context); }, {x}));
//
// Findings name parameters by their path: "up.weight[3, 1]".
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>

#include "autograd/gradcheck.h"
#include "nn/module.h"

namespace adjoint::nn {

namespace detail {
/// Checks f(inputs, parameters), with the names and values of the f64 module's parameters.
GradcheckReport gradcheck(const Module& module,
                          const std::function<Tensors(const Tensors&, const Tensors&)>& f,
                          const Tensors& inputs, GradcheckOptions options);
/// Sets the parameters in the order of named_parameters(), where tied ones count once.
void set_parameters(Module& module, const Tensors& values);
}  // namespace detail

/// Checks the derivatives of f(module, inputs), one tensor or several (a loss, or any outputs),
/// with respect to all parameters of the module and the real inputs, as adjoint::gradcheck does.
/// Integer and boolean inputs are constants.
///
/// f receives a copy of the module in f64 and the inputs in f64; the given module, which may be
/// f32, is unchanged. f must use its arguments only: everything else counts as a constant. To check
/// dropout, create a context with the same key in each call.
///
/// `options.names` are those of the inputs (see input_names()). In the report the parameters follow
/// the inputs, under their paths.
template <std::derived_from<Module> M, class F>
GradcheckReport gradcheck(const M& module, const F& f, const Tensors& inputs,
                          const GradcheckOptions& options = {}) {
  const M wide = cast(module, DType::f64);
  const auto by_parameters = [&](const Tensors& xs, const Tensors& parameters) {
    M stand_in = wide;
    detail::set_parameters(stand_in, parameters);
    const auto result = f(std::as_const(stand_in), xs);
    if constexpr (std::same_as<std::remove_cvref_t<decltype(result)>, Tensor>)
      return Tensors{result};
    else
      return result;
  };
  return detail::gradcheck(wide, by_parameters, inputs, options);
}

}  // namespace adjoint::nn
