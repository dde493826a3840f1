// Modules: layers as plain structs; and the initial weights of their parameters.
//
// A module's parameters and child modules are its fields, and fields() lists them once. Names,
// counting, casting, saving and loading follow from that list.
//
//   struct Linear : Module {
//     Tensor weight, bias;
//     void fields(Fields& visit) override { visit("weight", weight)("bias", bias); }
//   };
#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"

namespace adjoint::nn {

class Fields;

/// The base of all layers. A copy of a module shares its weights, as a copy of a tensor shares its
/// storage; clone() copies the weights too.
class Module {
 public:
  virtual ~Module() = default;
  /// Calls `visit` with the name of each parameter and each child. An undefined parameter, such as
  /// an absent bias, is skipped.
  virtual void fields(Fields& visit) = 0;

 protected:
  Module() = default;
  Module(const Module&) = default;
  Module(Module&&) = default;
  Module& operator=(const Module&) = default;
  Module& operator=(Module&&) = default;
};

/// Walks through a module's fields and calls back for each parameter with its dotted path, such as
/// "encoder.blocks.1.attention.query.weight".
class Fields {
 public:
  using OnParameter = std::function<void(const std::string& path, Tensor& parameter)>;
  explicit Fields(OnParameter on_parameter) : on_parameter_(std::move(on_parameter)) {}

  Fields& operator()(const std::string& name, Tensor& parameter) {
    if (parameter.defined()) on_parameter_(prefix_ + name, parameter);
    return *this;
  }
  Fields& operator()(const std::string& name, Module& child) {
    const std::string outer = std::exchange(prefix_, prefix_ + name + ".");
    child.fields(*this);
    prefix_ = outer;
    return *this;
  }
  template <class Child>
  Fields& operator()(const std::string& name, std::optional<Child>& child) {
    return child ? (*this)(name, *child) : *this;
  }
  template <class Child>
  Fields& operator()(const std::string& name, std::vector<Child>& children) {
    for (std::size_t i = 0; i < children.size(); ++i)
      (*this)(name + "." + std::to_string(i), children[i]);
    return *this;
  }

 private:
  OnParameter on_parameter_;
  std::string prefix_;
};

/// A parameter under its name in the module, as in encoder.blocks.1.attention.query.weight.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Every parameter with its path, in the order of the fields. Tied weights are listed once, under
/// their first path.
std::vector<NamedTensor> named_parameters(const Module& module);
Tensors parameters(const Module& module);
/// The number of elements of all parameters.
Index parameter_count(const Module& module);

/// Replaces every parameter by what `f` returns for it. Tied weights stay tied: f is called once.
void replace_parameters(Module& module,
                        const std::function<Tensor(const std::string& path, const Tensor&)>& f);
/// Labels each parameter with its path, which errors and traces show.
inline void name_parameters(Module& module) {
  replace_parameters(module,
                     [](const std::string& path, const Tensor& x) { return variable(x, path); });
}

/// The same module with a copy of its weights; the copies are leaves.
template <class M>
M clone(const M& module) {
  M result = module;
  replace_parameters(result, [](const std::string& path, const Tensor& parameter) {
    return variable(copy(parameter), path);
  });
  return result;
}

/// The same module with a copy of its weights in another real type: f64 to check a model made in
/// f32.
template <class M>
M cast(const M& module, DType dtype) {
  M result = module;
  replace_parameters(result, [dtype](const std::string& path, const Tensor& parameter) {
    return variable(copy(adjoint::cast(detach(parameter), dtype)), path);
  });
  return result;
}

// ---- Initial weights: leaves --------------------------------------------------------------------

/// Uniform in ±√(6 / (inputs + outputs)), for a weight [outputs, inputs]: keeps the variance of
/// values and of gradients about equal from layer to layer. (Glorot and Bengio 2010, equation 16.)
inline Tensor xavier_uniform(const Shape& shape, Key key, DType dtype = DType::f32) {
  require(shape.rank() == 2 && shape.numel() > 0,
          "xavier_uniform: needs a weight [outputs, inputs], got ", shape);
  const double bound = std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
  return variable(uniform(shape, -bound, bound, key, dtype));
}
/// Normal with mean 0 and this standard deviation.
inline Tensor normal_weight(const Shape& shape, double deviation, Key key,
                            DType dtype = DType::f32) {
  return variable(normal(shape, 0, deviation, key, dtype));
}
/// One value everywhere: biases of zeros, gains of ones.
inline Tensor constant_weight(const Shape& shape, double value, DType dtype = DType::f32) {
  return variable(full(shape, value, dtype));
}

}  // namespace adjoint::nn
