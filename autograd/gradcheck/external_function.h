// A function that lives outside the library, with its own derivative: a kernel on raw arrays, or a
// program. The checker sees it as one operation, so it is checked like any other.
#pragma once

#include <functional>

#include "autograd/gradcheck.h"

namespace adjoint {

/// The callbacks take and return detached tensors. They may throw two kinds of exceptions: an Error
/// with the function's own words where it refuses these inputs, and Gone where it will never answer
/// again.
struct ExternalFunction {
  /// What reports call the two: "forward" and "backward".
  std::string forward_name, vjp_name;
  /// The outputs. `at_point` says whether these are the inputs that are checked, or others nearby.
  std::function<Tensors(const Tensors& inputs, bool at_point)> forward;
  /// One gradient for each input; those of integer inputs are not read. The cotangents have the
  /// forms of the real outputs; of the others they are empty.
  std::function<Tensors(const Tensors& inputs, const Tensors& outputs, const Tensors& cotangents)>
      vjp;
  /// J u for the tangents u of the inputs, empty ones for integer inputs; optional. It is compared
  /// with the vjp.
  std::function<Tensors(const Tensors& inputs, const Tensors& tangents)> jvp = {};
};

/// Thrown by a function that will never answer again, such as a program that ended.
class Gone : public Error {
 public:
  using Error::Error;
};

/// gradcheck() of such a function in first order; `options.walk` has no meaning. Where it fails to
/// answer, there is a finding with its words, and what was measured before is kept. Error if the
/// order is not 1.
GradcheckReport check_external(const ExternalFunction& f, const Tensors& inputs,
                               GradcheckOptions options);

/// Puts the names in place of "output 0", "output 1", … in all that the report says.
void name_outputs(GradcheckReport& report, const std::vector<std::string>& names);

}  // namespace adjoint
