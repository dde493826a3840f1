#include "autograd/gradcheck/arrays.h"

#include "autograd/gradcheck/array_kernel.h"
#include "autograd/gradcheck/external_function.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

using checking::Kernel;
using checking::Values;

// ---- Between arrays and tensors -----------------------------------------------------------------

template <Real T>
std::vector<Values<T>> to_values(const Tensors& tensors) {
  std::vector<Values<T>> result;
  for (const Tensor& x : tensors) {
    const Tensor converted = cast(x, dtype_of<T>);
    const std::span<const T> values = converted.values<T>();
    result.emplace_back(values.begin(), values.end());
  }
  return result;
}

template <Real T>
Tensors to_tensors(const std::vector<Values<T>>& values, const std::vector<ArrayForm>& forms) {
  Tensors result;
  for (std::size_t i = 0; i < values.size(); ++i) result.push_back(from(values[i], forms[i].shape));
  return result;
}

// Runs f, and turns what it throws into an Error.
template <class F>
auto guarded(const F& f) {
  try {
    return f();
  } catch (const std::exception& error) {
    fail("it threw: ", error.what());
  } catch (...) {
    fail("it threw something that is not a std::exception");
  }
}

template <Real T>
GradcheckReport check(Kernel<T>& kernel, const std::vector<Array<T>>& inputs,
                      const std::vector<ArrayForm>& input_forms,
                      const std::vector<ArrayForm>& output_forms, GradcheckOptions options) {
  Tensors xs;
  options.names.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Array<T>& x = inputs[i];
    options.names.push_back(input_forms[i].name);
    require(std::ssize(x.values) == x.shape.numel(), "gradcheck: ", options.names[i], " has ",
            x.values.size(), " values, its shape ", x.shape, " has ", x.shape.numel());
    xs.push_back(from(x.values, x.shape));
  }
  ExternalFunction function{
      kernel.forward_name, kernel.backward_name,
      [&](const Tensors& at, bool at_point) {
        return to_tensors(guarded([&] { return kernel.forward(to_values<T>(at), at_point); }),
                          output_forms);
      },
      [&](const Tensors& at, const Tensors&, const Tensors& cotangents) {
        return to_tensors(
            guarded([&] { return kernel.backward(to_values<T>(at), to_values<T>(cotangents)); }),
            input_forms);
      }};
  if (kernel.jvp)
    function.jvp = [&](const Tensors& at, const Tensors& tangents) {
      return to_tensors(
          guarded([&] { return kernel.push_forward(to_values<T>(at), to_values<T>(tangents)); }),
          output_forms);
    };
  GradcheckReport report = check_external(function, xs, options);
  for (const Finding& finding : kernel.findings()) report.add(finding);
  std::vector<std::string> names;
  for (const ArrayForm& y : output_forms) names.push_back(y.name);
  name_outputs(report, names);
  if (std::same_as<T, float>) report.notes.push_back("computed in f32");
  return report;
}

// Gives every array a name.
std::vector<ArrayForm> named(std::vector<ArrayForm> forms, const char* role) {
  for (std::size_t i = 0; i < forms.size(); ++i)
    if (forms[i].name.empty()) forms[i].name = text_from(role, i);
  return forms;
}

template <Real T>
std::vector<ArrayForm> forms_of(const std::vector<Array<T>>& arrays) {
  std::vector<ArrayForm> forms;
  for (const Array<T>& x : arrays) forms.push_back({x.name, x.shape});
  return named(forms, "input ");
}

}  // namespace

template <Real T>
GradcheckReport check_vjp(const std::type_identity_t<ArrayForward<T>>& forward,
                          const std::type_identity_t<ArrayBackward<T>>& backward,
                          const std::vector<Array<T>>& inputs,
                          const std::vector<ArrayForm>& outputs, const ArrayOptions& options,
                          const std::type_identity_t<ArrayJvp<T>>& jvp) {
  require(forward && backward, "gradcheck: the function is empty");
  const std::vector<ArrayForm> in = forms_of(inputs), out = named(outputs, "output ");
  Kernel<T> kernel(forward, backward, in, out, options.accumulates);
  kernel.jvp = jvp;
  return check(kernel, inputs, in, out, options.check);
}

template <Real T>
GradcheckReport detail::check_scalar_function(
    const std::function<T(std::span<const T>)>& value,
    const std::function<void(std::span<const T>, std::span<T>)>& gradient, const Array<T>& x,
    const ArrayOptions& options) {
  const std::vector<ArrayForm> in = forms_of<T>({x}), out = {{"value", {}}};
  Kernel<T> kernel([&](const Spans<const T>& at, const Spans<T>& y) { y[0][0] = value(at[0]); },
                   [&](const Spans<const T>& at, const Spans<const T>&, const Spans<const T>&,
                       const Spans<T>& gradients) { gradient(at[0], gradients[0]); },
                   in, out, options.accumulates);
  kernel.forward_name = "value";
  kernel.backward_name = "gradient";
  kernel.is_scalar = true;
  return check(kernel, {x}, in, out, options.check);
}

template GradcheckReport check_vjp<float>(const ArrayForward<float>&, const ArrayBackward<float>&,
                                          const std::vector<Array<float>>&,
                                          const std::vector<ArrayForm>&, const ArrayOptions&,
                                          const ArrayJvp<float>&);
template GradcheckReport check_vjp<double>(const ArrayForward<double>&,
                                           const ArrayBackward<double>&,
                                           const std::vector<Array<double>>&,
                                           const std::vector<ArrayForm>&, const ArrayOptions&,
                                           const ArrayJvp<double>&);

namespace detail {
template GradcheckReport check_scalar_function<float>(
    const std::function<float(std::span<const float>)>&,
    const std::function<void(std::span<const float>, std::span<float>)>&, const Array<float>&,
    const ArrayOptions&);
template GradcheckReport check_scalar_function<double>(
    const std::function<double(std::span<const double>)>&,
    const std::function<void(std::span<const double>, std::span<double>)>&, const Array<double>&,
    const ArrayOptions&);
}  // namespace detail

}  // namespace adjoint
