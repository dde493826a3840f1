#include "nn/layers/relative_attention.h"

#include <algorithm>
#include <cmath>

#include "nn/init.h"

namespace adjoint::nn {
namespace {

using Example = AttentionPattern::Example;

// The rows of each example, short ones filled up: i64 [examples, most rows], the row or none.
Tensor rows_of(const std::vector<Example>& examples, Index Example::*begin, Index Example::*count) {
  Index most = 0;
  for (const Example& e : examples) most = std::max(most, e.*count);
  Tensor table = full({static_cast<Index>(examples.size()), most}, none, DType::i64);
  Index* row = table.edit<Index>().data();
  for (const Example& e : examples) {
    for (Index i = 0; i < e.*count; ++i) row[i] = e.*begin + i;
    row += most;
  }
  return table;
}

// All pairs of queries and keys of a batch, example by example.
struct Pairs {
  const std::vector<Example>& of;
  Tensor query_rows, key_rows;  // i64 [examples, queries], [examples, keys]
  Index examples, heads, queries, keys;

  Pairs(const Mask& mask, Index head_count)
      : of(mask.pattern()->examples),
        query_rows(rows_of(of, &Example::query_begin, &Example::queries)),
        key_rows(rows_of(of, &Example::key_begin, &Example::keys)),
        examples(query_rows.size(0)),
        heads(head_count),
        queries(query_rows.size(1)),
        keys(key_rows.size(1)) {}

  // f(example, head, query) for each row of the weights [examples, heads, queries, keys]
  template <class F>
  void each_row(F f) const {
    for (const Example& e : of)
      for (Index head = 0; head < heads; ++head)
        for (Index i = 0; i < queries; ++i) f(e, head, i);
  }

  // Where the distance of a pair stands in [examples, heads, queries, distances], flattened: i64
  // [examples, heads, queries, keys].
  Tensor distances(Index max_distance) const {
    Tensor result({{examples, heads, queries, keys}, DType::i64});
    Index* at = result.edit<Index>().data();
    Index first = 0;
    each_row([&](const Example& e, Index, Index i) {
      for (Index j = 0; j < keys; ++j)
        *at++ = first + max_distance +
                std::clamp(j - (e.first_position + i), -max_distance, max_distance);
      first += 2 * max_distance + 1;
    });
    return result;
  }

  // Names the rows of the weights for dropout, in whatever layout: i64 [examples · heads ·
  // queries].
  Tensor numbers() const {
    Tensor result({{examples * heads * queries}, DType::i64});
    Index* number = result.edit<Index>().data();
    each_row([&](const Example& e, Index head, Index i) {
      *number++ = (e.number << 32 | (e.first_position + i)) * heads + head;
    });
    return result;
  }
};

// […, heads · d] to [examples, heads, steps, d], by a table of rows [examples, steps]
Tensor split_heads(const Tensor& x, const Tensor& rows, Index heads) {
  const Index width = x.size(-1);
  const Tensor padded = gather(reshape(x, {-1, width}), rows);  // [examples, steps, heads · d]
  const Tensor split = reshape(padded, {rows.size(0), rows.size(1), heads, width / heads});
  return permute(split, {0, 2, 1, 3});  // [examples, heads, steps, d]
}

// Undoes it; rows that stand in no table are zero.
Tensor join_heads(const Tensor& x, const Tensor& rows, const Shape& shape) {
  const Tensor moved = permute(x, {0, 2, 1, 3});  // [examples, steps, heads, d]
  const Index width = shape[-1], all = shape.numel(0, shape.rank() - 1);
  const Tensor joined = reshape(moved, {rows.size(0), rows.size(1), width});
  return reshape(scatter_add(joined, rows, 0, all), shape);  // […, heads · d]
}

Tensor weights_of(const Tensor& query, const Tensor& key, const RelativePositions& relative,
                  const Mask& mask, const Pairs& pairs, const Tensor& distances) {
  const Tensor q = split_heads(query, pairs.query_rows, pairs.heads);
  const Tensor k = split_heads(key, pairs.key_rows, pairs.heads);
  // q · a^K once for each distance, then looked up for each key.
  const Tensor by_distance = matmul(q, relative.keys, Transposed::b);  // [.., queries, distances]
  const Tensor scores = matmul(q, k, Transposed::b) + gather(reshape(by_distance, {-1}), distances);
  const Tensor allowed =  // [examples, queries, keys]
      slice(slice(mask.dense(), 1, 0, pairs.queries), 2, 0, pairs.keys);
  return masked_softmax(scores / std::sqrt(static_cast<double>(q.size(-1))),
                        reshape(allowed, allowed.shape().inserted(1, 1)));
}

void require_operands(const Tensor& query, const Tensor& key, const RelativePositions& relative,
                      Index heads) {
  require(query.size(-1) == key.size(-1) && query.size(-1) == heads * relative.keys.size(1),
          "relative attention: ", heads, " heads with vectors ", relative.keys.shape(),
          " do not fit a query ", query.shape(), " and a key ", key.shape());
}

}  // namespace

RelativePositions::RelativePositions(Index max_distance, Index head_width, bool with_values,
                                     Key key) {
  require(max_distance >= 1, "relative positions: the largest distance must be at least 1, is ",
          max_distance);
  const Shape shape{2 * max_distance + 1, head_width};
  const double deviation = 1 / std::sqrt(static_cast<double>(head_width));
  keys = normal_weight(shape, deviation, key.child("keys"));
  if (with_values) values = normal_weight(shape, deviation, key.child("values"));
}

Tensor relative_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                          const RelativePositions& relative, const Mask& mask, Index heads,
                          double drop, const Context& context) {
  require_operands(query, key, relative, heads);
  const Pairs pairs(mask, heads);
  const Tensor distances = pairs.distances(relative.max_distance());
  Tensor weights = weights_of(query, key, relative, mask, pairs, distances);
  if (context.training() && drop > 0)
    weights = adjoint::dropout(weights, drop, context.take_key(), pairs.numbers());
  Tensor y = matmul(weights, split_heads(value, pairs.key_rows, heads));
  if (relative.values.defined()) {
    // Weights added up for each distance, then once times a^V.
    const Index all = relative.keys.size(0), rows = pairs.examples * heads * pairs.queries;
    const Tensor by_distance = reshape(scatter_add(weights, distances, 0, rows * all),
                                       {pairs.examples, heads, pairs.queries, all});
    y = y + matmul(by_distance, relative.values);  // [examples, heads, queries, d]
  }
  return join_heads(y, pairs.query_rows, query.shape().with(-1, value.size(-1)));
}

Tensor relative_attention_weights(const Tensor& query, const Tensor& key,
                                  const RelativePositions& relative, const Mask& mask,
                                  Index heads) {
  require_operands(query, key, relative, heads);
  const Pairs pairs(mask, heads);
  return weights_of(query, key, relative, mask, pairs, pairs.distances(relative.max_distance()));
}

}  // namespace adjoint::nn
