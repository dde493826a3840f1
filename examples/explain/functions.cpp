// The table, and what its lines share.

#include "examples/explain/functions.h"

#include <algorithm>
#include <array>
#include <functional>

#include "examples/explain/call.h"

namespace adjoint::expression {
namespace {

// ---- Patterns of arguments ----------------------------------------------------------------------

template <Tensor (*f)(const Tensor&)>
Tensor unary(const Call& c) {
  return f(c.real(0));
}
template <Tensor (*f)(const Tensor&, const Tensor&)>
Tensor binary(const Call& c) {
  return f(c.real(0), c.real(1));
}
template <Tensor (*f)(const Tensor&, const Axes&, Keep)>
Tensor reduction(const Call& c) {
  const Tensor x = c.real(0);
  return f(x, c.axes(1, x), c.flag(2) ? Keep::yes : Keep::no);
}
template <Tensor (*f)(const Tensor&, Index)>
Tensor along(const Call& c) {
  const Tensor x = c.real(0);
  return f(x, c.axis(1, x));
}

// As in C++, arithmetic with a number is an operation of its own, without a second tensor.
template <class Operator>
Tensor arithmetic(const Call& c) {
  const Operator op;
  if (const auto number = c.constant(1)) return op(c.real(0), *number);
  if (const auto number = c.constant(0)) return op(*number, c.real(1));
  return op(c.real(0), c.real(1));
}

Tensor power(const Call& c) {
  if (const auto exponent = c.constant(1)) return pow(c.real(0), *exponent);
  return pow(c.real(0), c.real(1));
}

// ---- Comparisons --------------------------------------------------------------------------------

template <Tensor (*f)(const Tensor&, const Tensor&)>
Tensor compared(const Call& c) {
  const auto [a, b] = c.alike(0, 1);
  return f(a, b);
}
template <Tensor (*f)(const Tensor&, const Tensor&)>
Tensor or_equal(const Tensor& a, const Tensor& b) {
  const Tensor strictly = f(a, b);
  return where(strictly, strictly, equal(a, b));
}
Tensor not_equal(const Tensor& a, const Tensor& b) {
  return equal(equal(a, b), scalar(0, DType::b8));
}
Tensor run_where(const Call& c) {
  const auto [a, b] = c.alike(1, 2);
  return where(c.condition(0), a, b);
}

// ---- Functions with attributes ------------------------------------------------------------------

Tensor run_gelu(const Call& c) {
  return gelu(c.real(0), c.word(1, {"exact", "tanh"}) == 0 ? Gelu::exact : Gelu::tanh);
}
Tensor run_cast(const Call& c) {
  const auto dtype = std::array{DType::f32, DType::f64, DType::i64,
                                DType::b8}[c.word(1, {"f32", "f64", "i64", "b8"})];
  return cast(is_real(dtype) ? c.any(0) : c.fixed(0), dtype);
}
Tensor run_matmul(const Call& c) {
  return matmul(c.real(0), c.real(1), static_cast<Transposed>(c.word(2, {"no", "a", "b", "both"})));
}
Tensor run_reshape(const Call& c) {
  const Tensor x = c.any(0);
  std::vector<Index> sizes = c.integers(1);
  const auto open = std::ranges::find(sizes, Index{-1});
  if (std::ranges::count(sizes, Index{-1}) != 1) return reshape(x, c.shape(1));
  *open = 1;
  const Index rest = Shape(sizes).numel();
  require(rest > 0 && x.numel() % rest == 0, "reshape: ", x.shape(), " has ", x.numel(),
          " elements, not a multiple of the ", rest, " that the other sizes make");
  *open = x.numel() / rest;
  return reshape(x, Shape(sizes));
}
// Also what a list is made with that holds more than numbers.
Tensor run_stack(const Call& c) {
  const Tensors xs = c.list();
  for (std::size_t i = 0; i < xs.size(); ++i)
    if (xs[i].shape() != xs[0].shape())
      refuse(c.place_in_list(i), "the items of a list must have the same shape: the first has ",
             xs[0].shape(), ", this one ", xs[i].shape());
  return stack(xs, c.integer(1));
}
Tensor run_split(const Call& c) {
  const Tensor x = c.any(0);
  const Tensors parts = split(x, c.axis(3, x), c.integers(1));
  const Index part = c.integer(2);
  if (part < 0 || part >= std::ssize(parts))
    refuse(c.place(2), "split: there is no part ", part, " of ", parts.size(),
           "; they are counted from 0");
  return parts[static_cast<std::size_t>(part)];
}
Tensor run_cross_entropy(const Call& c) {
  return cross_entropy(c.real(0), c.whole(1), {c.integer(2), c.number(3)});
}
Tensor run_dropout(const Call& c) {
  return dropout(c.real(0), c.number(1), c.key(2), c.given(3) ? c.whole(3) : Tensor());
}
Tensor run_add_norm(const Call& c) {
  return add_norm(c.real(0), c.real(1), c.real(2), c.real(3),
                  {c.number(4), c.key(5), c.given(6) ? c.whole(6) : Tensor(), c.number(7)});
}

// ---- Attention ----------------------------------------------------------------------------------

// For a query [batch…, queries, width] and a key [batch…, keys, width]. Options begin at parameter
// `first`: causal, lengths (of each example's keys), allowed ([…, queries, keys]).
std::shared_ptr<const AttentionPattern> pattern(const Call& c, const Tensor& query,
                                                const Tensor& key, std::size_t first) {
  const Shape &q = query.shape(), &k = key.shape();
  if (q.rank() < 2 || k.rank() < 2)
    refuse(c.place(), "attention: needs query and key with at least two axes, […, steps, width]; ",
           "they are ", q, " and ", k);
  const Index batch = q.numel(0, q.rank() - 2), queries = q[-2], keys = k[-2];
  if (k.numel(0, k.rank() - 2) != batch)
    refuse(c.place(), "attention: query and key have different leading axes: ", q, " and ", k);
  auto result = std::make_shared<AttentionPattern>(AttentionPattern::whole(batch, queries, keys));
  result->causal = c.flag(first);
  if (c.given(first + 1)) {
    const Tensor lengths = c.whole(first + 1);
    if (lengths.numel() != batch)
      refuse(c.place(first + 1), "attention: needs one length for each of the ", batch,
             " examples, got ", lengths.numel());
    for (std::size_t i = 0; const Index length : lengths.values<Index>()) {
      if (length < 0 || length > keys)
        refuse(c.place(first + 1), "attention: a length is from 0 to ", keys, ", not ", length);
      result->examples[i++].keys = length;
    }
  }
  if (c.given(first + 2)) {
    const Shape pairs = q.with(-1, keys);  // [batch…, queries, keys]
    const Tensor allowed = c.condition(first + 2);
    if (!broadcastable(allowed.shape(), pairs) ||
        broadcast("allowed", allowed.shape(), pairs) != pairs)
      refuse(c.place(first + 2),
             "attention: allowed must broadcast to […, queries, keys] = ", pairs,
             ", not be of shape ", allowed.shape());
    result->allowed = reshape(broadcast_to(allowed, pairs), {batch * queries, keys});
  }
  return result;
}
AttentionOptions attention_options(const Call& c, std::size_t heads, std::size_t biases) {
  return {.heads = c.integer(heads), .linear_biases = c.flag(biases)};
}
Tensor run_attention(const Call& c) {
  const Tensor q = c.real(0), k = c.real(1), v = c.real(2);
  AttentionOptions options = attention_options(c, 3, 7);
  options.dropout = c.number(8);
  options.key = c.key(9);
  return attention(q, k, v, pattern(c, q, k, 4), options);
}
Tensor run_attention_weights(const Call& c) {
  const Tensor q = c.real(0), k = c.real(1);
  return attention_weights(q, k, pattern(c, q, k, 3), attention_options(c, 2, 6));
}

// ---- New tensors --------------------------------------------------------------------------------

Tensor run_full(const Call& c) { return full(c.shape(0), c.number(1), c.dtype()); }
Tensor run_normal(const Call& c) {
  return normal(c.shape(0), c.number(1), c.number(2), c.key(3), c.dtype());
}
Tensor run_uniform(const Call& c) {
  return uniform(c.shape(0), c.number(1), c.number(2), c.key(3), c.dtype());
}
Tensor run_random_integers(const Call& c) {
  return random_integers(c.shape(0), c.integer(1), c.integer(2), c.key(3));
}
Tensor run_eye(const Call& c) {
  const Index size = c.shape(0).numel();
  c.require_allowed(0, {size, size});
  return eye(size, c.dtype());
}

// ---- The table ----------------------------------------------------------------------------------
// clang-format off

constexpr Function table[] = {
  // Arithmetic
  {"add", "a, b", arithmetic<std::plus<>>, "a + b", "x = [1, 2]; x + 10"},
  {"sub", "a, b", arithmetic<std::minus<>>, "a - b", "x = [1, 2]; y = [3, 5]; x - y"},
  {"mul", "a, b", arithmetic<std::multiplies<>>, "a * b, element by element", "x = 2; y = 3; x * y"},
  {"div", "a, b", arithmetic<std::divides<>>, "a / b", "x = 1; y = 4; x / y + 1 / y + y / 2"},
  {"pow", "a, b", power, "a ^ b", "x = 2; y = 3; x^y + x^3"},
  {"affine", "x, scale, shift", [](const Call& c) { return affine(c.real(0), c.number(1), c.number(2)); }, "scale x + shift", "x = [1, 2]; affine(x, 3, 1)"},
  {"maximum", "a, b", binary<maximum>, "the larger of the two, element by element", "x = [1, 2, 3]; maximum(x, 2)"},
  {"minimum", "a, b", binary<minimum>, "the smaller of the two", "x = [1, 2, 3]; minimum(x, 2)"},
  {"equal", "a, b", compared<equal>, "a == b: true or false", "x = [1, 2, 3]; where([1, 0, 1] == 1, x, 0)"},
  {"not_equal", "a, b", compared<not_equal>, "a != b", "x = [1, 2, 3]; where([1, 0, 1] != 1, x, 0)"},
  {"greater", "a, b", compared<greater>, "a > b", "x = [1, 2, 3]; where(x > 1.5, x, 0)"},
  {"greater_equal", "a, b", compared<or_equal<greater>>, "a >= b", "x = [1, 2, 3]; where(x >= 1.5, x, 0)"},
  {"less", "a, b", compared<less>, "a < b", "x = [1, 2, 3]; where(x < 1.5, x, 0)"},
  {"less_equal", "a, b", compared<or_equal<less>>, "a <= b", "x = [1, 2, 3]; where(x <= 1.5, x, 0)"},
  {"where", "condition, a, b", run_where, "a where the condition holds, b elsewhere", "x = [-1, 2]; where(x > 0, x^2, -x)"},

  // Functions of one tensor
  {"neg", "x", unary<neg>, "-x", "x = [1, 2]; -x"},
  {"exp", "x", unary<exp>, "e to the power x", "x = [0, 1]; exp(x)"},
  {"log", "x", unary<log>, "natural logarithm", "x = [1, 2]; log(x)"},
  {"expm1", "x", unary<expm1>, "exp(x) - 1, accurate near 0", "x = 0.01; expm1(x)"},
  {"log1p", "x", unary<log1p>, "log(1 + x), accurate near 0", "x = 0.01; log1p(x)"},
  {"sqrt", "x", unary<sqrt>, "square root", "x = [1, 2]; sqrt(x)"},
  {"sin", "x", unary<sin>, "sine, in radians", "x = [0, pi/2]; sin(x)"},
  {"cos", "x", unary<cos>, "cosine, in radians", "x = [0, pi/2]; cos(x)"},
  {"abs", "x", unary<abs>, "|x|; its derivative at 0 is 0", "x = [-1, 2]; abs(x)"},
  {"sign", "x", unary<sign>, "-1, 0 or 1; its derivative is 0", "x = [-1, 2]; sign(x)"},
  {"erf", "x", unary<erf>, "error function", "x = [0, 1]; erf(x)"},
  {"tanh", "x", unary<tanh>, "hyperbolic tangent", "x = [0, 1]; tanh(x)"},
  {"sigmoid", "x", unary<sigmoid>, "1 / (1 + exp(-x))", "x = [0, 1]; sigmoid(x)"},
  {"relu", "x", unary<relu>, "max(x, 0); its derivative at 0 is 0", "x = [-1, 2]; relu(x)"},
  {"softplus", "x", unary<softplus>, "log(1 + exp(x)) without overflow", "x = [0, 1]; softplus(x)"},
  {"log_sigmoid", "x", unary<log_sigmoid>, "log(sigmoid(x)) without underflow", "x = [0, 1]; log_sigmoid(x)"},
  {"clamp", "x, low, high", [](const Call& c) { return clamp(c.real(0), c.number(1), c.number(2)); }, "x limited to [low, high]", "x = [-1, 0.5, 2]; clamp(x, 0, 1)"},
  {"gelu", "x, form=exact", run_gelu, "x times the normal distribution function of x; form: exact or tanh", "x = [-1, 1]; gelu(x) + gelu(x, form=tanh)"},
  {"cast", "x, type=f64", run_cast, "the same numbers in another type: f32, f64, i64 or b8", "x = [0.1, 0.2]; cast(x, f32)"},
  {"detach", "x", [](const Call& c) { return detach(c.any(0)); }, "the same value, as a constant", "x = 3; x * detach(x)"},

  // Matrix products
  {"matmul", "a, b, transposed=no", run_matmul, "a @ b over the last two axes; transposed: no, a, b or both", "a = [[1, 2], [3, 4]]; b = [[1], [10]]; a @ b"},
  {"linear", "x, weight, bias=none", [](const Call& c) { return linear(c.real(0), c.real(1), c.real_or_empty(2)); }, "x @ weight' + bias", "x = [1, 2]; w = [[1, 0], [1, 1], [0, 2]]; b = [1, 1, 1]; linear(x, w, b)"},

  // Reductions
  {"sum", "x, *, axes|dim|axis=all, keep|keepdims|keepdim=0", reduction<sum>, "sum over axes; keep=1 leaves them with size 1", "x = [[1, 2], [3, 4]]; sum(x, axis=0)"},
  {"mean", "x, *, axes|dim|axis=all, keep|keepdims|keepdim=0", reduction<mean>, "mean over axes", "x = [[1, 2], [3, 4]]; mean(x, axis=1)"},
  {"variance", "x, *, axes|dim|axis=all, keep|keepdims|keepdim=0", reduction<variance>, "mean squared distance from the mean", "x = [1, 2, 6]; variance(x)"},
  {"max", "x, *, axes|dim|axis=all, keep|keepdims|keepdim=0", reduction<max>, "largest element; ties share the gradient. of two tensors: maximum(a, b)", "x = [1, 3, 3]; max(x)"},
  {"prod", "x, *, axes|dim|axis=all, keep|keepdims|keepdim=0", reduction<prod>, "product over axes", "x = [2, 3, 4]; prod(x)"},
  {"norm", "x, *, axes|dim|axis=all, keep|keepdims|keepdim=0", reduction<norm>, "Euclidean norm", "x = [3, 4]; norm(x)"},
  {"logsumexp", "x, *, axes|dim|axis=all, keep|keepdims|keepdim=0", reduction<logsumexp>, "log of the sum of exp(x), without overflow", "x = [1000, 1001]; logsumexp(x)"},
  {"argmax", "x, axis|dim=-1", along<argmax>, "index of the largest element along an axis; no gradient", "x = [3, 7, 5]; x * one_hot(argmax(x), 3)"},
  {"cumsum", "x, axis|dim=-1", along<cumsum>, "running sum along an axis", "x = [1, 2, 3]; cumsum(x)"},
  {"sum_to", "x, shape", [](const Call& c) { return sum_to(c.real(0), c.shape(1)); }, "undoes broadcasting from that shape, by sums", "x = [[1, 2], [3, 4]]; sum_to(x, [1, 2])"},

  // Shapes
  {"reshape", "x, shape", run_reshape, "the same elements in another shape; one size may be -1", "x = [1, 2, 3, 4, 5, 6]; reshape(x, [2, -1])"},
  {"permute", "x, order", [](const Call& c) { return permute(c.any(0), c.integers(1)); }, "axis i of the result is axis order[i] of x", "x = [[[1, 2, 3]]]; permute(x, [2, 0, 1])"},
  {"transpose", "x, first=-2, second=-1", [](const Call& c) { const Tensor x = c.any(0); return x.rank() < 2 ? transpose(x) : transpose(x, c.axis(1, x), c.axis(2, x)); }, "x' exchanges the last two axes", "x = [[1, 2, 3], [4, 5, 6]]; x'"},
  {"broadcast_to", "x, shape", [](const Call& c) { return broadcast_to(c.any(0), c.shape(1)); }, "x repeated to that shape", "x = [1, 2]; broadcast_to(x, [3, 2])"},
  {"slice", "x, axis|dim, begin, end", [](const Call& c) { const Tensor x = c.any(0); return slice(x, c.axis(1, x), c.integer(2), c.integer(3)); }, "the elements from begin up to, but without, end", "x = [1, 2, 3, 4]; slice(x, 0, 1, 3)"},
  {"concat", "xs..., axis|dim=0", [](const Call& c) { const Tensors xs = c.list(); return concat(xs, c.axis(1, xs[0])); }, "tensors joined along an axis", "x = [1, 2]; y = [3]; concat(x, y)"},
  {"split", "x, sizes, part, axis|dim=0", run_split, "one of the parts of these sizes, counted from 0", "x = [1, 2, 3]; split(x, [1, 2], part=1)"},
  {"stack", "xs..., axis|dim=0", run_stack, "tensors joined along a new axis, as in [x, y]", "x = [1, 2]; y = [3, 4]; stack(x, y, axis=1)"},

  // Indices
  {"gather", "x, indices, axis|dim=0", [](const Call& c) { const Tensor x = c.any(0); return gather(x, c.whole(1), c.axis(2, x)); }, "the elements at these positions along an axis", "x = [10, 20, 30]; gather(x, [2, 0, 2])"},
  {"scatter_add", "x, indices, axis|dim, size", [](const Call& c) { return scatter_add(c.real(0), c.whole(1), c.integer(2), c.size(3)); }, "adds the elements to these positions of an axis", "x = [1, 2, 3]; scatter_add(x, [2, 0, 2], axis=0, size=4)"},
  {"one_hot", "indices, classes", [](const Call& c) { return one_hot(c.whole(0), c.size(1), c.dtype()); }, "1 at the index, 0 elsewhere, along a new axis", "x = [1, 2, 3]; x * one_hot(2, 3)"},
  {"embedding", "ids, table", [](const Call& c) { return embedding(c.whole(0), c.real(1)); }, "the rows of a table", "t = [[1, 2], [3, 4]]; embedding([1, 1, 0], t)"},

  // Probabilities and losses
  {"softmax", "x", unary<softmax>, "exp(x) / sum(exp(x)) over the last axis", "x = [1, 2, 3]; softmax(x)"},
  {"log_softmax", "x", unary<log_softmax>, "log(softmax(x)) over the last axis", "x = [1, 2, 3]; log_softmax(x)"},
  {"masked_softmax", "x, mask", [](const Call& c) { return masked_softmax(c.real(0), c.condition(1)); }, "softmax over the elements where the mask is true", "x = [1, 2, 3]; masked_softmax(x, [1, 1, 0])"},
  {"cross_entropy", "logits, targets, ignore=-100, smoothing=0", run_cross_entropy, "-log_softmax(logits) at the target, for each row", "x = [[2, 1, 0], [0, 1, 0]]; cross_entropy(x, [0, 2], smoothing=0.1)"},

  // Normalisation and dropout
  {"layer_norm", "x, gain, bias, epsilon=1e-5", [](const Call& c) { return layer_norm(c.real(0), c.real(1), c.real(2), c.number(3)); }, "mean 0 and variance 1 over the last axis, times gain plus bias", "x = [1, 2, 4]; g = [1, 1, 1]; b = [0, 0, 1]; layer_norm(x, g, b)"},
  {"rms_norm", "x, gain, epsilon=1e-5", [](const Call& c) { return rms_norm(c.real(0), c.real(1), c.number(2)); }, "mean square 1 over the last axis, times gain", "x = [1, 2, 4]; g = [1, 1, 1]; rms_norm(x, g)"},
  {"dropout", "x, p, seed=1, rows=none", run_dropout, "each element 0 with probability p, else divided by 1 - p", "x = [1, 2, 3, 4]; dropout(x, 0.5, seed=3)"},
  {"add_norm", "x, f, gain, bias, dropout=0, seed=1, rows=none, epsilon=1e-5", run_add_norm, "layer_norm(x + dropout(f), gain, bias)", "x = [1, 2, 4]; f = [0, 1, 0]; g = [1, 1, 1]; b = [0, 0, 0]; add_norm(x, f, g, b)"},

  // Attention and positions
  {"attention", "query, key, value, heads=1, causal=0, lengths=none, allowed=none, linear_biases=0, dropout=0, seed=1", run_attention, "softmax(query @ key' / sqrt(d)) @ value for each head", "q = [[1, 0], [0, 1]]; k = [[1, 1], [0, 2]]; v = [[1, 2], [3, 4]]; attention(q, k, v, causal=1)"},
  {"attention_weights", "query, key, heads=1, causal=0, lengths=none, allowed=none, linear_biases=0", run_attention_weights, "the softmax of attention: [examples, heads, queries, keys]", "q = [[1, 0], [0, 1]]; k = [[1, 1], [0, 2]]; attention_weights(q, k)"},
  {"masked_scores", "a, b, mask", [](const Call& c) { return masked_scores(c.real(0), c.real(1), c.condition(2)); }, "a @ b' where the mask is true, else 0", "a = [[1, 2]]; b = [[3, 4], [5, 6]]; masked_scores(a, b, [[1, 0]])"},
  {"masked_sum", "w, b, mask", [](const Call& c) { return masked_sum(c.real(0), c.real(1), c.condition(2)); }, "w @ b over the terms where the mask is true", "w = [[0.5, 0.5]]; b = [[3, 4], [5, 6]]; masked_sum(w, b, [[1, 0]])"},
  {"rotary", "x, positions, heads=1, base=10000", [](const Call& c) { return rotary(c.real(0), c.whole(1), c.integer(2), c.number(3)); }, "turns pairs of features by an angle that grows with the position", "x = [[1, 0], [1, 0]]; rotary(x, [0, 1])"},

  // New tensors
  {"zeros", "shape", [](const Call& c) { return zeros(c.shape(0), c.dtype()); }, "zeros", "zeros([2, 3])"},
  {"ones", "shape", [](const Call& c) { return ones(c.shape(0), c.dtype()); }, "ones", "ones(3)"},
  {"full", "shape, value", run_full, "the same number everywhere", "full([2, 2], 7)"},
  {"eye", "size", run_eye, "the identity matrix", "eye(3)"},
  {"arange", "count", [](const Call& c) { return arange(c.size(0), c.dtype()); }, "0, 1, 2, … count - 1", "arange(4)"},
  {"normal", "shape, mean=0, deviation=1, seed=1", run_normal, "normal random numbers", "normal([2, 2], seed=5)"},
  {"uniform", "shape, low=0, high=1, seed=1", run_uniform, "random numbers in [low, high)", "uniform(3, -1, 1)"},
  {"random_integers", "shape, low, high, seed=1", run_random_integers, "random whole numbers in [low, high)", "random_integers(4, 0, 10)"},
  {"permutation", "count, seed=1", [](const Call& c) { return permutation(c.size(0), c.key(1)); }, "0 … count - 1 in random order", "permutation(4)"},
};

// clang-format on

}  // namespace

std::span<const Function> functions() { return table; }

}  // namespace adjoint::expression
