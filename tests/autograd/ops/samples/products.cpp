// Samples of matrix products.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void products(List& list) {
  const auto row = [&](const char* label, const Shape& a, const Shape& b, Transposed flags = no) {
    list.push_back(
        {"matmul", label, {{a}, {b}}, [=](const Tensors& x) { return matmul(x[0], x[1], flags); }});
  };
  row("matrices", {2, 3}, {3, 4});
  row("left transposed", {3, 2}, {3, 4}, a);
  row("right transposed", {2, 3}, {4, 3}, b);
  row("both transposed", {3, 2}, {4, 3}, both);
  row("vectors", {3}, {3});
  row("vector and matrix", {3}, {3, 2});
  row("matrix and vector", {2, 3}, {3});
  row("vector and batch", {3}, {2, 3, 2});
  row("batch and vector", {2, 2, 3}, {3});
  row("vector and transposed matrix", {3}, {2, 3}, both);
  row("batches", {2, 2, 3}, {2, 3, 2});
  row("batches, left transposed", {2, 3, 2}, {2, 3, 2}, a);
  row("batches, right transposed", {2, 2, 3}, {2, 2, 3}, b);
  row("batches, both transposed", {2, 3, 2}, {2, 2, 3}, both);
  row("batch and matrix", {2, 2, 3}, {3, 2});
  row("batch and transposed matrix", {2, 2, 3}, {2, 3}, b);
  row("transposed batch and matrix", {2, 3, 2}, {3, 2}, a);
  row("both transposed, batch and matrix", {2, 3, 2}, {2, 3}, both);
  row("matrix and batch", {2, 3}, {2, 3, 2});
  row("batch axes repeated on both sides", {2, 1, 2, 3}, {3, 3, 1});
  row("batch axes repeated, transposed", {3, 1, 3, 2}, {1, 2, 2, 3}, both);
  row("sizes of 1", {1, 1}, {1, 1});
  row("nothing to add up", {2, 0}, {0, 3});
  row("no rows", {0, 3}, {3, 2});
  row("an empty batch", {0, 2, 3}, {3, 2});
  list.push_back({"matmul", "x with x", {{{3, 3}}}, [](const Tensors& x) {
                    return matmul(x[0], x[0], Transposed::a);
                  }});
  list.push_back({"matmul",
                  "large and tiny",
                  {{{2, 3}, any, large}, {{3, 2}, any, tiny}},
                  [](const Tensors& x) { return matmul(x[0], x[1]); }});

  const auto linear_row = [&](const char* label, const Shape& x, const Shape& weight, bool bias) {
    std::vector<Input> inputs = {{x}, {weight}};
    if (bias) inputs.push_back({{weight[0]}});
    list.push_back({"linear", label, inputs, [](const Tensors& in) {
                      return linear(in[0], in[1], in.size() == 3 ? in[2] : Tensor());
                    }});
  };
  linear_row("with bias", {2, 3}, {4, 3}, true);
  linear_row("without bias", {2, 3}, {4, 3}, false);
  linear_row("of one vector", {3}, {2, 3}, true);
  linear_row("of a batch", {2, 2, 3}, {2, 3}, true);
  linear_row("sizes of 1", {1, 1}, {1, 1}, true);
  list.push_back({"linear", "x with x", {{{3, 3}}}, [](const Tensors& x) {
                    return linear(x[0], x[0], sum(x[0], {0}));
                  }});
  linear_row("no rows", {0, 3}, {2, 3}, true);
  linear_row("no inputs", {2, 0}, {3, 0}, true);
}

}  // namespace adjoint::testing::families
