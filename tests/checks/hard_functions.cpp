// The table of functions that are hard to check: what the gradient checker says of each.
//
//   hard_functions                 all, right ones first; fails if a verdict is not the wanted one
//   hard_functions kinks "log x"   those whose kind or name contains one of these, with their
//   reports hard_functions --unwanted      only those whose verdict is not the wanted one
#include "tests/autograd/gradcheck/hard_functions.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "autograd/support/error.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

struct Row {
  std::string verdict, report;
  double seconds = 0;
};

Row row_of(const HardFunction& function) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  Row row;
  try {
    const GradcheckReport report = gradcheck(function.f, function.inputs, function.options);
    row = {name_of(report.verdict()), (std::ostringstream() << report).str()};
  } catch (const std::exception& error) {
    row = {"threw", error.what()};
  }
  row.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return row;
}

struct Choice {
  std::vector<std::string> words;
  bool only_unwanted = false;
  bool takes(const HardFunction& function) const {
    const std::string text = function.kind + ": " + function.name;
    return words.empty() || std::ranges::any_of(words, [&](const std::string& word) {
             return text.find(word) != std::string::npos;
           });
  }
};

// The number of functions whose verdict is not the wanted one.
int print(const char* title, const HardFunctions& functions, adjoint::Verdict wanted,
          const Choice& choice) {
  int shown = 0, unwanted = 0;
  std::printf("%s\n", title);
  for (const HardFunction& function : functions) {
    if (!choice.takes(function)) continue;
    const bool decidable = function.undecidable_because.empty();
    const std::string expected = name_of(decidable ? wanted : adjoint::Verdict::undecidable);
    const Row row = row_of(function);
    ++shown;
    unwanted += row.verdict != expected;
    if (choice.only_unwanted && row.verdict == expected) continue;
    const std::string first = row.report.substr(0, row.report.find('\n'));
    std::printf("  %-13s %-12s %-11s %6.2f s  %s | %s\n",
                row.verdict == expected ? "" : "NOT WANTED", function.kind.c_str(),
                row.verdict.c_str(), row.seconds, function.name.c_str(),
                choice.words.empty() ? first.c_str() : row.report.c_str());
    if (!decidable)
      std::printf("      can't be decided: %s\n", function.undecidable_because.c_str());
    std::fflush(stdout);
  }
  std::printf("%s: %d of %d as wanted\n\n", title, shown - unwanted, shown);
  return unwanted;
}

}  // namespace

int main(int count, char** arguments) {
  Choice choice;
  for (int i = 1; i < count; ++i) choice.words.push_back(arguments[i]);
  choice.only_unwanted = std::erase(choice.words, "--unwanted") > 0;
  const int unwanted =
      print("right functions", right_functions(), adjoint::Verdict::ok, choice) +
      print("wrong functions", wrong_functions(), adjoint::Verdict::failed, choice);
  return unwanted == 0 ? 0 : 1;
}
