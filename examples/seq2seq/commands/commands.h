// The subcommands of the program: each declares its options, and runs when it has been called.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

/// What scripts can tell from.
namespace status {
constexpr int done = 0;
constexpr int failed = 1;         ///< a file, a model, a disk
constexpr int usage = 2;          ///< an unknown option, or a value that is none
constexpr int below_floor = 3;    ///< the model is saved, but not as good as demanded
constexpr int interrupted = 130;  ///< what a shell reports for a program ended by Ctrl-C
}  // namespace status

struct Command {
  CLI::App* app;
  std::function<int()> run;  ///< returns a status; an exception is `failed`
};

Command add_train(CLI::App& program);
Command add_translate(CLI::App& program);
Command add_evaluate(CLI::App& program);
Command add_score(CLI::App& program);
Command add_inspect(CLI::App& program);
Command add_average(CLI::App& program);

}  // namespace adjoint::seq2seq
