// What BOOST_TEST prints of a report. The log of a build is read in a browser or a terminal,
// between other lines: what is wrong, and where, has to fit.
#include <algorithm>
#include <iomanip>
#include <ostream>

#include "autograd/gradcheck.h"
#include "autograd/support/printable.h"
#include "autograd/tools/story_words.h"

namespace adjoint {
namespace {

constexpr std::size_t most_columns = 100, most_lines = 12;
constexpr std::size_t most_findings = 3;

std::string rounded(double value, int digits) {
  return text_from(std::setprecision(digits), value);
}

std::size_t width(const std::string& text) {  // in characters of UTF-8
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

// Lines of at most most_columns, broken at spaces; what continues a line is indented further.
class Lines {
 public:
  void add(std::size_t margin, const std::string& text) {
    std::string line(margin, ' ');
    bool empty = true;
    std::istringstream words(printable_line(text, 4 * most_columns));
    for (std::string word; words >> word; empty = false) {
      word = printable_line(word, most_columns - margin - 5);
      if (!empty && width(line) + 1 + width(word) > most_columns) {
        lines_.push_back(line);
        line = std::string(margin + 4, ' ');
        empty = true;
      }
      line += (empty ? "" : " ") + word;
    }
    lines_.push_back(line);
  }
  // Starts with a line break: the test's name stands before it.
  void print(std::ostream& stream) const {
    for (std::size_t i = 0; i < std::min(lines_.size(), most_lines); ++i)
      stream << '\n' << (i + 1 == most_lines && lines_.size() > most_lines ? "  ..." : lines_[i]);
  }

 private:
  std::vector<std::string> lines_;
};

std::string text_of(const Finding& f) {
  std::string text = text_from(name_of(f.kind), ": ", f.where);
  if (!f.note.empty()) return text + ": " + f.note;
  if (!f.cotangent.empty()) text += " for " + f.cotangent;
  return text + ": analytic " + rounded(f.analytic, 9) + ", numeric " + rounded(f.numeric, 9) +
         " +- " + rounded(f.error, 2);
}

// Failures before what is undecidable; what is said of the function before elements, worst first.
std::vector<Finding> worst_first(const GradcheckReport& report) {
  std::vector<Finding> findings;
  std::ranges::copy_if(report.findings, std::back_inserter(findings), [](const Finding& f) {
    return f.failed() || f.kind == Finding::Kind::undecidable;
  });
  std::ranges::stable_sort(findings, std::ranges::greater(), [](const Finding& f) {
    return std::tuple(f.failed(), !f.note.empty(), f.relative);
  });
  return findings;
}

void add_shapes(std::string& text, const Culprit& culprit) {
  const auto list = [&](const std::vector<Shape>& shapes) {
    for (std::size_t i = 0; i < shapes.size(); ++i) text += text_from(i > 0 ? ", " : "", shapes[i]);
  };
  list(culprit.inputs);
  text += " -> ";
  list(culprit.outputs);
}

}  // namespace

std::ostream& boost_test_print_type(std::ostream& stream, const GradcheckReport& report) {
  const std::vector<Finding> findings = worst_first(report);
  const auto failures = static_cast<std::size_t>(std::ranges::count_if(findings, &Finding::failed));
  Lines lines;
  std::string first = text_from("gradcheck: ", name_of(report.verdict()));
  if (failures > 0)
    first += text_from(", ", telling::counted(static_cast<Index>(failures), "finding"));
  if (findings.size() > failures)
    first += text_from(", ", findings.size() - failures, " undecidable");
  lines.add(2, first + ", worst relative error " + rounded(report.worst_error, 2));

  const Culprit* culprit = report.walk && report.walk->culprit ? &*report.walk->culprit : nullptr;
  if (culprit) {
    std::string text = "first wrong operation: " + culprit->operation;
    if (!culprit->scope.empty()) text += " in " + culprit->scope;
    add_shapes(text += ", ", *culprit);
    lines.add(4, text);
  }
  const bool inner = culprit && culprit->report && !culprit->report->diagnoses.empty();
  const auto& diagnoses = inner ? culprit->report->diagnoses : report.diagnoses;
  for (std::size_t i = 0; i < std::min(diagnoses.size(), most_findings); ++i)
    lines.add(4, diagnoses[i].name + ": " + diagnoses[i].text);
  for (std::size_t i = 0; i < std::min(findings.size(), most_findings); ++i)
    lines.add(4, text_of(findings[i]));
  if (findings.size() > most_findings)
    lines.add(4, text_from("and ", findings.size() - most_findings, " more"));
  TextStream text;
  lines.print(text);
  return stream << text.str() << '\n';
}

}  // namespace adjoint
