// Attention stage by stage, for the page: scores, scaling, mask, softmax and mix, each with its
// cotangent.
#pragma once

#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/tools/tape_story.h"

namespace adjoint::exploring {

/// A matrix for each example and head: [examples, heads, rows, columns]. An axis of size 1 stands
/// for all examples, or all heads.
struct Stage {
  std::string letter{};    ///< "S", and the formulas name the others by theirs
  std::string name{};      ///< "scores"
  std::string formula{};   ///< "q kᵀ"
  std::string gradient{};  ///< the formula of the cotangent, "Z̄/√d"
  Tensor values{};         ///< empty if the tape does not have what they are computed from
  Tensor cotangent{};      ///< as this attention sends it back; empty for zero
  int node = 0;            ///< which computes the values
  int reader = 0;          ///< whose vjp computes the cotangent
};

/// Why a query may not see a key. Padding: one of them is not there. Causality: the key comes after
/// the query. Mask: something else was given.
enum class Hidden : Index { no, padding, causal, both, mask };

/// softmax(q kᵀ/√d) v somewhere on a tape: one fused operation, or several that are composed.
struct Attention {
  bool fused = false;
  std::string about{};       ///< sentences: self or cross, what is special
  std::vector<int> nodes{};  ///< that belong to it
  Stage q{}, k{}, v{};       ///< without values where the scores are not q kᵀ
  std::vector<Stage> stages{};
  Tensor hidden{};  ///< i64 [examples, heads, queries, keys]: Hidden; empty if nothing is hidden

  /// The letter of the last stage.
  const std::string& last() const { return stages.back().letter; }
  /// One more stage. `back` is the formula of the former one's cotangent.
  void add(Stage stage, const char* back) {
    if (!stages.empty()) stages.back().gradient = back;
    stages.push_back(std::move(stage));
  }
};

/// All of a tape. What the tape does not keep is computed once more from what it does.
std::vector<Attention> attentions(const TapeStory& story);

/// Them as JSON, with at most so many elements of each tensor: the first examples, queries, keys.
std::string attentions_as_json(const std::vector<Attention>& all, Index elements);

// ---- Parts of it --------------------------------------------------------------------------------

/// Of attention(), by its own formula.
Attention fused_attention(const TapeStory& story, const TapeStory::Node& node);

/// Why pairs are hidden, for a pattern: [examples, 1, queries, keys].
Tensor hidden_by(const AttentionPattern& pattern);
/// The same for a mask b8 [examples, heads, queries, keys], which does not say why. Causal, if
/// every key after its query is hidden; padding, if a key is hidden from all queries, also from
/// those at or after it, or a query from all keys.
Tensor hidden_by(const Tensor& visible);

/// Whether q and k are computed from the same values, in words: self-attention or cross-attention.
std::string self_or_cross(const TapeStory& story, const TapeStory::Input& q,
                          const TapeStory::Input& k);

/// The vjp of a node; null if the sweep sent it nothing.
const TapeStory::Vjp* vjp_of(const TapeStory& story, int node);

}  // namespace adjoint::exploring
