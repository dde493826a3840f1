// The references that a corpus of hypotheses is held against: one or several for each sentence.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::data {

/// Sets of references, as they come in files: sets[k][i] is the k-th reference of sentence i. Where
/// a sentence has fewer than others, an empty string stands in for what is missing.
using ReferenceSets = std::span<const std::vector<std::string>>;

/// The references by sentence, without those that are missing. A sentence that has none keeps one
/// empty reference (where sacreBLEU refuses).
class References {
 public:
  /// The Errors begin with the name of the metric: no sentence, no set, or a set that has not one
  /// reference for each hypothesis.
  References(std::string_view metric, std::size_t hypotheses, ReferenceSets sets);

  const std::vector<std::string_view>& of(std::size_t sentence) const { return all_[sentence]; }

  /// The beginning of a score's signature, "nrefs:1", or "nrefs:var" if sentences differ in it.
  std::string signature() const;

 private:
  std::vector<std::vector<std::string_view>> all_;
};

}  // namespace adjoint::data
