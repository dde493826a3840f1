// seq2seq: train a Transformer on sentence pairs, translate with it, measure it.
//
//   seq2seq train data/english-french.tsv --output build/english-french
//   seq2seq translate build/english-french "where is the station ?"
//   seq2seq evaluate build/english-french
//   seq2seq score build/english-french data/english-french.tsv
//   seq2seq inspect build/english-french

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>

#include "autograd/kernels/blas.h"
#include "autograd/support/error.h"
#include "autograd/support/threads.h"
#include "autograd/support/version.h"
#include "examples/seq2seq/commands/commands.h"
#include "examples/seq2seq/commands/reporting.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;

constexpr auto example = R"(For example:
  seq2seq train data/english-french.tsv --output my-model
  seq2seq translate my-model "Where is my red hat?")";

// "train, translate and evaluate"
std::string names_of(const std::vector<Command>& commands) {
  std::string names;
  for (std::size_t i = 0; i < commands.size(); ++i)
    names += (i == 0 ? "" : i + 1 < commands.size() ? ", " : " and ") + commands[i].app->get_name();
  return names;
}

// A word that stands where the command should.
std::string taken_for_command(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining();
  const bool is_word = app.get_subcommands().empty() && !left.empty() && !left[0].starts_with('-');
  return is_word ? left[0] : "";
}

int usage_error(const CLI::ParseError& error, const std::vector<Command>& commands,
                const std::string& unknown) {
  std::cerr << "seq2seq: "
            << (unknown.empty() ? error.what()
                                : "no command '" + unknown + "'; there are " + names_of(commands))
            << '\n';
  return status::usage;
}

}  // namespace

int main(int argc, char** argv) {
  // A file beyond its limit is an error like a full disk, not a crash.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app("Train a Transformer on sentence pairs, translate with it, measure it.");
  app.footer(example);
  app.set_version_flag("--version",
                       "adjoint " + std::string(version) + ", on " + kernels::blas_description());
  app.require_subcommand(1);
  app.fallthrough();  // options of the program are known after the subcommand too
  app.option_defaults()->always_capture_default();
  int thread_count = threads();
  app.add_option("--threads", thread_count, "threads to use; changes no result")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  const std::vector<Command> commands = {add_train(app), add_translate(app), add_evaluate(app),
                                         add_score(app), add_inspect(app),   add_average(app)};

  try {
    app.parse(argc, argv);
    set_threads(thread_count);
    const auto called =
        std::ranges::find_if(commands, [](const Command& c) { return c.app->parsed(); });
    const int result = called->run();
    require_written();
    return result;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return usage_error(error, commands, taken_for_command(app));
  } catch (const std::exception& error) {
    std::cerr << "seq2seq: " << error.what() << '\n';
    return status::failed;
  }
}
