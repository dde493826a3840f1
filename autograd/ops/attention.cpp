// Scaled dot-product attention with heads, masks and dropout, for padded and for packed batches.

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/kernels/attention_step.h"

#include "autograd/operation.h"
#include "autograd/ops.h"
#include "autograd/ops/formula.h"
#include "autograd/support/threads.h"

namespace adjoint {

AttentionPattern AttentionPattern::whole(Index batch, Index queries, Index keys) {
  AttentionPattern pattern;
  for (Index b = 0; b < batch; ++b)
    pattern.examples.push_back({b * queries, queries, b * keys, keys, 0, b});
  return pattern;
}

Index AttentionPattern::visible_keys(const Example& example, Index query) const {
  Index visible = example.keys;
  if (causal) visible = std::min(visible, example.first_position + query + 1);
  if (lengths.defined())
    visible = std::min(
        visible, lengths.values<Index>()[static_cast<std::size_t>(example.query_begin + query)]);
  return std::max<Index>(0, visible);
}

namespace {

using PatternPtr = std::shared_ptr<const AttentionPattern>;
using Example = AttentionPattern::Example;

Index row_count(const Tensor& x) { return x.shape().numel(0, x.rank() - 1); }

void require_pattern(const PatternPtr& given, const Tensor& query, const Tensor& key) {
  require(given != nullptr, "attention: the pattern is missing");
  const AttentionPattern& pattern = *given;
  const Index query_rows = row_count(query), key_rows = row_count(key);
  Index end = 0;
  for (const Example& e : pattern.examples) {
    require(e.query_begin >= end,
            "attention: the examples' query rows overlap or are out of order at row ",
            e.query_begin);
    end = e.query_begin + e.queries;
    require(e.query_begin >= 0 && e.queries >= 0 && e.query_begin + e.queries <= query_rows &&
                e.key_begin >= 0 && e.keys >= 0 && e.key_begin + e.keys <= key_rows,
            "attention: the pattern's example of query rows [", e.query_begin, ", ",
            e.query_begin + e.queries, ") and key rows [", e.key_begin, ", ", e.key_begin + e.keys,
            ") does not fit a query ", query.shape(), " and a key ", key.shape());
  }
  if (pattern.lengths.defined())
    require(pattern.lengths.dtype() == DType::i64 && pattern.lengths.numel() == query_rows,
            "attention: lengths must be i64, one for each of the ", query_rows, " query rows, are ",
            pattern.lengths.dtype(), ' ', pattern.lengths.shape());
  if (pattern.allowed.defined()) {
    Index most = 0;
    for (const Example& e : pattern.examples) most = std::max(most, e.keys);
    require(pattern.allowed.dtype() == DType::b8 && pattern.allowed.rank() == 2 &&
                pattern.allowed.size(0) == query_rows && pattern.allowed.size(1) >= most,
            "attention: `allowed` must be b8 [", query_rows, ", ", most, "], is ",
            pattern.allowed.dtype(), ' ', pattern.allowed.shape());
  }
}

void require_operands(const Tensor& query, const Tensor& key, const Tensor& value, Index heads) {
  const auto demand = [&](bool condition, const char* text) {
    require(condition, "attention: ", text, "; query is ", query.shape(), ", key ", key.shape(),
            ", value ", value.shape(), ", heads ", heads);
  };
  demand(query.rank() >= 1 && key.rank() >= 1 && value.rank() >= 1 && heads >= 1,
         "needs tensors of […, width] and at least one head");
  demand(query.size(-1) == key.size(-1), "query and key differ in width");
  demand(query.size(-1) % heads == 0 && value.size(-1) % heads == 0,
         "the heads do not divide the width");
  demand(row_count(key) == row_count(value), "key and value differ in rows");
}

// What a kernel is to know of one example; `visible` is filled and pointed at.
kernels::AttentionExample for_kernel(const AttentionPattern& pattern, const Example& e,
                                     std::vector<Index>& visible) {
  visible.resize(static_cast<std::size_t>(e.queries));
  for (Index i = 0; i < e.queries; ++i)
    visible[static_cast<std::size_t>(i)] = pattern.visible_keys(e, i);
  const bool* allowed = nullptr;
  Index stride = 0;
  if (pattern.allowed.defined()) {
    stride = pattern.allowed.size(1);
    allowed = pattern.allowed.values<bool>().data() + e.query_begin * stride;
  }
  return {e.query_begin,
          e.queries,
          e.key_begin,
          e.keys,
          visible.data(),
          allowed,
          stride,
          static_cast<std::uint64_t>(e.number),
          static_cast<std::uint64_t>(e.first_position)};
}

// f(kernel's example) for each, spread over threads in fixed pieces.
template <class F>
void each_example(const AttentionPattern& pattern, Index grain, F f) {
  parallel_for(static_cast<Index>(pattern.examples.size()), grain, [&](Index begin, Index end) {
    std::vector<Index> visible;
    for (Index i = begin; i < end; ++i)
      f(for_kernel(pattern, pattern.examples[static_cast<std::size_t>(i)], visible));
  });
}

// So many examples that a piece is worth a thread's while.
Index forward_grain(const AttentionPattern& pattern, Index width) {
  Index work = 1;
  for (const Example& e : pattern.examples) work = std::max(work, e.queries * e.keys * width);
  return std::max<Index>(1, 200'000 / work);
}

// Where examples share keys, as hypotheses of one beam do, their gradients go to the same rows and
// have to be added one after the other.
bool keys_disjoint(const AttentionPattern& pattern) {
  Index end = 0;
  for (const Example& e : pattern.examples) {
    if (e.key_begin < end) return false;
    end = e.key_begin + e.keys;
  }
  return true;
}

// Zeros for the rows that belong to no example and are computed by none.
template <Real T>
void clear_other_rows(Tensor& x, const std::vector<Example>& examples, Index Example::*begin,
                      Index Example::*count) {
  const Index width = x.size(-1);
  const std::span<T> elements = x.edit<T>();
  const auto clear = [&](Index from, Index to) {
    if (from < to) std::fill(elements.begin() + from * width, elements.begin() + to * width, T{0});
  };
  Index end = 0;
  for (const Example& e : examples) {
    clear(end, e.*begin);
    end = e.*begin + e.*count;
  }
  clear(end, row_count(x));
}

template <Real T>
kernels::AttentionSizes<T> sizes_of(const Tensor& query, const Tensor& value,
                                    const AttentionOptions& o) {
  return {o.heads, query.size(-1) / o.heads, value.size(-1) / o.heads, o.linear_biases};
}

// ---- The formula --------------------------------------------------------------------------------

// Everything the formula needs of a pattern: padded index tables and the mask.
struct PaddedPattern {
  Index examples, queries, keys;
  Tensor query_rows;  // i64 [examples, queries]: the row, or none
  Tensor key_rows;    // i64 [examples, keys]
  Tensor places;      // i64 [query rows]: where a query row stands in the padded table, or none
  Tensor allowed;     // b8 [examples, queries, keys]
  Tensor numbers;  // i64 [examples, queries]: names the rows for dropout, by example and position

  PaddedPattern(const AttentionPattern& pattern, Index total_query_rows) {
    examples = static_cast<Index>(pattern.examples.size());
    queries = keys = 0;
    for (const Example& e : pattern.examples) {
      queries = std::max(queries, e.queries);
      keys = std::max(keys, e.keys);
    }
    query_rows = full({examples, queries}, none, DType::i64);
    key_rows = full({examples, keys}, none, DType::i64);
    places = full({total_query_rows}, none, DType::i64);
    allowed = zeros({examples, queries, keys}, DType::b8);
    numbers = zeros({examples, queries}, DType::i64);
    for (Index n = 0; n < examples; ++n) fill(pattern, n);
  }
  Index position(Index example, Index query) const {
    return numbers.values<Index>()[static_cast<std::size_t>(example * queries + query)] &
           0xffffffff;
  }

 private:
  void fill(const AttentionPattern& pattern, Index n) {
    const Example& e = pattern.examples[static_cast<std::size_t>(n)];
    for (Index j = 0; j < e.keys; ++j) at(key_rows, n * keys + j) = e.key_begin + j;
    const std::span<bool> may = allowed.edit<bool>();
    for (Index i = 0; i < e.queries; ++i) {
      at(query_rows, n * queries + i) = e.query_begin + i;
      at(places, e.query_begin + i) = n * queries + i;
      at(numbers, n * queries + i) = e.number << 32 | (e.first_position + i);
      for (Index j = 0; j < pattern.visible_keys(e, i); ++j)
        may[static_cast<std::size_t>((n * queries + i) * keys + j)] =
            !pattern.allowed.defined() || pattern.allowed.at({e.query_begin + i, j}) != 0;
    }
  }
  static Index& at(Tensor& table, Index position) {
    return table.edit<Index>()[static_cast<std::size_t>(position)];
  }
};

// [rows…, heads·d] to [examples, heads, steps, d], by a table of rows [examples, steps]
Tensor split_heads(const Tensor& x, const Tensor& rows, Index heads) {
  const Index width = x.size(-1);
  const Tensor flat = reshape(x, {row_count(x), width});  // [rows, heads·d]
  const Tensor padded = gather(flat, rows);               // [examples, steps, heads·d]
  const Tensor split = reshape(
      padded, {rows.size(0), rows.size(1), heads, width / heads});  // [examples, steps, heads, d]
  return permute(split, {0, 2, 1, 3});                              // [examples, heads, steps, d]
}

// −slope · |distance|: [examples, heads, queries, keys]
Tensor linear_biases(const PaddedPattern& padded, Index heads, DType dtype) {
  Tensor biases = zeros({padded.examples, heads, padded.queries, padded.keys}, dtype);
  dispatch(dtype, [&]<class T>() {
    if constexpr (Real<T>) {
      T* bias = biases.edit<T>().data();
      for (Index n = 0; n < padded.examples; ++n)
        for (Index head = 0; head < heads; ++head)
          for (Index i = 0; i < padded.queries; ++i)
            for (Index j = 0; j < padded.keys; ++j)
              *bias++ = static_cast<T>(kernels::slope_of(head, heads)) *
                        static_cast<T>(-std::abs(padded.position(n, i) - j));
    }
  });
  return biases;
}

Tensor probabilities_formula(const Tensor& query, const Tensor& key, const PaddedPattern& padded,
                             const AttentionOptions& o) {
  const Tensor q = split_heads(query, padded.query_rows, o.heads);
  const Tensor k = split_heads(key, padded.key_rows, o.heads);
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1) / o.heads));
  Tensor scores = matmul(q, k, Transposed::b) * scale;  // [examples, heads, queries, keys]
  if (o.linear_biases) scores = scores + linear_biases(padded, o.heads, query.dtype());
  const Tensor mask = reshape(padded.allowed, padded.allowed.shape().inserted(1, 1));
  return masked_softmax(scores, mask);  // [examples, heads, queries, keys]
}

