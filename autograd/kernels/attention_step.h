// Attention of a single query, as each step of decoding has it. Its products are a few hundred
// multiplications: less than it takes to call BLAS and to pack operands.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "autograd/kernels/attention.h"
#include "autograd/kernels/few_rows.h"
#include "autograd/kernels/rows.h"

namespace adjoint::kernels {

/// O for an example of one query, without dropout, head by head:
///   s_j = ⟨q, k_j⟩ / √d (− slope · |position − j|),   p = softmax(s) over the visible keys,   o =
///   Σ_j p_j v_j
template <Real T>
void attention_step(const AttentionExample& e, const AttentionSizes<T>& sizes, const T* q,
                    const T* k, const T* v, T* o) {
  const Index key_stride = sizes.heads * sizes.key_width;
  const Index value_stride = sizes.heads * sizes.value_width;
  const Index visible = e.visible[0];
  const T scale = sizes.scale();
  const auto position = static_cast<Index>(e.first_position);
  std::vector<T> weights(static_cast<std::size_t>(visible));
  T* const p = weights.data();
  for (Index head = 0; head < sizes.heads; ++head) {
    const T* const query = q + e.query_begin * key_stride + head * sizes.key_width;
    const T* const keys = k + e.key_begin * key_stride + head * sizes.key_width;
    const T* const values = v + e.key_begin * value_stride + head * sizes.value_width;
    T* const result = o + e.query_begin * value_stride + head * sizes.value_width;
    const T slope = sizes.linear_biases ? static_cast<T>(slope_of(head, sizes.heads)) : T{0};
    multiply_few_rows<T>({.rows = 1,
                          .columns = visible,
                          .inner = sizes.key_width,
                          .a = {query, sizes.key_width},
                          .b = {keys, key_stride, true},
                          .c = p,
                          .stride = visible,
                          .scale = scale});
    if (slope != 0)
      for (Index j = 0; j < visible; ++j) p[j] -= slope * static_cast<T>(std::abs(position - j));
    if (e.allowed)
      for (Index j = 0; j < visible; ++j)
        if (!e.allowed[j]) p[j] = -std::numeric_limits<T>::infinity();
    softmax(p, p, visible);
    multiply_few_rows<T>({.rows = 1,
                          .columns = sizes.value_width,
                          .inner = visible,
                          .a = {p, visible},
                          .b = {values, value_stride},
                          .c = result,
                          .stride = sizes.value_width});
  }
}

}  // namespace adjoint::kernels
