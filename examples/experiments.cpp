// experiments: the questions of the discussion, answered by programs.
// examples/experiments/README.md leads through them.

#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <thread>

#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "autograd/support/threads.h"
#include "examples/experiments/frame/pages.h"
#include "examples/experiments/questions.h"
#include "examples/experiments/squad/command.h"
#include "examples/seq2seq/settings/options.h"

namespace {

using namespace adjoint;
using namespace adjoint::experiments;
using seq2seq::Options, seq2seq::UsageError;

constexpr int done = 0, failed = 1, misused = 2;

constexpr auto examples = R"(For example:
  experiments positions --quick
  experiments all --output examples/experiments/results
  experiments readme)";

constexpr seq2seq::Range some_seeds = {"a whole number from 2 to 1000", 2, 1000, true};

struct Request {
  Effort effort;
  std::string output;
};

// "AMD EPYC 9B14, 2 threads"
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string name = "an unknown processor";
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) {
      name = line.substr(line.find(':') + 2);
      break;
    }
  return text_from(name, ", ", threads(), threads() == 1 ? " thread" : " threads");
}

int run_experiment(const Experiment& experiment, const Request& request) {
  std::cout << "== " << experiment.name << ": " << experiment.title << '\n' << std::flush;
  Results results;
  results.quick = request.effort.quick;
  results.processor = processor();
  const auto start = std::chrono::steady_clock::now();
  experiment.measure(request.effort, results);
  results.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const Report report = experiment.report(results);
  for (const Table& table : report.tables) std::cout << table.markdown() << '\n';
  std::cout << report.answer << "\n(" << words(results.seconds) << " s)\n";
  if (!request.output.empty()) store(experiment, results, request.output);
  int status = done;
  for (const std::string& claim : broken_claims(report, results.quick)) {
    std::cout << "FAILED  " << claim << '\n';
    status = failed;
  }
  std::cout << std::flush;
  return status;
}

// Makes pages, pictures and README.md again from the numbers that are stored.
int write_readme(const std::filesystem::path& folder) {
  const std::filesystem::path readme = folder.parent_path() / "README.md";
  const std::string before = read_file(readme);
  for (const Experiment& experiment : all_experiments())
    store(experiment, stored(experiment, folder), folder);
  const std::string after = with_answers(before, all_experiments(), folder);
  if (after != before) write_file(readme, after);
  return done;
}

int run(int argc, char** argv) {
  Options program("", "Answer the questions of the discussion by measuring.", examples);
  Index thread_count = threads();
  program.add("--threads", thread_count, seq2seq::from_1_to_1024,
              "runs side by side; changes no number");

  std::vector<std::pair<Options, std::function<int()>>> commands;
  Request request;
  std::string readme_folder = "examples/experiments/results";
  const auto add_command = [&](const std::string& name, const std::string& title,
                               const std::function<int()>& action) -> Options& {
    commands.emplace_back(Options(name, title), action);
    return commands.back().first;
  };
  const auto add_runs = [&](const std::string& name, const std::string& title,
                            const std::function<int()>& action) {
    Options& options = add_command(name, title, action);
    options.add_flag("--quick", request.effort.quick, "seconds instead of minutes");
    options.add("--seeds", request.effort.seeds_asked, some_seeds, "the number of seeds");
    options.add("--output FOLDER", request.output, "write NAME.csv, NAME.md and NAME.svg there");
  };
  for (const Experiment& experiment : all_experiments())
    add_runs(experiment.name, experiment.title,
             [&] { return run_experiment(experiment, request); });
  add_runs("all", "every experiment, one after the other", [&] {
    int worst = done;
    for (const Experiment& experiment : all_experiments())
      worst = std::max(worst, run_experiment(experiment, request));
    return worst;
  });
  add_command("readme", "make the pages and README.md again from stored results", [&] {
    return write_readme(readme_folder);
  }).add("--results FOLDER", readme_folder, "where the results are");
  squad::CommandRequest on_file;
  squad::add_options(add_command("squad", "train a span model on a file in the form of SQuAD v1.1",
                                 [&] { return squad::run_command(on_file); }),
                     on_file);
  for (const auto& [options, action] : commands) program.add_command(options);

  if (!program.parse(argc, argv)) return done;
  set_threads(static_cast<int>(thread_count));
  const auto called = [](const auto& command) { return command.first.called(); };
  const int status = std::ranges::find_if(commands, called)->second();
  require(std::cout.flush().good(), "cannot write standard output");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // exceeding a file size limit is an error, not a crash
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "experiments: " << printable_line(error.what(), 1000) << '\n';
    return dynamic_cast<const UsageError*>(&error) ? misused : failed;
  }
}
