// Scaled dot-product attention for one example, all heads, forward and backward.
//
//   S = Q Kᵀ / √d,   P = softmax(S) over the visible keys,   D = dropout(P),   O = D V
//
// Heads lie side by side in the rows, so a head's matrix is read with the row's full width as its
// leading dimension: nothing is copied or transposed.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "autograd/kernels/blas.h"
#include "autograd/kernels/dropout.h"
#include "autograd/kernels/rows.h"

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
  T scale() const { return 1 / std::sqrt(static_cast<T>(key_width)); }
};

/// The probabilities of one head: weights [queries, keys].
template <Real T>
void attention_probabilities(const AttentionExample& e, const AttentionSizes<T>& sizes, Index head,
                             const T* q, const T* k, T* weights) {
  const Index stride = sizes.heads * sizes.key_width, at = head * sizes.key_width;
  matmul_on_this_thread<T>(e.queries, e.keys, sizes.key_width, sizes.scale(),
                           {q + e.query_begin * stride + at, stride},
                           {k + e.key_begin * stride + at, stride, true}, T{0}, weights, e.keys);
  for (Index i = 0; i < e.queries; ++i) {
    T* const row = weights + i * e.keys;
    if (e.allowed)
      for (Index j = 0; j < e.visible[i]; ++j)
        if (!e.allowed[i * e.allowed_stride + j]) row[j] = -std::numeric_limits<T>::infinity();
    softmax(row, row, e.visible[i]);
    std::fill(row + e.visible[i], row + e.keys, T{0});
  }
}

/// dropped ← dropout(weights), row by row; the same array for both is fine.
template <Real T>
void drop_weights(const AttentionExample& e, const DropoutMask<T>& mask, Index head,
                  const T* weights, T* dropped) {
  for (Index i = 0; i < e.queries; ++i) {
    const std::uint64_t position = e.first_position + static_cast<std::uint64_t>(i);
    mask.apply(weights + i * e.keys, dropped + i * e.keys, e.keys, e.number << 32 | position,
               static_cast<std::uint32_t>(head) + 1);
  }
}

/// O for one example; `mask` is null without dropout.
template <Real T>
void attention(const AttentionExample& e, const AttentionSizes<T>& sizes,
               const DropoutMask<T>* mask, const T* q, const T* k, const T* v, T* o) {
  const Index stride = sizes.heads * sizes.value_width;
  std::vector<T> weights(static_cast<std::size_t>(e.queries * e.keys));
  for (Index head = 0; head < sizes.heads; ++head) {
    attention_probabilities(e, sizes, head, q, k, weights.data());
    if (mask) drop_weights(e, *mask, head, weights.data(), weights.data());
    matmul_on_this_thread<T>(e.queries, sizes.value_width, e.keys, T{1}, {weights.data(), e.keys},
                             {v + e.key_begin * stride + head * sizes.value_width, stride}, T{0},
                             o + e.query_begin * stride + head * sizes.value_width, stride);
  }
}

/// Adds to q̄, k̄, v̄ of one example. From the formulas above, last to first:
///   V̄ = Dᵀ Ō,   D̄ = Ō Vᵀ,   P̄ = dropout(D̄),   S̄ = P ⊙ (P̄ − ⟨P̄, P⟩),   Q̄ = S̄ K/√d,   K̄ = S̄ᵀ Q/√d
template <Real T>
void attention_vjp(const AttentionExample& e, const AttentionSizes<T>& sizes,
                   const DropoutMask<T>* mask, const T* q, const T* k, const T* v, const T* g,
                   T* dq, T* dk, T* dv) {
  const Index key_stride = sizes.heads * sizes.key_width;
  const Index value_stride = sizes.heads * sizes.value_width;
  const auto size = static_cast<std::size_t>(e.queries * e.keys);
  std::vector<T> weights(size), dropped(mask ? size : 0), dweights(size);
  for (Index head = 0; head < sizes.heads; ++head) {
    const Index at_q = e.query_begin * key_stride + head * sizes.key_width;
    const Index at_k = e.key_begin * key_stride + head * sizes.key_width;
    const Index at_v = e.key_begin * value_stride + head * sizes.value_width;
    const Index at_o = e.query_begin * value_stride + head * sizes.value_width;

    attention_probabilities(e, sizes, head, q, k, weights.data());
    if (mask) drop_weights(e, *mask, head, weights.data(), dropped.data());
    matmul_on_this_thread<T>(e.keys, sizes.value_width, e.queries, T{1},
                             {mask ? dropped.data() : weights.data(), e.keys, true},
                             {g + at_o, value_stride}, T{1}, dv + at_v, value_stride);
    matmul_on_this_thread<T>(e.queries, e.keys, sizes.value_width, T{1}, {g + at_o, value_stride},
                             {v + at_v, value_stride, true}, T{0}, dweights.data(), e.keys);
    if (mask) drop_weights(e, *mask, head, dweights.data(), dweights.data());
    for (Index i = 0; i < e.queries; ++i) {
      const Index row = i * e.keys;
      softmax_vjp(weights.data() + row, dweights.data() + row, dweights.data() + row, e.keys);
    }
    matmul_on_this_thread<T>(e.queries, sizes.key_width, e.keys, sizes.scale(),
                             {dweights.data(), e.keys}, {k + at_k, key_stride}, T{1}, dq + at_q,
                             key_stride);
    matmul_on_this_thread<T>(e.keys, sizes.key_width, e.queries, sizes.scale(),
                             {dweights.data(), e.keys, true}, {q + at_q, key_stride}, T{1},
                             dk + at_k, key_stride);
  }
}

}  // namespace adjoint::kernels
