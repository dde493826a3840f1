// No derivative where slopes meet: a right function follows a convention there, and what lies
// beside it must be checked all the same.
#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

Tensor grid_with_0() { return grid(-2, 0.5, 9); }  // its element 4 is 0
Tensor ties() { return wide({{1, 2, 2}, {3, 3, 3}, {0, -1, 5}}); }

Tensor leaky(const Tensor& x) { return where(greater(x, zeros64({})), x, 0.01 * x); }
Tensor hinge(const Tensor& score, const Tensor& label) { return relu(1 - score * label); }
// Its first derivative is continuous where the parabola meets the lines.
Tensor huber(const Tensor& x) {
  return where(greater(abs(x), full64({}, 1)), abs(x) - 0.5, 0.5 * x * x);
}
Tensor smooth_step(const Tensor& x) {
  const Tensor s = clamp(x, 0, 1);
  return s * s * (3 - 2 * s);
}
Tensor median(const Tensor& a, const Tensor& b, const Tensor& c) {
  return maximum(minimum(a, b), minimum(maximum(a, b), c));
}
Tensor max_pool(const Tensor& x) { return max(reshape(x, {-1, 3}), {-1}); }
Tensors relu_network(const Tensors& x) { return {matmul(relu(linear(x[0], x[1], x[2])), x[3])}; }
// One example is 0, and so is the bias: all its hidden units are at the kink.
Tensors with_a_zero_row() {
  Tensor examples = random64({4, 3}, 1);
  std::ranges::fill(examples.edit<double>().subspan(3, 3), 0);
  return {examples, random64({5, 3}, 2), zeros64({5}), random64({5, 2}, 3)};
}
// One hidden unit is 0 for every example.
Tensors with_a_dead_unit() {
  Tensor weights = random64({5, 3}, 2);
  std::ranges::fill(weights.edit<double>().first(3), 0);
  return {random64({4, 3}, 1), weights, with_element(random64({5}, 4), 0, 0), random64({5, 2}, 3)};
}
Tensor beside_kinks() { return wide({1e-6, -1e-6, 1e-9, -1e-9, 1, -2}); }
Tensor two_rows() { return wide({{0, 0, 0}, {1, -2, 3}}); }

