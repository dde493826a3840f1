// Prints the result of a gradient check: one line if all is well, otherwise also a short table.
#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "autograd/gradcheck.h"
#include "autograd/gradcheck/oracle_report.h"
#include "autograd/tools/story_words.h"

namespace adjoint {
namespace {

using telling::counted;

constexpr std::size_t most_rows = 8;          // about the function
constexpr std::size_t most_culprit_rows = 3;  // about the operation to blame

std::string number(double value, int digits) { return text_from(std::setprecision(digits), value); }

// Comma-separated, at most `most` items.
template <class Items>
std::string list(const Items& items, std::size_t most) {
  TextStream text;
  for (std::size_t i = 0; i < std::min(items.size(), most); ++i)
    text << (i > 0 ? ", " : "") << items[i];
  if (items.size() > most) text << " and " << items.size() - most << " more";
  return text.str();
}

std::vector<Finding> failures_of(const GradcheckReport& report) {
  std::vector<Finding> failures;
  std::ranges::copy_if(report.findings, std::back_inserter(failures), &Finding::failed);
  return failures;
}

using Row = std::array<std::string, 7>;

void print_table(std::ostream& stream, const std::vector<Row>& rows, const std::string& margin) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  for (const Row& row : rows) {
    std::string line = margin;
    for (std::size_t c = 0; c < row.size(); ++c)
      line += row[c] + std::string(widths[c] - row[c].size() + 2, ' ');
    stream << '\n' << line.substr(0, line.find_last_not_of(' ') + 1);
  }
}

// Findings with a note concern the function as a whole and come first; then elements, worst first.
void print_failures(std::ostream& stream, const GradcheckReport& report, const std::string& margin,
                    std::size_t most) {
  std::vector<Finding> failures = failures_of(report);
  std::ranges::stable_sort(failures, std::ranges::greater(), [](const Finding& finding) {
    return std::pair(!finding.note.empty(), finding.relative);
  });
  std::vector<Row> rows = {
      {"finding", "element", "cotangent", "analytic", "numeric", "± about", "relative"}};
  for (std::size_t i = 0; i < std::min(failures.size(), most); ++i) {
    const Finding& finding = failures[i];
    if (finding.note.empty())
      rows.push_back({name_of(finding.kind), finding.where, finding.cotangent,
                      number(finding.analytic, 9), number(finding.numeric, 9),
                      number(finding.error, 2), number(finding.relative, 3)});
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
  const auto& diagnoses = report.diagnoses;
  for (std::size_t i = 0; i < std::min(diagnoses.size(), most_rows); ++i)
    stream << '\n' << margin << diagnoses[i].name << ": " << diagnoses[i].text;
  if (diagnoses.size() > most_rows)
    stream << '\n' << margin << "and " << diagnoses.size() - most_rows << " more inputs";
}

void print_walk(std::ostream& stream, const TapeWalk& walk) {
  if (!walk.culprit) {
    stream << "\n  ";
    if (walk.operations == 0) stream << "No operation on the inputs was recorded.";
    if (walk.operations == 1) stream << "The only operation on the tape is right by itself.";
    if (walk.operations > 1)
      stream << "All " << walk.operations << " operations on the tape are right by themselves.";
    stream << " No single operation explains it:\n  a value may have left the tape (detach, copy, "
              "item, values, recording turned off) and\n  come back as a constant, or f uses a "
              "constant that was computed from the inputs.";
    return;
  }
  const Culprit& culprit = *walk.culprit;
  stream << "\n  The first wrong operation is number " << culprit.number << " of "
         << walk.operations << ": " << culprit.operation;
  if (!culprit.scope.empty()) stream << " in " << culprit.scope;
  stream << ", " << list(culprit.inputs, most_rows) << " → " << list(culprit.outputs, most_rows);
  if (walk.wrong > 1)
    stream << "; " << walk.wrong << " are wrong by themselves";
  else if (walk.operations > 1)
    stream << "; the others are right by themselves";
  if (walk.operations == 1) return;
  print_diagnoses(stream, *culprit.report, "    ");
  print_failures(stream, *culprit.report, "    ", most_culprit_rows);
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
    if (coverage.could_be_missed > 1e-6)
      stream << " (errors below " << number(coverage.could_be_missed, 2)
             << " of the gradient do not show)";
  }
  stream << " × " << counted(coverage.cotangents, "random cotangent");
  if (coverage.jacobian) stream << " and " << counted(coverage.outputs, "output");
}

// Findings that are no failures: how many, and the first.
void print_noted(std::ostream& stream, const GradcheckReport& report, Finding::Kind kind,
                 const std::string& noun) {
  const auto first = std::ranges::find(report.findings, kind, &Finding::kind);
  if (first == report.findings.end()) return;
  const std::size_t count = report.count(kind);
  if (count == 1)
    stream << "; 1 " << noun << ": ";
  else
    stream << "; " << count << " × " << noun << ", the first: ";
  stream << first->where << " (" << first->note << ')';
}

void print_undecidable(std::ostream& stream, const GradcheckReport& report, std::size_t most) {
  const std::size_t count = report.count(Finding::Kind::undecidable);
  for (std::size_t printed = 0; const Finding& finding : report.findings) {
    if (finding.kind != Finding::Kind::undecidable) continue;
    if (printed++ == most) break;
    stream << "\n  undecidable: " << finding.where << ": " << finding.note;
  }
  if (count > most) stream << "\n  and " << count - most << " more that are undecidable";
}

// What running f in f32 has shown, and how much memory it takes.
void print_calls(std::ostream& stream, const GradcheckReport& report) {
  if (const auto& single = report.single) {
    if (!single->only.empty())
      stream << "; in f32 only, differences too: " << single->only;
    else if (!single->first.empty())
      stream << "; computed in f32 from " << single->first << " on";
    else if (single->unjudged.empty())
      stream << "; f32: values right to " << number(single->values, 1) << ", gradients to "
             << number(single->gradients, 1);
    else
      stream << "; f32: not judged, " << single->unjudged;
  }
  if (const auto& made = report.allocations)
    stream << "; f makes " << counted(static_cast<Index>(made->forward), "buffer")
           << ", its gradient " << made->vjp << " (at most " << made->vjp_bytes
           << " bytes at once)";
}

}  // namespace

