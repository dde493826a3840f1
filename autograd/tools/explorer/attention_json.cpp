// Attention as JSON, for the page.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>

#include "autograd/observer.h"
#include "autograd/support/json.h"
#include "autograd/tools/explorer/attention.h"

namespace adjoint::exploring {
namespace {

const auto as_json = [](const auto& value) { return json(value); };

// An f32 with its own shortest digits, which are fewer than those of the same f64.
std::string number_json(float value) {
  if (!std::isfinite(value)) return json(static_cast<double>(value));
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}
std::string number_json(auto value) { return json(value); }

// The first part of a tensor [examples, heads, rows, columns].
Tensor cropped(Tensor x, const std::array<Index, 4>& most) {
  for (Index axis = 0; axis < 4; ++axis)
    x = slice(x, axis, 0, std::min(x.size(axis), most[static_cast<std::size_t>(axis)]));
  return x;
}
std::string tensor_json(const Tensor& x, const std::array<Index, 4>& most) {
  if (!x.defined()) return "null";
  const Tensor part = cropped(x, most);
  const std::string values = dispatch(x.dtype(), [&]<class T>() {
    return json_list(part.values<T>(), [](T value) { return number_json(value); });
  });
  return json_object({{"shape", json_list(part.shape(), as_json)},
                      {"dtype", json(name_of(x.dtype()))},
                      {"values", values}});
}

// How many examples, heads, queries, keys and columns of q, k and v are shown.
struct Sizes {
  Index examples = 1, heads = 1, queries = 1, keys = 1, width = 1, value_width = 1;

  explicit Sizes(const Attention& a) {
    const Tensor &w = a.stages.back().values, &pairs = weights(a).values;
    examples = pairs.size(0);
    heads = pairs.size(1);
    queries = pairs.size(2);
    keys = pairs.size(3);
    width = a.q.values.defined() ? a.q.values.size(3) : 1;
    value_width = w.defined() ? w.size(3) : 1;
  }
  static const Stage& weights(const Attention& a) {
    return *std::ranges::find(a.stages, "W", &Stage::letter);
  }
  Index largest() const {
    return examples * heads *
           std::max({queries * keys, std::max(queries, keys) * std::max(width, value_width)});
  }
  // Fewer examples, then smaller matrices, then fewer heads.
  void fit(Index elements) {
    while (examples > 1 && largest() > elements) examples = (examples + 1) / 2;
    while (largest() > elements) {
      Index& longest =
          std::max({std::ref(queries), std::ref(keys), std::ref(width), std::ref(value_width)},
                   [](Index& a, Index& b) { return a < b; });
      if (longest <= 8) break;
      longest = (longest + 1) / 2;
    }
    while (heads > 1 && largest() > elements) heads = (heads + 1) / 2;
  }
  std::string text() const {
    return json_object({{"examples", json(examples)},
                        {"heads", json(heads)},
                        {"queries", json(queries)},
                        {"keys", json(keys)},
                        {"width", json(width)},
                        {"values", json(value_width)}});
  }
};

std::string of(const Stage& stage, const std::array<Index, 4>& most) {
  return json_object({{"letter", json(stage.letter)},
                      {"name", json(stage.name)},
                      {"formula", json(stage.formula)},
                      {"gradient", json(stage.gradient)},
                      {"node", json(stage.node)},
                      {"reader", json(stage.reader)},
                      {"values", tensor_json(stage.values, most)},
                      {"cotangent", tensor_json(stage.cotangent, most)}});
}

std::string of(const Attention& a, Index elements) {
  const Sizes whole(a);
  Sizes s = whole;
  s.fit(elements);
  const std::array<Index, 4> pairs{s.examples, s.heads, s.queries, s.keys};
  const auto stage = [&](const Stage& each) {
    return of(each, each.letter == "y" ? std::array{s.examples, s.heads, s.queries, s.value_width}
                                       : pairs);
  };
  return json_object({{"fused", json(a.fused)},
                      {"about", json(a.about)},
                      {"nodes", json_list(a.nodes, as_json)},
                      {"whole", whole.text()},
                      {"shown", s.text()},
                      {"hidden", tensor_json(a.hidden, pairs)},
                      {"q", of(a.q, std::array{s.examples, s.heads, s.queries, s.width})},
                      {"k", of(a.k, std::array{s.examples, s.heads, s.keys, s.width})},
                      {"v", of(a.v, std::array{s.examples, s.heads, s.keys, s.value_width})},
                      {"stages", json_list(a.stages, stage)}});
}

}  // namespace

std::string attentions_as_json(const std::vector<Attention>& all, Index elements) {
  const NoRecording values_only;
  const Unobserved hidden_from_tools;
  return json_list(all, [&](const Attention& a) { return of(a, elements); });
}

}  // namespace adjoint::exploring
