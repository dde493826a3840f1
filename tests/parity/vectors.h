// The stored vectors, one case at a time: what a check has to compute, and the expected result.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autograd/support/ambient.h"
#include "nn/batch/layout.h"
#include "nn/module.h"

namespace adjoint::parity {

/// How a case is computed: in which dtype, and with fused kernels or with the formulas they
/// replace.
struct Mode {
  DType dtype = DType::f64;
  bool composed = false;
};

/// A case of the safetensors files beside this one. It records what was used and compared: a check
/// is complete when it has read every tensor of the case and compared every gradient.
class Case {
 public:
  Case(std::string name, Mode mode);

  const std::string& name() const { return name_; }
  DType dtype() const { return mode_.dtype; }
  bool has(const std::string& key) const;
  /// A constant: reals in the mode's dtype, others unchanged.
  Tensor constant(const std::string& key);
  double number(const std::string& key) { return constant(key).item(); }
  std::vector<Index> lengths(const std::string& key);
  /// An input with a stored gradient, as a leaf.
  Tensor input(const std::string& key);
  /// The module in the mode's dtype, filled with the case's parameters; a/b/c is the parameter
  /// a.b.c.
  template <class M>
  M module(const M& made, const std::string& prefix = "") {
    M result = nn::cast(made, dtype());
    fill(result, prefix);
    return result;
  }

  /// Compares with a stored tensor.
  void compare(const std::string& key, const Tensor& actual);
  void compare(const std::string& key, double actual);
  /// The same for the real rows only.
  void compare_rows(const std::string& key, const Tensor& actual, const nn::Layout& layout);
  /// Compares the gradients of Σ output ⊙ cotangent with respect to all inputs and parameters.
  void compare_gradients(const Tensor& output);
  /// The same for a loss.
  void compare_gradients_of(const Tensor& loss);
  /// Forgets the leaves, so that the same case can be computed in a second way.
  void again() { leaves_.clear(); }

  /// The tensors of the case that were never read.
  std::vector<std::string> unused() const;
  /// The largest |actual − expected| / max(1, max |expected|) so far.
  double worst() const { return worst_; }

 private:
  const Tensor& stored(const std::string& key);
  void fill(nn::Module& module, const std::string& prefix);
  void compare(const std::string& key, const Tensor& expected, const Tensor& actual);

  std::string name_;
  Mode mode_;
  std::map<std::string, bool> used_;
  std::map<std::string, Tensor> leaves_;
  double worst_ = 0;
};

/// The names of all cases in the files.
std::vector<std::string> stored_cases();

/// The checks in the sources beside this one, by the names of their cases.
using Checks = std::map<std::string, void (*)(Case&)>;
const Checks& layer_checks();
const Checks& transformer_checks();
const Checks& recurrent_checks();
const Checks& optimizer_checks();

/// The real rows of x [batch, steps, …] in the given layout, packed or padded.
Tensor arranged(const Tensor& x, const nn::Layout& layout, const nn::Layout& padded);

}  // namespace adjoint::parity
