#include "autograd/tools/explorer/tiled_lengths.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/tools/recomputation.h"

namespace adjoint::exploring {
namespace {

constexpr Index most_keys = 64;  // each is asked for with a run of the operation

const Attribute* attribute_named(const Attributes& attributes, std::string_view name) {
  const auto found = std::ranges::find(attributes, name, &Attribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Index length_of(const std::vector<Index>& lengths, Index example, Index head, Index heads,
                bool tile) {
  const Index row = example * heads + head;  // of the joined axis [batch · heads]
  return lengths[at(tile ? row % std::ssize(lengths) : example)];
}

// b8 [batch, heads, queries, keys]: true where a query may see a key.
Tensor visible(const PaddedAttention& a, bool tile) {
  Index position = -1;
  return generate({a.batch, a.heads, a.queries, a.keys}, DType::b8, [&](Index) {
    const Index key = ++position % a.keys, query = position / a.keys % a.queries;
    const Index row = position / (a.keys * a.queries);
    const Index length = length_of(a.lengths, row / a.heads, row % a.heads, a.heads, tile);
    return key < length && (!a.causal || key <= query) ? 1 : 0;
  });
}

// Whether the query rows see the key: the scores are equal, so each visible key has a weight, and
// only the values of this key are not zero.
std::vector<bool> rows_that_see(const Node& node, Index key) {
  Tensors qkv;
  for (const SavedInput& input : node.inputs())
    qkv.push_back(zeros(input.value.shape(), input.value.dtype()));
  const Index width = qkv[2].size(-1), keys = qkv[2].size(-2);
  dispatch(qkv[2].dtype(), [&]<class T>() {
    if constexpr (Real<T>) {
      const std::span<T> values = qkv[2].edit<T>();
      for (std::size_t i = 0; i < values.size(); ++i)
        if (static_cast<Index>(i) / width % keys == key) values[i] = 1;
    }
  });
  const Tensor y = cast(sum(node.replay(qkv)[0], {-1}), DType::f64);  // [batch…, queries]
  std::vector<bool> see;
  for (const double weight : y.values<double>()) see.push_back(weight > 0);
  return see;
}

// [batch…, steps, heads·d] as [batch, heads, steps, d].
Tensor split_heads(const Tensor& x, const PaddedAttention& a) {
  const Index steps = x.size(-2), d = x.size(-1) / a.heads;
  return permute(reshape(x, {a.batch, steps, a.heads, d}), {0, 2, 1, 3});
}

// Each node that an attention leads to, computed again.
class Replay {
 public:
  explicit Replay(const std::vector<NodePtr>& nodes) : nodes_(nodes) {}

  TiledTape run() {
    const Unobserved own_work;
    const FlagGuard record(&Ambient::recording, true);
    const KeepValues keep;
    for (const NodePtr& node : nodes_) {
      const std::optional<PaddedAttention> attention = padded_attention(*node);
      const bool tiles = attention && tiling_matters(*attention);
      if (tiles && result_.heads.empty()) list_heads(*attention);
      if (!tiles && !depends_on_changed(*node)) {
        result_.nodes.push_back(node);
        result_.values.emplace_back();
        continue;
      }
      const std::optional<Tensors> inputs = inputs_of(*node);
      if (!inputs)
        return {.why_not =
                    "The tape does not keep the values that the operations after "
                    "the attention need. Record it under a KeepValues guard."};
      const Tensors outputs = tiles ? recomputed(
                                          [sizes = *attention](const Tensors& qkv) {
                                            return Tensors{attention_by_lengths(qkv, sizes, true)};
                                          },
                                          *inputs)
                                    : node->replay(*inputs);
      result_.nodes.push_back(outputs[0].history().node);
      result_.values.push_back(outputs);
      changed_[node.get()] = outputs;
    }
    if (changed_.empty())
      return {.why_not =
                  "There is no attention with several heads, and several examples whose "
                  "lengths differ."};
    return std::move(result_);
  }

 private:
  static bool tiling_matters(const PaddedAttention& a) {
    for (Index row = 0; row < a.batch * a.heads; ++row)
      if (length_of(a.lengths, row / a.heads, row % a.heads, a.heads, true) !=
          a.lengths[at(row / a.heads)])
        return true;
    return false;
  }
  bool depends_on_changed(const Node& node) const {
    return std::ranges::any_of(node.inputs(), [&](const SavedInput& input) {
      return input.value.tracked() && changed_.contains(input.value.history().node.get());
    });
  }
  std::optional<Tensors> inputs_of(const Node& node) const {
    Tensors inputs;
    for (const auto& [x, version] : node.inputs()) {
      const auto found = x.tracked() ? changed_.find(x.history().node.get()) : changed_.end();
      if (found != changed_.end())
        inputs.push_back(found->second[at(x.history().output)]);
      else if (x.storage())
        inputs.push_back(x);
      else
        return std::nullopt;
    }
    return inputs;
  }
  void list_heads(const PaddedAttention& a) {
    result_.keys = a.keys;
    for (Index row = 0; row < a.batch * a.heads; ++row) {
      const Index example = row / a.heads, head = row % a.heads;
      result_.heads.push_back({example, head, a.lengths[at(example)],
                               length_of(a.lengths, example, head, a.heads, true), row % a.batch});
    }
  }

  const std::vector<NodePtr>& nodes_;
  TiledTape result_;
  std::map<const Node*, Tensors> changed_;  // the results of nodes that were computed again
};

}  // namespace

std::optional<PaddedAttention> padded_attention(const Node& node) {
  if (std::string_view(node.name()) != "attention" || node.inputs().size() != 3) return {};
  const Attributes attributes = node.attributes();
  const auto flag = [&](const char* name) {
    const Attribute* const found = attribute_named(attributes, name);
    return found && std::holds_alternative<bool>(found->value) && std::get<bool>(found->value);
  };
  const Attribute* const heads = attribute_named(attributes, "heads");
  if (!heads || flag("linear_biases") || attribute_named(attributes, "dropout")) return {};
  const Shape &q = node.inputs()[0].value.shape(), &k = node.inputs()[1].value.shape();
  if (q.rank() < 3 || k.rank() != q.rank()) return {};
  PaddedAttention result{
      q.numel(0, q.rank() - 2), std::get<Index>(heads->value), q[-2], k[-2], flag("causal"), {}};
  if (result.batch < 2 || result.heads < 2 || result.keys > most_keys) return {};
  const Unobserved own_work;
  const NoRecording guard;
  result.lengths.assign(at(result.batch), 0);
  std::vector<std::vector<bool>> see;  // for each key
  for (Index key = 0; key < result.keys; ++key) {
    see.push_back(rows_that_see(node, key));
    for (std::size_t row = 0; row < see.back().size(); ++row)
      if (see.back()[row]) result.lengths[row / at(result.queries)] = key + 1;
  }
  const Tensor expected = visible(result, false);  // [batch, heads, queries, keys]
  const std::span<const bool> by_lengths = expected.values<bool>();
  for (std::size_t row = 0; row < at(result.batch * result.queries); ++row)
    for (std::size_t key = 0; key < see.size(); ++key) {
      const std::size_t example = row / at(result.queries), query = row % at(result.queries);
      const std::size_t first =
          (example * at(result.heads) * at(result.queries) + query) * see.size();
      if (see[key][row] != by_lengths[first + key]) return {};
    }
  return result;
}

Tensor attention_by_lengths(const Tensors& qkv, const PaddedAttention& a, bool tile) {
  const Tensor q = split_heads(qkv[0], a), k = split_heads(qkv[1], a), v = split_heads(qkv[2], a);
  const Tensor mask = visible(a, tile);  // [batch, heads, queries, keys]
  const double scale = 1 / std::sqrt(static_cast<double>(std::max<Index>(1, q.size(3))));
  const Tensor weights = masked_softmax(masked_scores(q, k, mask) * scale, mask);
  const Tensor mix =
      permute(masked_sum(weights, v, mask), {0, 2, 1, 3});  // [batch, queries, heads, d]
  return reshape(mix, qkv[0].shape().with(-1, qkv[2].size(-1)));
}

TiledTape with_tiled_lengths(const std::vector<NodePtr>& nodes) { return Replay(nodes).run(); }

}  // namespace adjoint::exploring
