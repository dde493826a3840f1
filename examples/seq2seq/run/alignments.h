// The word alignments of a run's pairs, from a file (--alignment).
#pragma once

#include "data/pairs/alignment.h"
#include "examples/seq2seq/run/dataset.h"

namespace adjoint::seq2seq {

/// Says which words of the pairs in a file belong together.
class WordAlignments {
 public:
  /// Error when a line is not an alignment, or there is not one for each line of the pairs.
  WordAlignments(const InputTexts& texts, const std::optional<data::Columns>& columns);

  /// Those of pairs from that file, as links of their tokens, whatever these are. Error, with file
  /// and line, for an index that a sentence does not have.
  std::vector<data::Links> of(const std::vector<data::Pair>& pairs,
                              const data::Tokenizers& tokenizers) const;

 private:
  data::Sides sides(std::size_t line) const;

  std::string name_;
  std::vector<data::Links> lines_;
  std::vector<std::string> pairs_, targets_;  // lines; without targets, of both sides
  std::optional<data::Columns> columns_;
};

/// CRC-32 of all links.
std::string digest(const std::vector<data::Links>& alignments);

}  // namespace adjoint::seq2seq
