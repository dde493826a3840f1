#include "examples/experiments/frame/picture.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/support/error.h"
#include "examples/experiments/frame/results.h"
#include "examples/experiments/frame/statistics.h"
#include "examples/plotting/gnuplot.h"

namespace adjoint::experiments {
namespace {

constexpr int panel_width = 620, lines_height = 460, bar_height = 34, around_bars = 130;
constexpr int theory_style = 9, styles = 8;

Point point_of(double x, const std::vector<double>& values) {
  const Interval found = interval(values);
  return {x, found.mean, found.low, found.high};
}

int height_of(const Picture& picture) {
  return picture.bars ? around_bars + bar_height * static_cast<int>(picture.series.size())
                      : lines_height;
}

// "$block << END", a line for each point, "END". Without an error bar, its ends are the point.
std::string data_of(const std::string& block, const std::vector<Point>& points) {
  std::string text = block + " << END\n";
  for (const Point& point : points)
    text += text_from(point.x, ' ', point.y, ' ', std::isnan(point.low) ? point.y : point.low, ' ',
                      std::isnan(point.high) ? point.y : point.high, '\n');
  return text + "END\n";
}

// gnuplot's enhanced text takes these letters for commands.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("_^{}@&~\\").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}
std::string label(const std::string& text) { return plotting::quoted(plain(text)); }

std::string axes(const Picture& picture) {
  return "unset logscale\nset title " + label(picture.title) + "\nset xlabel " +
         label(picture.x_label) + "\nset ylabel " + label(picture.y_label) + '\n' +
         (picture.log_x ? "set logscale x 2\n" : "") + (picture.log_y ? "set logscale y\n" : "");
}

// From a little before the first x to a little behind the last, so that no error bar is cut.
std::string x_range(const Picture& picture) {
  double first = std::numeric_limits<double>::infinity(), last = -first;
  for (const Series& series : picture.series)
    for (const Point& point : series.points) {
      first = std::min(first, point.x);
      last = std::max(last, point.x);
    }
  if (picture.log_x) return text_from('[', first / 1.1, ':', last * 1.1, ']');
  const double margin = first < last ? 0.02 * (last - first) : 1;
  return text_from('[', first - margin, ':', last + margin, ']');
}

// Bars lie, so that their names have room; the first is on top.
std::string bars_script(const Picture& picture, const std::string& block) {
  std::vector<Point> points;
  std::string names;
  for (std::size_t i = 0; i < picture.series.size(); ++i) {
    const Series& series = picture.series[i];
    require(series.points.size() == 1, "picture: a bar for ", series.points.size(), " points");
    Point point = series.points[0];
    point.x = -static_cast<double>(i);
    points.push_back(point);
    names += text_from(i == 0 ? "" : ", ", label(series.name), ' ', -static_cast<double>(i));
  }
  return data_of(block, points) + axes(picture) + "set ytics scale 0 (" + names +
         ")\nset key off\nset yrange [" + text_from(0.6 - static_cast<double>(points.size())) +
         ":0.6]\nset xrange [" +
         (std::ranges::any_of(points, [](const Point& p) { return p.low < 0 || p.y < 0; }) ? "*"
                                                                                           : "0") +
         ":*]\nset boxwidth 0.6\nset style fill solid 0.85 noborder\nplot " + block +
         " using ($2 / 2):1:($2 / 2):(0.3) with boxxyerror linecolor '#0072b2', " + block +
         " using 2:1:3:4 with xerrorbars linecolor '#222222' linewidth 1.5 pointtype 7 pointsize "
         "0.4\n";
}

std::string lines_script(const Picture& picture, const std::string& block) {
  std::string data, plot;
  for (std::size_t i = 0, style = 0; i < picture.series.size(); ++i) {
    const Series& series = picture.series[i];
    const std::string own = block + '_' + std::to_string(i);
    data += data_of(own, series.points);
    const int number = series.is_theory ? theory_style : 1 + static_cast<int>(style++ % styles);
    plot += i == 0 ? "plot " : ", \\\n  ";
    if (!series.is_theory)  // below the points, whose surroundings are left blank
      plot += own + " using 1:2:3:4 with yerrorbars linestyle " + std::to_string(number) +
              " linewidth 1 pointsize 0.1 notitle, ";
    plot += own + " using 1:2" + (series.is_theory ? " with lines" : " with linespoints") +
            " linestyle " + std::to_string(number) + " title " + label(series.name);
  }
  return data + axes(picture) +
         "set key outside below horizontal reverse Left samplen 2 spacing 1.2\n"
         "set yrange [*:*]\nset ytics scale 1 autofreq\nset xrange " +
         x_range(picture) + '\n' + plot + '\n';
}

}  // namespace

Picture bars_of(const Results& results, const std::string& title, const std::string& quantity) {
  Picture picture{.title = title, .x_label = quantity, .bars = true};
  for (const std::string& arm : results.arms(quantity))
    picture.series.push_back({arm, {point_of(0, results.values(quantity, arm))}});
  return picture;
}

Picture lines_of(const Results& results, const std::string& title, const std::string& x_label,
                 const std::string& quantity) {
  Picture picture{.title = title, .x_label = x_label, .y_label = quantity};
  for (const std::string& arm : results.arms(quantity)) {
    Series& series = picture.series.emplace_back(arm);
    for (const double x : results.places(quantity, arm))
      series.points.push_back(point_of(x, results.values(quantity, arm, x)));
  }
  return picture;
}

std::string picture_script(const std::vector<Picture>& panels, const std::filesystem::path& path) {
  require(!panels.empty(), "picture: there is nothing to draw");
  int height = 0;
  for (const Picture& panel : panels) height = std::max(height, height_of(panel));
  const int count = static_cast<int>(panels.size());
  std::string script = plotting::preamble(path, panel_width * count, height) +
                       text_from("set multiplot layout 1,", count, '\n');
  for (int i = 0; i < count; ++i) {
    const Picture& panel = panels[static_cast<std::size_t>(i)];
    const std::string block = "$panel" + std::to_string(i);
    script += panel.bars ? bars_script(panel, block) : lines_script(panel, block);
  }
  return script + "unset multiplot\n";
}

void draw(const std::vector<Picture>& panels, const std::filesystem::path& path) {
  plotting::draw(path, [&](const auto& picture) { return picture_script(panels, picture); });
}

}  // namespace adjoint::experiments
