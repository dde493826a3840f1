// The gradient check of a module: are the gradients of its parameters those of what it computes?
//
//   BOOST_TEST(nn::gradcheck(
//       model, [](const FeedForward& m, const Tensors& in) { return m(in[0], context); }, {x}));
//
// A finding reads "up.weight[3, 1]".
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>

#include "autograd/gradcheck.h"
#include "nn/module.h"

namespace adjoint::nn {

namespace detail {
/// The check of f(inputs, parameters). `module` tells the parameters, all in f64.
GradcheckReport gradcheck(const Module& module,
                          const std::function<Tensors(const Tensors&, const Tensors&)>& f,
                          const Tensors& inputs, GradcheckOptions options);
/// Sets each parameter; tied ones count as one, as in named_parameters().
void set_parameters(Module& module, const Tensors& values);
}  // namespace detail

/// Checks adjoint::gradcheck-wise the derivatives of f(module, inputs), one tensor or several (a
/// loss, or any outputs), by all parameters of the module and by the real inputs. Integers and
/// booleans among the inputs are constants.
///
/// f is called with a copy of the module in f64, and with the inputs in f64; the given module is
/// left alone, so that one made in f32 for training can be checked. f must take everything that it
/// computes from its arguments: what it takes from elsewhere is a constant. Dropout is checked by
/// making a context with the same key in each call.
///
/// `options.names` are those of the inputs, by default those of variable(), or "input 0". The
/// parameters follow the inputs in the report's numbers; their names are their paths.
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
