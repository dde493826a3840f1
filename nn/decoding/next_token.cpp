#include "nn/decoding/next_token.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/kernels/reduce.h"

namespace adjoint::nn {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// log Σ exp(x) = m + log Σ exp(x − m), m being the largest x: so nothing overflows.
double log_sum_exp(const std::vector<double>& x, double largest) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::size_t i = 0; i < x.size(); ++i) total += kernels::exp(x[i] - largest);
  return largest + std::log(total);
}

void require_prefix(const Ids& prefix, std::size_t source, const DecodingOptions& options) {
  require(static_cast<Index>(prefix.size()) <= options.max_length,
          "decoding: the prefix of source ", source, " has ", prefix.size(),
          " tokens, max_length is ", options.max_length);
  for (const Index id : prefix)
    require(id >= 0 && id != options.end, "decoding: the prefix of source ", source, " holds ", id,
            id == options.end ? ", the end" : ", which is no token");
}

}  // namespace

Choice::Choice(Index source_number, Index step_number, const DecodingOptions& options)
    : source(source_number),
      step(step_number),
      forced(none),
      excluded(step_number < options.min_length ? options.end : none),
      never(options.never) {
  if (options.prefixes.empty()) return;
  const Ids& prefix = options.prefixes[static_cast<std::size_t>(source)];
  if (static_cast<std::size_t>(step) < prefix.size())
    forced = prefix[static_cast<std::size_t>(step)];
}

void require_options(const DecodingOptions& options, std::size_t sources) {
  require(options.max_length >= 0, "decoding: max_length must not be negative, is ",
          options.max_length);
  require(options.min_length >= 0 && options.min_length <= options.max_length,
          "decoding: min_length must lie between 0 and max_length, ", options.max_length, ", is ",
          options.min_length);
  const std::vector<Ids>& prefixes = options.prefixes;
  require(prefixes.empty() || prefixes.size() == sources, "decoding: ", prefixes.size(),
          " prefixes for ", sources, " sources; give one for each, or none");
  for (std::size_t i = 0; i < prefixes.size(); ++i) require_prefix(prefixes[i], i, options);
}

void require_vocabulary(const DecodingOptions& options, Index tokens) {
  require(options.end < tokens, "decoding: the end is ", options.end, ", the model has ", tokens,
          " tokens");
  for (std::size_t i = 0; i < options.prefixes.size(); ++i)
    for (const Index id : options.prefixes[i])
      require(id < tokens, "decoding: the prefix of source ", i, " holds ", id, ", the model has ",
              tokens, " tokens");
}

void require_candidates(const Ids& candidates, const Choice& choice) {
  if (!candidates.empty()) return;
  if (choice.forced != none)
    fail("decoding: the prefix of source ", choice.source, " is impossible: after ", choice.step,
         " tokens ", choice.forced, " has probability 0");
  fail("decoding: source ", choice.source, " cannot go on after ", choice.step,
       " tokens: all that may follow have probability 0");
}

NextToken::NextToken(const Tensor& logits, Index row, const Choice& choice) : choice_(choice) {
  const Index tokens = logits.size(1);
  dispatch(logits.dtype(), [&]<class T>() {
    const T* const first = logits.values<T>().data() + row * tokens;
    logits_.assign(first, first + tokens);
  });
  const double largest =
      logits_[static_cast<std::size_t>(kernels::argmax(logits_.data(), tokens, 1))];
  require(std::isfinite(largest), "decoding: the largest logit of source ", choice.source,
          " after ", choice.step, " tokens is ", largest);
  log_normaliser_ = log_sum_exp(logits_, largest);
}

Ids NextToken::candidates() const {
  Ids ids;
  for (Index id = 0; id < static_cast<Index>(logits_.size()); ++id)
    if (choice_.allows(id) && logit(id) > -infinity) ids.push_back(id);
  return ids;
}

Ids NextToken::likeliest(Index count) const {
  Ids ids = candidates();
  const auto better = [&](Index a, Index b) {
    return logit(a) > logit(b) || (logit(a) == logit(b) && a < b);
  };
  const auto kept = std::min<std::ptrdiff_t>(count, std::ssize(ids));
  std::ranges::partial_sort(ids, ids.begin() + kept, better);
  ids.resize(static_cast<std::size_t>(kept));
  return ids;
}

}  // namespace adjoint::nn
