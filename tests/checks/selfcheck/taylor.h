// The Taylor rates of all operations, as a table for a README.
#pragma once

#include <string>
#include <vector>

namespace adjoint::checks {

/// Prints a row for each operation whose name contains one of these, or for each: the rates along a
/// random direction of each of its samples, with its own gradient and with one that is 1% too
/// large. Returns whether the former are 2.00 ± 0.05 and the latter are lower.
bool print_taylor_rates(const std::vector<std::string>& names);

}  // namespace adjoint::checks
