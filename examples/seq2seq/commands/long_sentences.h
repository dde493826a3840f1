// What the commands do with a sentence that is longer than the model can read (--too-long).
#pragma once

#include "examples/seq2seq/commands/lines.h"

namespace adjoint::seq2seq {

struct LongSentences {
  using Place = std::function<std::string()>;  // names a line: "pairs.tsv:12"

  static constexpr auto advice =
      "; leave it out with --too-long skip, or use its first tokens with --too-long cut";

  data::TooLong choice = data::TooLong::error;

  /// Declares --too-long. The help says what the command does `instead` of using a sentence.
  void add_to(Options& options, const std::string& instead);

  /// Whether a line is skipped because it is longer than Lines reads. Error if it is as long but
  /// not to be skipped, or if it is not text.
  bool skips(std::string_view line) const;

  /// A line as the tokens of a source or of a target; nothing if it is to be left out. Says on
  /// standard error what was cut, unless `quiet`. Error if it is too long and neither skipped
  /// nor cut.
  std::optional<data::Tokens> source(const Model& model, std::string_view line, const Place& place,
                                     bool quiet) const;
  std::optional<data::Tokens> target(const Model& model, std::string_view line, const Place& place,
                                     bool quiet) const;
};

}  // namespace adjoint::seq2seq
