// selfcheck: checks every derivative of the library against finite differences and prints a table.
//
//   selfcheck                        operations, layers, whole models
//   selfcheck softmax attention      only those whose name contains one of these
//   selfcheck --order 3 softmax      up to the third order
//   selfcheck --junit report.xml     also writes the results as JUnit XML

#include "autograd/gradcheck.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>

#include "autograd/support/files.h"
#include "autograd/support/threads.h"
#include "examples/gradcheck/junit.h"
#include "tests/autograd/ops/samples.h"
#include "tests/checks/selfcheck/rows.h"
#include "tests/checks/selfcheck/taylor.h"

namespace {

using namespace adjoint;
using namespace adjoint::checks;

constexpr int failed_status = 1, misused_status = 2, undecidable_status = 3;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// ---- Running ------------------------------------------------------------------------------------

using Result = TestCase::Result;

struct Outcome {
  GradcheckReport report;
  Result result = Result::passed;
  std::string text;  // the report, or what was thrown; empty if it passed
  double seconds = 0;
};

// A sample without elements is there to see that it does not crash.
bool is_empty(const GradcheckReport& report) {
  return !report.coverage.empty() &&
         (report.coverage[0].inputs == 0 || report.coverage[0].outputs == 0);
}

Result result_of(const GradcheckReport& report) {
  if (report.verdict() == Verdict::undecidable && is_empty(report)) return Result::passed;
  const Verdict verdict = report.verdict();
  return verdict == Verdict::ok       ? Result::passed
         : verdict == Verdict::failed ? Result::failed
                                      : Result::undecidable;
}

Outcome run(const Check& check, int order) {
  const Clock::time_point start = Clock::now();
  Outcome outcome;
  try {
    outcome.report = check.run({.order = order});
    outcome.result = result_of(outcome.report);
    if (outcome.result != Result::passed) outcome.text = text_from(outcome.report);
  } catch (const std::exception& error) {
    outcome.result = Result::error;
    outcome.text = error.what();
  }
  outcome.seconds = seconds_since(start);
  return outcome;
}

// The outcomes of all checks, [row][check].
std::vector<std::vector<Outcome>> run(const std::vector<Row>& rows, int order) {
  std::vector<std::vector<Outcome>> outcomes;
  std::vector<std::pair<std::size_t, std::size_t>> tasks;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    outcomes.emplace_back(rows[r].checks.size());
    for (std::size_t c = 0; c < rows[r].checks.size(); ++c) tasks.emplace_back(r, c);
  }
  parallel_tasks(static_cast<Index>(tasks.size()), [&](Index i) {
    const auto [r, c] = tasks[static_cast<std::size_t>(i)];
    outcomes[r][c] = run(rows[r].checks[c], order);
  });
  return outcomes;
}

// ---- Printing -----------------------------------------------------------------------------------

constexpr auto heading = "%-36s %7s %6s   %-11s %-14s %s\n";
constexpr auto line = "%-36s %7zu %6d   %-11.1e %-14s %.2f s\n";

// Totals of a row.
struct Summary {
  std::size_t failures = 0, undecidable = 0, kinks = 0;
  double worst_error = 0, seconds = 0, could_be_missed = 0;
  Index inputs = 0;  // of the checks by projection

  void add(const Outcome& outcome) {
    undecidable += outcome.result == Result::undecidable;
    failures += outcome.result == Result::failed || outcome.result == Result::error;
    kinks += outcome.report.count(Finding::Kind::kink);
    worst_error = std::max(worst_error, outcome.report.worst_error);
    seconds += outcome.seconds;
    for (const Coverage& coverage : outcome.report.coverage) {
      if (coverage.projections == 0) continue;
      if (coverage.order == 1) inputs = coverage.inputs;  // later orders also count cotangents
      could_be_missed = std::max(could_be_missed, coverage.could_be_missed);
    }
  }
  std::string verdict() const {
    if (failures > 0) return std::to_string(failures) + " FAILED";
    if (undecidable > 0) return std::to_string(undecidable) + " undecidable";
    return kinks == 0 ? "ok" : "ok, " + std::to_string(kinks) + " at a kink";
  }
};

void print(const Row& row, const std::vector<Outcome>& outcomes, int order) {
  if (outcomes.empty()) {
    std::printf(heading, row.name.c_str(), "", "", "", "no derivative", "");
    return;
  }
  Summary summary;
  for (const Outcome& outcome : outcomes) summary.add(outcome);
  std::printf(line, row.name.c_str(), outcomes.size(), order, summary.worst_error,
              summary.verdict().c_str(), summary.seconds);
  if (summary.inputs > 0)
    std::printf(
        "  %td parameters by projection: an error of %.1e of the gradient would be missed "
        "1 time in 1000\n",
        summary.inputs, summary.could_be_missed);
}

