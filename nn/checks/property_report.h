// What a check of a property reports: whether it holds, and if not, where and why.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "autograd/shape.h"

namespace adjoint::nn {

/// A way in which the property does not hold: a part of the output, and what was found about it.
struct Violation {
  std::string where;   ///< "output 0[1, 2, 3]": the worst element
  std::string what;    ///< "differs by 0.31 after replacing the other examples of lengths"
  double size = 0;     ///< how large the change or the derivative is
  Index elements = 1;  ///< how many elements it concerns
};

/// True when nothing was found. Prints in one line when all is well; else with the worst violations
/// and the usual cause. `BOOST_TEST(causality(f, {x}))` shows the report as the failure's text.
class PropertyReport {
 public:
  /// `cause` says in plain words what usually breaks the property.
  PropertyReport(std::string property, std::string cause)
      : property_(std::move(property)), cause_(std::move(cause)) {}

  explicit operator bool() const { return violations_.empty(); }
  const std::string& property() const { return property_; }
  const std::string& cause() const { return cause_; }
  const std::vector<Violation>& violations() const { return violations_; }  ///< as they were found
  /// How many elements were compared.
  Index compared() const { return compared_; }

  void add(Violation violation) { violations_.push_back(std::move(violation)); }
  void add_compared(Index elements) { compared_ += elements; }
  /// A better guess, when what was found allows one.
  void set_cause(std::string cause) { cause_ = std::move(cause); }

 private:
  std::string property_, cause_;
  std::vector<Violation> violations_;
  Index compared_ = 0;
};
std::ostream& operator<<(std::ostream& stream, const PropertyReport& report);

/// "x[1, 2]": an element, counted in row-major order, of a tensor of that name and shape.
std::string place(const std::string& name, const Shape& shape, Index element);
/// A number as reports print it.
std::string number(double value);

}  // namespace adjoint::nn
