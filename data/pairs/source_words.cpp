#include "data/pairs/source_words.h"

#include <algorithm>

#include "autograd/support/error.h"

namespace adjoint::data {

WithSourceWords::WithSourceWords(const Vocabulary& vocabulary, const Tokens& source, Id most)
    : vocabulary_(vocabulary) {
  for (const std::string& word : source)
    if (std::ssize(words_) < most && !contains(word)) words_.push_back(word);
}

WithSourceWords::Id WithSourceWords::id(std::string_view token) const {
  const Id known = vocabulary_.id(token);
  if (known != Vocabulary::unk) return known;
  const auto word = std::ranges::find(words_, token);
  return word == words_.end() ? Vocabulary::unk : vocabulary_.size() + (word - words_.begin());
}

std::vector<WithSourceWords::Id> WithSourceWords::encode(const Tokens& tokens) const {
  std::vector<Id> ids;
  for (const std::string& token : tokens) ids.push_back(id(token));
  return ids;
}

Tokens WithSourceWords::decode(const std::vector<Id>& ids) const {
  Tokens tokens;
  for (const Id id : ids) {
    if (id == Vocabulary::eos) break;
    const Id beyond = id - vocabulary_.size();
    require(beyond < std::ssize(words_), "vocabulary: id ", id, " is beyond the ",
            vocabulary_.size(), " tokens and the ", words_.size(), " words of the source");
    if (beyond >= 0)
      tokens.push_back(words_[static_cast<std::size_t>(beyond)]);
    else if (id != Vocabulary::pad && id != Vocabulary::bos)
      tokens.push_back(vocabulary_.token(id));
  }
  return tokens;
}

}  // namespace adjoint::data
