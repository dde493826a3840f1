// Scaled dot-product attention for one example, all heads, forward and backward.
//
//   S = Q Kᵀ / √d,   P = softmax(S) over the visible keys,   D = dropout(P),   O = D V
//
// Heads lie side by side in the rows, so a head's matrix is read with the row's full width as its
// leading dimension: nothing is copied or transposed.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "autograd/kernels/dropout.h"
#include "autograd/kernels/matmul.h"
#include "autograd/kernels/registers.h"
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

/// A head's weights are held with rows as long as whole registers, zero past the visible keys.
template <Real T>
Index padded(Index keys) {
  return (keys + lanes<T> - 1) / lanes<T> * lanes<T>;
}
/// f(width), as a constant where it is one register: few keys are common, and loops whose length
/// the compiler knows need no rest.
template <Real T, class F>
void with_known_width(Index width, F f) {
  if (width == lanes<T>)
    f(std::integral_constant<Index, lanes<T>>{});
  else
    f(width);
}

/// Softmax over the first `visible` elements of a padded row of scores; zeros after them.
template <Real T>
void softmax_visible(T* row, Index visible, Index width) {
  if (visible == 0) {
    std::fill(row, row + width, T{0});
    return;
  }
  // Numbers that are thrown away, but of a size for which exp is quick: not −∞.
  std::fill(row + visible, row + width, row[0]);
  with_known_width<T>(width, [=](auto count) {
    const T shift = largest(row, count);
    if (shift == -std::numeric_limits<T>::infinity()) return softmax(row, row, count);
    for (Index j = 0; j < count; ++j) row[j] = kernels::exp(row[j] - shift);
    std::fill(row + visible, row + count, T{0});
    const T scale = 1 / total(row, count);
    for (Index j = 0; j < count; ++j) row[j] *= scale;
  });
}

/// The probabilities of one head: weights [queries, keys], padded.
template <Real T>
void attention_probabilities(const AttentionExample& e, const AttentionSizes<T>& sizes, Index head,
                             const T* q, const T* k, T* weights) {
  constexpr T hidden = -std::numeric_limits<T>::infinity();
  const Index stride = sizes.heads * sizes.key_width, at = head * sizes.key_width;
  const Index width = padded<T>(e.keys);
  matmul_on_this_thread<T>({.rows = e.queries,
                            .columns = e.keys,
                            .inner = sizes.key_width,
                            .a = {q + e.query_begin * stride + at, stride},
                            .b = {k + e.key_begin * stride + at, stride, true},
                            .c = weights,
                            .stride = width,
                            .scale = sizes.scale()});
  for (Index i = 0; i < e.queries; ++i) {
    T* const row = weights + i * width;
    if (e.allowed)
      for (Index j = 0; j < e.visible[i]; ++j)
        if (!e.allowed[i * e.allowed_stride + j]) row[j] = hidden;
    softmax_visible(row, e.visible[i], width);
  }
}

/// dropped ← dropout(weights); the same array for both is fine.
template <Real T>
void drop_weights(const AttentionExample& e, const DropoutMask<T>& mask, Index head,
                  const T* weights, T* dropped) {
  const auto name_of = [&](Index query) {
    return e.number << 32 | (e.first_position + static_cast<std::uint64_t>(query));
  };
  mask.apply(weights, dropped, e.queries, e.keys, padded<T>(e.keys), name_of,
             static_cast<std::uint32_t>(head) + 1);
}

/// O for one example; `mask` is null without dropout.
template <Real T>
void attention(const AttentionExample& e, const AttentionSizes<T>& sizes,
               const DropoutMask<T>* mask, const T* q, const T* k, const T* v, T* o) {
  const Index stride = sizes.heads * sizes.value_width;
  const Index width = padded<T>(e.keys);
  std::vector<T> weights(static_cast<std::size_t>(e.queries * width));
  for (Index head = 0; head < sizes.heads; ++head) {
    attention_probabilities(e, sizes, head, q, k, weights.data());
    if (mask) drop_weights(e, *mask, head, weights.data(), weights.data());
    matmul_on_this_thread<T>({.rows = e.queries,
                              .columns = sizes.value_width,
                              .inner = e.keys,
                              .a = {weights.data(), width},
                              .b = {v + e.key_begin * stride + head * sizes.value_width, stride},
                              .c = o + e.query_begin * stride + head * sizes.value_width,
                              .stride = stride});
  }
}

