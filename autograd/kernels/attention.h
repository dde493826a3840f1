// Scaled dot-product attention of one example, all heads, forward and backward.
//
//   S = Q Kᵀ / √d,   P = softmax(S) over the visible keys,   D = dropout(P),   O = D V
//
// Heads lie side by side in the rows: a head's matrix is read with the full row as its leading
// dimension, and nothing is copied.
//
// Weights are held transposed, [keys, queries]: the sums over keys in the softmax and in its
// derivative, and the mask of dropout, then run over whole registers of queries. Queries are taken
// a block at a time, so that a block's weights stay in the cache however long the sequences are.
//
// A pair of query and key hidden by the mask or by dropout has no influence. Its weight is 0, which
// is enough unless an operand is NaN or infinite: 0 · NaN is NaN. In that case the slow loops of
// masked_product.h skip the hidden pairs. The backward pass need not search its operands for such
// elements: each of them makes an element of Q Kᵀ or Ō Vᵀ, which are smaller, NaN or infinite.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "autograd/kernels/dropout.h"
#include "autograd/kernels/masked_product.h"
#include "autograd/kernels/matmul.h"
#include "autograd/kernels/registers.h"
#include "autograd/kernels/sums.h"
#include "autograd/kernels/vector_math.h"

namespace adjoint::kernels {

/// The rows of one example, and which keys each of its queries may attend to.
struct AttentionExample {
  Index query_begin, queries, key_begin, keys;
  const Index* visible;  ///< [queries]: how many keys, counted from the first, are visible …
  const bool* allowed;   ///< … and which of them: [queries, allowed_stride]; or null for all
  Index allowed_stride;
  Index number;  ///< names the example for dropout
  Index first_position;
};

template <Real T>
struct AttentionSizes {
  Index heads, key_width, value_width;  // the widths are those of one head
  bool linear_biases;
  T scale() const { return 1 / std::sqrt(static_cast<T>(std::max<Index>(1, key_width))); }
};

/// How much a score falls from one key to the one before it, with linear biases (ALiBi).
inline double slope_of(Index head, Index heads) {
  return std::exp2(-8 * static_cast<double>(head + 1) / static_cast<double>(heads));
}

constexpr Index query_block = 64;

/// The example restricted to a block of its queries.
inline AttentionExample part_of(AttentionExample e, Index first, Index count) {
  e.query_begin += first;
  e.queries = count;
  e.visible += first;
  if (e.allowed) e.allowed += first * e.allowed_stride;
  e.first_position += first;
  return e;
}
/// f(part, whether it is the first) for each block of queries.
template <class F>
void each_query_block(const AttentionExample& e, F f) {
  for (Index first = 0; first < std::max<Index>(1, e.queries); first += query_block)
    f(part_of(e, first, std::min(query_block, e.queries - first)), first == 0);
}

/// Tells which pairs of an example the mask and the factors of dropout, [keys, width], leave
/// visible.
template <Real T>
struct Pairs {
  const AttentionExample& example;
  const T* factors;  ///< null without dropout
  Index width;
  bool operator()(Index query, Index key) const {
    const AttentionExample& e = example;
    return key < e.visible[query] && (!e.allowed || e.allowed[query * e.allowed_stride + key]) &&
           (!factors || factors[key * width + query] != 0);
  }
};

/// Whether the mask may hide a pair.
inline bool hides_pairs(const AttentionExample& e) {
  return e.allowed || std::any_of(e.visible, e.visible + e.queries,
                                  [&](Index visible) { return visible < e.keys; });
}
/// Sets the weights [keys, width] of hidden pairs to 0.
template <Real T>
void clear_hidden(const Pairs<T>& pairs, std::vector<T>& weights) {
  for (Index j = 0; j < pairs.example.keys; ++j)
    for (Index i = 0; i < pairs.example.queries; ++i)
      if (!pairs(i, j)) weights[static_cast<std::size_t>(j * pairs.width + i)] = 0;
}

/// A product over the keys or the queries of one head: of all pairs, or only of those that take
/// part.
template <Real T, class TakesPart>
void multiply(const Product<T>& product, bool by_pairs, const TakesPart& takes_part) {
  if (by_pairs)
    multiply_pairs(product, takes_part);
  else
    matmul_on_this_thread(product);
}

/// The weights of one head and one block of queries are [keys, width], where width is the number of
/// queries rounded up to whole registers. The lanes beyond the queries are never read.
template <Real T>
struct WeightSizes {
  Index keys, width;
  explicit WeightSizes(const AttentionExample& e)
      : keys(e.keys),
        width((std::min(e.queries, query_block) + lanes<T> - 1) / lanes<T> * lanes<T>) {}
  std::vector<T> zeros() const { return std::vector<T>(static_cast<std::size_t>(keys * width)); }
};

// ---- The steps for one register of queries -----------------------------------------------------

/// Softmax of a column of scores, [keys] registers `width` elements apart. Scores from `visible` on
/// count as −∞. A query that sees no key gets zeros.
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
  const Register<T> sum = sum_of_blocks(keys, longest_chain, [=](Index begin, Index end) {
    Register<T> part{};
    for (Index j = begin; j < end; ++j) {
      T* const at = column + j * width;
      const Register<T> exponential = exp_of_negative<T>(load(at) - shift);
      part += exponential;
      store(at, exponential);
    }
    return part;
  });
  const Register<T> scale = sum == 0 ? Register<T>{} : 1 / sum;
  for (Index j = 0; j < keys; ++j) store(column + j * width, scale * load(column + j * width));
}

