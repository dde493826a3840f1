// The gradient check of a module: are its parameters' gradients those of what it computes?
//
//   BOOST_TEST(nn::gradcheck(
//       model, [](const FeedForward& m, const Tensors& in) { return m(in[0], context); }, {x}));
//
// Findings name parameters by their path: "up.weight[3, 1]".
#pragma once

#include <algorithm>
#include <concepts>
#include <span>
#include <type_traits>

#include "autograd/gradcheck.h"
#include "nn/module.h"

namespace adjoint::nn {

/// Checks the derivatives of f(module, inputs), one tensor or several (a loss, or any outputs),
/// with respect to all parameters of the module and the real inputs, as adjoint::gradcheck does.
/// Integer and boolean inputs are constants.
///
/// f receives a copy of the module in f64 and the inputs in f64; then both in f32, to compare
/// (options.single). The given module is unchanged. f must use its arguments only: everything else
/// counts as a constant. To check dropout, create a context with the same key in each call.
///
/// `options.names` are those of the inputs (see input_names()). In the report the parameters follow
/// the inputs, under their paths.
template <std::derived_from<Module> M, class F>
GradcheckReport gradcheck(const M& module, const F& f, const Tensors& inputs,
                          GradcheckOptions options = {}) {
  const M wide = cast(module, DType::f64);
  const auto of_all = [&](const Tensors& all) {  // inputs…, parameters…
    M stand_in = wide;
    auto next = all.begin() + std::ssize(inputs);
    const Tensors xs(all.begin(), next);
    replace_parameters(stand_in, [&](const std::string&, const Tensor&) { return *next++; });
    const auto result = f(std::as_const(stand_in), xs);
    if constexpr (std::same_as<std::remove_cvref_t<decltype(result)>, Tensor>)
      return Tensors{result};
    else
      return result;
  };
  require(options.names.size() <= inputs.size(), "gradcheck: ", options.names.size(), " names for ",
          inputs.size(), " inputs; parameters have theirs already");
  options.names = input_names(inputs, options.names);
  Tensors all = inputs;
  for (const NamedTensor& parameter : named_parameters(wide)) {
    options.names.push_back(parameter.name);
    all.push_back(parameter.tensor);
  }
  const GradcheckReport report = adjoint::gradcheck(of_all, all, options);
  const auto is_unused = [&](const std::string& name) {
    return std::ranges::count(report.unused, name) > 0;
  };
  const auto parameters = std::span(options.names).subspan(inputs.size());
  require(parameters.empty() || !report || !std::ranges::all_of(parameters, is_unused),
          "gradcheck: no parameter of the module has any influence: f must use the module it is "
          "given, not another one");
  return report;
}

}  // namespace adjoint::nn