// The same mask that the kernel makes: rows are named by example and position, heads are planes.
Tensor dropout_mask(const PaddedPattern& padded, const AttentionOptions& options, DType dtype) {
  Tensor mask = ones({padded.examples, options.heads, padded.queries, padded.keys}, dtype);
  dispatch(dtype, [&]<class T>() {
    if constexpr (Real<T>) {
      const kernels::DropoutMask<T> dropout(options.dropout, options.key.value());
      T* row = mask.edit<T>().data();
      for (Index n = 0; n < padded.examples; ++n)
        for (Index head = 0; head < options.heads; ++head)
          for (Index i = 0; i < padded.queries; ++i, row += padded.keys)
            dropout.apply(
                row, row, padded.keys,
                static_cast<std::uint64_t>(padded.numbers.values<Index>()[static_cast<std::size_t>(
                    n * padded.queries + i)]),
                static_cast<std::uint32_t>(head) + 1);
    }
  });
  return mask;
}

Tensor attention_formula(const Tensor& query, const Tensor& key, const Tensor& value,
                         const AttentionPattern& pattern, const AttentionOptions& options) {
  const PaddedPattern padded(pattern, row_count(query));
  Tensor weights = probabilities_formula(query, key, padded, options);
  if (options.dropout > 0) weights = weights * dropout_mask(padded, options, query.dtype());
  const Tensor v = split_heads(value, padded.key_rows, options.heads);
  const Tensor context =
      permute(matmul(weights, v), {0, 2, 1, 3});  // [examples, queries, heads, d]
  const Tensor rows = reshape(context, {padded.examples * padded.queries, value.size(-1)});
  return reshape(gather(rows, padded.places), query.shape().with(-1, value.size(-1)));
}

