// One or several reference translations for each sentence of a corpus.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::data {

/// Sets of references, as they come in files: sets[k][i] is the k-th reference of sentence i, or an
/// empty string if sentence i has fewer references than others.
using ReferenceSets = std::span<const std::vector<std::string>>;

/// The references of each sentence, without the empty ones. A sentence without any keeps one empty
/// reference (sacreBLEU refuses it).
class References {
 public:
  /// Errors start with the name of the metric: no sentences, no set, or a set that does not have
  /// one reference for each hypothesis.
  References(std::string_view metric, std::size_t hypotheses, ReferenceSets sets);

  const std::vector<std::string_view>& of(std::size_t sentence) const { return all_[sentence]; }

  /// The start of a score's signature: "nrefs:1", or "nrefs:var" if the number varies.
  std::string signature() const;

 private:
  std::vector<std::vector<std::string_view>> all_;
};

}  // namespace adjoint::data
