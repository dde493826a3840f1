#include "nn/batch/mask.h"

#include <algorithm>

namespace adjoint::nn {

Mask::Mask(const Layout& queries, const Layout& keys)
    : query_positions_(queries.positions()),
      key_positions_(keys.positions()),
      query_rows_(queries.rows()),
      query_steps_(queries.steps()),
      key_steps_(keys.steps()) {
  require(queries.examples() == keys.examples(), "mask: ", queries.examples(),
          " examples among the queries, ", keys.examples(), " among the keys");
  AttentionPattern pattern;
  for (Index i = 0; i < queries.examples(); ++i)
    pattern.examples.push_back({queries.begin(i), queries.length(i), keys.begin(i), keys.length(i),
                                queries.first_position(), queries.first_example() + i});
  pattern_ = std::make_shared<const AttentionPattern>(std::move(pattern));
}

Mask Mask::with(AttentionPattern pattern) const {
  Mask result = *this;
  result.pattern_ = std::make_shared<const AttentionPattern>(std::move(pattern));
  return result;
}

Tensor Mask::taking_part(bool queries) const {
  Tensor result = zeros({queries ? query_rows_ : key_positions_.numel()}, DType::b8);
  const std::span<bool> takes_part = result.edit<bool>();
  const bool* const allowed =
      pattern_->allowed.defined() ? pattern_->allowed.values<bool>().data() : nullptr;
  for (const AttentionPattern::Example& e : pattern_->examples)
    for (Index i = 0; i < e.queries; ++i)
      for (Index j = 0; j < pattern_->visible_keys(e, i); ++j)
        if (!allowed || allowed[(e.query_begin + i) * pattern_->allowed.size(1) + j])
          takes_part[static_cast<std::size_t>(queries ? e.query_begin + i : e.key_begin + j)] =
              true;
  return result;
}

Mask Mask::causal() const {
  AttentionPattern pattern = *pattern_;
  pattern.causal = true;
  return with(std::move(pattern));
}

Mask Mask::with_lengths(const Tensor& lengths) const {
  AttentionPattern pattern = *pattern_;
  const auto batch = static_cast<Index>(pattern.examples.size());
  require(lengths.dtype() == DType::i64 && (lengths.rank() == 1 || lengths.rank() == 2) &&
              lengths.size(0) == batch,
          "mask: valid lengths must be i64 [batch] or [batch, queries] with a batch of ", batch,
          ", are ", lengths.dtype(), ' ', lengths.shape());
  const Tensor former = pattern.lengths;
  pattern.lengths = adjoint::full({query_rows_}, 0, DType::i64);
  const std::span<Index> out = pattern.lengths.edit<Index>();
  for (Index b = 0; b < batch; ++b) {
    const auto& e = pattern.examples[static_cast<std::size_t>(b)];
    require(lengths.rank() == 1 || lengths.size(1) >= e.queries, "mask: valid lengths ",
            lengths.shape(), " for an example of ", e.queries, " queries");
    for (Index q = 0; q < e.queries; ++q) {
      const Index at = lengths.rank() == 1 ? b : b * lengths.size(1) + q;
      const auto row = static_cast<std::size_t>(e.query_begin + q);
      out[row] = lengths.values<Index>()[static_cast<std::size_t>(at)];
      if (former.defined()) out[row] = std::min(out[row], former.values<Index>()[row]);
    }
  }
  return with(std::move(pattern));
}

Mask Mask::with_allowed(const Tensor& allowed) const {
  AttentionPattern pattern = *pattern_;
  const auto batch = static_cast<Index>(pattern.examples.size());
  require(allowed.dtype() == DType::b8 && allowed.rank() == 3 &&
              (allowed.size(0) == batch || allowed.size(0) == 1),
          "mask: `allowed` must be b8 [batch, queries, keys] with a batch of ", batch, " or 1, is ",
          allowed.dtype(), ' ', allowed.shape());
  const Tensor former = pattern.allowed;
  const Index queries = allowed.size(1), keys = allowed.size(2);
  pattern.allowed = zeros({query_rows_, keys}, DType::b8);
  const std::span<bool> out = pattern.allowed.edit<bool>();
  for (Index b = 0; b < batch; ++b) {
    const auto& e = pattern.examples[static_cast<std::size_t>(b)];
    require(queries >= e.queries && keys >= e.keys, "mask: `allowed` ", allowed.shape(),
            " is too small for an example of ", e.queries, " queries and ", e.keys, " keys");
    for (Index q = 0; q < e.queries; ++q)
      for (Index k = 0; k < e.keys; ++k)
        out[static_cast<std::size_t>((e.query_begin + q) * keys + k)] =
            allowed.at({allowed.size(0) == 1 ? 0 : b, q, k}) != 0 &&
            (!former.defined() || former.at({e.query_begin + q, k}) != 0);
  }
  return with(std::move(pattern));
}

}  // namespace adjoint::nn