// ---- The fused operations -----------------------------------------------------------------------

// (q, k, v, ȳ) to (q̄, k̄, v̄), as derived in kernels/attention.h
struct AttentionVjp {
  static constexpr auto name = "attention_vjp";
  static constexpr Reads reads = {input(0), input(1), input(2), input(3)};
  static constexpr std::size_t outputs = 3;
  PatternPtr pattern;
  AttentionOptions options;

  std::array<Form, 3> forms(Inputs in) const { return {in[0].form(), in[1].form(), in[2].form()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto sizes = sizes_of<T>(in[0], in[2], options);
    const kernels::DropoutMask<T> mask(options.dropout, options.key.value());
    const bool disjoint = keys_disjoint(*pattern);
    clear_other_rows<T>(out[0], pattern->examples, &Example::query_begin, &Example::queries);
    for (const std::size_t i : {1u, 2u})
      if (disjoint)
        clear_other_rows<T>(out[i], pattern->examples, &Example::key_begin, &Example::keys);
      else
        std::ranges::fill(out[i].edit<T>(), T{0});
    T *const dq = out[0].edit<T>().data(), *const dk = out[1].edit<T>().data(),
             *const dv = out[2].edit<T>().data();
    const Index all = static_cast<Index>(pattern->examples.size());
    const Index grain =
        disjoint ? forward_grain(*pattern, 2 * in[0].size(-1)) : std::max<Index>(1, all);
    each_example(*pattern, grain, [&](const kernels::AttentionExample& e) {
      kernels::attention_vjp<T>(e, sizes, options.dropout > 0 ? &mask : nullptr,
                                in[0].values<T>().data(), in[1].values<T>().data(),
                                in[2].values<T>().data(), in[3].values<T>().data(), dq, dk, dv,
                                !disjoint);
    });
  }
  Tensors vjp(const Pullback& back) const {
    const Formula formula = [this](const Tensors& in) {
      return attention_formula(in[0], in[1], in[2], *pattern, options);
    };
    return vjp_of_backward(formula, back);
  }
};

// y = dropout(softmax(QKᵀ/√d)) V for each head and example
struct Attention {
  static constexpr auto name = "attention";
  static constexpr Reads reads = {input(0), input(1), input(2)};
  PatternPtr pattern;
  AttentionOptions options;

