#include "examples/seq2seq/model/encoding.h"

#include <algorithm>

#include "data/pairs/source_words.h"
#include "nn/batch/copyable.h"

namespace adjoint::seq2seq {
namespace {

using data::Vocabulary;

// The vocabulary of an answer to this source.
data::WithSourceWords words_for(const Model& model, const data::Tokens& source) {
  return {model.target, source, model.settings.ids_beyond()};
}

}  // namespace

nn::Ids encode_source(const Model& model, const data::Tokens& source) {
  nn::Ids ids = data::encode_source(source, model.source);
  if (model.settings.ids_beyond() == 0) return ids;
  const data::WithSourceWords words = words_for(model, source);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const Index id = words.id(source[i]);
    ids[i] = nn::copyable(ids[i], id == Vocabulary::unk ? none : id, model.source.size());
  }
  return ids;
}

nn::Ids encode_target(const Model& model, const data::Tokens& source, const data::Tokens& target) {
  return words_for(model, source).encode(target);
}

data::Tokens decode_target(const Model& model, const data::Tokens& source, const nn::Ids& ids) {
  return words_for(model, source).decode(ids);
}

data::EncodedPairs encode_pairs(const Model& model, const std::vector<data::Pair>& pairs) {
  data::EncodedPairs encoded;
  for (const data::Pair& pair : pairs) {
    encoded.sources.push_back(encode_source(model, pair.source));
    nn::Ids& ids = encoded.targets.emplace_back(encode_target(model, pair.source, pair.target));
    ids.insert(ids.begin(), Vocabulary::bos);
    ids.push_back(Vocabulary::eos);
  }
  return encoded;
}

std::vector<std::string> words_out_of_reach(const Model& model, const data::Tokens& source,
                                            const data::Tokens& target) {
  const data::WithSourceWords words = words_for(model, source);
  std::vector<std::string> result;
  for (const std::string& word : target)
    if (!words.contains(word) && std::ranges::find(result, word) == result.end())
      result.push_back(word);
  return result;
}

}  // namespace adjoint::seq2seq
