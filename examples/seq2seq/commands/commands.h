// The commands of the program, and what several of them print.
#pragma once

#include "examples/seq2seq/model/translation.h"

namespace adjoint::seq2seq {

/// Exit codes, for scripts.
namespace status {
constexpr int done = 0;
constexpr int failed = 1;         ///< bad file or model, disk error, contradictory options
constexpr int usage = 2;          ///< an unknown option, or a value it does not accept
constexpr int below_floor = 3;    ///< the model is saved, but below --floor or --margin
constexpr int interrupted = 130;  ///< as a shell reports a program ended by Ctrl-C
}  // namespace status

/// A derived struct declares its options when it is constructed; their values are its members.
struct Command {
  Options options;

  explicit Command(const Options& o) : options(o) {}
  virtual ~Command() = default;
  virtual int run() = 0;  ///< returns an exit code; an exception means `failed`
};

std::unique_ptr<Command> train_command();
std::unique_ptr<Command> translate_command();
std::unique_ptr<Command> evaluate_command();
std::unique_ptr<Command> score_command();
std::unique_ptr<Command> inspect_command();
std::unique_ptr<Command> average_command();

/// Prints the first few translations with their sources, and the references that differ.
void print_examples(const Model& model, const std::vector<data::Pair>& pairs,
                    const std::vector<data::Tokens>& translations);
void print(const Score& score);

/// Names the words that the vocabulary does not contain on standard error, one per line.
void warn_of_unknown_words(const data::Tokens& sentence, const data::Vocabulary& vocabulary);

/// Flushes standard output. Error when it cannot be written: a full disk, a closed pipe.
void require_written();

/// The number with `digits` digits after the point; "nan" or "inf" where it has none.
std::string fixed(double number, int digits);

}  // namespace adjoint::seq2seq