  Form form(Inputs in) const { return {in[0].shape().with(-1, in[2].size(-1)), in[0].dtype()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto sizes = sizes_of<T>(in[0], in[2], options);
    const kernels::DropoutMask<T> mask(options.dropout, options.key.value());
    clear_other_rows<T>(out[0], pattern->examples, &Example::query_begin, &Example::queries);
    const T *const q = in[0].values<T>().data(), *const k = in[1].values<T>().data(),
                   *const v = in[2].values<T>().data();
    T* const y = out[0].edit<T>().data();
    each_example(
        *pattern, forward_grain(*pattern, in[0].size(-1)), [&](const kernels::AttentionExample& e) {
          if (e.queries == 1 && options.dropout == 0)
            kernels::attention_step<T>(e, sizes, q, k, v, y);
          else
            kernels::attention<T>(e, sizes, options.dropout > 0 ? &mask : nullptr, q, k, v, y);
        });
  }
  Tensors vjp(const Pullback& back) const {
    const auto [q, k, v] = apply_all(AttentionVjp{pattern, options}, back.input(0), back.input(1),
                                     back.input(2), back.cotangent());
    return {q, k, v};
  }
};

}  // namespace

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value,
                 std::shared_ptr<const AttentionPattern> pattern, const AttentionOptions& options) {
  require_operands(query, key, value, options.heads);
  require_pattern(pattern, query, key);
  require(options.dropout >= 0 && options.dropout < 1, "attention: dropout must lie in [0, 1), is ",
          options.dropout);
  if (composed()) return attention_formula(query, key, value, *pattern, options);
  return apply(Attention{std::move(pattern), options}, query, key, value);
}

Tensor attention_weights(const Tensor& query, const Tensor& key,
                         std::shared_ptr<const AttentionPattern> pattern,
                         const AttentionOptions& options) {
  require_operands(query, key, key, options.heads);
  require_pattern(pattern, query, key);
  return probabilities_formula(query, key, PaddedPattern(*pattern, row_count(query)), options);
}

}  // namespace adjoint
