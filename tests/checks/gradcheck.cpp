// gradcheck: checks every derivative of the library against finite differences and prints a table.
//
//   gradcheck                     operations, layers, whole models
//   gradcheck softmax attention   only those whose name contains one of these
//   gradcheck --order 3 softmax   up to the third order

#include "autograd/gradcheck.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <sstream>

#include "autograd/support/threads.h"
#include "tests/checks/gradcheck/rows.h"

namespace {

using namespace adjoint;
using namespace adjoint::checks;

constexpr int failed_status = 1, misused_status = 2;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// ---- Running ------------------------------------------------------------------------------------

struct Outcome {
  GradcheckReport report;
  std::string failure;  // full text; empty if it passed
  double seconds = 0;
};

Outcome run(const Check& check, int order) {
  const Clock::time_point start = Clock::now();
  Outcome outcome;
  try {
    outcome.report = check.run({.order = order});
    if (!outcome.report) outcome.failure = (std::ostringstream() << outcome.report).str();
  } catch (const std::exception& error) {
    outcome.failure = error.what();
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
  std::size_t failures = 0, kinks = 0;
  double worst_error = 0, seconds = 0, could_be_missed = 0;
  Index inputs = 0;  // of the checks by projection

  void add(const Outcome& outcome) {
    failures += !outcome.failure.empty();
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

// Runs and prints one section of the table, and appends the reports of failed checks to `failures`.
std::size_t check_section(const Section& section, int order, std::vector<std::string>& failures) {
  if (section.rows.empty()) return 0;
  const std::vector<std::vector<Outcome>> outcomes = run(section.rows, order);
  std::printf(heading, section.title.c_str(), "samples", "orders", "worst error", "verdict",
              "time");
  std::size_t count = 0;
  for (std::size_t r = 0; r < section.rows.size(); ++r) {
    const Row& row = section.rows[r];
    print(row, outcomes[r], order);
    count += outcomes[r].size();
    for (std::size_t c = 0; c < outcomes[r].size(); ++c)
      if (!outcomes[r][c].failure.empty())
        failures.push_back(row.name + " (" + row.checks[c].label + "): " + outcomes[r][c].failure);
  }
  std::printf("\n");
  std::fflush(stdout);
  return count;
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

int check(const std::vector<std::string>& names, int order) {
  const Clock::time_point start = Clock::now();
  std::vector<Section> sections = {operations(), layers(), models()};
  keep_named(sections, names);
  std::size_t count = 0;
  std::vector<std::string> failures;
  for (const Section& section : sections) count += check_section(section, order, failures);
  for (const std::string& failure : failures) std::printf("%s\n\n", failure.c_str());
  std::printf("%zu checks, %zu failed, in %.1f s\n", count, failures.size(), seconds_since(start));
  return failures.empty() ? 0 : failed_status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Check every derivative of the library against finite differences, in f64.");
  std::vector<std::string> names;
  int order = 2;
  app.add_option("names", names, "only operations, layers and models whose name contains one");
  app.add_option("--order", order, "check up to this order")
      ->capture_default_str()
      ->check(CLI::Range(1, 4));
  try {
    app.parse(argc, argv);
    const int status = check(names, order);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    std::cerr << "gradcheck: standard output: cannot be written\n";
    return failed_status;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    std::cerr << "gradcheck: " << error.what() << '\n';
  } catch (const Error& error) {
    std::cerr << "gradcheck: " << error.what() << '\n';
  }
  return misused_status;
}
