#include "examples/plotting/gnuplot.h"

#include <optional>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/program.h"

namespace adjoint::plotting {

namespace fs = std::filesystem;

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

std::string preamble(const fs::path& path, int width, int height) {
  const std::string type = path.extension().string();
  require(type == ".svg" || type == ".png", "plot: '", path.string(), "' must end in .svg or .png");
  return text_from("set encoding utf8\nset terminal ", type == ".svg" ? "svg" : "pngcairo",
                   " enhanced size ", width, ',', height,
                   " background 'white' font 'sans,15'\nset output ", quoted(path.string()), R"(
set grid back linetype 1 linewidth 1 linecolor rgb '#e4e4e4'
set border 3
set tics nomirror
set style line 1 linecolor '#0072b2' linewidth 2 pointtype 6 pointsize 0.9
set style line 2 linecolor '#d55e00' linewidth 2 pointtype 7 pointsize 0.9
set style line 3 linecolor '#009e73' linewidth 2 pointtype 4 pointsize 0.9
set style line 4 linecolor '#cc79a7' linewidth 2 pointtype 5 pointsize 0.9
set style line 5 linecolor '#e69f00' linewidth 2 pointtype 8 pointsize 0.9
set style line 6 linecolor '#56b4e9' linewidth 2 pointtype 9 pointsize 0.9
set style line 7 linecolor '#7a5195' linewidth 2 pointtype 10 pointsize 0.9
set style line 8 linecolor '#555555' linewidth 2 pointtype 11 pointsize 0.9
set style line 9 linecolor '#888888' linewidth 1.5 dashtype 2
)");
}

void draw(const fs::path& path, const std::function<std::string(const fs::path&)>& script) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "script", picture = folder.path / path.filename();
  write_file(file, script(picture));
  const std::optional<int> status = run_program({"gnuplot", file.string()});
  require(status.has_value(),
          "plot: gnuplot is not installed; install it with apt-get install gnuplot-nox");
  require(*status == 0, "plot: gnuplot could not draw '", path.string(), "'");
  write_file(path, read_file(picture));
}

}  // namespace adjoint::plotting