const char* name_of(Finding::Kind kind) {
  constexpr const char* names[] = {"mismatch",    "kink",         "convention",       "jump",
                                   "not finite",  "domain",       "nondeterministic", "not linear",
                                   "side effect", "wrong in f32", "undecidable",      "error"};
  return names[static_cast<int>(kind)];
}

const char* name_of(Diagnosis::Kind kind) {
  constexpr const char* names[] = {
      "zero",          "sign",       "factor",       "precision",
      "approximation", "not linear", "other input",  "elementwise factor",
      "complement",    "transposed", "reversed",     "shifted",
      "wrong example", "extra sum",  "missing sum",  "overwritten",
      "wrong axis",    "wrong mask", "missing term", "unknown"};
  return names[static_cast<int>(kind)];
}

const char* name_of(Verdict verdict) {
  constexpr const char* names[] = {"ok", "FAILED", "undecidable"};
  return names[static_cast<int>(verdict)];
}

Verdict GradcheckReport::verdict() const {
  if (std::ranges::any_of(findings, &Finding::failed)) return Verdict::failed;
  return count(Finding::Kind::undecidable) > 0 ? Verdict::undecidable : Verdict::ok;
}

std::size_t GradcheckReport::count(Finding::Kind kind) const {
  return static_cast<std::size_t>(std::ranges::count(findings, kind, &Finding::kind));
}

void GradcheckReport::add(Finding finding) {
  if (finding.failed()) add_error(finding.relative);
  findings.push_back(std::move(finding));
}

void GradcheckReport::add_error(double relative) { worst_error = std::max(worst_error, relative); }

std::ostream& operator<<(std::ostream& output, const GradcheckReport& report) {
  TextStream stream;
  const std::vector<Finding> failures = failures_of(report);
  stream << "gradcheck: " << name_of(report.verdict());
  if (report.verdict() == Verdict::failed)
    stream << ", " << counted(std::ssize(failures), "finding") << " in order " << failures[0].order;
  if (report.verdict() == Verdict::undecidable)
    stream << ": nothing is known to be wrong, but not all could be checked";
  if (failures.empty() || report.worst_error > 0)
    stream << ", worst relative error " << number(report.worst_error, 2);
  for (const Coverage& coverage : report.coverage) print(stream, coverage);
  if (!report.unused.empty()) stream << "; without influence: " << list(report.unused, most_rows);
  for (const std::string& note : report.notes) stream << "; " << note;
  print_noted(stream, report, Finding::Kind::kink, "kink");
  print_noted(stream, report, Finding::Kind::convention, "convention at a kink");
  print_noted(stream, report, Finding::Kind::domain, "border of a domain");
  print_calls(stream, report);
  print_oracles(stream, report);
  print_failures(stream, report, "  ", most_rows);
  print_undecidable(stream, report, failures.empty() ? most_rows : 1);
  // A diagnosis of the one wrong operation says more than its consequences for the whole function.
  const std::optional<TapeWalk>& walk = report.walk;
  if (!walk || !walk->culprit || walk->operations == 1) print_diagnoses(stream, report, "  ");
  if (walk) print_walk(stream, *walk);
  return output << stream.str();
}

}  // namespace adjoint
