// The loops under the searches: sources in batches, and targets generated token by token.
#pragma once

#include <functional>

#include "autograd/support/threads.h"
#include "nn/decoding/next_token.h"

namespace adjoint::nn {

/// Enough rows in a batch for efficient matrix products, and few enough to keep all threads busy.
constexpr Index rows_per_batch = 32;

/// Collects what f(sources of a batch, number of the first) returns, for all batches, which are
/// spread over threads. Their size is fixed, so the number of threads changes nothing; and each
/// batch is done as soon as its own targets are.
template <class Result, class F>
std::vector<Result> in_batches(std::span<const Ids> sources, Index batch_size, const F& f) {
  std::vector<Result> results(sources.size());
  parallel_for(std::ssize(sources), batch_size, [&](Index begin, Index end) {
    const auto first = static_cast<std::size_t>(begin),
               count = static_cast<std::size_t>(end - begin);
    std::ranges::move(f(sources.subspan(first, count), begin), results.begin() + begin);
  });
  return results;
}

struct Token {
  Index id;
  double log_probability = 0;
};

/// Chooses a token from a row of logits [rows, tokens].
using ChooseToken = std::function<Token(const Tensor& logits, Index row, const Choice& choice)>;

/// One target for each source, with the tokens that `choose` chooses.
std::vector<Hypothesis> generate(const EncoderDecoder& model, std::span<const Ids> sources,
                                 const DecodingOptions& options, const ChooseToken& choose);

}  // namespace adjoint::nn
