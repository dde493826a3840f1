// The commands of the program.
#pragma once

#include <functional>

#include "examples/seq2seq/settings/options.h"

namespace adjoint::seq2seq {

/// Exit codes, for scripts.
namespace status {
constexpr int done = 0;
constexpr int failed = 1;         ///< a file, a model or a disk failed, or options contradict
constexpr int usage = 2;          ///< an unknown option, or a value it does not accept
constexpr int below_floor = 3;    ///< the model is saved, but below --floor or --margin
constexpr int interrupted = 130;  ///< as a shell reports a program ended by Ctrl-C
}  // namespace status

struct Command {
  Options options;
  std::function<int()> run;  ///< returns an exit code; an exception means `failed`
};

Command train_command();
Command translate_command();
Command evaluate_command();
Command score_command();
Command inspect_command();
Command average_command();

}  // namespace adjoint::seq2seq
