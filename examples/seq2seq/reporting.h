// What `train` and `evaluate` print about translations.
#pragma once

#include "examples/seq2seq/translation.h"

namespace adjoint::seq2seq {

/// The first few, each with its source, and with the reference where that differs.
void show_some(const Model& model, const std::vector<data::Pair>& pairs,
               const std::vector<data::Tokens>& translations);

void print(const Score& score);
void print(const NearestSource& nearest);

}  // namespace adjoint::seq2seq
