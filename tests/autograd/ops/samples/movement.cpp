// Samples of the operations that move elements.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void movement(List& list) {
  const auto row = [&](const char* name, const char* label, const std::vector<Shape>& shapes,
                       std::function<Tensor(const Tensors&)> f) {
    std::vector<Input> inputs;
    for (const Shape& shape : shapes) inputs.push_back({shape, any});
    list.push_back({name, label, inputs, std::move(f)});
  };
  row("reshape", "flat", {{2, 3}}, [](const Tensors& x) { return reshape(x[0], {-1}); });
  row("reshape", "of nothing", {{0, 3}}, [](const Tensors& x) { return reshape(x[0], {3, 0, 2}); });
  row("reshape", "scalar to matrix", {{}}, [](const Tensors& x) { return reshape(x[0], {1, 1}); });
  row("reshape", "axes of size 1", {{1, 2, 1}},
      [](const Tensors& x) { return reshape(x[0], {2}); });
  row("permute", "an axis of size 1", {{2, 1, 3}}, [](const Tensors& x) {
    return permute(x[0], {1, 2, 0});
  });
  row("permute", "three axes", {{2, 3, 4}}, [](const Tensors& x) {
    return permute(x[0], {2, 0, -2});
  });
  row("permute", "of nothing", {{2, 0}}, [](const Tensors& x) { return permute(x[0], {1, 0}); });
  row("transpose", "last two", {{2, 3, 2}}, [](const Tensors& x) { return transpose(x[0]); });
  row("transpose", "first and last", {{2, 1, 3}},
      [](const Tensors& x) { return transpose(x[0], 0, -1); });
  row("transpose", "of nothing", {{0, 2}}, [](const Tensors& x) { return transpose(x[0]); });
  row("broadcast_to", "of nothing", {{0, 1}}, [](const Tensors& x) {
    return broadcast_to(x[0], {2, 0, 3});
  });
  row("broadcast_to", "a new axis and a repeated one", {{2, 1}}, [](const Tensors& x) {
    return broadcast_to(x[0], {3, 2, 2});
  });
  row("broadcast_to", "a scalar", {{}}, [](const Tensors& x) {
    return broadcast_to(x[0], {2, 2});
  });
  row("broadcast_to", "to nothing", {{1, 2}}, [](const Tensors& x) {
    return broadcast_to(x[0], {0, 2});
  });
  row("slice", "rows", {{4, 2}}, [](const Tensors& x) { return slice(x[0], 0, 1, 3); });
  row("slice", "from the end", {{2, 5}}, [](const Tensors& x) { return slice(x[0], -1, -3, -1); });
  row("slice", "nothing", {{3}}, [](const Tensors& x) { return slice(x[0], 0, 2, 2); });
  row("slice", "of nothing", {{0, 3}}, [](const Tensors& x) { return slice(x[0], 1, 0, 2); });
  row("slice", "an axis of size 1", {{1, 3}},
      [](const Tensors& x) { return slice(x[0], 0, 0, 1); });
  row("slice", "overlapping", {{4}},
      [](const Tensors& x) { return slice(x[0], 0, 0, 3) * slice(x[0], 0, 1, 4); });
  row("concat", "columns", {{2, 1}, {2, 3}}, [](const Tensors& x) { return concat(x, -1); });
  row("concat", "with an empty part", {{2, 2}, {0, 2}, {1, 2}},
      [](const Tensors& x) { return concat(x, 0); });
  row("concat", "one", {{2}}, [](const Tensors& x) { return concat(x, 0); });
  row("concat", "x with x", {{2}}, [](const Tensors& x) { return concat({x[0], x[0]}, 0); });
  row("concat", "more than 32", {{1}, {2}}, [](const Tensors& x) {
    Tensors many;
    for (int i = 0; i < 20; ++i) many.insert(many.end(), x.begin(), x.end());
    return concat(many, 0) * concat(many, 0);
  });
  row("split", "rows", {{4, 2}}, [](const Tensors& x) {
    const Tensors parts = split(x[0], 0, {1, 2, 1});
    return parts[0] * parts[2] + parts[1];
  });
  row("split", "columns, some of them unused", {{2, 5}}, [](const Tensors& x) {
    const Tensors parts = split(x[0], -1, {2, 1, 2});
    return parts[0] * parts[0];
  });
  row("split", "with an empty part", {{1, 3}}, [](const Tensors& x) {
    const Tensors parts = split(x[0], 1, {0, 3});
    return concat({parts[1], parts[0]}, 1);
  });
  row("split", "of nothing", {{0, 2}}, [](const Tensors& x) { return split(x[0], 1, {1, 1})[1]; });
  row("split", "one", {{2}}, [](const Tensors& x) { return split(x[0], 0, {2})[0]; });
  row("stack", "in front", {{2, 2}, {2, 2}}, [](const Tensors& x) { return stack(x); });
  row("stack", "an axis of size 1", {{1, 2}, {1, 2}}, [](const Tensors& x) { return stack(x, 1); });
  row("stack", "of nothing", {{0, 2}, {0, 2}}, [](const Tensors& x) { return stack(x, 1); });
  row("stack", "x with x", {{2}}, [](const Tensors& x) { return stack({x[0], x[0]}); });
  row("stack", "behind", {{3}, {3}}, [](const Tensors& x) { return stack(x, -1); });
}

}  // namespace adjoint::testing::families
