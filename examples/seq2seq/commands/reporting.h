// What the commands print.
#pragma once

#include <string>

#include "examples/seq2seq/model/translation.h"

namespace adjoint::seq2seq {

/// The first few, each with its source, and with the reference where that differs.
void show_some(const Model& model, const std::vector<data::Pair>& pairs,
               const std::vector<data::Tokens>& translations);

void print(const Score& score);
void print(const NearestSource& nearest);

/// Names those that the vocabulary does not have on standard error, a line for each.
void warn_of_unknown_words(const data::Tokens& sentence, const data::Vocabulary& vocabulary);

/// Sends on what has been printed. Error when it cannot be written: a full disk, a closed pipe.
void require_written();

/// A number with so many digits after the point; "nan", "inf" where there are none.
std::string fixed(double number, int digits);

}  // namespace adjoint::seq2seq
