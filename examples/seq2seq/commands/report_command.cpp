#include <iostream>

#include "autograd/support/files.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/report/report.h"
#include "examples/seq2seq/run/written_file.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view beginning =
    "<!DOCTYPE html>\n<!-- adjoint: the report of a training run";

constexpr auto footer = R"(
The file needs no network. It shows the learning curves, translations and attention by epoch, scores
by length and by frequency of words with 95% intervals, what was confused with what, the settings,
and what deserves a second look. For two models it shows both, and the difference of their scores.
What a run writes down for it is in the model's records.jsonl (see train --records).

  seq2seq report my-model
  seq2seq report my-model.partial --output so-far.html
  seq2seq report first second --output comparison.html)";

// The file may be an earlier report, but nothing else of the user's.
void require_replaceable(const fs::path& file) {
  require_writable("--output", file, Written::whole);
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(file, ignored))) return;
  const RegularFile former(file);
  std::string start(std::min<std::uint64_t>(former.size(), beginning.size()), ' ');
  former.read(0, start);
  require(start == beginning, "--output: '", file.string(),
          "' is not a report; choose another file");
}

struct ReportCommand : Command {
  std::vector<std::string> models;
  std::string output;

  ReportCommand()
      : Command({"report", "write the report of a training run as an HTML file", footer}) {
    options.add("models", models, "folder of a trained model, or two to compare").required();
    options.add("--output FILE", output, "the file [beside the model: my-model.html]");
  }

  int run() override {
    require(models.size() <= 2, "report: compares two models, not ", models.size());
    if (!output.empty()) require_replaceable(output);
    std::vector<ReportedRun> runs;
    for (const std::string& folder : models) runs.push_back(ReportedRun::load(folder));
    const fs::path file = output.empty() ? default_file(runs) : fs::path(output);
    if (output.empty()) require_replaceable(file);
    if (runs.size() == 2 && runs[0].name == runs[1].name)
      for (std::size_t i = 0; i < 2; ++i) runs[i].name = models[i];
    const std::string page = report_page(runs);
    write_file(file, page);
    std::cout << "the report is in " << for_output(file.string()) << std::endl;
    return status::done;
  }

  // Beside the last model.
  fs::path default_file(const std::vector<ReportedRun>& runs) const {
    std::string name = runs.front().name;
    if (runs.size() == 2) name += "-and-" + runs.back().name;
    const fs::path last = fs::absolute(models.back() + "/").lexically_normal();
    return last.parent_path().parent_path() / (name + ".html");
  }
};

}  // namespace

std::unique_ptr<Command> report_command() { return std::make_unique<ReportCommand>(); }

}  // namespace adjoint::seq2seq