TestCase as_test(const Row& row, const Check& check, const std::string& section,
                 const Outcome& outcome) {
  return {.group = section + "." + row.name,
          .name = check.label.empty() ? row.name : check.label,
          .seconds = outcome.seconds,
          .result = outcome.result,
          .message = outcome.text.substr(0, outcome.text.find('\n')),
          .text = outcome.text};
}

// Runs and prints one section of the table.
std::vector<TestCase> check_section(const Section& section, int order) {
  std::vector<TestCase> tests;
  if (section.rows.empty()) return tests;
  const std::vector<std::vector<Outcome>> outcomes = run(section.rows, order);
  std::printf(heading, section.title.c_str(), "samples", "orders", "worst error", "verdict",
              "time");
  for (std::size_t r = 0; r < section.rows.size(); ++r) {
    const Row& row = section.rows[r];
    print(row, outcomes[r], order);
    for (std::size_t c = 0; c < outcomes[r].size(); ++c)
      tests.push_back(as_test(row, row.checks[c], section.title, outcomes[r][c]));
  }
  std::printf("\n");
  std::fflush(stdout);
  return tests;
}

// ---- Choosing -----------------------------------------------------------------------------------

void keep_named(std::vector<Section>& sections, const std::vector<std::string>& names) {
  const auto is_named = [&](const Row& row) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return row.name.find(name) != std::string::npos; });
  };
  for (const std::string& name : names) {
    const auto has = [&](const Section& section) {
      return std::ranges::any_of(
          section.rows, [&](const Row& row) { return row.name.find(name) != std::string::npos; });
    };
    require(std::ranges::any_of(sections, has), "no operation, layer or model is named '", name,
            "'");
  }
  if (names.empty()) return;
  for (Section& section : sections) std::erase_if(section.rows, std::not_fn(is_named));
}

int check(const std::vector<std::string>& names, int order, const std::string& junit_file) {
  const Clock::time_point start = Clock::now();
  std::vector<Section> sections = {operations(), layers(), models()};
  keep_named(sections, names);
  std::vector<TestCase> tests;
  for (const Section& section : sections)
    std::ranges::copy(check_section(section, order), std::back_inserter(tests));
  for (const TestCase& test : tests)
    if (test.result != Result::passed)
      std::printf("%s (%s): %s\n\n", test.group.c_str(), test.name.c_str(), test.text.c_str());
  const auto passed = std::ranges::count(tests, Result::passed, &TestCase::result);
  const auto undecidable = std::ranges::count(tests, Result::undecidable, &TestCase::result);
  const auto failed = std::ssize(tests) - passed - undecidable;
  std::printf("%zu checks, %td failed, ", tests.size(), failed);
  if (undecidable > 0) std::printf("%td undecidable, ", undecidable);
  std::printf("in %.1f s\n", seconds_since(start));
  if (!junit_file.empty()) write_file(junit_file, junit("selfcheck", tests));
  const bool unexpected = std::ranges::any_of(tests, [](const TestCase& test) {
    return test.result == Result::undecidable && !testing::is_extreme(test.name);
  });
  return failed > 0 ? failed_status : unexpected ? undecidable_status : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Check every derivative of the library against finite differences, in f64.");
  std::vector<std::string> names;
  int order = 2;
  std::string junit_file;
  app.add_option("names", names, "only operations, layers and models whose name contains one");
  app.add_option("--order", order, "check up to this order")
      ->capture_default_str()
      ->check(CLI::Range(1, 4));
  bool taylor = false;
  app.add_flag("--taylor", taylor, "print the table of Taylor rates of the operations instead");
  app.add_option("--junit", junit_file, "write the results as JUnit XML, too");
  app.footer(
      "Exit codes: 0 ok, 1 failed, 2 wrong use, 3 something is undecidable though no sample of "
      "extreme numbers, and nothing failed");
  try {
    app.parse(argc, argv);
    const int status = taylor ? !print_taylor_rates(names) : check(names, order, junit_file);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    std::cerr << "selfcheck: standard output: cannot be written\n";
    return failed_status;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    std::cerr << "selfcheck: " << error.what() << '\n';
  } catch (const Error& error) {
    std::cerr << "selfcheck: " << error.what() << '\n';
  }
  return misused_status;
}
