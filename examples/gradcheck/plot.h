// A picture of the Taylor test.
#pragma once

#include <filesystem>

#include "autograd/gradcheck.h"

namespace adjoint::checking {

/// Draws how the change of φ and the remainder of its tangent fall with the step, beside slopes 1
/// and 2, one panel for each Taylor rate in the report. The path ends in .svg or .png. gnuplot
/// draws it. Error if it is not installed, if there is no rate to draw, or if the file cannot be
/// written.
void plot(const GradcheckReport& report, const std::filesystem::path& path);

/// What gnuplot is told to do.
std::string plot_script(const GradcheckReport& report, const std::filesystem::path& path);

}  // namespace adjoint::checking
