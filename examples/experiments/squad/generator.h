// Passages and questions about people who do not exist, in the form of SQuAD.
#pragma once

#include "autograd/random.h"
#include "examples/experiments/squad/dataset.h"

namespace adjoint::squad {

struct GeneratorOptions {
  Index passages = 1000;
  Index questions = 4;  ///< about each passage, or as many as it has sentences
  Index min_sentences = 1, max_sentences = 4;  ///< of a passage, each number equally likely
};
/// The most sentences of a passage: each has a surname of its own.
constexpr Index most_sentences = 80;

/// Each sentence of a passage is about a person: "The old mill belonged to Doctor Zoë Vargić." A
/// question names a surname, the key, and asks for the full name: one to three words that end in
/// the key. Names are drawn anew for each passage, so nothing but the passage tells the answer. A
/// passage and its questions are a function of the key and its number. Error for numbers that do
/// not fit.
Dataset generated(const GeneratorOptions& options, Key key);

}  // namespace adjoint::squad
