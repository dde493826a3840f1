// What the program prints about an expression.
#pragma once

#include <ostream>

#include "examples/explain/evaluator.h"

namespace adjoint::expression {

struct Settings {
  bool gradcheck = false;  ///< check the derivatives instead of explaining them
  int order = 1;           ///< 2: also second derivatives
  bool json = false;       ///< print JSON: the tape, or the report of the check
  bool dot = false;        ///< print the tape as a Graphviz graph
  bool f32 = false;        ///< compute in f32
  std::string html{};      ///< write the page that steps through the tape here; empty: none
  std::string title{};     ///< of the page
};

/// Prints the story of the result and its derivatives, or what the settings ask for. Returns the
/// exit code: 0, or what the gradient check says, 1 for a wrong derivative and 3 for undecidable.
/// Problem as for evaluate(), and if the result has a NaN.
int report(std::ostream& stream, const Program& program, const Settings& settings);

}  // namespace adjoint::expression
