// Pictures of results, drawn by gnuplot as SVG.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace adjoint::experiments {

class Results;

struct Point {
  double x, y, low, high;  ///< low and high: the ends of an error bar; both NaN for none
};
/// A line with its points, or the bar of one arm.
struct Series {
  std::string name;
  std::vector<Point> points = {};
  bool is_theory = false;  ///< a thin dashed line without points
};
/// Axes and what stands on them: lines over x, or horizontal bars, one for each series.
struct Picture {
  std::string title = {}, x_label = {}, y_label = {};
  std::vector<Series> series = {};
  bool bars = false;  ///< one point in each series; its name stands beside the bar
  bool log_x = false, log_y = false;
};

/// A bar with an error bar for each arm of this quantity.
Picture bars_of(const Results& results, const std::string& title, const std::string& quantity);
/// A line for each arm of this quantity over its x.
Picture lines_of(const Results& results, const std::string& title, const std::string& x_label,
                 const std::string& quantity);

/// What gnuplot is told to do, for panels side by side.
std::string picture_script(const std::vector<Picture>& panels, const std::filesystem::path& path);
/// Draws them. The path ends in .svg. Error if gnuplot is not installed.
void draw(const std::vector<Picture>& panels, const std::filesystem::path& path);

}  // namespace adjoint::experiments
