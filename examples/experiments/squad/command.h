// experiments squad: trains the span model on a file, or writes a file of generated questions.
#pragma once

#include "examples/seq2seq/settings/options.h"

namespace adjoint::squad {

/// What the command is asked for, with its defaults.
struct CommandRequest {
  std::string data, write;
  std::string order = "repeat", question = "first";
  Index steps = 2000, batch = 32, heads = 4, blocks = 2, width = 64, longest = 400;
  Index passages = 1000, questions = 4, min_sentences = 1, max_sentences = 4;
  Index held_out_most = 2000;
  double learning_rate = 3e-3;
  std::uint64_t seed = 1;
};

/// Declares the options, which fill the request.
void add_options(seq2seq::Options& options, CommandRequest& request);
/// Runs the command and returns the exit status. UsageError for a file that is not SQuAD v1.1 and
/// for sizes that do not fit.
int run_command(const CommandRequest& request);

}  // namespace adjoint::squad
