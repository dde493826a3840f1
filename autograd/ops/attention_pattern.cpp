// Which query may attend to which key, and the same as padded tables.
#include "autograd/ops/attention_pattern.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "autograd/kernels/attention.h"

namespace adjoint {

AttentionPattern AttentionPattern::whole(Index batch, Index queries, Index keys) {
  Shape{batch, queries}, Shape{batch, keys};  // throws SizeError if a size is impossible
  AttentionPattern pattern;
  try {
    pattern.examples.reserve(static_cast<std::size_t>(batch));
  } catch (const std::exception&) {  // std::bad_alloc or std::length_error
    throw SizeError(text_from("attention: out of memory for a pattern of ", batch, " examples"));
  }
  for (Index b = 0; b < batch; ++b)
    pattern.examples.push_back({b * queries, queries, b * keys, keys, 0, b});
  return pattern;
}

Index AttentionPattern::visible_keys(const Example& example, Index query) const {
  Index visible = example.keys;
  if (causal)  // min(visible, first_position + query + 1), without overflow
    visible = std::min(visible - query - 1, example.first_position) + query + 1;
  if (lengths.defined())
    visible = std::min(
        visible, lengths.values<Index>()[static_cast<std::size_t>(example.query_begin + query)]);
  return std::max<Index>(0, visible);
}

Tensor AttentionPattern::dense(Index queries, Index keys) const {
  for (const Example& e : examples)
    require(e.queries <= queries && e.keys <= keys, "attention: an example of ", e.queries,
            " queries and ", e.keys, " keys does not fit a mask of ", queries, " queries and ",
            keys, " keys");
  Tensor result = zeros({static_cast<Index>(examples.size()), queries, keys}, DType::b8);
  const bool* const explicitly = allowed.defined() ? allowed.values<bool>().data() : nullptr;
  bool* row = result.edit<bool>().data();
  for (const Example& e : examples) {
    for (Index i = 0; i < e.queries; ++i)
      for (Index j = 0; j < visible_keys(e, i); ++j)
        row[i * keys + j] = !explicitly || explicitly[(e.query_begin + i) * allowed.size(1) + j];
    row += queries * keys;
  }
  return result;
}

PaddedPattern::PaddedPattern(const AttentionPattern& pattern)
    : examples(static_cast<Index>(pattern.examples.size())), queries(0), keys(0) {
  for (const AttentionPattern::Example& e : pattern.examples) {
    queries = std::max(queries, e.queries);
    keys = std::max(keys, e.keys);
  }
  query_rows = full({examples, queries}, none, DType::i64);
  key_rows = full({examples, keys}, none, DType::i64);
  row_numbers = zeros({examples, queries}, DType::i64);
  allowed = reshape(pattern.dense(queries, keys), {examples, 1, queries, keys});

  Index* query_row = query_rows.edit<Index>().data();
  Index* key_row = key_rows.edit<Index>().data();
  Index* number = row_numbers.edit<Index>().data();
  const bool* may = allowed.values<bool>().data();
  for (const AttentionPattern::Example& e : pattern.examples) {
    for (Index i = 0; i < e.queries; ++i) {
      number[i] = row_number(e.number, e.first_position + i);
      for (Index j = 0; j < e.keys; ++j) {
        if (!may[i * keys + j]) continue;
        query_row[i] = e.query_begin + i;
        key_row[j] = e.key_begin + j;
      }
    }
    query_row += queries;
    number += queries;
    key_row += keys;
    may += queries * keys;
  }
}

namespace {

// […, heads·d] to [examples, heads, steps, d], by a table of rows [examples, steps]
Tensor split_heads(const Tensor& x, const Tensor& rows, Index heads) {
  const Index width = x.size(-1);
  const Tensor flat = reshape(x, {x.shape().numel(0, x.rank() - 1), width});  // [rows, heads·d]
  const Tensor padded = gather(flat, rows);  // [examples, steps, heads·d]
  const Tensor split = reshape(
      padded, {rows.size(0), rows.size(1), heads, width / heads});  // [examples, steps, heads, d]
  return permute(split, {0, 2, 1, 3});                              // [examples, heads, steps, d]
}

}  // namespace

Tensor PaddedPattern::split_queries(const Tensor& rows, Index heads) const {
  return split_heads(rows, query_rows, heads);
}

Tensor PaddedPattern::split_keys(const Tensor& rows, Index heads) const {
  return split_heads(rows, key_rows, heads);
}

Tensor PaddedPattern::join(const Tensor& results, const Shape& queries_shape) const {
  const Index width = results.size(1) * results.size(3);
  const Shape shape = queries_shape.with(-1, width);
  const Tensor moved = permute(results, {0, 2, 1, 3});  // [examples, queries, heads, d]
  const Tensor joined = reshape(moved, {examples, queries, width});  // [examples, queries, heads·d]
  const Tensor rows = scatter_add(joined, query_rows, 0, shape.numel(0, shape.rank() - 1));
  return reshape(rows, shape);  // […, heads·d]
}

Tensor PaddedPattern::linear_biases(Index heads, DType dtype) const {
  Tensor biases = zeros({examples, heads, queries, keys}, dtype);
  dispatch(dtype, [&]<class T>() {
    if constexpr (Real<T>) {
      T* bias = biases.edit<T>().data();
      for (Index n = 0; n < examples; ++n)
        for (Index head = 0; head < heads; ++head)
          for (Index i = 0; i < queries; ++i)
            for (Index j = 0; j < keys; ++j)
              *bias++ = static_cast<T>(kernels::slope_of(head, heads)) *
                        static_cast<T>(-std::abs(position(n, i) - j));
    }
  });
  return biases;
}

}  // namespace adjoint
