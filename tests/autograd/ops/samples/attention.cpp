// Samples of attention.
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing::families {

void attending(List& list) {
  const auto turned = [&](const char* label, const Shape& shape, Index heads, double base) {
    const Tensor positions = random_integers({shape.numel(0, shape.rank() - 1)}, 0, 9, Key(6));
    list.push_back({"rotary", label, {{shape}}, [=](const Tensors& x) {
                      return rotary(x[0], positions, heads, base);
                    }});
  };
  turned("two heads", {2, 3, 8}, 2, 10000);
  turned("one head, a small base", {4, 6}, 1, 3);
  turned("vector", {2}, 1, 100);
  turned("one row", {1, 4}, 1, 100);
  turned("no rows", {0, 4}, 2, 100);

  const auto masked = [&](const char* label, const Shape& a, const Shape& b, const Shape& w,
                          const Tensor& mask) {
    list.push_back({"masked_scores", label, {{a}, {b}}, [=](const Tensors& x) {
                      return masked_scores(x[0], x[1], mask);
                    }});
    list.push_back({"masked_sum", label, {{w}, {b}}, [=](const Tensors& x) {
                      return masked_sum(x[0], x[1], mask);
                    }});
  };
  masked("a matrix", {2, 4}, {3, 4}, {2, 3}, bools({{1, 0, 1}, {0, 0, 0}}));
  masked("a mask for all heads", {2, 2, 2, 3}, {2, 2, 3, 3}, {2, 2, 2, 3},
         bools({{{{1, 1, 0}, {0, 1, 1}}}, {{{1, 0, 0}, {1, 1, 1}}}}));
  masked("one of each", {1, 1}, {1, 1}, {1, 1}, bools({1}));
  masked("no keys", {2, 3}, {0, 3}, {2, 0}, zeros({2, 0}, DType::b8));
  masked("no matrices", {0, 2, 3}, {0, 2, 3}, {0, 2, 2}, bools({1, 0}));
  list.push_back({"masked_scores", "a = b", {{{3, 2}}}, [](const Tensors& x) {
                    return masked_scores(x[0], x[0], bools({{1, 1, 0}, {0, 1, 1}, {1, 0, 1}}));
                  }});
  list.push_back({"masked_sum", "w = b", {{{3, 3}}}, [](const Tensors& x) {
                    return masked_sum(x[0], x[0], bools({{1, 1, 0}, {0, 1, 1}, {1, 0, 1}}));
                  }});

  const auto row = [&](const char* label, const std::vector<Shape>& shapes, const Pattern& pattern,
                       const AttentionOptions& options) {
    std::vector<Input> inputs;
    for (const Shape& shape : shapes) inputs.push_back({shape, any});
    list.push_back({"attention", label, inputs, [=, p = shared(pattern)](const Tensors& x) {
                      return attention(x[0], x[x.size() > 1 ? 1 : 0], x[x.size() > 2 ? 2 : 0], p,
                                       options);
                    }});
    if (options.dropout == 0)
      list.push_back({"attention_weights",
                      label,
                      {inputs.begin(), inputs.begin() + (inputs.size() > 1 ? 2 : 1)},
                      [=, p = shared(pattern)](const Tensors& x) {
                        return attention_weights(x[0], x[x.size() > 1 ? 1 : 0], p, options);
                      }});
  };
  const std::vector<Shape> small = {{2, 2, 4}, {2, 3, 4}, {2, 3, 2}};

  row("one head", {{1, 2, 3}, {1, 2, 3}, {1, 2, 3}}, Pattern::whole(1, 2, 2), {});
  row("two heads, values narrower", small, Pattern::whole(2, 2, 3), {.heads = 2});
  row("shared q = k = v", {{2, 2, 4}}, Pattern::whole(2, 2, 2), {.heads = 2});

  row("linear biases", small, Pattern::whole(2, 2, 3), {.heads = 2, .linear_biases = true});

  Pattern lengths = Pattern::whole(2, 2, 3);
  lengths.lengths = ints({1, 3, 2, 0});
  row("lengths, one of them 0", small, lengths, {.heads = 2});

  Pattern causal = Pattern::whole(2, 3, 3);
  causal.causal = true;
  row("causal", {{2, 3, 2}, {2, 3, 2}, {2, 3, 2}}, causal, {});
  causal.examples[1].first_position = 1;
  row("causal, an example begins at position 1", {{2, 3, 2}}, causal, {});
  row("causal, position 1, linear biases", {{2, 3, 2}}, causal,
      {.heads = 2, .dropout = 0.3, .key = Key(2), .linear_biases = true});

  Pattern allowed = Pattern::whole(2, 2, 3);
  allowed.allowed = bools({{1, 0, 1}, {0, 0, 0}, {1, 1, 1}, {0, 0, 1}});
  row("allowed, one row wholly masked", small, allowed, {.heads = 2});

  Pattern everything = allowed;
  everything.causal = true;
  everything.lengths = ints({2, 1, 3, 2});
  row("allowed, lengths and causal", small, everything, {.heads = 2});
  row("allowed, lengths, causal and dropout", small, everything,
      {.heads = 2, .dropout = 0.4, .key = Key(3)});
  row("dropout", small, Pattern::whole(2, 2, 3), {.heads = 1, .dropout = 0.3, .key = Key(4)});

  // Packed: two examples of 2 and 1 queries, of 1 and 3 keys, and query rows that nobody claims.
  Pattern packed;
  packed.examples = {{0, 2, 0, 1, 0, 5}, {3, 1, 1, 3, 2, 9}};
  row("packed, a row of no example", {{5, 2}, {4, 2}, {4, 2}}, packed, {});
  row("packed, dropout", {{5, 2}, {4, 2}, {4, 4}}, packed,
      {.heads = 2, .dropout = 0.5, .key = Key(8)});

  Pattern beam;
  beam.examples = {{0, 1, 0, 2}, {1, 2, 0, 3}};
  row("examples that share keys", {{3, 2}, {3, 2}, {3, 2}}, beam, {});

  Pattern queryless;
  queryless.examples = {{0, 0, 0, 2}};
  Pattern keyless;
  keyless.examples = {{0, 1, 0, 0}, {1, 1, 0, 2}};
  row("an example without keys", {{2, 2}, {2, 2}, {2, 2}}, keyless, {});
  row("an example without queries", {{0, 2}, {2, 2}, {2, 2}}, queryless, {});
  row("no features of values", {{2, 2}, {2, 2}, {2, 0}}, Pattern::whole(1, 2, 2), {});
  row("one of each", {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, Pattern::whole(1, 1, 1), {});
  row("no examples", {{2, 2}, {1, 2}, {1, 2}}, Pattern{}, {});
}

}  // namespace adjoint::testing::families
