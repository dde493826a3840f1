// The commands of the program, and what several of them print.
#pragma once

#include <functional>

#include "examples/seq2seq/model/translation.h"

namespace adjoint::seq2seq {

/// Exit codes, for scripts.
namespace status {
constexpr int done = 0;
constexpr int failed = 1;          ///< bad file, model or line; disk error; contradictory options
constexpr int usage = 2;           ///< an unknown option, or a value it does not accept
constexpr int below_floor = 3;     ///< the model is saved, but below --floor or --margin
constexpr int diverged = 4;        ///< the model is saved, but its training loss has diverged
constexpr int wrong_gradient = 5;  ///< --gradcheck-every has stopped the training
constexpr int interrupted = 130;   ///< as a shell reports a program ended by Ctrl-C
}  // namespace status

/// A derived struct declares its options when it is constructed; their values are its members.
struct Command {
  Options options;

  explicit Command(const Options& o) : options(o) {}
  virtual ~Command() = default;
  virtual int run() = 0;  ///< returns an exit code; an exception means `failed`
};

std::unique_ptr<Command> look_command();
std::unique_ptr<Command> train_command();
std::unique_ptr<Command> translate_command();
std::unique_ptr<Command> evaluate_command();
std::unique_ptr<Command> score_command();
std::unique_ptr<Command> inspect_command();
std::unique_ptr<Command> average_command();
std::unique_ptr<Command> report_command();

/// The model, with a note on standard error if its run was killed.
Model load_for_use(const std::filesystem::path& folder);

/// The text as standard output gets it: unchanged, except on a terminal, where control characters
/// are escaped.
std::string for_output(const std::string& text);

/// Prints the first few translations with their sources, and the first references of those that
/// equal no reference. more[k][i] is a further reference of pair i.
void print_examples(const Model& model, const std::vector<data::Pair>& pairs,
                    const std::vector<data::Tokens>& translations,
                    const std::vector<std::vector<data::Tokens>>& more = {});
void print(const Score& score);

/// Names the words of a source that the model does not know on standard error, one per line. A
/// model that copies needs no warning: it can answer with words that it does not know.
void warn_of_unknown_words(const Model& model, const data::Tokens& source);
void warn_of(const std::vector<std::string>& unknown);

/// Runs a command. If it runs out of memory, throws an Error that contains the advice.
int with_memory_advice(const std::string& advice, const std::function<int()>& command);

/// Reports a problem in a line on standard error, made fit for a terminal.
void report(const std::string& problem);

/// Flushes standard output. Error when it cannot be written: a full disk, a closed pipe.
void require_written();

/// The number with `digits` digits after the point; "nan" or "inf" where it has none.
std::string fixed(double number, int digits);

}  // namespace adjoint::seq2seq