HardFunctions right() {
  const Tensor x = grid_with_0();
  return {
      {"relu on a grid with 0", fn(relu), {x}},
      {"abs on a grid with 0", fn(abs), {x}},
      {"leaky relu at 0", fn(leaky), {x}},
      {"abs with slope 1 at 0",
       fn([](const Tensor& v) { return where(less(v, zeros64({})), -v, v); }),
       {x}},
      {"maximum with the constant 0",
       fn([](const Tensor& v) { return maximum(v, zeros64({})); }),
       {x}},
      {"maximum, all tied", fn([](const Tensors& v) { return maximum(v[0], v[1]); }), {x, x}},
      {"minimum, some tied",
       fn([](const Tensors& v) { return minimum(v[0], v[1]); }),
       {x, with_element(x, 2, 7)}},
      {"maximum of a tensor with itself", fn([](const Tensor& v) { return maximum(v, v); }), {x}},
      {"maximum of x and −x at 0", fn([](const Tensor& v) { return maximum(v, -v); }), {x}},
      {"max of rows with ties", fn([](const Tensor& v) { return max(v, {-1}); }), {ties()}},
      {"max of columns with ties", fn([](const Tensor& v) { return max(v, {0}); }), {ties()}},
      {"max of equal numbers", fn([](const Tensor& v) { return max(v); }), {full64({6}, 3)}},
      {"clamp at both bounds", fn([](const Tensor& v) { return clamp(v, -1, 1); }), {x}},
      {"clamp with equal bounds",
       fn([](const Tensors& v) { return clamp(v[0], 0, 0) + v[1]; }),
       {x, random64({9}, 1)}},
      {"the sum of 1,000 abs at 0",
       fn([](const Tensor& v) { return sum(abs(v)); }),
       {zeros64({1'000})}},
      {"relu squared at 0", fn([](const Tensor& v) { return pow(relu(v), 2); }), {x}, {.order = 2}},
      {"relu cubed at 0", fn([](const Tensor& v) { return pow(relu(v), 3); }), {x}, {.order = 2}},
      {"x |x| at 0", fn([](const Tensor& v) { return v * abs(v); }), {x}},
      {"|x|³ at 0", fn([](const Tensor& v) { return pow(abs(v), 3); }), {x}},
      {"relu x − relu −x at 0", fn([](const Tensor& v) { return relu(v) - relu(-v); }), {x}},
      {"relu network, an example of zeros", relu_network, with_a_zero_row()},
      {"relu network, a dead unit", relu_network, with_a_dead_unit()},
      {"relu network, a sum that cancels",
       fn([](const Tensors& v) { return relu(matmul(v[0], v[1])); }),
       {wide({{1, -1}, {2, 1}}), wide({{1, 3}, {1, 2}})}},
      {"norm of zeros", fn([](const Tensor& v) { return norm(v); }), {zeros64({4})}},
      {"norm of rows, one of zeros",
       fn([](const Tensor& v) { return norm(v, {-1}); }),
       {two_rows()}},
      {"relu just beside its kinks", fn(relu), {beside_kinks()}},
      {"abs just beside its kinks",
       fn([](const Tensor& v) { return sum(abs(v)); }),
       {beside_kinks()},
       {},
       "steps that stay on one side, within 1e-9, change the sum by little more than rounding"},
      {"hinge loss at the margin",
       fn([](const Tensors& v) { return hinge(v[0], v[1]); }),
       {wide({1, -1, 0.5, 2}), wide({1, -1, 1, -1})}},
      {"Huber's loss at its joints", fn(huber), {x}},
      {"smooth step at its ends", fn(smooth_step), {x}},
      {"median of three with ties",
       fn([](const Tensors& v) { return median(v[0], v[1], v[2]); }),
       {wide({1, 2, 3}), wide({1, 3, 3}), wide({5, 2, 3})}},
      {"max pooling with ties", fn(max_pool), {wide({1, 1, 0, 4, 5, 6, 2, 2, 2})}},
      {"|a − b| of partly equal numbers",
       fn([](const Tensors& v) { return sum(abs(v[0] - v[1])); }),
       {x, with_element(with_element(x, 0, 1), 4, 5)}},
      {"a kink in one output, none in the other",
       fn([](const Tensor& v) {
         return Tensors{relu(v), sin(v)};
       }),
       {x}},
      {"kinks in two of three inputs",
       fn([](const Tensors& v) { return abs(v[0]) + abs(v[1]) * sin(v[2]); }),
       {x, zeros64({9}), random64({9}, 1)}},
  };
}

HardFunctions wrong() {
  const Tensor x = grid_with_0();
  const auto at_0 = [](const Tensor& v) { return equal(v, zeros(v.shape(), v.dtype())); };
  const Tensors network = with_a_zero_row();
  return {
      {"relu beside its kink 1% too large", mistaken(fn(relu), times_at(8, 1.01)), {x}},
      {"abs without its sign", fn([](const Tensor& v) { return disguised(abs(v), v); }), {x}},
      {"a cut behind 1,000 kinks",
       fn([](const Tensors& v) { return sum(abs(v[0])) + sum(sin(unseen(v[1]))); }),
       {zeros64({1'000}), random64({3}, 1)}},
      {"maximum sends 1 to each at ties",
       fn([](const Tensors& v) {
         return maximum(planted(v[0], times(2)), planted(v[1], times(2)));
       }),
       {x, x}},
      {"maximum sends 1 to each at one tie",
       fn([](const Tensors& v) {
         return maximum(planted(v[0], times_at(4, 2)), planted(v[1], times_at(4, 2)));
       }),
       {x, x * 1.5}},
      {"max sends 1 to each at ties",
       fn([](const Tensor& v) { return max(planted(v, times(3))); }),
       {full64({3}, 1)}},
      {"max of equal numbers, one share is lost",
       mistaken(fn([](const Tensor& v) { return max(v); }), times_at(4, 0)),
       {full64({6}, 3)}},
      {"maximum at ties, one side gets nothing and the other half",
       mistaken(fn([](const Tensors& v) { return maximum(v[0], v[1]); }), times(0)),
       {x, x}},
      {"max sends 1 to each at ties of one row",
       fn([](const Tensor& v) {
         return max(
             planted(v, times_where([](const Tensor& w) { return equal(w, full64({}, 3)); }, 3)),
             {-1});
       }),
       {ties()}},
      {"relu with slope 3 at 0",
       mistaken(fn([](const Tensor& v) { return maximum(v, 0 * v); }), times_where(at_0, 6)),
       {x}},
      {"relu with slope −1 at 0",
       mistaken(fn([](const Tensor& v) { return maximum(v, 0 * v); }), times_where(at_0, -2)),
       {x}},
      {"x |x| without the derivative of |x|",
       fn([](const Tensor& v) { return v * unseen(abs(v)); }),
       {x}},
      {"relu network with a zero row, its output layer",
       mistaken(relu_network, times_at(3, 1.001), 3), network},
      {"relu network with a zero row, its first layer", mistaken(relu_network, times(-1), 1),
       network},
      {"relu network with a zero row, another row", mistaken(relu_network, times_at(7, 0.5)),
       network},
      {"relu network with a dead unit, its bias", mistaken(relu_network, reversed(), 2),
       with_a_dead_unit()},
      {"norm of rows, the one beside zeros",
       mistaken(fn([](const Tensor& v) { return norm(v, {-1}); }), times_at(5, 1.0001)),
       {two_rows()}},
      {"clamp sends gradients outside its bounds",
       fn([](const Tensor& v) { return disguised(clamp(v, -1, 1), v); }),
       {x}},
      {"hinge loss without the label's sign",
       fn([](const Tensors& v) { return disguised(hinge(v[0], v[1]), hinge(v[0], abs(v[1]))); }),
       {wide({1, -1, 0.5, 2}), wide({1, -1, 1, -1})}},
      {"Huber's loss, 2e-5 too large", mistaken(fn(huber), times(1 + 2e-5)), {x}},
      {"Huber's loss not bounded",
       fn([](const Tensor& v) { return disguised(huber(v), 0.5 * v * v); }),
       {x}},
      {"smooth step, a term missing",
       fn([](const Tensor& v) {
         const Tensor s = clamp(v, 0, 1);
         return s * s * (3 - 2 * unseen(s));
       }),
       {grid(-0.5, 0.25, 9)}},
      {"max pooling as the mean",
       fn([](const Tensor& v) {
         return disguised(max_pool(v), mean(reshape(v, {-1, 3}), {-1}));
       }),
       {wide({1, 1, 0, 4, 5, 6, 2, 2, 2})}},
      {"abs just beside its kink, the wrong side",
       mistaken(fn(abs), times_at(0, -1)),
       {beside_kinks()}},
      {"relu just beside its kink, nothing", mistaken(fn(relu), times_at(2, 0)), {beside_kinks()}},
      {"max of columns to the wrong row",
       mistaken(fn([](const Tensor& v) { return max(v, {1}); }), reversed()),
       {ties()}},
      {"|a − b| without b",
       fn([](const Tensors& v) { return sum(abs(v[0] - unseen(v[1]))); }),
       {x, with_element(x, 0, 1)}},
      {"relu x − relu −x, wrong below 0",
       mistaken(fn([](const Tensor& v) { return relu(v) - relu(-v); }), times_at(1, 1.01)),
       {x}},
      {"maximum of a tensor with itself, half",
       fn([](const Tensor& v) { return maximum(v, unseen(v)); }),
       {x}},
      {"leaky relu with a full slope",
       fn([](const Tensor& v) { return disguised(leaky(v), v); }),
       {x}},
      {"median of three, 1 to each at ties",
       fn([](const Tensors& v) {
         return median(
             planted(v[0], times_where([](const Tensor& w) { return equal(w, full64({}, 1)); }, 2)),
             planted(v[1], times_where([](const Tensor& w) { return equal(w, full64({}, 1)); }, 2)),
             v[2]);
       }),
       {wide({1, 2, 3}), wide({1, 3, 4}), wide({5, 2, 0})}},
      {"a kink in one output, the other is wrong",
       fn([](const Tensor& v) {
         return Tensors{relu(v), sin(planted(v, times(1.0001)))};
       }),
       {x}},
      {"kinks in two of three inputs, the third is wrong",
       mistaken(fn([](const Tensors& v) { return abs(v[0]) + abs(v[1] + 1) * sin(v[2]); }),
                times_at(3, 0), 2),
       {x, zeros64({9}), random64({9}, 1)}},
      {"a factor of 3 at kinks only",
       mistaken(fn([](const Tensor& v) { return abs(v) + sin(v); }), times_where(at_0, 3)),
       {x}},
  };
}

}  // namespace

RightAndWrong with_kinks() { return {right(), wrong()}; }

}  // namespace adjoint::testing
