// The words of a source that a vocabulary lacks, for models that copy.
#pragma once

#include "data/text/vocabulary.h"

namespace adjoint::data {

/// A vocabulary that is extended, for one sentence, by the words of its source that it does not
/// contain: each gets an id beyond the vocabulary, in order of appearance. (See, Liu and Manning
/// 2017, section 2.2, call it the extended vocabulary.)
class WithSourceWords {
 public:
  using Id = Vocabulary::Id;

  /// Keeps a reference to the vocabulary. Only the first `most` such words get an id.
  WithSourceWords(const Vocabulary& vocabulary, const Tokens& source, Id most);

  /// unk for a word that neither the vocabulary nor the source has.
  Id id(std::string_view token) const;
  bool contains(std::string_view token) const { return id(token) != Vocabulary::unk; }
  std::vector<Id> encode(const Tokens& tokens) const;
  /// As Vocabulary::decode(). Error for an id that no word has.
  Tokens decode(const std::vector<Id>& ids) const;

 private:
  const Vocabulary& vocabulary_;
  Tokens words_;
};

}  // namespace adjoint::data
