// Where results are kept: a folder with NAME.csv, NAME.svg and NAME.md for each experiment, and the
// answers in README.md, which are made from the same numbers.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "examples/experiments/frame/experiment.h"

namespace adjoint::experiments {

/// The stored results of an experiment. Errors name the file.
Results stored(const Experiment& experiment, const std::filesystem::path& folder);

/// Writes NAME.csv, and NAME.md and NAME.svg from it. Without gnuplot there is no new picture, and
/// a line on standard error says so.
void store(const Experiment& experiment, const Results& results,
           const std::filesystem::path& folder);

/// The text of NAME.md: the answer, the tables, and how the numbers came about.
std::string page_of(const Experiment& experiment, const Results& results);

/// What README.md says between `<!--NAME-->` and `<!--end-->`: the answer, and the
/// picture as a link to the page.
std::string answer_of(const Experiment& experiment, const Results& results);

/// The README with the answers of all experiments from the results in `folder`. Error if it has no
/// place for one.
std::string with_answers(std::string_view readme, const std::vector<Experiment>& experiments,
                         const std::filesystem::path& folder);

/// The claims that do not hold, of those that count in this form.
std::vector<std::string> broken_claims(const Report& report, bool quick);

}  // namespace adjoint::experiments