/// q̄, k̄, v̄ of one example; with `keep` 1 instead of 0, k̄ and v̄ are added to what is there, for
/// examples that share keys. From the formulas above, last to first:
///   V̄ = Dᵀ Ō,   D̄ = Ō Vᵀ,   P̄ = dropout(D̄),   S̄ = P ⊙ (P̄ − ⟨P̄, P⟩),   Q̄ = S̄ K/√d,   K̄ = S̄ᵀ Q/√d
template <Real T>
void attention_vjp(const AttentionExample& e, const AttentionSizes<T>& sizes,
                   const DropoutMask<T>* mask, const T* q, const T* k, const T* v, const T* g,
                   T* dq, T* dk, T* dv, T keep) {
  const Index key_stride = sizes.heads * sizes.key_width;
  const Index value_stride = sizes.heads * sizes.value_width;
  const Index width = padded<T>(e.keys);
  const auto size = static_cast<std::size_t>(e.queries * width);
  std::vector<T> weights(size), dweights(size);  // [queries, keys], padded
  std::vector<T> dropped(mask ? size : 0), factors(mask ? size : 0), ones(mask ? size : 0, T{1});
  for (Index head = 0; head < sizes.heads; ++head) {
    const Index at_q = e.query_begin * key_stride + head * sizes.key_width;
    const Index at_k = e.key_begin * key_stride + head * sizes.key_width;
    const Index at_v = e.key_begin * value_stride + head * sizes.value_width;
    const Index at_o = e.query_begin * value_stride + head * sizes.value_width;

    attention_probabilities(e, sizes, head, q, k, weights.data());
    if (mask) {  // the same choice for D here and for P̄ below
      drop_weights(e, *mask, head, ones.data(), factors.data());
      for (std::size_t i = 0; i < size; ++i) dropped[i] = weights[i] * factors[i];
    }
    matmul_on_this_thread<T>({.rows = e.keys,
                              .columns = sizes.value_width,
                              .inner = e.queries,
                              .a = {mask ? dropped.data() : weights.data(), width, true},
                              .b = {g + at_o, value_stride},
                              .c = dv + at_v,
                              .stride = value_stride,
                              .keep = keep});
    matmul_on_this_thread<T>({.rows = e.queries,
                              .columns = e.keys,
                              .inner = sizes.value_width,
                              .a = {g + at_o, value_stride},
                              .b = {v + at_v, value_stride, true},
                              .c = dweights.data(),
                              .stride = width});
    if (mask)
      for (std::size_t i = 0; i < size; ++i) dweights[i] *= factors[i];
    for (Index i = 0; i < e.queries; ++i) {
      const Index row = i * width;
      with_known_width<T>(width, [&](auto count) {
        softmax_vjp(weights.data() + row, dweights.data() + row, dweights.data() + row, count);
      });
    }
    matmul_on_this_thread<T>({.rows = e.queries,
                              .columns = sizes.key_width,
                              .inner = e.keys,
                              .a = {dweights.data(), width},
                              .b = {k + at_k, key_stride},
                              .c = dq + at_q,
                              .stride = key_stride,
                              .scale = sizes.scale()});
    matmul_on_this_thread<T>({.rows = e.keys,
                              .columns = sizes.key_width,
                              .inner = e.queries,
                              .a = {dweights.data(), width, true},
                              .b = {q + at_q, key_stride},
                              .c = dk + at_k,
                              .stride = key_stride,
                              .scale = sizes.scale(),
                              .keep = keep});
  }
}

}  // namespace adjoint::kernels
