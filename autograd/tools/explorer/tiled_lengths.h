// The tape of a model whose attention gives its heads the valid lengths of other examples.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autograd/functional.h"
#include "autograd/tools/explorer/what_if.h"

namespace adjoint::exploring {

/// What a tape becomes when the lengths of its attentions follow the heads by tile.
struct TiledTape {
  std::string why_not{};            ///< why there is no such tape; empty if there is one
  std::vector<NodePtr> nodes{};     ///< as many as before: each stands where the right one stood
  std::vector<Tensors> values{};    ///< the results of those that were computed again, else empty
  std::vector<HeadLength> heads{};  ///< of the first attention
  Index keys = 0;                   ///< of that attention
};
/// `nodes` in the order of computation.
TiledTape with_tiled_lengths(const std::vector<NodePtr>& nodes);

/// An attention with heads whose key rows past a length are hidden.
struct PaddedAttention {
  Index batch, heads, queries, keys;
  bool causal;
  std::vector<Index> lengths;  ///< of each example
};
/// How a recorded attention() hides keys, found by asking the operation itself. Nothing for other
/// nodes, and where more than lengths (and causality) acts on the weights.
std::optional<PaddedAttention> padded_attention(const Node& node);
/// The same attention of query, key and value [batch…, steps, heads·d], in single operations.
/// `tile`: whether row (example, head) of the joined axis [batch · heads] gets length number row
/// mod batch.
Tensor attention_by_lengths(const Tensors& qkv, const PaddedAttention& sizes, bool tile);

}  // namespace adjoint::exploring
