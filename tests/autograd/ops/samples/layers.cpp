// Samples of the layers' kernels.
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

  const auto conv = [&](const char* label, const Shape& x, const Shape& weight, bool bias,
                        Conv1dOptions options) {
    std::vector<Input> inputs = {{x}, {weight}};
    if (bias) inputs.push_back({{weight[0]}});
    list.push_back({"conv1d", label, inputs, [=](const Tensors& in) {
                      return conv1d(in[0], in[1], in.size() == 3 ? in[2] : Tensor(), options);
                    }});
  };
  conv("plain", {2, 4, 2}, {3, 2, 2}, true, {});
  conv("without bias", {1, 4, 2}, {2, 3, 2}, false, {});
  conv("padded", {2, 3, 2}, {2, 3, 2}, true, {.padding = 1});
  conv("strided", {1, 6, 1}, {2, 2, 1}, true, {.stride = 2, .padding = 1});
  conv("a stride beyond the taps", {1, 7, 1}, {1, 2, 1}, false, {.stride = 3});
  conv("one tap", {2, 3, 2}, {2, 1, 2}, true, {});
  conv("more padding than taps", {1, 1, 1}, {1, 1, 1}, true, {.padding = 2});
  conv("an empty batch", {0, 3, 2}, {2, 2, 2}, true, {});
  list.push_back({"conv1d", "x with x", {{{2, 2, 2}}}, [](const Tensors& x) {
                    return conv1d(x[0], x[0], {}, {.padding = 1});
                  }});
  const auto depthwise = [&](const char* label, const Shape& x, const Shape& weight,
                             Conv1dOptions options) {
    list.push_back({"depthwise_conv1d", label, {{x}, {weight}}, [=](const Tensors& in) {
                      return depthwise_conv1d(in[0], in[1], options);
                    }});
  };
  depthwise("plain", {2, 4, 3}, {2, 3}, {});
  depthwise("an empty batch", {0, 3, 2}, {2, 2}, {});
  depthwise("sizes of 1", {1, 1, 1}, {1, 1}, {});
  list.push_back({"depthwise_conv1d", "x with itself", {{{1, 3, 2}}}, [](const Tensors& x) {
                    return depthwise_conv1d(x[0], reshape(x[0], {3, 2}), {.padding = 1});
                  }});
  depthwise("padded and strided", {1, 5, 2}, {3, 2}, {.stride = 2, .padding = 1});
}

}  // namespace adjoint::testing::families
