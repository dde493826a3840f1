// Wrong calls and the exact texts of their errors.
#include <cmath>

#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

namespace {

Tensor real(const Shape& shape) { return ones(shape, DType::f64); }

}  // namespace

std::vector<ErrorSample> errors() {
  const Tensor m23 = real({2, 3}), m34 = real({3, 4}), v4 = real({4}), s = real({});
  const Tensor single = ones({2, 3});
  const Tensor empty;
  const std::string broadcasting =
      " do not broadcast: aligned at the last axis, sizes must be "
      "equal or 1";
  const auto whole = [](Index batch, Index queries, Index keys) {
    return shared(Pattern::whole(batch, queries, keys));
  };
  std::vector<ErrorSample> list = {
      {"add", "shapes", [=] { add(m23, v4); }, "add: shapes [2, 3] and [4]" + broadcasting},
      {"add", "an operand missing", [=] { add(m23, empty); },
       "add: input 1 is empty: no value was assigned to it"},
      {"add", "f32 and f64", [=] { add(m23, single); },
       "add: mixes f64 and f32; cast() one of them"},
      {"add", "conditions", [] { add(bools({1}), bools({0})); },
       "add: does not take tensors of b8; cast() them to f32 or f64"},
      {"sub", "shapes",
       [=] {
         sub(real({3, 2}), m23);
       },
       "sub: shapes [3, 2] and [2, 3]" + broadcasting},
      {"mul", "whole numbers", [] { mul(ints({2}), ints({3})); },
       "mul: does not take tensors of i64; cast() them to f32 or f64"},
      {"div", "shapes", [=] { div(m23, real({0})); }, "div: shapes [2, 3] and [0]" + broadcasting},
      {"equal", "types", [=] { equal(single, m23); },
       "equal: mixes f32 and f64; cast() one of them"},
      {"where", "condition", [=] { where(m23, m23, m23); },
       "where: the condition must be b8, is f64; make it with greater(), less() or equal()"},
      {"where", "types", [=] { where(bools({1}), m23, single); },
       "where: mixes f64 and f32; cast() one of them"},
      {"where", "shapes",
       [=] {
         where(bools({1, 0}), m23, m23);
       },
       "where: shapes [2] and [2, 3]" + broadcasting},
      {"exp", "whole numbers", [] { exp(ints({1})); },
       "exp: does not take tensors of i64; cast() them to f32 or f64"},
      {"relu", "nothing", [=] { relu(empty); },
       "relu: input 0 is empty: no value was assigned to it"},
      {"sum", "axis", [=] { sum(m23, {2}); }, "sum: no axis 2 in a tensor of shape [2, 3]"},
      {"sum", "axis twice",
       [=] {
         sum(m23, {1, -1});
       },
       "sum: an axis is named twice"},
      {"mean", "axis", [=] { mean(m23, {-3}); }, "mean: no axis -3 in a tensor of shape [2, 3]"},
      {"mean", "over nothing",
       [] {
         mean(real({2, 0}), {1});
       },
       "mean: no elements to reduce, x is [2, 0]"},
      {"max", "over nothing",
       [] {
         max(real({0, 2}), {0});
       },
       "max: no elements to reduce, x is [0, 2]"},
      {"argmax", "over nothing",
       [] {
         argmax(real({2, 0}));
       },
       "argmax: no elements to reduce, x is [2, 0]"},
      {"argmax", "of a scalar", [=] { argmax(s); }, "argmax: no axis -1 in a tensor of shape []"},
      {"logsumexp", "axis", [=] { logsumexp(m23, {5}); },
       "logsumexp: no axis 5 in a tensor of shape [2, 3]"},
      {"sum_to", "shape", [=] { sum_to(m23, {2}); }, "sum_to: [2] does not broadcast to [2, 3]"},
      {"sum_to", "a larger shape",
       [=] {
         sum_to(v4, {2, 4});
       },
       "sum_to: [2, 4] does not broadcast to [4]"},
      {"reshape", "elements", [=] { reshape(m23, {4}); },
       "reshape: [2, 3] has 6 elements, [4] has 4"},
      {"reshape", "open size",
       [=] {
         reshape(m23, {4, -1});
       },
       "reshape: [2, 3] has 6 elements, not a multiple of the 4 that the other sizes make"},
      {"reshape", "open size beside 0",
       [] {
         reshape(real({0, 3}), {0, -1});
       },
       "reshape: [0, 3] has 0 elements, not a multiple of the 0 that the other sizes make"},
      {"permute", "too few axes", [=] { permute(m23, {1}); },
       "permute: the order has 1 axes, x is [2, 3]"},
      {"permute", "no axes", [=] { permute(m23, {}); },
       "permute: the order has 0 axes, x is [2, 3]"},
      {"permute", "axis twice",
       [=] {
         permute(m23, {0, 0});
       },
       "permute: an axis is named twice"},
      {"transpose", "vector", [=] { transpose(v4); },
       "transpose: x must have at least two axes, is [4]"},
      {"broadcast_to", "shape",
       [=] {
         broadcast_to(m23, {3, 3});
       },
       "broadcast_to: [2, 3] does not broadcast to [3, 3]"},
      {"broadcast_to", "a smaller shape", [=] { broadcast_to(m23, {3}); },
       "broadcast_to: [2, 3] does not broadcast to [3]"},
      {"slice", "beyond the end", [=] { slice(m23, 1, 1, 4); },
       "slice: [1, 4) is not a range on axis 1 of a tensor of shape [2, 3]"},
      {"slice", "backwards", [=] { slice(m23, 0, -1, 0); },
       "slice: [-1, 0) is not a range on axis 0 of a tensor of shape [2, 3]"},
      {"slice", "axis", [=] { slice(m23, 2, 0, 1); },
       "slice: no axis 2 in a tensor of shape [2, 3]"},
      {"split", "sizes",
       [=] {
         split(m23, 1, {1, 1});
       },
       "split: the parts add up to 2, but axis 1 of a tensor of shape [2, 3] has 3"},
      {"split", "a negative size",
       [=] {
         split(m23, 1, {4, -1});
       },
       "split: a part cannot have size -1"},
      {"split", "axis", [=] { split(m23, -3, {2}); },
       "split: no axis -3 in a tensor of shape [2, 3]"},
      {"transpose", "axis", [=] { transpose(m23, 0, 2); },
       "transpose: no axis 2 in a tensor of shape [2, 3]"},
      {"concat", "axis",
       [=] {
         concat({m23, m23}, 2);
       },
       "concat: no axis 2 in a tensor of shape [2, 3]"},
      {"concat", "nothing", [] { concat({}, 0); }, "concat: needs at least one tensor"},
      {"concat", "shapes",
       [=] {
         concat({m23, m34}, 0);
       },
       "concat: shapes may differ on axis 0 only: [2, 3] and [3, 4]"},
      {"concat", "ranks",
       [=] {
         concat({m23, v4}, 0);
       },
       "concat: shapes may differ on axis 0 only: [2, 3] and [4]"},
      {"concat", "types",
       [=] {
         concat({m23, single}, 0);
       },
       "concat: mixes f64 and f32; cast() one of them"},
      {"stack", "nothing", [] { stack({}); }, "stack: needs at least one tensor"},
      {"stack", "shapes",
       [=] {
         stack({m23, v4});
       },
       "stack: shapes differ: [2, 3] and [4]"},
      {"stack", "axis",
       [=] {
         stack({v4, v4}, 2);
       },
       "stack: no axis 2 in a result with 2 axes"},
      {"gather", "index",
       [=] {
         gather(m23, ints({{0, 1}, {2, 0}}));
       },
       "gather: index 2 (number 2 of indices of shape [2, 2]) is out of range for a size of 2"},
      {"gather", "below none", [=] { gather(m23, ints({-2}), 1); },
       "gather: index -2 (number 0 of indices of shape [1]) is out of range for a size of 3"},
      {"gather", "axis", [=] { gather(m23, ints({0}), -3); },
       "gather: no axis -3 in a tensor of shape [2, 3]"},
      {"gather", "type", [=] { gather(m23, s); },
       "gather: indices must be i64, are f64; cast() them"},
      {"scatter_add", "index",
       [=] {
         scatter_add(m23, ints({0, 4}), 0, 4);
       },
       "scatter_add: index 4 (number 1 of indices of shape [2]) is out of range for a size of 4"},
      {"scatter_add", "shapes",
       [=] {
         scatter_add(m23, ints({0, 1}), 1, 4);
       },
       "scatter_add: x of shape [2, 3] does not have the axes [2] of the indices at axis 1"},
      {"scatter_add", "axis",
       [=] {
         scatter_add(m23, ints({0, 1}), 3, 4);
       },
       "scatter_add: no axis 3 in a tensor of shape [2, 3]"},
      {"one_hot", "index", [] { one_hot(ints({3}), 3); },
       "one_hot: index 3 (number 0 of indices of shape [1]) is out of range for a size of 3"},
      {"embedding", "id",
       [=] {
         embedding(ints({{0, 1}, {1, 2}}), m23);
       },
       "embedding: token id 2 (number 3 of ids of shape [2, 2]) is not in a table of 2 tokens"},
      {"embedding", "negative id", [=] { embedding(ints({-1}), m23); },
       "embedding: token id -1 (number 0 of ids of shape [1]) is not in a table of 2 tokens"},
      {"embedding", "type", [=] { embedding(v4, m23); },
       "embedding: ids must be i64, are f64; cast() them"},
      {"embedding", "table", [=] { embedding(ints({0}), v4); },
       "embedding: the table must be [tokens, width], is [4]"},
      {"matmul", "inner sizes",
       [=] {
         matmul(real({8, 64}), real({32, 64}));
       },
       "matmul: inner sizes differ: a is [8, 64], b is [32, 64]"},
      {"matmul", "inner sizes, transposed", [=] { matmul(m23, m34, both); },
       "matmul: inner sizes differ: a is [2, 3] transposed, b is [3, 4] transposed"},
      {"matmul", "batches",
       [] {
         matmul(real({2, 2, 3}), real({3, 3, 2}));
       },
       "matmul: batch axes do not broadcast: a is [2, 2, 3], b is [3, 3, 2]"},
      {"matmul", "scalar", [=] { matmul(s, m23); },
       "matmul: a scalar cannot be a factor: a is [], b is [2, 3]"},
      {"matmul", "f32 and f64", [=] { matmul(single, m34); },
       "matmul: mixes f32 and f64; cast() one of them"},
      {"linear", "sizes", [=] { linear(m23, m34); },
       "linear: x must be […, inputs] and the weight [outputs, inputs]; x is [2, 3], the weight "
       "[3, 4]"},
      {"linear", "bias",
       [=] {
         linear(m23, real({4, 3}), m23);
       },
       "linear: the bias must be [4]; it is [2, 3]"},
      {"softmax", "scalar", [=] { softmax(s); }, "softmax: x must have at least one axis, is []"},
      {"log_softmax", "scalar", [=] { log_softmax(s); },
       "log_softmax: x must have at least one axis, is []"},
      {"masked_softmax", "scalar", [=] { masked_softmax(s, bools({1})); },
       "masked_softmax: x must have at least one axis, is []"},
      {"masked_softmax", "type of the mask", [=] { masked_softmax(m23, m23); },
       "masked_softmax: the mask must be b8, is f64; cast() it"},
      {"masked_softmax", "shape of the mask",
       [=] {
         masked_softmax(m23, bools({1, 0}));
       },
       "masked_softmax: the mask [2] does not broadcast to x [2, 3]"},
      {"masked_softmax", "a larger mask",
       [=] {
         masked_softmax(v4, zeros({2, 4}, DType::b8));
       },
       "masked_softmax: the mask [2, 4] does not broadcast to x [4]"},
      {"cross_entropy", "target",
       [=] {
         cross_entropy(m23, ints({0, 3}));
       },
       "cross_entropy: target 3 is not one of 3 classes, counted from 0; rows to be left out have "
       "the target -100"},
      {"cross_entropy", "negative target",
       [=] {
         cross_entropy(m23, ints({-1, 0}));
       },
       "cross_entropy: target -1 is not one of 3 classes, counted from 0; rows to be left out have "
       "the target -100"},
      {"cross_entropy", "shapes",
       [=] {
         cross_entropy(m23, ints({0, 1, 2}));
       },
       "cross_entropy: logits are […, classes], targets […]; logits are [2, 3], targets [3]"},
      {"cross_entropy", "type", [=] { cross_entropy(m23, real({2})); },
       "cross_entropy: targets must be i64, are f64; cast() them"},
      {"cross_entropy", "smoothing",
       [=] {
         cross_entropy(m23, ints({0, 1}), {.smoothing = 1});
       },
       "cross_entropy: smoothing must lie in [0, 1), is 1"},
      {"layer_norm", "gain", [=] { layer_norm(m23, v4, real({3})); },
       "layer_norm: gain and bias must be [3], are [4] and [3]"},
      {"layer_norm", "bias", [=] { layer_norm(m23, real({3}), real({1})); },
       "layer_norm: gain and bias must be [3], are [3] and [1]"},
      {"layer_norm", "no features",
       [] {
         layer_norm(real({2, 0}), real({0}), real({0}));
       },
       "layer_norm: x must have a last axis with elements, is [2, 0]"},
      {"layer_norm", "epsilon", [=] { layer_norm(m23, real({3}), real({3}), -1); },
       "layer_norm: epsilon must be at least 0 and finite, is -1"},
      {"layer_norm", "epsilon in f32", [=] { layer_norm(single, ones({3}), ones({3}), 1e-50); },
       "layer_norm: epsilon 1e-50 is 0 when rounded to f32, the type of x"},
      {"add_norm", "epsilon in f32",
       [=] { add_norm(single, single, ones({3}), ones({3}), {.epsilon = 1e-50}); },
       "add_norm: epsilon 1e-50 is 0 when rounded to f32, the type of x"},
      {"rms_norm", "epsilon in f32", [=] { rms_norm(single, ones({3}), 1e-50); },
       "rms_norm: epsilon 1e-50 is 0 when rounded to f32, the type of x"},
      {"clamp", "bounds", [=] { clamp(m23, 1, 0); },
       "clamp: needs low ≤ high, got low 1 and high 0"},
      {"clamp", "NaN", [=] { clamp(m23, 0, NAN); },
       "clamp: needs low ≤ high, got low 0 and high nan"},
      {"log1p", "whole numbers", [] { log1p(ints({1})); },
       "log1p: does not take tensors of i64; cast() them to f32 or f64"},
      {"expm1", "nothing", [=] { expm1(empty); },
       "expm1: input 0 is empty: no value was assigned to it"},
      {"softplus", "whole numbers", [] { softplus(ints({1})); },
       "softplus: does not take tensors of i64; cast() them to f32 or f64"},
      {"log_sigmoid", "nothing", [=] { log_sigmoid(empty); },
       "log_sigmoid: input 0 is empty: no value was assigned to it"},
      {"prod", "axis", [=] { prod(m23, {2}); }, "prod: no axis 2 in a tensor of shape [2, 3]"},
      {"prod", "whole numbers", [] { prod(ints({2})); },
       "prod: does not take tensors of i64; cast() them to f32 or f64"},
      {"norm", "axis", [=] { norm(m23, {-3}); }, "norm: no axis -3 in a tensor of shape [2, 3]"},
      {"cumsum", "axis", [=] { cumsum(m23, 2); }, "cumsum: no axis 2 in a tensor of shape [2, 3]"},
      {"cumsum", "of a scalar", [=] { cumsum(s); }, "cumsum: no axis -1 in a tensor of shape []"},
      {"masked_scores", "widths",
       [=] {
         masked_scores(m23, real({2, 4}), bools({1}));
       },
       "masked_scores: a and b differ in width: [2, 3] and [2, 4]"},
      {"masked_scores", "batches",
       [=] {
         masked_scores(m23, real({1, 2, 3}), bools({1}));
       },
       "masked_scores: the leading axes of [2, 3] and [1, 2, 3] differ"},
      {"masked_scores", "vectors", [=] { masked_scores(v4, v4, bools({1})); },
       "masked_scores: needs matrices […, rows, columns], got [4] and [4]"},
      {"masked_scores", "type of the mask", [=] { masked_scores(m23, m23, s); },
       "masked_scores: the mask must be b8, is f64; cast() it"},
      {"masked_sum", "sizes", [=] { masked_sum(m23, m23, bools({1})); },
       "masked_sum: the weights [2, 3] do not fit [2, 3]"},
      {"masked_sum", "shape of the mask",
       [=] {
         masked_sum(m23, m34, bools({1, 0}));
       },
       "masked_sum: the mask [2] does not broadcast to [2, 3]"},
      {"rms_norm", "gain", [=] { rms_norm(m23, v4); }, "rms_norm: gain must be [3], is [4]"},
      {"rms_norm", "no features",
       [] {
         rms_norm(real({2, 0}), real({0}));
       },
       "rms_norm: x must have a last axis with elements, is [2, 0]"},
      {"add_norm", "gain", [=] { add_norm(m23, m23, v4, real({3})); },
       "add_norm: gain and bias must be [3], are [4] and [3]"},
      {"add_norm", "no axis", [=] { add_norm(s, s, v4, v4); },
       "add_norm: x must have a last axis with elements, is []"},
      {"add_norm", "f of another shape", [=] { add_norm(m23, real({3}), real({3}), real({3})); },
       "add_norm: x and f must have the same shape, are [2, 3] and [3]"},
      {"add_norm", "dropout", [=] { add_norm(m23, m23, real({3}), real({3}), {.dropout = 1}); },
       "add_norm: the probability of dropout must lie in [0, 1), is 1"},
      {"add_norm", "rows",
       [=] {
         add_norm(m23, m23, real({3}), real({3}), {.dropout = 0.5, .rows = ints({1, 2, 3})});
       },
       "add_norm: row numbers must be i64, one for each of the 2 rows of x [2, 3]"},
      {"rotary", "odd",
       [=] {
         rotary(real({2, 6}), ints({0, 1}), 2);
       },
       "rotary: each of the 2 heads must have an even width, x is [2, 6]"},
      {"rotary", "positions",
       [=] {
         rotary(real({2, 4}), ints({0, 1, 2}), 1);
       },
       "rotary: positions must be i64, one for each of the 2 rows of x [2, 4]"},
      {"rotary", "base",
       [=] {
         rotary(real({2, 4}), ints({0, 1}), 1, 0);
       },
       "rotary: the base must be positive and finite, is 0"},
      {"dropout", "p", [=] { dropout(m23, 1, Key()); },
       "dropout: the probability of dropout must lie in [0, 1), is 1"},
      {"dropout", "p 0, rows", [=] { dropout(m23, 0, Key(), ints({1})); },
       "dropout: row numbers must be i64, one for each of the 2 rows of x [2, 3]"},
      {"dropout", "scalar", [=] { dropout(s, 0.5, Key()); },
       "dropout: x must have at least one axis, is []"},
      {"dropout", "rows",
       [=] {
         dropout(m23, 0.5, Key(), ints({1, 2, 3}));
       },
       "dropout: row numbers must be i64, one for each of the 2 rows of x [2, 3]"},
      {"attention", "widths", [=] { attention(m23, v4, v4, whole(1, 2, 1)); },
       "attention: query and key differ in width; query is [2, 3], key [4], value [4], heads 1"},
      {"attention", "heads", [=] { attention(m23, m23, m23, whole(1, 2, 2), {.heads = 2}); },
       "attention: the heads do not divide the width; query is [2, 3], key [2, 3], value [2, 3], "
       "heads 2"},
      {"attention", "rows of keys and values",
       [=] {
         attention(m23, m23, real({3, 3}), whole(1, 2, 2));
       },
       "attention: key and value differ in rows; query is [2, 3], key [2, 3], value [3, 3], heads "
       "1"},
      {"attention", "pattern", [=] { attention(m23, m23, m23, whole(2, 1, 2)); },
       "attention: the pattern's example of 1 query rows from 1 and 2 key rows from 2 does not fit "
       "a query [2, 3] and a key [2, 3]"},
      {"attention", "dropout", [=] { attention(m23, m23, m23, whole(1, 2, 2), {.dropout = 1}); },
       "attention: dropout must lie in [0, 1), is 1"},
      {"attention", "lengths",
       [=] {
         Pattern pattern = Pattern::whole(1, 2, 2);
         pattern.lengths = ints({1});
         attention(m23, m23, m23, shared(pattern));
       },
       "attention: lengths must be i64, one for each of the 2 query rows, are i64 [1]"},
      {"attention", "allowed",
       [=] {
         Pattern pattern = Pattern::whole(1, 2, 2);
         pattern.allowed = bools({{1}, {1}});
         attention(m23, m23, m23, shared(pattern));
       },
       "attention: `allowed` must be b8 [2, 2], is b8 [2, 1]"},
  };
  return list;
}

}  // namespace adjoint::testing::families