/// s̄ = p ⊙ (p̄ − Σ p̄ p), summed over the keys and written over p̄.
template <Real T>
void softmax_vjp_over_keys(const T* p, T* dp, Index keys, Index width) {
  const Register<T> along = sum_of_blocks(keys, longest_chain, [=](Index begin, Index end) {
    Register<T> part{};
    for (Index j = begin; j < end; ++j) part += load(dp + j * width) * load(p + j * width);
    return part;
  });
  for (Index j = 0; j < keys; ++j)
    store(dp + j * width, load(p + j * width) * (load(dp + j * width) - along));
}

// ---- One head ----------------------------------------------------------------------------------

/// Adds −slope · |position − j| to the score of key j.
template <Real T>
void add_linear_biases(const AttentionExample& e, T slope, Index width, T* scores) {
  const Index position = e.first_position;
  for (Index j = 0; j < e.keys; ++j)
    for (Index i = 0; i < e.queries; ++i)
      scores[j * width + i] -= slope * static_cast<T>(std::abs(position + i - j));
}

/// Sᵀ of one head, from its queries and keys, without mask and biases.
template <Real T>
void attention_scores(const AttentionExample& e, const AttentionSizes<T>& sizes, const Matrix<T>& q,
                      const Matrix<T>& k, Index width, T* weights) {
  matmul_on_this_thread<T>(
      {e.keys, e.queries, sizes.key_width, k, q.t(), weights, width, sizes.scale()});
}

