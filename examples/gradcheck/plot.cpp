#include "examples/gradcheck/plot.h"

#include <algorithm>
#include <iomanip>

#include "autograd/support/error.h"
#include "examples/plotting/gnuplot.h"

namespace adjoint::checking {
namespace {

namespace fs = std::filesystem;

constexpr int panel_width = 860, panel_height = 600, most_columns = 2;

bool any(const TaylorRate& taylor, double TaylorRate::Step::*value) {
  return std::ranges::any_of(taylor.steps, [&](const auto& step) { return step.*value > 0; });
}

// On logarithmic axes only what is above 0 can be drawn.
std::vector<TaylorRate> drawable(const GradcheckReport& report) {
  std::vector<TaylorRate> result;
  for (const TaylorRate& taylor : report.taylor)
    if (taylor.steps.size() >= 2 && any(taylor, &TaylorRate::Step::change))
      result.push_back(taylor);
  return result;
}

// Two lines in gnuplot's notation.
std::string title(const TaylorRate& taylor) {
  using Kind = TaylorRate::Kind;
  TextStream text;
  text << "{/:Bold Taylor test " << taylor.where << "}";
  if (taylor.order > 1) text << ", order " << taylor.order;
  text << "\\n";
  if (taylor.kind == Kind::straight)
    text << "f is straight along it: all that remains is rounding";
  else if (taylor.kind == Kind::undecided)
    text << taylor.note;
  else
    text << "the remainder falls with h^{" << std::fixed << std::setprecision(2) << taylor.rate
         << "}: the gradient is " << (taylor.kind == Kind::right ? "right" : "wrong");
  return text.str();
}

// The lines of slopes 1 and 2 go below the first points, so as not to cover any.
void print_panel(std::ostream& script, const TaylorRate& taylor, std::size_t number) {
  script << "set title \"" << title(taylor) << "\"\n$steps" << number << " << END\n";
  for (const TaylorRate::Step& step : taylor.steps)
    script << step.h << ' ' << step.change << ' ' << step.remainder << '\n';
  script << "END\n";
  const TaylorRate::Step& first = taylor.steps.front();
  script << "plot [" << taylor.steps.back().h / 2 << ':' << first.h * 2 << ']';
  const char* separator = " \\\n  ";
  const auto points = [&](double TaylorRate::Step::*value, int column, const char* name) {
    if (!any(taylor, value)) return;
    script << separator << "$steps" << number << " using 1:" << column
           << " with linespoints linestyle " << column - 1 << " title '" << name << '\'';
    separator = ", \\\n  ";
  };
  const auto line = [&](double value, int slope) {
    if (value == 0) return;
    script << separator << 0.3 * value << " * (x / " << first.h << ")**" << slope
           << " with lines linestyle " << slope + 2 << " title 'slope " << slope << '\'';
  };
  points(&TaylorRate::Step::change, 2, "|φ(x + hu) − φ(x)|");
  points(&TaylorRate::Step::remainder, 3, "|φ(x + hu) − φ(x) − h⟨x̄, u⟩|");
  line(first.change, 1);
  line(first.remainder, 2);
  script << '\n';
}

}  // namespace

std::string plot_script(const GradcheckReport& report, const fs::path& path) {
  const std::vector<TaylorRate> panels = drawable(report);
  require(!panels.empty(), "plot: the report has no Taylor rate to draw");
  const auto count = static_cast<int>(panels.size());
  const int columns = std::min(count, most_columns), rows = (count + columns - 1) / columns;

  TextStream script;
  script << std::setprecision(17)
         << plotting::preamble(path, panel_width * columns, panel_height * rows) << R"(
set logscale xy
set format xy '10^{%T}'
set xlabel 'step h'
set key bottom right opaque noautotitle reverse Left samplen 2.5 spacing 1.3 width -4
set style line 3 linecolor '#888888' linewidth 1.5 dashtype 2
set style line 4 linecolor '#888888' linewidth 1.5 dashtype 4
set multiplot layout )"
         << rows << ',' << columns << '\n';
  for (std::size_t k = 0; k < panels.size(); ++k) print_panel(script, panels[k], k);
  script << "unset multiplot\n";
  return script.str();
}

void plot(const GradcheckReport& report, const fs::path& path) {
  plotting::draw(path, [&](const fs::path& picture) { return plot_script(report, picture); });
}

}  // namespace adjoint::checking
