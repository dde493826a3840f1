// Why a query may not see a key.
#include <algorithm>

#include "autograd/tools/explorer/attention.h"

namespace adjoint::exploring {
namespace {

Index code(Hidden why) { return static_cast<Index>(why); }

Hidden reason(bool padding, bool causal, bool seen) {
  if (padding && causal) return Hidden::both;
  if (padding) return Hidden::padding;
  if (causal) return Hidden::causal;
  return seen ? Hidden::no : Hidden::mask;
}

// Empty if nothing is hidden.
Tensor unless_all_seen(const Tensor& codes) {
  const bool hides = std::ranges::any_of(codes.values<Index>(), [](Index why) { return why != 0; });
  return hides ? codes : Tensor();
}

// One matrix of a mask: rows are queries.
struct Matrix {
  const bool* seen;
  Index queries, keys;
  bool at(Index i, Index j) const { return seen[i * keys + j]; }
  bool nothing_for(Index i) const {
    return std::none_of(seen + i * keys, seen + (i + 1) * keys, [](bool b) { return b; });
  }
  bool hidden_from_all(Index j) const {
    for (Index i = 0; i < queries; ++i)
      if (at(i, j)) return false;
    return true;
  }
  // Whether all keys after their query are hidden, and one of them from some queries only.
  bool is_causal() const {
    bool some = false;
    for (Index j = 1; j < keys; ++j) {
      for (Index i = 0; i < std::min(j, queries); ++i)
        if (at(i, j)) return false;
      some |= !hidden_from_all(j);
    }
    return some;
  }
};

}  // namespace

Tensor hidden_by(const AttentionPattern& pattern) {
  Index queries = 0, keys = 0;
  for (const AttentionPattern::Example& e : pattern.examples) {
    queries = std::max(queries, e.queries);
    keys = std::max(keys, e.keys);
  }
  const Tensor seen = pattern.dense(queries, keys);  // [examples, queries, keys]
  const bool* visible = seen.values<bool>().data();
  Tensor codes({{seen.size(0), 1, queries, keys}, DType::i64});
  Index* why = codes.edit<Index>().data();
  for (const AttentionPattern::Example& e : pattern.examples)
    for (Index i = 0; i < queries; ++i) {
      Index valid = e.keys;
      if (i < e.queries && pattern.lengths.defined())
        valid = pattern.lengths.values<Index>()[static_cast<std::size_t>(e.query_begin + i)];
      for (Index j = 0; j < keys; ++j) {
        const bool padding = i >= e.queries || j >= std::min(valid, e.keys);
        const bool causal = pattern.causal && j - i > e.first_position;
        *why++ = code(reason(padding, causal, *visible++));
      }
    }
  return unless_all_seen(codes);
}

Tensor hidden_by(const Tensor& visible) {
  const Index queries = visible.size(-2), keys = visible.size(-1);
  Tensor codes({visible.shape(), DType::i64});
  Index* why = codes.edit<Index>().data();
  const std::span<const bool> all = visible.values<bool>();
  for (std::size_t at = 0; at < all.size(); at += static_cast<std::size_t>(queries * keys)) {
    const Matrix mask{all.data() + at, queries, keys};
    const bool causal = mask.is_causal();
    std::vector<bool> absent;  // keys
    for (Index j = 0; j < keys; ++j)
      absent.push_back(mask.hidden_from_all(j) && !(causal && j >= queries));
    for (Index i = 0; i < queries; ++i) {
      const bool no_query = mask.nothing_for(i);
      for (Index j = 0; j < keys; ++j)
        *why++ = code(reason(no_query || absent[static_cast<std::size_t>(j)], causal && j > i,
                             mask.at(i, j)));
    }
  }
  return unless_all_seen(codes);
}

}  // namespace adjoint::exploring