/// Turns Sᵀ of one head into Pᵀ.
template <Real T>
void attention_probabilities(const AttentionExample& e, const AttentionSizes<T>& sizes, Index head,
                             Index width, T* weights) {
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

/// The factors of dropout for the weights of one head, [keys, width].
template <Real T>
void draw_factors(const AttentionExample& e, const DropoutMask<T>& mask, Index head, Index width,
                  T* factors) {
  for (Index first = 0; first < width; first += lanes<T>)
    mask.factors_by_column(
        e.keys, width, static_cast<std::uint64_t>(row_number(e.number, e.first_position + first)),
        static_cast<std::uint32_t>(head) + 1, factors + first);
}

// ---- One example -------------------------------------------------------------------------------

/// O of one example. `mask` is null without dropout.
template <Real T>
void attention(const AttentionExample& example, const AttentionSizes<T>& sizes,
               const DropoutMask<T>* mask, const T* q, const T* k, const T* v, T* o) {
  const Index key_stride = sizes.heads * sizes.key_width;
  const Index value_stride = sizes.heads * sizes.value_width;
  const WeightSizes<T> size(example);
  const Index width = size.width;
  std::vector<T> weights = size.zeros(), factors = mask ? size.zeros() : std::vector<T>();
  const bool by_pairs =
      (mask || hides_pairs(example)) &&
      !all_finite(std::span<const T>(v + example.key_begin * value_stride,
                                     static_cast<std::size_t>(example.keys * value_stride)));
  each_query_block(example, [&](const AttentionExample& e, bool) {
    const Pairs<T> pairs{e, mask ? factors.data() : nullptr, width};
    for (Index head = 0; head < sizes.heads; ++head) {
      const Index at_q = e.query_begin * key_stride + head * sizes.key_width;
      const Index at_k = e.key_begin * key_stride + head * sizes.key_width;
      const Index at_v = e.key_begin * value_stride + head * sizes.value_width;
      const Index at_o = e.query_begin * value_stride + head * sizes.value_width;
      attention_scores<T>(e, sizes, {q + at_q, key_stride}, {k + at_k, key_stride}, width,
                          weights.data());
      attention_probabilities<T>(e, sizes, head, width, weights.data());
      if (mask) {
        draw_factors(e, *mask, head, width, factors.data());
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= factors[i];
      }
      const Matrix<T> d{weights.data(), width, true};
      multiply<T>({e.queries,
                   sizes.value_width,
                   e.keys,
                   d,
                   {v + at_v, value_stride},
                   o + at_o,
                   value_stride},
                  by_pairs, pairs);
    }
  });
}

template <Real T>
void attention_vjp_in_halves(const AttentionExample& e, const AttentionSizes<T>& sizes,
                             const DropoutMask<T>* mask, const T* q, const T* k, const T* v,
                             const T* g, T* dq, T* dk, T* dv, bool add);

/// q̄, k̄, v̄ of one example. With `add`, k̄ and v̄ are added to what is there, for examples that share
/// keys. From the formulas above, last to first:
///   V̄ = Dᵀ Ō,   D̄ = Ō Vᵀ,   P̄ = dropout(D̄),   S̄ = P ⊙ (P̄ − ⟨P̄, P⟩),   Q̄ = S̄ K/√d,   K̄ = S̄ᵀ Q/√d
template <Real T>
void attention_vjp(const AttentionExample& example, const AttentionSizes<T>& sizes,
                   const DropoutMask<T>* mask, const T* q, const T* k, const T* v, const T* g,
                   T* dq, T* dk, T* dv, bool add) {
  if (example.queries > longest_chain * query_block)
    return attention_vjp_in_halves(example, sizes, mask, q, k, v, g, dq, dk, dv, add);
  const Index key_stride = sizes.heads * sizes.key_width;
  const Index value_stride = sizes.heads * sizes.value_width;
  const WeightSizes<T> size(example);
  const Index width = size.width;
  std::vector<T> p = size.zeros(), ds = size.zeros();  // Pᵀ; D̄ᵀ, which becomes P̄ᵀ and then S̄ᵀ
  std::vector<T> dropped = mask ? size.zeros() : std::vector<T>(), factors = dropped;
  const bool may_hide = mask || hides_pairs(example);
  each_query_block(example, [&](const AttentionExample& e, bool first) {
    const bool adds = add || !first;  // blocks of queries share the keys
    const Pairs<T> visible{e, nullptr, width}, kept{e, mask ? factors.data() : nullptr, width};
    for (Index head = 0; head < sizes.heads; ++head) {
      const Index at_q = e.query_begin * key_stride + head * sizes.key_width;
      const Index at_k = e.key_begin * key_stride + head * sizes.key_width;
      const Index at_v = e.key_begin * value_stride + head * sizes.value_width;
      const Index at_o = e.query_begin * value_stride + head * sizes.value_width;
      const Matrix<T> query{q + at_q, key_stride}, key{k + at_k, key_stride};
      const Matrix<T> value{v + at_v, value_stride}, dout{g + at_o, value_stride};

      attention_scores<T>(e, sizes, query, key, width, p.data());
      // D̄ᵀ = V Ōᵀ
      matmul_on_this_thread<T>(
          {e.keys, e.queries, sizes.value_width, value, dout.t(), ds.data(), width});
      const bool by_pairs =
          may_hide && !(all_finite(std::span<const T>(p)) && all_finite(std::span<const T>(ds)));
      attention_probabilities<T>(e, sizes, head, width, p.data());
      if (by_pairs) clear_hidden(visible, p);
      if (mask) {  // the same factors for D here and for P̄ below
        draw_factors(e, *mask, head, width, factors.data());
        for (std::size_t i = 0; i < p.size(); ++i) dropped[i] = p[i] * factors[i];
        for (std::size_t i = 0; i < ds.size(); ++i) ds[i] *= factors[i];
        if (by_pairs) clear_hidden(kept, dropped);
      }
      if (by_pairs) clear_hidden(kept, ds);
      // V̄ = Dᵀ Ō
      const Matrix<T> d{mask ? dropped.data() : p.data(), width};
      multiply<T>(
          {e.keys, sizes.value_width, e.queries, d, dout, dv + at_v, value_stride, T{1}, adds},
          by_pairs, [&](Index j, Index i) { return kept(i, j); });
      for (Index lane = 0; lane < width; lane += lanes<T>)
        softmax_vjp_over_keys(p.data() + lane, ds.data() + lane, e.keys, width);
      if (by_pairs) clear_hidden(visible, ds);
      // Q̄ = S̄ K/√d and K̄ = S̄ᵀ Q/√d
      const Matrix<T> dscores{ds.data(), width};
      multiply<T>({e.queries, sizes.key_width, e.keys, dscores.t(), key, dq + at_q, key_stride,
                   sizes.scale()},
                  by_pairs, visible);
      multiply<T>({e.keys, sizes.key_width, e.queries, dscores, query, dk + at_k, key_stride,
                   sizes.scale(), adds},
                  by_pairs, [&](Index j, Index i) { return visible(i, j); });
    }
  });
}

/// The same for long sequences. Each block of queries adds to k̄ and v̄, which would make their
/// sums long chains (sums.h), so the second half of the queries adds to sums of its own.
template <Real T>
void attention_vjp_in_halves(const AttentionExample& e, const AttentionSizes<T>& sizes,
                             const DropoutMask<T>* mask, const T* q, const T* k, const T* v,
                             const T* g, T* dq, T* dk, T* dv, bool add) {
  const Index middle = e.queries / 2 / query_block * query_block;
  attention_vjp(part_of(e, 0, middle), sizes, mask, q, k, v, g, dq, dk, dv, add);

  AttentionExample second = part_of(e, middle, e.queries - middle);
  second.key_begin = 0;  // these sums have rows for the keys of this example only
  const auto sum_of_second = [&](Index width) {
    return std::vector<T>(static_cast<std::size_t>(e.keys * sizes.heads * width));
  };
  std::vector<T> more_k = sum_of_second(sizes.key_width), more_v = sum_of_second(sizes.value_width);
  const Index first_k = e.key_begin * sizes.heads * sizes.key_width;
  const Index first_v = e.key_begin * sizes.heads * sizes.value_width;
  attention_vjp(second, sizes, mask, q, k + first_k, v + first_v, g, dq, more_k.data(),
                more_v.data(), false);
  for (std::size_t i = 0; i < more_k.size(); ++i) dk[first_k + static_cast<Index>(i)] += more_k[i];
  for (std::size_t i = 0; i < more_v.size(); ++i) dv[first_v + static_cast<Index>(i)] += more_v[i];
}

}  // namespace adjoint::kernels
