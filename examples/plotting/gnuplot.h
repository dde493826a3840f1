// Pictures drawn by gnuplot.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace adjoint::plotting {

/// The text in gnuplot's single quotes.
std::string quoted(const std::string& text);

/// The start of every picture: encoding, size in points, fonts, thin axes, and the line styles 1
/// and 2 (blue, vermilion) to 8, then for theory 9 (grey, dashed). The path ends in .svg or .png;
/// if not, that is an Error.
std::string preamble(const std::filesystem::path& path, int width, int height);

/// Draws a picture: script(picture) tells gnuplot how to draw it to the path `picture`. A picture
/// that was there before is replaced when the new one is complete. Error if gnuplot is not
/// installed or fails, and if the file cannot be written.
void draw(const std::filesystem::path& path,
          const std::function<std::string(const std::filesystem::path& picture)>& script);

}  // namespace adjoint::plotting
