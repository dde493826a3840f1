#include "tests/benchmarks/lengths.h"

#include <sstream>

#include "autograd/support/files.h"
#include "data/pairs/parallel_corpus.h"

namespace adjoint::benchmarks {
namespace {

std::vector<PairLengths> draw(const std::vector<PairLengths>& from, Index count, Key key) {
  const Tensor chosen = random_integers({count}, 0, static_cast<Index>(from.size()), key);
  std::vector<PairLengths> result;
  for (const Index i : chosen.values<Index>()) result.push_back(from[static_cast<std::size_t>(i)]);
  return result;
}

}  // namespace

std::vector<PairLengths> sentence_lengths(Index count, Key key) {
  const data::Tokenizer tokenizer = data::Tokenizer::from_name("words");
  std::vector<PairLengths> all;
  for (const data::Pair& pair : data::read_corpus("data/english-french.tsv", tokenizer).pairs)
    all.push_back({std::ssize(pair.source) + 1, std::ssize(pair.target) + 1});
  return draw(all, count, key);
}

std::vector<PairLengths> word_lengths(Index count, Key key) {
  std::vector<PairLengths> all;
  for (const std::string& line : read_lines("tests/benchmarks/cmudict_lengths.tsv")) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    Index letters = 0, sounds = 0, entries = 0;
    require(static_cast<bool>(fields >> letters >> sounds >> entries),
            "cmudict_lengths.tsv: expected three numbers, got: ", line);
    all.insert(all.end(), static_cast<std::size_t>(entries), {letters + 1, sounds + 1});
  }
  return draw(all, count, key);
}

}  // namespace adjoint::benchmarks
