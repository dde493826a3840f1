// What the commands do with a sentence that is longer than the model can read (--too-long).
#pragma once

#include "examples/seq2seq/commands/commands.h"

namespace adjoint::seq2seq {

struct LongSentences {
  using Place = std::function<std::string()>;  // names a line: "pairs.tsv:12"

  data::TooLong choice = data::TooLong::error;

  /// Declares --too-long.
  void add_to(Options& options);

  /// A line as the tokens of a source or of a target; nothing if it is to be left out. Says on
  /// standard error what was cut, unless `quiet`. Error if the line is not text, or too long and
  /// neither skipped nor cut.
  std::optional<data::Tokens> source(const Model& model, std::string_view line, const Place& place,
                                     bool quiet) const;
  std::optional<data::Tokens> target(const Model& model, std::string_view line, const Place& place,
                                     bool quiet) const;
};

}  // namespace adjoint::seq2seq
