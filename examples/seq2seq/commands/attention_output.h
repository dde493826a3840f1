// What an answer's attention to its source looks like in the output of `translate`.
#pragma once

#include "examples/seq2seq/commands/commands.h"

namespace adjoint::seq2seq {

/// The hard alignment in Pharaoh's form, as in "0-0 1-2 2-1": a pair of source-target for each
/// token of the answer, both numbered from 0, in the order of the answer. Ends are left out. Empty
/// for an empty answer.
std::string pharaoh(const Translation& answer, const data::Tokens& source);

/// A table for a terminal: a row for each token of the answer, a column for each of the source, in
/// percent. A weight that rounds to 0 is a dot. A table of more than 100 columns of text is cut
/// into several, one below the other.
std::string attention_table(const Translation& answer, const data::Tokens& source);

/// A JSON object on one line.
///
///   {"line":1,"answer":"il dort .","score":-0.51,"source":["he","sleeps",".","<eos>"],
///    "target":["il","dort",".","<eos>"],"heads":["decoder.blocks.1.cross_attention"],
///    "attention":[[0.9,0.1,0.0,0.0],…]}
///
/// The matrix is [target, source], the mean over `heads`: a layer stands for all of its heads.
/// `line` is the number of the sentence, from 1. An answer that was cut off has no <eos>.
std::string attention_json(const Translation& answer, const data::Tokens& source,
                           const std::string& text, std::size_t line,
                           const std::vector<nn::AttentionHead>& heads);

/// A file that gets lines while others may read it, such as a pipe. Replaces what is there.
class LineWriter {
 public:
  /// Error, naming the file and the reason, if it cannot be written.
  explicit LineWriter(const std::string& file);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  void write(const std::string& line) { pending_ += line + '\n'; }
  /// Puts the lines into the file. Error, naming file and reason, if not all could be written.
  void flush();

 private:
  std::string file_, pending_;
  int descriptor_;
};

}  // namespace adjoint::seq2seq
