// The stored vectors, one case at a time: what a check has to compute, and with what it is
// compared.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autograd/support/ambient.h"
#include "nn/batch/layout.h"
#include "nn/module.h"

namespace adjoint::parity {

/// How a case is computed: in which type, by fused kernels or by their formulas.
struct Mode {
  DType dtype = DType::f64;
  bool composed = false;
};

/// A case of the safetensors files beside this one. It keeps account of what was used and compared:
/// a case is done when every tensor that the file has of it was read, every gradient compared.
class Case {
 public:
  Case(std::string name, Mode mode);

  const std::string& name() const { return name_; }
  DType dtype() const { return mode_.dtype; }
  bool has(const std::string& key) const;
  /// A constant: reals in the mode's type, others as they are.
  Tensor constant(const std::string& key);
  double number(const std::string& key) { return constant(key).item(); }
  std::vector<Index> lengths(const std::string& key);
  /// An input whose gradient is stored, as a leaf.
  Tensor input(const std::string& key);
  /// The module in the mode's type with the case's parameters; a/b/c is the parameter a.b.c.
  template <class M>
  M module(const M& made, const std::string& prefix = "") {
    M result = nn::cast(made, dtype());
    fill(result, prefix);
    return result;
  }

  /// Compares with a stored tensor.
  void compare(const std::string& key, const Tensor& actual);
  void compare(const std::string& key, double actual);
  /// Only the rows that are real.
  void compare_rows(const std::string& key, const Tensor& actual, const nn::Layout& layout);
  /// Compares the gradients of Σ output ⊙ cotangent with respect to all inputs and parameters.
  void compare_gradients(const Tensor& output);
  /// The same for a loss.
  void compare_gradients_of(const Tensor& loss);
  /// Forgets the leaves, for a second way to compute the same case.
  void again() { leaves_.clear(); }

  /// What of the case was never asked for.
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

/// The names of all cases that the files have.
std::vector<std::string> stored_cases();

/// The checks of each file beside this one, by the names of their cases.
using Checks = std::map<std::string, void (*)(Case&)>;
const Checks& layer_checks();
const Checks& transformer_checks();
const Checks& recurrent_checks();
const Checks& optimizer_checks();

/// The rows of x [batch, steps, …] that are real, in the given layout: packed or padded.
Tensor arranged(const Tensor& x, const nn::Layout& layout, const nn::Layout& padded);

}  // namespace adjoint::parity
