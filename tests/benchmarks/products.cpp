#include "tests/benchmarks/products.h"

#include <cmath>
#include <ranges>

#include "autograd/kernels/blas.h"

namespace adjoint::benchmarks {

float* StepProducts::buffer(Index rows, Index width, double bound) {
  const auto size = static_cast<std::size_t>(rows * width);
  const Tensor numbers = uniform({rows, width}, -bound, bound, Key(buffers_.size()));
  buffers_.push_back(std::make_unique<float[]>(size));
  std::ranges::copy(numbers.values<float>(), buffers_.back().get());
  return buffers_.back().get();
}

// Y = X Wᵀ;  backward  X̄ = Ȳ W,  W̄ = Ȳᵀ X
StepProducts::Activation StepProducts::linear(const Activation& x, Index outputs,
                                              Gradient gradient) {
  const Activation y = activation(x.rows, outputs);
  const Activation weight =
      activation(outputs, x.width, std::sqrt(3 / static_cast<double>(x.width)));
  forward_.push_back({.rows = x.rows,
                      .columns = outputs,
                      .inner = x.width,
                      .a = {x.value, x.width},
                      .b = Operand{weight.value, x.width}.t(),
                      .c = {y.value, outputs}});
  backward_.push_back({.rows = outputs,
                       .columns = x.width,
                       .inner = x.rows,
                       .a = Operand{y.gradient, outputs}.t(),
                       .b = {x.value, x.width},
                       .c = {weight.gradient, x.width}});
  backward_.push_back({.rows = x.rows,
                       .columns = x.width,
                       .inner = outputs,
                       .a = {y.gradient, outputs},
                       .b = {weight.value, x.width},
                       .c = {x.gradient, x.width},
                       .add = gradient == Gradient::add});
  return y;
}

// For each example and head  S = Q Kᵀ,  O = P V;
// backward  P̄ = Ō Vᵀ,  V̄ = Pᵀ Ō,  Q̄ = S̄ K,  K̄ = S̄ᵀ Q.  Without a softmax that turns S into P and
// P̄ into S̄, the products read other buffers than those written.
StepProducts::Activation StepProducts::attention(const Activation& q, const Activation& k,
                                                 const Activation& v, Index batch, Index heads) {
  const Index queries = q.rows / batch, keys = k.rows / batch, width = q.width / heads;
  const Index rows_of_scores = batch * heads * queries;
  const Activation written = activation(rows_of_scores, keys);  // S, P̄
  const Activation read =                                       // P, S̄
      activation(rows_of_scores, keys, std::sqrt(3 / static_cast<double>(keys)));
  const Activation out = activation(q.rows, q.width);
  const auto rows = [&](float* data, Index per_example) {
    return Operand{data, q.width, per_example * q.width, width};
  };
  const auto scores = [&](float* data) {
    return Operand{data, keys, heads * queries * keys, queries * keys};
  };
  const auto add = [&](std::vector<Product>& to, Index m, Index n, Index inner, Operand a,
                       Operand b, Operand c) {
    to.push_back({m, n, inner, a, b, c, false, batch, heads});
  };
  add(forward_, queries, keys, width, rows(q.value, queries), rows(k.value, keys).t(),
      scores(written.value));
  add(forward_, queries, width, keys, scores(read.value), rows(v.value, keys),
      rows(out.value, queries));
  add(backward_, keys, width, queries, scores(read.gradient).t(), rows(q.value, queries),
      rows(k.gradient, keys));
  add(backward_, queries, width, keys, scores(read.gradient), rows(k.value, keys),
      rows(q.gradient, queries));
  add(backward_, keys, width, queries, scores(read.value).t(), rows(out.gradient, queries),
      rows(v.gradient, keys));
  add(backward_, queries, keys, width, rows(out.gradient, queries), rows(v.value, keys).t(),
      scores(written.gradient));
  return out;
}

StepProducts::Activation StepProducts::multi_head(const Activation& x, const Activation& memory,
                                                  Index batch, Index heads) {
  const Activation q = linear(x, x.width);
  const Activation k = linear(memory, x.width, Gradient::add);
  const Activation v = linear(memory, x.width, Gradient::add);
  return linear(attention(q, k, v, batch, heads), x.width);
}

StepProducts::Activation StepProducts::feed_forward(const Activation& x, Index hidden) {
  return linear(linear(x, hidden), x.width);
}

StepProducts::StepProducts(const Configuration& c) {
  Activation source = activation(c.batch * c.source_length, c.width);
  Activation target = activation(c.batch * c.target_length, c.width);
  for (Index i = 0; i < c.blocks; ++i)
    source = feed_forward(multi_head(source, source, c.batch, c.heads), c.hidden);
  for (Index i = 0; i < c.blocks; ++i) {
    target = multi_head(target, target, c.batch, c.heads);
    target = feed_forward(multi_head(target, source, c.batch, c.heads), c.hidden);
  }
  linear(target, c.target_tokens);

  for (const auto* products : {&forward_, &backward_})
    for (const Product& p : *products) {
      calls_ += p.examples * p.heads;
      flops_ += 2 * static_cast<double>(p.rows * p.columns * p.inner * p.examples * p.heads);
    }
}

void StepProducts::run() const {
  const auto run_one = [](const Product& p) {
    const auto at = [](const Operand& x, Index example, Index head) {
      return x.data + example * x.next_example + head * x.next_head;
    };
    for (Index e = 0; e < p.examples; ++e)
      for (Index h = 0; h < p.heads; ++h)
        kernels::multiply_by_blas<float>({.rows = p.rows,
                                          .columns = p.columns,
                                          .inner = p.inner,
                                          .a = {at(p.a, e, h), p.a.stride, p.a.transposed},
                                          .b = {at(p.b, e, h), p.b.stride, p.b.transposed},
                                          .c = at(p.c, e, h),
                                          .stride = p.c.stride,
                                          .add = p.add});
  };
  for (const Product& product : forward_) run_one(product);
  for (const Product& product : std::views::reverse(backward_)) run_one(product);
}

}  // namespace adjoint::benchmarks
