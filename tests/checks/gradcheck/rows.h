// What the program `gradcheck` checks: a table in three parts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace adjoint::checks {

/// One function at one point.
struct Check {
  std::string label;
  std::function<GradcheckReport(const GradcheckOptions&)> run;
};

struct Row {
  std::string name;
  std::vector<Check> checks;  ///< none: it has no derivative
};

struct Part {
  std::string title;
  std::vector<Row> rows;
};

/// The samples of the tests, a row for each public operation.
Part operations();
/// The layers of nn, with respect to their parameters and their inputs.
Part layers();
/// Whole models with their loss, with respect to all parameters.
Part models();

}  // namespace adjoint::checks
