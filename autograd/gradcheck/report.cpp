// The report of a gradient check: one line when all is well, a short table when it is not.

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "autograd/gradcheck.h"

namespace adjoint {
namespace {

constexpr std::size_t most_rows = 8;  // of the function; of the operation to blame:
constexpr std::size_t fewer_rows = 3;

std::string counted(Index count, const std::string& noun) {
  return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string number(double value, int digits) {
  std::ostringstream text;
  text << std::setprecision(digits) << value;
  return text.str();
}

struct Row {
  std::string what, where, cotangent, analytic, numeric, error, relative;
};

std::vector<Finding> failures_of(const GradcheckReport& report) {
  std::vector<Finding> failures;
  std::ranges::copy_if(report.findings(), std::back_inserter(failures), &Finding::failed);
  return failures;
}

Row row_of(const Finding& finding) {
  return {name_of(finding.kind),      finding.where,
          finding.cotangent,          number(finding.analytic, 9),
          number(finding.numeric, 9), number(finding.error, 2),
          number(finding.relative, 3)};
}

// The part of the table that consists of numbers, the columns as wide as they need be.
void print_table(std::ostream& stream, const std::vector<Row>& rows, const std::string& margin) {
  static constexpr std::string Row::*columns[] = {&Row::what,     &Row::where,   &Row::cotangent,
                                                  &Row::analytic, &Row::numeric, &Row::error,
                                                  &Row::relative};
  std::vector<std::string> lines(rows.size(), margin);
  for (const auto column : columns) {
    std::size_t width = 0;
    for (const Row& row : rows) width = std::max(width, (row.*column).size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      lines[i] += rows[i].*column + std::string(width - (rows[i].*column).size() + 2, ' ');
  }
  for (const std::string& line : lines)
    stream << '\n' << line.substr(0, line.find_last_not_of(' ') + 1);
}

void print_failures(std::ostream& stream, const GradcheckReport& report, const std::string& margin,
                    std::size_t most) {
  std::vector<Finding> failures = failures_of(report);
  // Those said in words concern the function as a whole; elements follow, the worst first.
  const auto first = [](const Finding& a, const Finding& b) {
    return std::pair(!a.note.empty(), a.relative) > std::pair(!b.note.empty(), b.relative);
  };
  std::stable_sort(failures.begin(), failures.end(), first);
  std::vector<Row> rows = {
      {"finding", "element", "cotangent", "analytic", "numeric", "± about", "relative"}};
  for (std::size_t i = 0; i < std::min(failures.size(), most); ++i) {
    const Finding& finding = failures[i];
    if (finding.note.empty())
      rows.push_back(row_of(finding));
    else
      stream << '\n'
             << margin << name_of(finding.kind) << ": " << finding.where << ": " << finding.note;
  }
  if (rows.size() > 1) print_table(stream, rows, margin);
  if (failures.size() > most)
    stream << '\n' << margin << "and " << failures.size() - most << " more";
}

void print_diagnoses(std::ostream& stream, const GradcheckReport& report,
                     const std::string& margin) {
  const auto& diagnoses = report.diagnoses();
  for (std::size_t i = 0; i < std::min(diagnoses.size(), most_rows); ++i)
    stream << '\n' << margin << diagnoses[i].name << ": " << diagnoses[i].text;
  if (diagnoses.size() > most_rows)
    stream << '\n' << margin << "and " << diagnoses.size() - most_rows << " inputs more";
}

std::string list(const std::vector<Shape>& shapes) {
  std::ostringstream text;
  for (const Shape& shape : shapes) text << (text.tellp() > 0 ? ", " : "") << shape;
  return text.str();
}

void print_walk(std::ostream& stream, const TapeWalk& walk) {
  if (!walk.culprit) {
    stream << "\n  "
           << (walk.operations == 0   ? "No operation on the inputs was recorded."
               : walk.operations == 1 ? "The only operation on the tape is right by itself."
                                      : "All " + std::to_string(walk.operations) +
                                            " operations on the tape are right by themselves.")
           << " What is wrong is not on the tape: a value\n  was taken out of it (detach, item, "
              "values, a stop in recording) and used again.";
    return;
  }
  const Culprit& culprit = *walk.culprit;
  stream << "\n  The first wrong operation is number " << culprit.place << " of " << walk.operations
         << ": " << culprit.operation;
  if (!culprit.scope.empty()) stream << " in " << culprit.scope;
  stream << ", " << list(culprit.inputs) << " → " << list(culprit.outputs);
  if (walk.wrong > 1)
    stream << "; " << walk.wrong << " are wrong by themselves";
  else if (walk.operations > 1)
    stream << "; the others are right by themselves";
  if (walk.operations == 1) return;
  print_diagnoses(stream, *culprit.report, "    ");
  print_failures(stream, *culprit.report, "    ", fewer_rows);
}

void print(std::ostream& stream, const Coverage& coverage) {
  stream << "; order " << coverage.order << ": ";
  if (coverage.projections > 0) {
    stream << counted(coverage.inputs, "input") << " along "
           << counted(coverage.projections, "random line") << " and " << coverage.measured
           << " by themselves";
    if (coverage.could_be_missed > 0)
      stream << " (an error of " << number(coverage.could_be_missed, 2)
             << " of the gradient escapes 1 time in 1000)";
  } else {
    stream << counted(coverage.measured, "input");
  }
  stream << " × " << counted(coverage.cotangents, "random cotangent");
  if (coverage.jacobian) stream << " and " << counted(coverage.outputs, "output");
}

void print_unused(std::ostream& stream, const std::vector<std::string>& names) {
  if (names.empty()) return;
  stream << "; without influence: ";
  for (std::size_t i = 0; i < std::min(names.size(), most_rows); ++i)
    stream << (i > 0 ? ", " : "") << names[i];
  if (names.size() > most_rows) stream << " and " << names.size() - most_rows << " more";
}

void print_kinks(std::ostream& stream, const GradcheckReport& report) {
  const std::size_t kinks = report.count(Finding::Kind::kink);
  if (kinks == 0) return;
  const auto& findings = report.findings();
  const auto kink = std::find_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.kind == Finding::Kind::kink;
  });
  stream << "; " << counted(static_cast<Index>(kinks), "kink")
         << (kinks == 1 ? ": " : ", the first: ") << kink->where << " (" << kink->note << ')';
}

}  // namespace

const char* name_of(Finding::Kind kind) {
  constexpr const char* names[] = {"mismatch",         "kink",       "jump",     "not finite",
                                   "nondeterministic", "not linear", "imprecise"};
  return names[static_cast<int>(kind)];
}

GradcheckReport::operator bool() const {
  return std::none_of(findings_.begin(), findings_.end(),
                      [](const Finding& f) { return f.failed(); });
}

std::size_t GradcheckReport::count(Finding::Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(findings_.begin(), findings_.end(),
                    [kind](const Finding& finding) { return finding.kind == kind; }));
}

void GradcheckReport::add(Finding finding) {
  if (finding.failed()) add_error(finding.relative);
  findings_.push_back(std::move(finding));
}

void GradcheckReport::add_error(double relative) {
  worst_error_ = std::max(worst_error_, relative);
}

std::ostream& operator<<(std::ostream& stream, const GradcheckReport& report) {
  const std::vector<Finding> failures = failures_of(report);
  stream << "gradcheck: ";
  if (failures.empty())
    stream << "ok";
  else
    stream << "FAILED, " << counted(static_cast<Index>(failures.size()), "finding") << " in order "
           << failures[0].order;
  if (failures.empty() || report.worst_error() > 0)
    stream << ", worst relative error " << number(report.worst_error(), 2);
  for (const Coverage& coverage : report.coverage()) print(stream, coverage);
  print_unused(stream, report.unused());
  print_kinks(stream, report);
  print_failures(stream, report, "  ", most_rows);
  // What is wrong with one operation on a tape says more than what follows from it for the whole.
  const auto& walk = report.walk();
  if (!walk || !walk->culprit || walk->operations == 1) print_diagnoses(stream, report, "  ");
  if (report.walk()) print_walk(stream, *report.walk());
  return stream;
}

}  // namespace adjoint
