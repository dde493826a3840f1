#include "examples/experiments/frame/pages.h"

#include <cmath>

#include <iostream>

#include "autograd/support/error.h"
#include "autograd/support/files.h"

namespace adjoint::experiments {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const Experiment& experiment, const fs::path& folder, const char* type) {
  return folder / (experiment.name + type);
}

// Lines of at most 130 columns.
std::string wrapped(const std::string& text) {
  constexpr std::size_t most = 130;
  std::string result, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > most) {
      result += line + '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return result + line + '\n';
}

std::string minutes(double seconds) {
  return seconds < 90 ? text_from(std::round(seconds), " s")
                      : text_from(std::round(seconds / 60), " minutes");
}

// How many seeds the runs had, at most.
std::int64_t seeds_of(const Results& results) {
  std::int64_t most = 0;
  for (const Measurement& one : results.measurements()) most = std::max(most, one.seed.value_or(0));
  return most;
}

}  // namespace

Results stored(const Experiment& experiment, const fs::path& folder) {
  const fs::path path = file_of(experiment, folder, ".csv");
  return Results::from_csv(read_file(path), path);
}

void store(const Experiment& experiment, const Results& results, const fs::path& folder) {
  fs::create_directories(folder);
  write_file(file_of(experiment, folder, ".csv"), results.csv());
  write_file(file_of(experiment, folder, ".md"), page_of(experiment, results));
  const Report report = experiment.report(results);
  try {
    if (!report.pictures.empty()) draw(report.pictures, file_of(experiment, folder, ".svg"));
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
  }
}

std::string page_of(const Experiment& experiment, const Results& results) {
  const Report report = experiment.report(results);
  std::string page = "# " + experiment.title + "\n\n" + wrapped(experiment.settings) + '\n' +
                     wrapped(report.answer) + '\n';
  for (const Table& table : report.tables) page += table.markdown() + '\n';
  if (!report.pictures.empty())
    page += "![" + experiment.title + "](" + experiment.name + ".svg)\n\n";
  const std::int64_t seeds = seeds_of(results);
  return page + wrapped(text_from(
                    "Numbers in brackets are 95% confidence intervals of the mean over seeds",
                    seeds > 0 ? text_from(" (1 to ", seeds, ")") : "", ". ",
                    results.quick ? "Quick form, " : "", minutes(results.seconds), " on ",
                    results.processor, ". All numbers: [", experiment.name, ".csv](",
                    experiment.name, ".csv). Made by `build/experiments ", experiment.name,
                    results.quick ? " --quick" : "", "`."));
}

std::string answer_of(const Experiment& experiment, const Results& results) {
  const std::string page = "results/" + experiment.name;
  return wrapped(experiment.report(results).answer) + "\n[![" + experiment.name + "](" + page +
         ".svg)](" + page + ".md)\n";
}

std::string with_answers(std::string_view readme, const std::vector<Experiment>& experiments,
                         const fs::path& folder) {
  std::string text(readme);
  constexpr std::string_view end_mark = "<!--end-->";
  for (const Experiment& experiment : experiments) {
    const std::string mark = "<!--" + experiment.name + "-->\n";
    const std::size_t begin = text.find(mark);
    const std::size_t end = begin == text.npos ? text.npos : text.find(end_mark, begin);
    require(end != text.npos, "README.md has no '<!--", experiment.name, "-->' followed by '",
            end_mark, "'");
    text.replace(begin + mark.size(), end - begin - mark.size(),
                 answer_of(experiment, stored(experiment, folder)));
  }
  return text;
}

std::vector<std::string> broken_claims(const Report& report, bool quick) {
  std::vector<std::string> broken;
  for (const Claim& claim : report.claims)
    if (!claim.holds && !(quick && claim.only_full)) broken.push_back(claim.what);
  return broken;
}

}  // namespace adjoint::experiments
