#include "nn/decoding/next_token.h"

#include <cmath>
#include <limits>

#include "autograd/kernels/reduce.h"

namespace adjoint::nn {
namespace {

// log Σ exp(x) = m + log Σ exp(x − m), where m is the largest x: so nothing overflows.
double log_sum_exp(const std::vector<double>& x, double largest) {
  return largest + std::log(kernels::sum_of_exponentials(x.data(), std::ssize(x), 1, largest));
}

}  // namespace

void require_candidates(const Ids& candidates, const Choice& choice) {
  if (!candidates.empty()) return;
  if (choice.forced() != none)
    fail("decoding: the prefix of source ", choice.source, " is impossible: after ", choice.step,
         " tokens, ", choice.forced(), " has probability 0");
  fail("decoding: source ", choice.source, " has no next token after ", choice.step,
       " tokens: every token that the options allow has probability 0");
}

Index argmax_of_row(const Tensor& logits, Index row) {
  const Index tokens = logits.size(1);
  return logits.dtype() == DType::f32
             ? kernels::argmax(logits.values<float>().data() + row * tokens, tokens, 1)
             : kernels::argmax(logits.values<double>().data() + row * tokens, tokens, 1);
}

NextToken::NextToken(const Tensor& logits, Index row, const Choice& choice) : choice_(choice) {
  const Index tokens = logits.size(1);
  dispatch(logits.dtype(), [&]<class T>() {
    const T* const first = logits.values<T>().data() + row * tokens;
    logits_.assign(first, first + tokens);
  });
  const double largest = logit(argmax_of_row(logits, row));
  require(std::isfinite(largest), "decoding: the largest logit of source ", choice.source,
          " after ", choice.step, " tokens is ", largest);
  log_normaliser_ = log_sum_exp(logits_, largest);
}

Ids NextToken::candidates() const {
  Ids ids;
  for (Index id = 0; id < std::ssize(logits_); ++id)
    if (choice_.allows(id) && logit(id) > -std::numeric_limits<double>::infinity())
      ids.push_back(id);
  return ids;
}

Ids NextToken::likeliest(Index count) const {
  Ids ids = candidates();
  const auto kept = std::min<std::ptrdiff_t>(count, std::ssize(ids));
  std::ranges::partial_sort(ids, ids.begin() + kept, [&](Index a, Index b) {
    return logit(a) > logit(b) || (logit(a) == logit(b) && a < b);
  });
  ids.resize(static_cast<std::size_t>(kept));
  return ids;
}

}  // namespace adjoint::nn
