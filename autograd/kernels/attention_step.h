// Attention of a single query without dropout, which is what a step of decoding needs: the weights
// are one row, where attention.h would compute a register of queries.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "autograd/kernels/attention.h"
#include "autograd/kernels/rows.h"
#include "autograd/kernels/small_products.h"

namespace adjoint::kernels {

/// O of an example of one query, head by head:
///   s_j = ⟨q, k_j⟩/√d (− slope · |position − j|),   p = softmax(s) over the visible keys,
///   o = Σ_j p_j v_j
template <Real T>
void attention_step(const AttentionExample& e, const AttentionSizes<T>& sizes, const T* q,
                    const T* k, const T* v, T* o) {
  const Index key_stride = sizes.heads * sizes.key_width;
  const Index value_stride = sizes.heads * sizes.value_width;
  const Index visible = e.visible[0];
  const bool* const allowed = e.allowed;
  const Index position = e.first_position;
  std::vector<T> weights(static_cast<std::size_t>(visible));
  T* const p = weights.data();
  for (Index head = 0; head < sizes.heads; ++head) {
    const Index at = head * sizes.key_width, at_value = head * sizes.value_width;
    const Matrix<T> query{q + e.query_begin * key_stride + at, key_stride};
    const Matrix<T> keys{k + e.key_begin * key_stride + at, key_stride};
    const Matrix<T> values{v + e.key_begin * value_stride + at_value, value_stride};
    multiply_few_rows<T>({1, visible, sizes.key_width, query, keys.t(), p, visible, sizes.scale()});
    if (sizes.linear_biases) {
      const T slope = static_cast<T>(slope_of(head, sizes.heads));
      for (Index j = 0; j < visible; ++j) p[j] -= slope * static_cast<T>(std::abs(position - j));
    }
    if (allowed)
      for (Index j = 0; j < visible; ++j)
        if (!allowed[j]) p[j] = -std::numeric_limits<T>::infinity();
    softmax(p, p, visible);
    T* const result = o + e.query_begin * value_stride + at_value;
    for (Index i = 0; i < sizes.value_width; i += lanes<T>) {
      const Index count = std::min(lanes<T>, sizes.value_width - i);
      const Register<T> sum = sum_of_blocks(visible, longest_chain, [&](Index begin, Index end) {
        Register<T> part{};
        for (Index j = begin; j < end; ++j)
          if (!allowed || allowed[j]) part += p[j] * load_first(values.from(j, i).data, count);
        return part;
      });
      store_first(result + i, sum, count);
    }
  }
}

}  // namespace adjoint::kernels
