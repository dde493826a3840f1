// Decoding in which each source has one target under way and each step adds a token to it: the loop
// that greedy decoding and sampling share.
#pragma once

#include <functional>

#include "autograd/support/threads.h"
#include "nn/decoding/next_token.h"

namespace adjoint::nn {

struct Token {
  Index id;
  double log_probability = 0;
};

/// Chooses a token from a row of logits [rows, tokens].
using Choose = std::function<Token(const Tensor& logits, Index row, const Choice& choice)>;

/// One target for each source, by making each choice in turn.
std::vector<Hypothesis> decode_one_by_one(const EncoderDecoder& model, std::span<const Ids> sources,
                                          const DecodingOptions& options, const Choose& choose);

/// The results of f(sources of a part, number of the first) for all sources, parts being spread
/// over threads. Their size is fixed, so that the number of threads changes nothing; each part also
/// ends when its own targets do.
template <class Result, class F>
std::vector<Result> decode_in_parts(std::span<const Ids> sources, Index part_size, const F& f) {
  std::vector<Result> results(sources.size());
  parallel_for(static_cast<Index>(sources.size()), part_size, [&](Index begin, Index end) {
    const auto first = static_cast<std::size_t>(begin),
               count = static_cast<std::size_t>(end - begin);
    std::ranges::move(f(sources.subspan(first, count), begin), results.begin() + begin);
  });
  return results;
}

/// So many rows for one thread that the products are worth their while.
constexpr Index rows_of_part = 32;

}  // namespace adjoint::nn
