// seq2seq: train a Transformer on sentence pairs, translate with it, measure it. README.md in this
// folder shows how.

#include <algorithm>
#include <csignal>
#include <iostream>

#include "autograd/kernels/blas.h"
#include "autograd/support/threads.h"
#include "autograd/support/version.h"
#include "examples/seq2seq/commands/commands.h"

namespace {

using namespace adjoint;
using namespace adjoint::seq2seq;

constexpr auto examples = R"(For example:
  seq2seq train data/english-french.tsv --output my-model
  seq2seq translate my-model "Where is my red hat?")";

int run(int argc, char** argv) {
  Options program("", "Train a Transformer on sentence pairs, translate with it, measure it.",
                  examples);
  program.add_version("adjoint " + std::string(version) + ", on " + kernels::blas_description());
  Index thread_count = threads();
  program.add("--threads", thread_count, from_1_to_1024, "number of threads; changes no result");
  const std::unique_ptr<Command> commands[] = {
      look_command(),  train_command(),   translate_command(), evaluate_command(),
      score_command(), inspect_command(), average_command(),   report_command()};
  for (const auto& command : commands) program.add_command(command->options);

  if (!program.parse(argc, argv)) return status::done;
  set_threads(static_cast<int>(thread_count));
  const auto is_called = [](const auto& command) { return command->options.called(); };
  const int result = (*std::ranges::find_if(commands, is_called))->run();
  require_written();
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // exceeding a file size limit is an error, not a crash
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    report(error.what());
    return dynamic_cast<const UsageError*>(&error) ? status::usage : status::failed;
  }
}
