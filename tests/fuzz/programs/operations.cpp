// Every public operation, with random arguments: most of them fit, some are hostile.

#include <cmath>

#include "tests/fuzz/programs/program.h"

namespace adjoint::fuzz {
namespace {

// ---- Steps of common kinds: by the number of operands ------------------------------------------

template <class F>
Step one(std::size_t operand, F f, bool smooth = true) {
  return {{}, {operand}, [f](const Tensors& x) { return Tensors{f(x[0])}; }, smooth};
}
template <class F>
Step two(std::size_t first, std::size_t second, F f, bool smooth = true) {
  return {{}, {first, second}, [f](const Tensors& x) { return Tensors{f(x[0], x[1])}; }, smooth};
}
template <class F>
Step many(std::vector<std::size_t> operands, F f) {
  return {{}, std::move(operands), [f](const Tensors& x) { return Tensors{f(x)}; }};
}

template <Tensor (*f)(const Tensor&)>
Step unary(Drawing& d) {
  return one(d.operand(), f);
}
template <Tensor (*f)(const Tensor&, const Tensor&)>
Step binary(Drawing& d) {
  const std::size_t a = d.operand(), b = d.operand();
  return two(a, b, f);
}
template <Tensor (*f)(const Tensor&, const Axes&, Keep)>
Step reduction(Drawing& d) {
  const std::size_t x = d.operand();
  const Axes axes = d.axes(d.at(x));
  const Keep keep = d.keep();
  return one(x, [=](const Tensor& v) { return f(v, axes, keep); });
}
// The result has no derivative. Cast to a real type, it takes part in the program as a constant.
template <Tensor (*f)(const Tensor&, const Tensor&)>
Step comparison(Drawing& d) {
  const std::size_t a = d.operand(), b = d.operand();
  return two(
      a, b, [](const Tensor& x, const Tensor& y) { return cast(f(x, y), x.dtype()); }, false);
}

Shape without_last(const Tensor& x) { return x.rank() > 0 ? x.shape().without(-1) : x.shape(); }
Index last(const Tensor& x) { return x.rank() > 0 ? x.size(-1) : 1; }

// ---- Arithmetic --------------------------------------------------------------------------------

Step draw_where(Drawing& d) {
  const std::size_t a = d.operand(), b = d.operand(), shaped = d.operand();
  const Tensor condition = d.booleans(d.at(shaped).shape());
  return two(a, b, [=](const Tensor& x, const Tensor& y) { return where(condition, x, y); });
}
Step draw_affine(Drawing& d) {
  const double scale = d.number(), shift = d.number();
  return one(d.operand(), [=](const Tensor& x) { return affine(x, scale, shift); });
}
Step draw_power(Drawing& d) {
  const double exponent = d.number();
  return one(d.operand(), [=](const Tensor& x) { return pow(x, exponent); });
}
Step draw_over_constant(Drawing& d) {
  const double c = d.number();
  return one(d.operand(), [=](const Tensor& x) { return x / c; });
}
Step draw_constant_over(Drawing& d) {
  const double c = d.number();
  return one(d.operand(), [=](const Tensor& x) { return c / x; });
}
Step draw_clamp(Drawing& d) {
  const double low = d.number(), high = d.number();
  return one(d.operand(), [=](const Tensor& x) { return clamp(x, low, high); });
}
Step draw_gelu(Drawing& d) {
  const Gelu form = d.choices.coin() ? Gelu::tanh : Gelu::exact;
  return one(d.operand(), [=](const Tensor& x) { return gelu(x, form); });
}
Step draw_cast(Drawing& d) {
  const DType dtype = std::array{DType::f32, DType::f64, DType::i64, DType::b8}[d.choices.below(4)];
  return one(
      d.operand(), [=](const Tensor& x) { return cast(cast(x, dtype), x.dtype()); }, false);
}
Step draw_detach(Drawing& d) { return one(d.operand(), detach, false); }
Step draw_copy(Drawing& d) { return one(d.operand(), copy, false); }

// ---- Products ----------------------------------------------------------------------------------

Step draw_matmul(Drawing& d) {
  const auto transposed = static_cast<Transposed>(d.choices.below(4));
  const std::size_t a = d.operand(), b = d.operand();
  return two(a, b, [=](const Tensor& x, const Tensor& y) { return matmul(x, y, transposed); });
}
Step draw_linear(Drawing& d) {
  const std::size_t x = d.operand(), weight = d.operand();
  if (d.choices.coin())
    return two(x, weight, [](const Tensor& v, const Tensor& w) { return linear(v, w); });
  const Tensor& w = d.at(weight);
  return many({x, weight, d.operand_of({w.rank() == 2 ? w.size(0) : 1})},
              [](const Tensors& v) { return linear(v[0], v[1], v[2]); });
}

// ---- Reductions --------------------------------------------------------------------------------

Step draw_sum_to(Drawing& d) {
  const std::size_t x = d.operand();
  const Shape shape = d.at(d.operand()).shape();
  return one(x, [=](const Tensor& v) { return sum_to(v, shape); });
}
Step draw_cumsum(Drawing& d) {
  const std::size_t x = d.operand();
  const Index axis = d.axis(d.at(x));
  return one(x, [=](const Tensor& v) { return cumsum(v, axis); });
}
Step draw_argmax(Drawing& d) {
  const std::size_t x = d.operand();
  const Index axis = d.axis(d.at(x));
  return one(
      x, [=](const Tensor& v) { return cast(argmax(v, axis), v.dtype()); }, false);
}

// ---- Shapes ------------------------------------------------------------------------------------

Step draw_reshape(Drawing& d) {
  const std::size_t x = d.operand();
  if (d.choices.coin()) {  // one that fits: two axes, or all in one
    const Index size = d.size();
    return one(x, [=](const Tensor& v) { return reshape(v, {size, -1}); });
  }
  const Shape shape = d.shape();
  return one(x, [=](const Tensor& v) { return reshape(v, shape); });
}
Step draw_permute(Drawing& d) {
  const std::size_t x = d.operand();
  Axes order;
  for (Index axis = 0; axis < d.at(x).rank(); ++axis)
    order.insert(order.begin() + d.choices.between(0, axis), axis);
  if (d.choices.below(8) == 7) order.push_back(d.size());
  return one(x, [=](const Tensor& v) { return permute(v, order); });
}
Step draw_transpose(Drawing& d) {
  const std::size_t x = d.operand();
  const Index first = d.axis(d.at(x)), second = d.axis(d.at(x));
  return one(x, [=](const Tensor& v) { return transpose(v, first, second); });
}
Step draw_broadcast(Drawing& d) {
  const std::size_t x = d.operand();
  const Shape shape = d.choices.coin() ? d.at(d.operand()).shape() : d.shape();
  return one(x, [=](const Tensor& v) { return broadcast_to(v, shape); });
}
Step draw_slice(Drawing& d) {
  const std::size_t x = d.operand();
  const Index axis = d.axis(d.at(x)), begin = d.choices.between(-3, 3), end = d.size();
  return one(x, [=](const Tensor& v) { return slice(v, axis, begin, end); });
}
Step draw_concat(Drawing& d) {
  const std::size_t a = d.operand(), b = d.choices.coin() ? a : d.operand();
  const Index axis = d.axis(d.at(a));
  return many({a, b, a}, [=](const Tensors& x) { return concat(x, axis); });
}
Step draw_stack(Drawing& d) {
  const std::size_t a = d.operand(), b = d.choices.coin() ? a : d.operand();
  const Index axis = d.axis(d.at(a));
  return many({a, b}, [=](const Tensors& x) { return stack(x, axis); });
}
Step draw_split(Drawing& d) {
  const std::size_t x = d.operand();
  const Index axis = d.axis(d.at(x));
  std::vector<Index> sizes = {d.size(), d.size()};
  if (d.choices.coin() && axis >= -d.at(x).rank() && axis < d.at(x).rank())
    sizes[1] = d.at(x).size(axis) - std::clamp<Index>(sizes[0], 0, 4);
  return {{}, {x}, [=](const Tensors& v) { return split(v[0], axis, sizes); }};
}

// ---- Indices -----------------------------------------------------------------------------------

Step draw_gather(Drawing& d) {
  const std::size_t x = d.operand();
  const Index axis = d.choices.coin() ? 0 : d.axis(d.at(x));
  const Tensor indices =
      d.indices(d.at(d.operand()).shape(), d.at(x).rank() > 0 ? d.at(x).size(0) : 1);
  return one(x, [=](const Tensor& v) { return gather(v, indices, axis); });
}
Step draw_scatter_add(Drawing& d) {
  const std::size_t x = d.operand();
  const Index size = d.size();
  const Tensor indices = d.indices({d.at(x).rank() > 0 ? d.at(x).size(0) : 1}, size);
  return one(x, [=](const Tensor& v) { return scatter_add(v, indices, 0, size); });
}
Step draw_embedding(Drawing& d) {
  const std::size_t table = d.operand();
  const Tensor ids = d.indices(d.shape(), d.at(table).rank() > 0 ? d.at(table).size(0) : 1);
  return one(table, [=](const Tensor& v) { return embedding(ids, v); });
}
Step draw_one_hot(Drawing& d) {
  const Index classes = d.size();
  const Tensor indices = d.indices(d.shape(), classes);
  return one(
      d.operand(), [=](const Tensor& v) { return one_hot(indices, classes, v.dtype()); }, false);
}

// ---- Probabilities and layers ------------------------------------------------------------------

Step draw_masked_softmax(Drawing& d) {
  const std::size_t x = d.operand();
  const Tensor mask = d.booleans(d.at(d.choices.coin() ? x : d.operand()).shape());
  return one(x, [=](const Tensor& v) { return masked_softmax(v, mask); });
}
Step draw_cross_entropy(Drawing& d) {
  const std::size_t x = d.operand();
  const CrossEntropyOptions options = {.ignore = d.choices.coin() ? -1 : -100,
                                       .smoothing = d.choices.coin() ? 0 : 0.1};
  const Tensor targets = d.indices(without_last(d.at(x)), last(d.at(x)));
  return one(x, [=](const Tensor& v) { return cross_entropy(v, targets, options); });
}
Step draw_layer_norm(Drawing& d) {
  const std::size_t x = d.operand();
  const std::size_t gain = d.operand_of({last(d.at(x))}), bias = d.operand_of({last(d.at(x))});
  return many({x, gain, bias}, [](const Tensors& v) { return layer_norm(v[0], v[1], v[2]); });
}
Step draw_rms_norm(Drawing& d) {
  const std::size_t x = d.operand();
  return two(x, d.operand_of({last(d.at(x))}),
             [](const Tensor& v, const Tensor& gain) { return rms_norm(v, gain); });
}
Step draw_dropout(Drawing& d) {
  const double p = d.choices.coin() ? 0.5 : d.number();
  const Key key(d.choices.below(256));
  return one(d.operand(), [=](const Tensor& v) { return dropout(v, p, key); });
}
Step draw_add_norm(Drawing& d) {
  const std::size_t x = d.operand(), f = d.operand_of(d.at(x).shape());
  const std::size_t gain = d.operand_of({last(d.at(x))}), bias = d.operand_of({last(d.at(x))});
  const AddNormOptions options = {.dropout = d.choices.coin() ? 0.5 : 0,
                                  .key = Key(d.choices.below(256))};
  return many({x, f, gain, bias},
              [=](const Tensors& v) { return add_norm(v[0], v[1], v[2], v[3], options); });
}

Step draw_masked_scores(Drawing& d) {
  const std::size_t a = d.operand(), b = d.operand();
  const Shape &x = d.at(a).shape(), &y = d.at(b).shape();
  const Tensor mask =
      x.rank() > 1 && y.rank() > 1 ? d.booleans({x[-2], y[-2]}) : d.booleans(d.shape());
  return two(a, b, [=](const Tensor& v, const Tensor& w) { return masked_scores(v, w, mask); });
}
Step draw_masked_sum(Drawing& d) {
  const std::size_t weights = d.operand(), b = d.operand();
  const Tensor mask = d.booleans(d.at(weights).shape());
  return two(weights, b, [=](const Tensor& v, const Tensor& w) { return masked_sum(v, w, mask); });
}

// ---- Attention ---------------------------------------------------------------------------------

Index rows_of(const Tensor& x) { return without_last(x).numel(); }

std::shared_ptr<const AttentionPattern> draw_pattern(Drawing& d, Index queries, Index keys) {
  auto pattern = std::make_shared<AttentionPattern>();
  pattern->causal = d.choices.coin();
  if (d.choices.coin()) pattern->lengths = d.indices({queries}, keys + 1);
  if (d.choices.coin()) pattern->allowed = d.booleans({queries, keys});
  // All rows in one example, or one example of some rows.
  if (d.choices.coin())
    pattern->examples.push_back({0, queries, 0, keys, d.choices.between(0, 2), 0});
  else
    pattern->examples.push_back(
        {d.choices.between(0, 1), d.size(), d.choices.between(0, 1), d.size(), d.size(), 0});
  return pattern;
}
AttentionOptions draw_attention_options(Drawing& d) {
  return {.heads = d.choices.between(1, 2),
          .dropout = d.choices.coin() ? 0.5 : 0,
          .key = Key(d.choices.below(256)),
          .linear_biases = d.choices.coin()};
}
Step draw_attention(Drawing& d) {
  const std::size_t query = d.operand(), key = d.operand(), value = d.operand_of(d.at(key).shape());
  const auto pattern = draw_pattern(d, rows_of(d.at(query)), rows_of(d.at(key)));
  const AttentionOptions options = draw_attention_options(d);
  return many({query, key, value},
              [=](const Tensors& x) { return attention(x[0], x[1], x[2], pattern, options); });
}
Step draw_attention_weights(Drawing& d) {
  const std::size_t query = d.operand(), key = d.operand();
  const auto pattern = draw_pattern(d, rows_of(d.at(query)), rows_of(d.at(key)));
  const AttentionOptions options = draw_attention_options(d);
  return two(query, key, [=](const Tensor& q, const Tensor& k) {
    return attention_weights(q, k, pattern, options);
  });
}
Step draw_rotary(Drawing& d) {
  const std::size_t x = d.operand();
  const Tensor positions = d.indices({rows_of(d.at(x))}, 100);
  const Index heads = d.choices.coin() ? 1 : d.size();
  return one(x, [=](const Tensor& v) { return rotary(v, positions, heads); });
}

}  // namespace

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = {
      {"add", binary<add>},
      {"sub", binary<sub>},
      {"mul", binary<mul>},
      {"div", binary<div>},
      {"pow", binary<static_cast<Tensor (*)(const Tensor&, const Tensor&)>(pow)>},
      {"maximum", binary<maximum>},
      {"minimum", binary<minimum>},
      {"where", draw_where},
      {"affine", draw_affine},
      {"power", draw_power},
      {"x / c", draw_over_constant},
      {"c / x", draw_constant_over},
      {"equal", comparison<equal>},
      {"greater", comparison<greater>},
      {"less", comparison<less>},
      {"neg", unary<neg>},
      {"exp", unary<exp>},
      {"log", unary<log>},
      {"expm1", unary<expm1>},
      {"log1p", unary<log1p>},
      {"sqrt", unary<sqrt>},
      {"sin", unary<sin>},
      {"cos", unary<cos>},
      {"abs", unary<abs>},
      {"sign", unary<sign>},
      {"erf", unary<erf>},
      {"tanh", unary<tanh>},
      {"sigmoid", unary<sigmoid>},
      {"relu", unary<relu>},
      {"softplus", unary<softplus>},
      {"log_sigmoid", unary<log_sigmoid>},
      {"clamp", draw_clamp},
      {"gelu", draw_gelu},
      {"cast", draw_cast},
      {"detach", draw_detach},
      {"copy", draw_copy},
      {"matmul", draw_matmul},
      {"linear", draw_linear},
      {"sum", reduction<sum>},
      {"mean", reduction<mean>},
      {"variance", reduction<variance>},
      {"max", reduction<max>},
      {"prod", reduction<prod>},
      {"norm", reduction<norm>},
      {"logsumexp", reduction<logsumexp>},
      {"cumsum", draw_cumsum},
      {"argmax", draw_argmax},
      {"sum_to", draw_sum_to},
      {"reshape", draw_reshape},
      {"permute", draw_permute},
      {"transpose", draw_transpose},
      {"broadcast_to", draw_broadcast},
      {"slice", draw_slice},
      {"concat", draw_concat},
      {"stack", draw_stack},
      {"split", draw_split},
      {"gather", draw_gather},
      {"scatter_add", draw_scatter_add},
      {"one_hot", draw_one_hot},
      {"embedding", draw_embedding},
      {"softmax", unary<softmax>},
      {"log_softmax", unary<log_softmax>},
      {"masked_softmax", draw_masked_softmax},
      {"masked_scores", draw_masked_scores},
      {"masked_sum", draw_masked_sum},
      {"cross_entropy", draw_cross_entropy},
      {"layer_norm", draw_layer_norm},
      {"rms_norm", draw_rms_norm},
      {"dropout", draw_dropout},
      {"add_norm", draw_add_norm},
      {"attention", draw_attention},
      {"attention_weights", draw_attention_weights},
      {"rotary", draw_rotary},
  };
  return all;
}

}  // namespace adjoint::fuzz
