// The result of checking a property: whether it holds, and if not, where and why.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "autograd/tensor.h"

namespace adjoint::nn {

/// One way in which the property does not hold.
struct Violation {
  std::string where;   ///< "output 0[1, 2, 3]": the worst element
  std::string what;    ///< "differs by 0.31 after replacing the other examples of lengths"
  double size = 0;     ///< of the difference or the derivative
  Index elements = 1;  ///< number of elements affected
};

/// True if no violation was found. Prints one line if all is well, otherwise the worst violations
/// and the usual cause. `BOOST_TEST(causality(f, {x}))` shows the report if it fails.
struct PropertyReport {
  std::string property;                    ///< "batch independence"
  std::string cause;                       ///< what usually breaks it, in plain words
  std::vector<Violation> violations = {};  ///< in the order found
  Index compared = 0;                      ///< number of elements compared

  explicit operator bool() const { return violations.empty(); }

  /// Compares two tensors within `tolerance` (see PropertyOptions), and adds a violation if they
  /// differ. `circumstance` completes the sentence: "with padding longer by 3". Only elements in
  /// the b8 `mask` count, or all if it is undefined. Error if the shapes differ.
  void compare(const std::string& name, const Tensor& actual, const Tensor& expected,
               const std::string& circumstance, double tolerance, const Tensor& mask = {});
};
std::ostream& operator<<(std::ostream& stream, const PropertyReport& report);

namespace detail {

/// The given tolerance, or the default for the type if it is 0.
double tolerance_for(DType dtype, double given);
/// A number with the precision that reports use.
std::string number(double value);
/// The elements as f64.
std::vector<double> numbers(const Tensor& x);
/// The number of true elements of a mask.
Index count(const Tensor& mask);

/// The largest |x| among the elements of a mask (or all, if it is undefined), its position, and how
/// many exceed a limit. NaN counts as infinite.
struct Extreme {
  double size = 0;
  Index element = 0, exceeding = 0;
};
Extreme extreme(const std::vector<double>& xs, const Tensor& mask, double limit);

}  // namespace detail

}  // namespace adjoint::nn
