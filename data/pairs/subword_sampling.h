// Subword regularization: a text cut into subwords in another way each time.
#pragma once

#include <string>
#include <unordered_map>

#include "autograd/random.h"
#include "data/text/tokenizer.h"

namespace adjoint::data {

/// Draws other cuts of a text into the pieces of a model, word by word, so that a model in training
/// sees each word in many forms. What is drawn is a function of the key alone.
///
/// bpe: the merges of byte pair encoding, where at each step each possible merge is left out with
/// the given probability (BPE-dropout: Provilkov, Emelianenko and Voita 2020, algorithm 1).
///
/// unigram: with the given probability, a word gets a cut drawn from all of its cuts, in proportion
/// to p^0.2, where p is the product of its pieces' probabilities (Kudo 2018, "Subword
/// regularization", equation 8 with l = ∞; by forward filtering and backward sampling).
class SubwordSampler {
 public:
  /// Each piece with its score: higher ones merge first (bpe); log-probabilities (unigram).
  using Scores = std::unordered_map<std::string, double>;

  /// Error for another algorithm, a probability outside of [0, 1], or a score that is not finite in
  /// float, as a model stores it.
  SubwordSampler(Scores scores, const std::string& algorithm, double probability);

  /// Another cut of the text that the model has cut into these pieces. Words with an unknown
  /// character stay as they are.
  Tokens operator()(const Tokens& pieces, Key key) const;

 private:
  Tokens merged(const Tokens& characters, Key key) const;
  Tokens drawn(const Tokens& characters, Key key) const;

  Scores scores_;
  bool merges_;
  double probability_;
  std::size_t longest_ = 0;  // piece, in bytes
};

}  // namespace adjoint::data
