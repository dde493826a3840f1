// What the program `selfcheck` checks: a table with three sections.
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
  std::vector<Check> checks;  ///< empty if it has no derivative
};

struct Section {
  std::string title;
  std::vector<Row> rows;
};

/// The samples of the tests, a row for each public operation.
Section operations();
/// The layers of nn, with respect to their parameters and their inputs.
Section layers();
/// Whole models with their loss, with respect to all parameters.
Section models();

}  // namespace adjoint::checks
