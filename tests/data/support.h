// Random sentences for the properties of metrics.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "data/text/tokenizer.h"

namespace adjoint::testing {

/// From none up to `longest` tokens, each one of the letters.
inline data::Tokens random_sentence(Key key, Index longest = 7,
                                    const std::string& letters = "abc") {
  const Tensor length = random_integers({}, 0, longest + 1, key.child("length"));
  const Tensor numbers = random_integers({static_cast<Index>(length.item())}, 0,
                                         static_cast<Index>(letters.size()), key.child("letters"));
  data::Tokens tokens;
  for (const Index i : numbers.values<Index>()) {
    tokens.emplace_back(1, letters[static_cast<std::size_t>(i)]);
  }
  return tokens;
}

/// The tokens with a space between them.
inline std::string spaced(const data::Tokens& tokens) {
  std::string line;
  for (const std::string& token : tokens) line += (line.empty() ? "" : " ") + token;
  return line;
}

/// Hypotheses and references of a random corpus.
struct RandomCorpus {
  explicit RandomCorpus(Key key, std::uint64_t sentences = 5) {
    for (std::uint64_t i = 0; i < sentences; ++i) {
      hypotheses.push_back(spaced(random_sentence(key.child(2 * i))));
      references.push_back(spaced(random_sentence(key.child(2 * i + 1))));
    }
  }
  std::vector<std::string> hypotheses, references;
};

/// The same sentences in another order.
template <class Sentence>
std::vector<Sentence> shuffled(const std::vector<Sentence>& sentences, Key key) {
  const Tensor order = permutation(static_cast<Index>(sentences.size()), key);
  std::vector<Sentence> result;
  for (const Index i : order.values<Index>()) {
    result.push_back(sentences[static_cast<std::size_t>(i)]);
  }
  return result;
}

}  // namespace adjoint::testing
