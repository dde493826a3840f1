// Samples of selecting by index.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void indexing(List& list) {
  const auto row = [&](const char* name, const char* label, const std::vector<Shape>& shapes,
                       std::function<Tensor(const Tensors&)> f) {
    std::vector<Input> inputs;
    for (const Shape& shape : shapes) inputs.push_back({shape, any});
    list.push_back({name, label, inputs, std::move(f)});
  };
  row("gather", "rows, one of them twice", {{3, 2}}, [](const Tensors& x) {
    return gather(x[0], ints({2, 0, 2}));
  });
  row("gather", "a table of indices, middle axis, none", {{2, 3, 2}}, [](const Tensors& x) {
    return gather(x[0], ints({{0, none}, {2, 2}}), 1);
  });
  row("gather", "a single index", {{3, 2}},
      [](const Tensors& x) { return gather(x[0], scalar(1, DType::i64), -1); });
  row("gather", "no index", {{3, 2}}, [](const Tensors& x) { return gather(x[0], ints({})); });
  row("gather", "of nothing", {{0, 2}}, [](const Tensors& x) {
    return gather(x[0], ints({none, none}));
  });
  row("gather", "from an axis of size 1", {{1, 2}}, [](const Tensors& x) {
    return gather(x[0], ints({0, 0, none}));
  });
  row("scatter_add", "to an axis of size 1", {{1, 2}},
      [](const Tensors& x) { return scatter_add(x[0], ints({0}), 0, 1); });
  row("scatter_add", "two to one place", {{3, 2}}, [](const Tensors& x) {
    return scatter_add(x[0], ints({1, 1, 0}), 0, 4);
  });
  row("scatter_add", "a table of indices, none", {{2, 2, 2}}, [](const Tensors& x) {
    return scatter_add(x[0], ints({{1, none}, {0, 1}}), 1, 2);
  });
  row("scatter_add", "nothing", {{0, 2}},
      [](const Tensors& x) { return scatter_add(x[0], ints({}), 0, 3); });
  row("embedding", "a batch of ids", {{4, 3}}, [](const Tensors& x) {
    return embedding(ints({{0, 3}, {3, 1}}), x[0]);
  });
  row("embedding", "no ids", {{4, 3}}, [](const Tensors& x) { return embedding(ints({}), x[0]); });
  row("embedding", "no features", {{4, 0}}, [](const Tensors& x) {
    return embedding(ints({3, 1}), x[0]);
  });
  row("embedding", "one token, one feature", {{1, 1}}, [](const Tensors& x) {
    return embedding(ints({0, 0}), x[0]);
  });
  row("one_hot", "one class", {{1}}, [](const Tensors& x) {
    return one_hot(ints({0, none}), 1, x[0].dtype()) * x[0];
  });
  row("one_hot", "no classes", {{0}}, [](const Tensors& x) {
    return one_hot(ints({none, none}), 0, x[0].dtype()) * x[0];
  });
  row("one_hot", "times x", {{3}}, [](const Tensors& x) {
    return one_hot(ints({2, none, 0}), 3, x[0].dtype()) * x[0];
  });
}

}  // namespace adjoint::testing::families
