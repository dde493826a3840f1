// What several commands print.
#pragma once

#include <string>

#include "examples/seq2seq/model/translation.h"

namespace adjoint::seq2seq {

/// Prints the first few translations with their sources, and the references that differ.
void print_examples(const Model& model, const std::vector<data::Pair>& pairs,
                    const std::vector<data::Tokens>& translations);

void print(const Score& score);
void print(const NearestSource& nearest);

/// Names the words that the vocabulary does not contain on standard error, one a line.
void warn_of_unknown_words(const data::Tokens& sentence, const data::Vocabulary& vocabulary);

/// Flushes standard output. Error when it cannot be written: a full disk, a closed pipe.
void require_written();

/// The number with `digits` digits after the point; "nan" or "inf" where it has none.
std::string fixed(double number, int digits);

}  // namespace adjoint::seq2seq
