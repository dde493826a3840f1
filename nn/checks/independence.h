// The question behind most properties: does one part of the output depend on one part of the input?
// And the report, which says whether a property holds, and if not, where and why.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"

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

/// What the checks of properties vary, and how closely they compare.
struct PropertyOptions {
  Key key{1};                           ///< for random cotangents, contents and permutations
  std::vector<std::string> names = {};  ///< of the inputs, see input_names()
  /// Replacement contents, one tensor of the same form for each input. If absent or undefined, each
  /// element is replaced by a different value from the same tensor, so that ids stay ids and
  /// lengths stay lengths. Error if all its elements are equal.
  Tensors others = {};
  /// Two results are equal within this part of an output's largest element; 0 means 10⁻¹⁰ in f64
  /// and 10⁻⁴ in f32. Summing a thousand terms in another order changes 10⁻¹³ (10⁻⁵); a dependence
  /// on random contents changes about as much as the contents.
  double tolerance = 0;
};

/// Some elements of several tensors: a b8 mask for each, undefined if no element is included.
struct Region {
  std::string name;  ///< "the output of example 1", "the padding"
  Tensors masks;
};
/// The elements of each tensor whose index along an axis fulfils a condition.
Region region_along(std::string name, const Tensors& xs, Index axis,
                    const std::function<bool(Index)>& holds);
Region everything(const Tensors& xs);
/// Mask of the rows of a tensor [batch, steps, …] that fulfil a condition.
Tensor mask_of_rows(const Shape& shape,
                    const std::function<bool(Index example, Index step)>& holds);

/// Asks which parts of a function's output depend on which parts of its input, at one point. The
/// answers go into the report.
class Independence {
 public:
  Independence(const Function& f, const Tensors& inputs, const PropertyOptions& options,
               PropertyReport& report);

  const Tensors& inputs() const { return inputs_; }
  const Tensors& outputs() const { return at_inputs_.value; }

  /// Checks that nothing in `guarded` (part of the outputs) depends on anything in `hidden` (part
  /// of the inputs), in two ways. The block of the Jacobian is zero: a random cotangent on
  /// `guarded` gives exact zeros in `hidden`. And `guarded` does not change if `hidden` is
  /// replaced, one input after the other, which also covers what has no gradient: ids, lengths,
  /// masks.
  void require_none(const Region& guarded, const Region& hidden);
  /// The gradient of a random weighting of the region, one for each input; undefined for inputs
  /// that are not real.
  Tensors gradients(const Region& guarded);
  /// Compares tensors in a region of the outputs. `circumstance`: "with padding longer by 3".
  void require_equal(const Tensors& actual, const Tensors& expected, const Region& region,
                     const std::string& circumstance);
  /// f at other inputs, unrecorded. Error if the number of outputs differs there.
  Tensors evaluate(const Tensors& inputs) const;

 private:
  Tensor replaced(std::size_t i, const Tensor& mask);

  Function f_;
  PropertyOptions options_;
  PropertyReport& report_;
  std::vector<std::string> names_;
  Tensors inputs_;
  Vjp<Tensors> at_inputs_;
  std::uint64_t draws_ = 0;
};

namespace detail {
/// The given tolerance, or the default for the type if it is 0.
double tolerance_for(DType dtype, double given);
std::string number(double value);  ///< with the precision that reports use
std::vector<double> numbers(const Tensor& x);
Index count(const Tensor& mask);  ///< of true elements

/// The largest |x| among the elements of a mask (or all, if it is undefined), its position, and how
/// many exceed a limit. NaN counts as infinite.
struct Extreme {
  double size = 0;
  Index element = 0, exceeding = 0;
};
Extreme extreme(const std::vector<double>& xs, const Tensor& mask, double limit);
}  // namespace detail

}  // namespace adjoint::nn
