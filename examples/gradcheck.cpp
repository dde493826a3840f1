// gradcheck: checks derivatives that live outside the library. examples/gradcheck/README.md shows
// how. The library's own derivatives are checked by `make gradcheck`.

#include "autograd/gradcheck.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "examples/gradcheck/junit.h"
#include "examples/gradcheck/plot.h"
#include "examples/gradcheck/program.h"
#include "examples/gradcheck/recording.h"

namespace {

using namespace adjoint;

constexpr int misused_status = 2;
int status_of(Verdict verdict) {
  return verdict == Verdict::ok ? 0 : verdict == Verdict::failed ? 1 : 3;
}

constexpr auto footer = R"(Exit codes:
  0  ok
  1  a derivative is wrong, or something else was found
  2  nothing was checked: a wrong option, or a file or program that cannot be used
  3  undecidable: nothing is known to be wrong, but not everything could be checked

For example:
  gradcheck --program "python3 mine.py" --inputs "x=[3,4] w=[4,2]"
  gradcheck --file values.safetensors
The library's own derivatives: make gradcheck)";

struct UsageError : Error {
  using Error::Error;
};

struct Settings {
  std::string file;
  program::ProgramOptions program;
  std::uint64_t seed = 1;
  std::string json, junit, plot;

  std::string name() const { return file.empty() ? program.command : file; }
};

// ---- Checking and reporting ---------------------------------------------------------------------

GradcheckReport check(const Settings& settings) {
  if (!settings.file.empty()) return recorded::check(recorded::read(settings.file));
  program::ProgramOptions options = settings.program;
  options.check.key = Key(settings.seed);
  return check_program(options);
}

TestCase as_test(const GradcheckReport& report, const std::string& name, double seconds) {
  using Result = TestCase::Result;
  TestCase test{"gradcheck", name, seconds};
  const Verdict verdict = report.verdict();
  if (verdict == Verdict::ok) return test;
  test.result = verdict == Verdict::failed ? Result::failed : Result::undecidable;
  test.text = text_from(report);
  test.message = test.text.substr(0, test.text.find('\n'));
  return test;
}

int check_and_report(const Settings& settings) {
  const auto start = std::chrono::steady_clock::now();
  const GradcheckReport report = check(settings);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  if (settings.json.empty())
    std::cout << printable(text_from(report), 0) << '\n';
  else
    std::cout << to_json(report, settings.json == "full") << '\n';
  if (!settings.junit.empty())
    write_file(settings.junit,
               junit("gradcheck", {as_test(report, settings.name(), time.count())}));
  if (!settings.plot.empty()) checking::plot(report, settings.plot);
  require(std::cout.flush().good(), "cannot write standard output");
  return status_of(report.verdict());
}

// ---- The command line ---------------------------------------------------------------------------

// The names of operations get an answer of their own: this program once checked those.
void refuse(const std::vector<std::string>& extras) {
  if (extras.empty()) return;
  const std::string first = printable_line(extras[0]);
  if (first.starts_with('-')) throw UsageError("there is no option " + first + " (see --help)");
  throw UsageError("'" + first + "' is no option (see --help); the library's own derivatives are " +
                   "checked by make gradcheck GRADCHECK_ARGS=" + first);
}

std::string explained(const CLI::ParseError& error) {
  const std::string text = error.what(), name = text.substr(0, text.find(": "));
  if (text.find(": At Most 1 required") != std::string::npos)
    return name + " is given more than once";
  if (text.find(": 1 required ") != std::string::npos) return name + " needs a value";
  return text;
}

void add_options(CLI::App& app, Settings& settings) {
  program::ProgramOptions& program = settings.program;
  GradcheckOptions& check = program.check;
  CLI::Option* const command =
      app.add_option("--program", program.command,
                     "check a program that answers on its standard input and output");
  command->option_text("COMMAND");
  app.add_option("--file", settings.file, "check recorded values, a safetensors file")
      ->option_text("FILE")
      ->excludes(command);
  const auto of_program = [&](CLI::Option* option, const char* text) {
    option->option_text(text)->needs(command);
  };
  of_program(app.add_option("--inputs", program.inputs,
                            "its inputs, if it does not describe them: \"x=[3,4] y=0.5\""),
             "TEXT");
  of_program(app.add_option("--seconds", program.seconds, "how long an answer may take [10]")
                 ->check(CLI::PositiveNumber),
             "N");
  of_program(app.add_option("--seed", settings.seed, "of inputs, cotangents and directions [1]"),
             "N");
  of_program(app.add_option("--elements", check.elements_up_to,
                            "move every element by itself if there are at most N, otherwise random "
                            "directions [4000]")
                 ->check(CLI::NonNegativeNumber),
             "N");
  of_program(app.add_option("--projections", check.projections, "random directions then [4]")
                 ->check(CLI::PositiveNumber),
             "N");
  of_program(app.add_option("--cotangents", check.cotangents, "random cotangents [2]")
                 ->check(CLI::PositiveNumber),
             "N");
  of_program(app.add_option("--nondeterminism", check.nondeterminism,
                            "how far two runs may differ, relative to the largest value [0]")
                 ->check(CLI::NonNegativeNumber),
             "X");
  of_program(app.add_option("--plot", settings.plot, "draw the Taylor test as .svg or .png"),
             "FILE");
  app.add_option("--json", settings.json,
                 "print the report as one JSON object; full: with every measured derivative")
      ->option_text("[=full]")
      ->expected(0, 1)
      ->default_str("summary")
      ->check(CLI::IsMember({"summary", "full"}));
  app.add_option("--junit", settings.junit, "also write the result as JUnit XML")
      ->option_text("FILE");
}

int run(int argc, char** argv) {
  CLI::App app("Check derivatives that live outside the library against finite differences.");
  app.footer(footer);
  Settings settings;
  app.allow_extras();
  add_options(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    throw UsageError(explained(error));
  }
  refuse(app.remaining());
  if (settings.name().empty())
    throw UsageError("there is nothing to check: give --program or --file (see --help)");
  return check_and_report(settings);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // exceeding a file size limit is an error, not a crash
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    const std::string text = printable_line(error.what(), 4000);
    std::cerr << (text.starts_with("gradcheck: ") ? "" : "gradcheck: ") << text << '\n';
    return misused_status;
  }
}
