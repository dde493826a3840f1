// Functions that are easily confused: for each sample, others whose vjp has the same shape.
#include "tests/autograd/gradcheck/mutations.h"
#include "tests/autograd/support.h"

namespace adjoint::testing {
namespace {

using Kind = Diagnosis::Kind;
using enum Domain;
using List = std::vector<Confusions>;
using Other = Confusions::Other;
using F = std::function<Tensor(const Tensors&)>;

// f applied to its only input with the axes exchanged, then exchanged back.
F across(Tensor (*f)(const Tensor&)) {
  return [f](const Tensors& x) { return transpose(f(transpose(x[0]))); };
}

// ---- The wrong axis ----------------------------------------------------------------------------

void reductions(List& list) {
  struct Named {
    const char* name;
    Tensor (*f)(const Tensor&, const Axes&, Keep);
    Domain domain;
  };
  for (const auto& [name, f, domain] :
       {Named{"sum", sum, any}, Named{"mean", mean, any}, Named{"variance", variance, any},
        Named{"max", max, distinct}, Named{"logsumexp", logsumexp, any}, Named{"prod", prod, any},
        Named{"norm", norm, away_from_zero}}) {
    const auto over = [f = f](Axes axes) {
      return [f, axes](const Tensors& x) { return f(x[0], axes, Keep::no); };
    };
    list.push_back(confused(name, "square", {{3, 3}}, over({1}),
                            {{Kind::wrong_axis, "over axis 0", over({0})}}, domain));
    list.push_back(confused(name, "cube", {{3, 3, 3}}, over({2}),
                            {{Kind::wrong_axis, "over axis 1", over({1})},
                             {Kind::wrong_axis, "over axis 0", over({0})}},
                            domain));
  }
  list.push_back(confused("sum_to", "square", {{3, 3}},
                          [](const Tensors& x) {
                            return sum_to(x[0], {3, 1});
                          },
                          {{Kind::wrong_axis, "rows for columns", [](const Tensors& x) {
                              return reshape(sum_to(x[0], {1, 3}), {3, 1});
                            }}}));
}

void probabilities(List& list) {
  list.push_back(confused("softmax", "square", {{3, 3}},
                          [](const Tensors& x) { return softmax(x[0]); },
                          {{Kind::wrong_axis, "over axis 0", across(softmax)}}));
  list.push_back(confused("log_softmax", "square", {{4, 4}},
                          [](const Tensors& x) { return log_softmax(x[0]); },
                          {{Kind::wrong_axis, "over axis 0", across(log_softmax)}}));
  const auto rms_normed = [](const Tensors& x) { return rms_norm(x[0], x[1]); };
  list.push_back(confused("rms_norm", "square", {{3, 3}, {3}}, rms_normed,
                          {{Kind::wrong_axis, "over axis 0", [=](const Tensors& x) {
                              return transpose(rms_normed({transpose(x[0]), x[1]}));
                            }}}));
  const auto normed = [](const Tensors& x) { return layer_norm(x[0], x[1], x[2]); };
  list.push_back(
      confused("layer_norm", "square", {{3, 3}, {3}, {3}}, normed,
               {{Kind::wrong_axis, "over axis 0",
                 [=](const Tensors& x) {
                   return transpose(normed({transpose(x[0]), x[1], x[2]}));
                 }},
                {Kind::wrong_example, "statistics of the next row", [](const Tensors& x) {
                   const Tensor next = gather(x[0], ints({1, 2, 0}));
                   const Tensor centred = x[0] - mean(next, {1}, Keep::yes);
                   return centred / sqrt(variance(next, {1}, Keep::yes) + 1e-5) * x[1] + x[2];
                 }}}));

  const auto masked = [](const Tensor& mask) {
    return [=](const Tensors& x) { return masked_softmax(x[0], mask); };
  };
  list.push_back(confused(
      "masked_softmax", "lengths", {{3, 4}},
      masked(bools({{1, 1, 0, 0}, {1, 1, 1, 1}, {1, 1, 1, 0}})),
      {{Kind::wrong_mask, "lengths of other rows",
        masked(bools({{1, 1, 1, 1}, {1, 1, 1, 0}, {1, 1, 0, 0}}))},
       {Kind::wrong_mask, "no mask", masked(bools({1, 1, 1, 1}))},
       {Kind::wrong_mask, "opposite", masked(bools({{0, 0, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 1}}))}}));
  list.push_back(confused(
      "masked_softmax", "causal", {{3, 3}}, masked(bools({{1, 0, 0}, {1, 1, 0}, {1, 1, 1}})),
      {{Kind::wrong_mask, "one more", masked(bools({{1, 1, 0}, {1, 1, 1}, {1, 1, 1}}))},
       {Kind::wrong_mask, "one less", masked(bools({{0, 0, 0}, {1, 0, 0}, {1, 1, 0}}))}}));

  const auto cross = [](const Tensor& targets, CrossEntropyOptions options) {
    return [=](const Tensors& x) { return cross_entropy(x[0], targets, options); };
  };
  const Tensor targets = ints({0, 3, 1, 2});
  list.push_back(confused("cross_entropy", "square", {{4, 4}}, cross(targets, {}),
                          {{Kind::shifted, "target + 1", cross(ints({1, 0, 2, 3}), {})},
                           {Kind::wrong_mask, "one ignored", cross(targets, {.ignore = 3})},
                           {Kind::wrong_axis, "classes along axis 0", [=](const Tensors& x) {
                              return cross_entropy(transpose(x[0]), targets);
                            }}}));
  list.push_back(confused(
      "cross_entropy", "some ignored", {{2, 2, 5}}, cross(ints({{0, 4}, {4, 2}}), {.ignore = 4}),
      {{Kind::wrong_mask, "none ignored", cross(ints({{0, 4}, {4, 2}}), {})},
       {Kind::shifted, "target + 1", cross(ints({{1, 4}, {4, 3}}), {.ignore = 4})}}));
}

void movement(List& list) {
  const std::vector<Shape> cubes = {{3, 3}, {3, 3}, {3, 3}};
  list.push_back(
      confused("stack", "squares", cubes, [](const Tensors& x) { return stack(x, 0); },
               {{Kind::wrong_axis, "along axis 1", [](const Tensors& x) { return stack(x, 1); }},
                {Kind::wrong_axis, "along axis 2", [](const Tensors& x) { return stack(x, 2); }}}));
  list.push_back(confused("concat", "vectors as columns", {{3, 3}, {3, 3}},
                          [](const Tensors& x) { return concat(x, 0); },
                          {{Kind::wrong_axis, "along axis 1", [](const Tensors& x) {
                              return concat({transpose(x[0]), transpose(x[1])}, 0);
                            }}}));
  list.push_back(confused("permute", "cube", {{3, 3, 3}},
                          [](const Tensors& x) {
                            return permute(x[0], {2, 0, 1});
                          },
                          {{Kind::transposed, "not inverted", [](const Tensors& x) {
                              return permute(x[0], {1, 2, 0});
                            }}}));
  list.push_back(confused("transpose", "square", {{3, 3}},
                          [](const Tensors& x) { return transpose(x[0]); },
                          {{Kind::transposed, "not at all", [](const Tensors& x) {
                              return reshape(x[0], {3, 3});
                            }}}));
  list.push_back(confused("broadcast_to", "square", {{3, 1}},
                          [](const Tensors& x) {
                            return broadcast_to(x[0], {3, 3});
                          },
                          {{Kind::wrong_axis, "along axis 0", [](const Tensors& x) {
                              return broadcast_to(reshape(x[0], {1, 3}), {3, 3});
                            }}}));
  list.push_back(confused(
      "slice", "three of six", {{6, 2}}, [](const Tensors& x) { return slice(x[0], 0, 1, 4); },
      {{Kind::shifted, "one further", [](const Tensors& x) { return slice(x[0], 0, 2, 5); }},
       {Kind::shifted, "one less far", [](const Tensors& x) { return slice(x[0], 0, 0, 3); }}}));
}

void indices(List& list) {
  const auto gathered = [](const Tensor& at, Index axis) {
    return [=](const Tensors& x) { return gather(x[0], at, axis); };
  };
  list.push_back(confused("gather", "square", {{3, 3}}, gathered(ints({2, 0, 2}), 0),
                          {{Kind::wrong_axis, "along axis 1", gathered(ints({2, 0, 2}), 1)},
                           {Kind::shifted, "index + 1", gathered(ints({0, 1, 0}), 0)}}));
  const auto scattered = [](const Tensor& at, Index axis) {
    return [=](const Tensors& x) { return scatter_add(x[0], at, axis, 3); };
  };
  list.push_back(confused("scatter_add", "square", {{3, 3}}, scattered(ints({1, 1, 0}), 0),
                          {{Kind::wrong_axis, "along axis 1", scattered(ints({1, 1, 0}), 1)},
                           {Kind::shifted, "index + 1", scattered(ints({2, 2, 1}), 0)}}));
  const auto embedded = [](const Tensor& ids) {
    return [=](const Tensors& x) { return embedding(ids, x[0]); };
  };
  list.push_back(confused(
      "embedding", "ids", {{5, 2}}, embedded(ints({{0, 3}, {3, 1}, {2, 2}})),
      {{Kind::shifted, "id + 1", embedded(ints({{1, 4}, {4, 2}, {3, 3}}))},
       {Kind::wrong_example, "ids of the other end", embedded(ints({{2, 2}, {3, 1}, {0, 3}}))}}));
  list.push_back(confused("one_hot", "times x", {{4}},
                          [](const Tensors& x) {
                            return one_hot(ints({2, 0, 1}), 4, x[0].dtype()) * x[0];
                          },
                          {{Kind::shifted, "index + 1", [](const Tensors& x) {
                              return one_hot(ints({3, 1, 2}), 4, x[0].dtype()) * x[0];
                            }}}));
}

void masks(List& list) {
  const auto chosen = [](const Tensor& condition) {
    return [=](const Tensors& x) { return where(condition, x[0], x[1]); };
  };
  list.push_back(confused("where", "matrix", {{2, 3}, {2, 3}},
                          chosen(bools({{1, 0, 0}, {1, 1, 0}})),
                          {{Kind::wrong_mask, "opposite", chosen(bools({{0, 1, 1}, {0, 0, 1}}))},
                           {Kind::wrong_mask, "stale", chosen(bools({{1, 1, 0}, {0, 1, 0}}))}}));
  const auto dropped = [](std::uint64_t seed) {
    return [=](const Tensors& x) { return dropout(x[0], 0.4, Key(seed)); };
  };
  list.push_back(confused("dropout", "rows", {{3, 5}}, dropped(5),
                          {{Kind::wrong_mask, "the key of the next step", dropped(6)},
                           {Kind::wrong_mask, "the key of the step after", dropped(7)}}));
  const auto add_normed = [](std::uint64_t seed) {
    return [=](const Tensors& x) {
      return add_norm(x[0], x[1], x[2], x[3], {.dropout = 0.4, .key = Key(seed)});
    };
  };
  list.push_back(confused("add_norm", "rows", {{3, 5}, {3, 5}, {5}, {5}}, add_normed(5),
                          {{Kind::wrong_mask, "the key of the next step", add_normed(6)}}));
  list.push_back(confused(
      "relu", "matrix", {{3, 3}}, [](const Tensors& x) { return relu(x[0]); },
      {{Kind::wrong_mask, "stale",
        [](const Tensors& x) {
          return where(bools({{1, 0, 1}, {1, 1, 0}, {0, 1, 0}}), x[0], 0 * x[0]);
        }},
       {Kind::wrong_mask, "below zero", [](const Tensors& x) { return -relu(-x[0]); }}},
      away_from_zero));
  for (const bool larger : {true, false}) {
    const auto f = [](bool max) -> F {
      return [=](const Tensors& x) { return max ? maximum(x[0], x[1]) : minimum(x[0], x[1]); };
    };
    list.push_back(confused(larger ? "maximum" : "minimum", "matrix", {{2, 3}, {2, 3}}, f(larger),
                            {{Kind::wrong_mask, "the other one", f(!larger)}}, distinct));
  }
  list.push_back(confused(
      "max", "rows", {{3, 4}}, [](const Tensors& x) { return max(x[0], {1}); },
      {{Kind::wrong_mask, "of an earlier x",
        [](const Tensors& x) {
          return sum(where(bools({{0, 0, 1, 0}, {0, 1, 0, 0}, {1, 0, 0, 0}}), x[0], 0 * x[0]), {1});
        }}},
      distinct));
}

// ---- Products and broadcasts -------------------------------------------------------------------

void products(List& list) {
  const auto product = [](Transposed flags) {
    return [=](const Tensors& x) { return matmul(x[0], x[1], flags); };
  };
  list.push_back(confused("matmul", "squares", {{3, 3}, {3, 3}}, product(Transposed::no),
                          {{Kind::transposed, "right transposed", product(Transposed::b)},
                           {Kind::transposed, "left transposed", product(Transposed::a)}}));
  list.push_back(confused("matmul", "batches", {{3, 2, 2}, {3, 2, 2}}, product(Transposed::no),
                          {{Kind::transposed, "right transposed", product(Transposed::b)},
                           {Kind::wrong_example, "right of another example", [](const Tensors& x) {
                              return matmul(x[0], gather(x[1], ints({1, 0, 2})));
                            }}}));
  list.push_back(confused("linear", "square", {{2, 3}, {3, 3}, {3}},
                          [](const Tensors& x) { return linear(x[0], x[1], x[2]); },
                          {{Kind::transposed, "weight transposed", [](const Tensors& x) {
                              return linear(x[0], transpose(x[1]), x[2]);
                            }}}));
  for (const auto& [name, f] :
       {std::pair{"add", &add}, {"sub", &sub}, {"mul", &mul}, {"div", &div}})
    list.push_back(confused(
        name, "a row", {{3, 3}, {3}}, [f = f](const Tensors& x) { return f(x[0], x[1]); },
        {{Kind::wrong_axis, "as a column",
          [f = f](const Tensors& x) {
            return f(x[0], reshape(x[1], {3, 1}));
          }}},
        away_from_zero));
}

// ---- Attention ---------------------------------------------------------------------------------

void attending(List& list) {
  using Pattern = AttentionPattern;
  const auto attend = [](const Pattern& pattern, AttentionOptions options = {}) -> F {
    return [=, p = std::make_shared<const Pattern>(pattern)](const Tensors& x) {
      return attention(x[0], x[1], x[2], p, options);
    };
  };
  const std::vector<Shape> shapes = {{3, 3, 2}, {3, 3, 2}, {3, 3, 2}};
  const Pattern whole = Pattern::whole(3, 3, 3);
  Pattern causal = whole, lengths = whole, tiled = whole, swapped = whole;
  causal.causal = true;
  lengths.lengths = ints({1, 1, 1, 3, 3, 3, 2, 2, 2});
  tiled.lengths = ints({1, 3, 2, 1, 3, 2, 1, 3, 2});
  std::swap(swapped.examples[0].key_begin, swapped.examples[2].key_begin);
  list.push_back(confused("attention", "causal", shapes, attend(causal),
                          {{Kind::wrong_mask, "not causal", attend(whole)},
                           {Kind::wrong_mask, "lengths", attend(lengths)}}));
  list.push_back(confused("attention", "lengths", shapes, attend(lengths),
                          {{Kind::wrong_mask, "tiled, not repeated", attend(tiled)},
                           {Kind::wrong_mask, "not masked", attend(whole)},
                           {Kind::wrong_mask, "causal", attend(causal)}}));
  list.push_back(confused(
      "attention", "whole", shapes, attend(whole),
      {{Kind::wrong_example, "keys of another example", attend(swapped)},
       {Kind::wrong_mask, "causal", attend(causal)},
       {Kind::wrong_axis, "batch and time exchanged", [=, f = attend(whole)](const Tensors& x) {
          Tensors turned;
          for (const Tensor& one : x) turned.push_back(transpose(one, 0, 1));
          return transpose(f(turned), 0, 1);
        }}}));
  const auto dropped = [&](std::uint64_t seed) {
    return attend(Pattern::whole(2, 2, 3), {.dropout = 0.4, .key = Key(seed)});
  };
  list.push_back(confused("attention", "dropout", {{2, 2, 2}, {2, 3, 2}, {2, 3, 2}}, dropped(3),
                          {{Kind::wrong_mask, "the key of the next step", dropped(4)},
                           {Kind::wrong_mask, "the key of the step after", dropped(5)}}));

  const auto weights = [](const Pattern& pattern) -> F {
    return [p = std::make_shared<const Pattern>(pattern)](const Tensors& x) {
      return attention_weights(x[0], x[1], p);
    };
  };
  list.push_back(confused("attention_weights", "causal", {{3, 3, 2}, {3, 3, 2}}, weights(causal),
                          {{Kind::wrong_mask, "not causal", weights(whole)},
                           {Kind::wrong_mask, "lengths", weights(lengths)}}));
}

}  // namespace

Confusions confused(const char* operation, const char* label, const std::vector<Shape>& shapes,
                    const F& f, std::vector<Other> others, Domain domain) {
  std::vector<Input> inputs;
  for (const Shape& shape : shapes) inputs.push_back({shape, domain});
  return {{operation, std::string(label) + ", to be confused", inputs, f}, std::move(others)};
}

std::vector<Confusions> confusions() {
  List list;
  for (const auto family :
       {reductions, probabilities, movement, indices, masks, products, attending})
    family(list);
  for (Confusions& one : near_misses()) list.push_back(std::move(one));
  return list;
}

}  // namespace adjoint::testing
