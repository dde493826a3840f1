// Samples of normalisation and dropout.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void layers(List& list) {
  const auto norm = [&](const char* label, const Shape& shape, double epsilon = 1e-5,
                        double size = 1) {
    list.push_back({"layer_norm",
                    label,
                    {{shape, any, size}, {{shape[-1]}}, {{shape[-1]}}},
                    [=](const Tensors& x) { return layer_norm(x[0], x[1], x[2], epsilon); }});
  };
  norm("rows", {3, 4});
  norm("vector", {5});
  norm("three axes", {2, 2, 3});
  norm("one feature", {3, 1}, 0.1);
  norm("a large epsilon", {2, 3}, 1.0);
  norm("large", {2, 4}, 1e-5, large);
  norm("no rows", {0, 3});
  list.push_back({"layer_norm", "x as gain and bias", {{{3}}}, [](const Tensors& x) {
                    return layer_norm(x[0], x[0], x[0]);
                  }});
  norm("nearly constant rows", {2, 3}, 0.5, tiny);

  const auto rms_norm_of = [&](const char* label, const Shape& shape, double epsilon = 1e-5,
                               double size = 1) {
    list.push_back({"rms_norm", label, {{shape, any, size}, {{shape[-1]}}}, [=](const Tensors& x) {
                      return rms_norm(x[0], x[1], epsilon);
                    }});
  };
  rms_norm_of("rows", {3, 4});
  rms_norm_of("vector", {5});
  rms_norm_of("three axes", {2, 2, 3});
  rms_norm_of("one feature", {3, 1}, 0.1);
  rms_norm_of("a large epsilon", {2, 3}, 1.0);
  rms_norm_of("large", {2, 4}, 1e-5, large);
  rms_norm_of("nearly zero rows", {2, 3}, 0.5, tiny);
  rms_norm_of("no rows", {0, 3});
  list.push_back(
      {"rms_norm", "x as gain", {{{3}}}, [](const Tensors& x) { return rms_norm(x[0], x[0]); }});

  const auto add_norm_of = [&](const char* label, const Shape& shape, const AddNormOptions& options,
                               double size = 1) {
    list.push_back({"add_norm",
                    label,
                    {{shape, any, size}, {shape, any, size}, {{shape[-1]}}, {{shape[-1]}}},
                    [=](const Tensors& x) { return add_norm(x[0], x[1], x[2], x[3], options); }});
  };
  add_norm_of("without dropout", {3, 4}, {});
  add_norm_of("dropout", {4, 5}, {.dropout = 0.4, .key = Key(5)});
  add_norm_of("rows given", {2, 2, 3},
              {.dropout = 0.5, .key = Key(5), .rows = ints({{9, 3}, {1000000007, 0}})});
  add_norm_of("vector", {9}, {.dropout = 0.5, .key = Key(7)});
  add_norm_of("one feature", {3, 1}, {.dropout = 0.3, .key = Key(8), .epsilon = 0.1});
  add_norm_of("large", {2, 4}, {}, large);
  add_norm_of("nearly constant rows", {2, 3}, {.epsilon = 0.5}, tiny);
  add_norm_of("no rows", {0, 3}, {.dropout = 0.5});
  list.push_back({"add_norm", "x four times", {{{3}}}, [](const Tensors& x) {
                    return add_norm(x[0], x[0], x[0], x[0], {.dropout = 0.3, .key = Key(9)});
                  }});

  list.push_back({"dropout", "positions as rows", {{{3, 5}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.4, Key(5));
                  }});
  list.push_back({"dropout", "rows given", {{{2, 2, 3}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.5, Key(5), ints({{9, 3}, {1000000007, 0}}));
                  }});
  list.push_back({"dropout", "nothing dropped", {{{2, 3}}}, [](const Tensors& x) {
                    return dropout(x[0], 0, Key(5));
                  }});
  list.push_back({"dropout", "one axis", {{{9}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.9, Key(7));
                  }});
  list.push_back({"dropout", "an axis of size 1", {{{6, 1}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.5, Key(8));
                  }});
  list.push_back({"dropout", "no rows", {{{0, 3}}}, [](const Tensors& x) {
                    return dropout(x[0], 0.5, Key(5));
                  }});
}

}  // namespace adjoint::testing::families
