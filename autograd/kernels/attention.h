// Scaled dot-product attention for one example, all heads, forward and backward.
//
//   S = Q Kᵀ / √d,   P = softmax(S) over the visible keys,   D = dropout(P),   O = D V
//
// Heads lie side by side in the rows, so a head's matrix is read with the row's full width as its
// leading dimension: nothing is copied.
//
// The weights are held transposed, a key's weights for neighbouring queries side by side: then the
// sums over keys, of the softmax and of its derivative, run over whole registers of queries, and so
// does the mask of dropout. Queries are taken a block at a time, so that a block's weights stay in
// the cache however long the sequences are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "autograd/kernels/dropout.h"
#include "autograd/kernels/matmul.h"
#include "autograd/kernels/registers.h"
#include "autograd/kernels/vector_math.h"

namespace adjoint::kernels {

/// One example's rows and who sees whom.
struct AttentionExample {
  Index query_begin, queries, key_begin, keys;
  const Index* visible;  ///< [queries]: the first so many keys may be attended to, …
  const bool* allowed;   ///< … of these only where true: [queries, allowed_stride]; or null
  Index allowed_stride;
  std::uint64_t number;  ///< names the example for dropout
  std::uint64_t first_position;
};

template <Real T>
struct AttentionSizes {
  Index heads, key_width, value_width;  // of one head
  bool linear_biases;
  T scale() const { return 1 / std::sqrt(static_cast<T>(key_width)); }
};

/// By how much a score falls from one key to the one before it, with linear biases.
inline double slope_of(Index head, Index heads) {
  return std::exp2(-8 * static_cast<double>(head + 1) / static_cast<double>(heads));
}

/// So many queries are taken at once.
constexpr Index query_block = 64;

/// The same example with a block of its queries alone.
inline AttentionExample part_of(AttentionExample e, Index first, Index count) {
  e.query_begin += first;
  e.queries = count;
  e.visible += first;
  if (e.allowed) e.allowed += first * e.allowed_stride;
  e.first_position += static_cast<std::uint64_t>(first);
  return e;
}
/// f(part, whether it is the first) for each block of queries.
template <class F>
void each_query_block(const AttentionExample& e, F f) {
  for (Index first = 0; first < std::max<Index>(1, e.queries); first += query_block)
    f(part_of(e, first, std::min(query_block, e.queries - first)), first == 0);
}

/// Weights of one head and block of queries, [keys, width]: width is the number of queries rounded
/// up to whole registers. The lanes of no query hold zeros or what nobody reads.
template <Real T>
struct WeightSizes {
  Index keys, width;
  explicit WeightSizes(const AttentionExample& e)
      : keys(e.keys),
        width((std::min(e.queries, query_block) + lanes<T> - 1) / lanes<T> * lanes<T>) {}
  std::vector<T> zeros() const { return std::vector<T>(static_cast<std::size_t>(keys * width)); }
};

// ---- The steps, each for one register of queries -----------------------------------------------

/// Softmax of a column of scores, [keys] registers `width` elements apart: those from `visible` on
/// count as −∞. A query that sees nothing gets zeros.
template <Real T>
void softmax_over_keys(T* column, Index keys, Index width, const Register<T>& visible) {
  const Register<T> hidden = filled(-std::numeric_limits<T>::infinity());
  Register<T> largest = hidden;
  for (Index j = 0; j < keys; ++j) {
    T* const at = column + j * width;
    const Register<T> score = filled(static_cast<T>(j)) < visible ? load(at) : hidden;
    largest = score > largest ? score : largest;
    store(at, score);
  }
  const Register<T> shift = largest == hidden ? Register<T>{} : largest;
  Register<T> sum{};
  for (Index j = 0; j < keys; ++j) {
    T* const at = column + j * width;
    const Register<T> exponential = exp_of_negative<T>(load(at) - shift);
    sum += exponential;
    store(at, exponential);
  }
  const Register<T> scale = sum == 0 ? Register<T>{} : 1 / sum;
  for (Index j = 0; j < keys; ++j) store(column + j * width, scale * load(column + j * width));
}

/// s̄ = p ⊙ (p̄ − Σ p̄ p), written over p̄; the sum is over the keys.
template <Real T>
void softmax_vjp_over_keys(const T* p, T* dp, Index keys, Index width) {
  Register<T> along{};
  for (Index j = 0; j < keys; ++j) along += load(dp + j * width) * load(p + j * width);
  for (Index j = 0; j < keys; ++j)
    store(dp + j * width, load(p + j * width) * (load(dp + j * width) - along));
}

// ---- One head ----------------------------------------------------------------------------------

/// Adds −slope · |position − j| to the score of key j.
template <Real T>
void add_linear_biases(const AttentionExample& e, T slope, Index width, T* scores) {
  const auto position = static_cast<Index>(e.first_position);
  for (Index j = 0; j < e.keys; ++j)
    for (Index i = 0; i < e.queries; ++i)
      scores[j * width + i] -= slope * static_cast<T>(std::abs(position + i - j));
}

/// Pᵀ of one head.
template <Real T>
void attention_probabilities(const AttentionExample& e, const AttentionSizes<T>& sizes, Index head,
                             const T* q, const T* k, Index width, T* weights) {
  const Index stride = sizes.heads * sizes.key_width, at = head * sizes.key_width;
  matmul_on_this_thread<T>({.rows = e.keys,
                            .columns = e.queries,
                            .inner = sizes.key_width,
                            .a = {k + e.key_begin * stride + at, stride},
                            .b = {q + e.query_begin * stride + at, stride, true},
                            .c = weights,
                            .stride = width,
                            .scale = sizes.scale()});
  if (sizes.linear_biases)
    add_linear_biases(e, static_cast<T>(slope_of(head, sizes.heads)), width, weights);
  if (e.allowed)
    for (Index i = 0; i < e.queries; ++i)
      for (Index j = 0; j < e.keys; ++j)
        if (!e.allowed[i * e.allowed_stride + j])
          weights[j * width + i] = -std::numeric_limits<T>::infinity();
  for (Index first = 0; first < width; first += lanes<T>) {
    Register<T> visible{};
    for (Index i = 0; i < std::min(lanes<T>, e.queries - first); ++i)
      visible[i] = static_cast<T>(e.visible[first + i]);
    softmax_over_keys<T>(weights + first, e.keys, width, visible);
  }
}

/// What dropout multiplies the weights of one head by, [keys, width].
template <Real T>
void draw_factors(const AttentionExample& e, const DropoutMask<T>& mask, Index head, Index width,
                  T* factors) {
  const std::uint64_t row = e.number << 32 | e.first_position;
  for (Index first = 0; first < width; first += lanes<T>)
    mask.factors_by_column(e.keys, width, row + static_cast<std::uint64_t>(first),
                           static_cast<std::uint32_t>(head) + 1, factors + first);
}

// ---- One example -------------------------------------------------------------------------------

/// O for one example; `mask` is null without dropout.
template <Real T>
void attention(const AttentionExample& example, const AttentionSizes<T>& sizes,
               const DropoutMask<T>* mask, const T* q, const T* k, const T* v, T* o) {
  const Index stride = sizes.heads * sizes.value_width;
  const WeightSizes<T> size(example);
  const Index width = size.width;
  std::vector<T> weights = size.zeros(), factors = mask ? size.zeros() : std::vector<T>();
  each_query_block(example, [&](const AttentionExample& e, bool) {
    for (Index head = 0; head < sizes.heads; ++head) {
      attention_probabilities(e, sizes, head, q, k, width, weights.data());
      if (mask) {
        draw_factors(e, *mask, head, width, factors.data());
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= factors[i];
      }
      matmul_on_this_thread<T>({.rows = e.queries,
                                .columns = sizes.value_width,
                                .inner = e.keys,
                                .a = {weights.data(), width, true},
                                .b = {v + e.key_begin * stride + head * sizes.value_width, stride},
                                .c = o + e.query_begin * stride + head * sizes.value_width,
                                .stride = stride});
    }
  });
}

/// q̄, k̄, v̄ of one example; with `keep` 1 instead of 0, k̄ and v̄ are added to what is there, for
/// examples that share keys. From the formulas above, last to first:
///   V̄ = Dᵀ Ō,   D̄ = Ō Vᵀ,   P̄ = dropout(D̄),   S̄ = P ⊙ (P̄ − ⟨P̄, P⟩),   Q̄ = S̄ K/√d,   K̄ = S̄ᵀ Q/√d
template <Real T>
void attention_vjp(const AttentionExample& example, const AttentionSizes<T>& sizes,
                   const DropoutMask<T>* mask, const T* q, const T* k, const T* v, const T* g,
                   T* dq, T* dk, T* dv, T keep) {
  const Index key_stride = sizes.heads * sizes.key_width;
  const Index value_stride = sizes.heads * sizes.value_width;
  const WeightSizes<T> size(example);
  const Index width = size.width;
  std::vector<T> weights = size.zeros(), dweights = size.zeros();
  std::vector<T> dropped = mask ? size.zeros() : std::vector<T>(), factors = dropped;
  each_query_block(example, [&](const AttentionExample& e, bool first) {
    const T kept = first ? keep : T{1};  // of k̄ and v̄: blocks of queries share the keys
    for (Index head = 0; head < sizes.heads; ++head) {
      const Index at_q = e.query_begin * key_stride + head * sizes.key_width;
      const Index at_k = e.key_begin * key_stride + head * sizes.key_width;
      const Index at_v = e.key_begin * value_stride + head * sizes.value_width;
      const Index at_o = e.query_begin * value_stride + head * sizes.value_width;

      attention_probabilities(e, sizes, head, q, k, width, weights.data());
      if (mask) {  // the same choice for D here and for P̄ below
        draw_factors(e, *mask, head, width, factors.data());
        for (std::size_t i = 0; i < weights.size(); ++i) dropped[i] = weights[i] * factors[i];
      }
      matmul_on_this_thread<T>({.rows = e.keys,
                                .columns = sizes.value_width,
                                .inner = e.queries,
                                .a = {mask ? dropped.data() : weights.data(), width},
                                .b = {g + at_o, value_stride},
                                .c = dv + at_v,
                                .stride = value_stride,
                                .keep = kept});
      matmul_on_this_thread<T>({.rows = e.keys,
                                .columns = e.queries,
                                .inner = sizes.value_width,
                                .a = {v + at_v, value_stride},
                                .b = {g + at_o, value_stride, true},
                                .c = dweights.data(),
                                .stride = width});
      if (mask)
        for (std::size_t i = 0; i < dweights.size(); ++i) dweights[i] *= factors[i];
      for (Index lane = 0; lane < width; lane += lanes<T>)
        softmax_vjp_over_keys(weights.data() + lane, dweights.data() + lane, e.keys, width);
      matmul_on_this_thread<T>({.rows = e.queries,
                                .columns = sizes.key_width,
                                .inner = e.keys,
                                .a = {dweights.data(), width, true},
                                .b = {k + at_k, key_stride},
                                .c = dq + at_q,
                                .stride = key_stride,
                                .scale = sizes.scale()});
      matmul_on_this_thread<T>({.rows = e.keys,
                                .columns = sizes.key_width,
                                .inner = e.queries,
                                .a = {dweights.data(), width},
                                .b = {q + at_q, key_stride},
                                .c = dk + at_k,
                                .stride = key_stride,
                                .scale = sizes.scale(),
                                .keep = kept});
    }
  });
}

}  // namespace adjoint::kernels
