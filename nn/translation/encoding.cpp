#include "nn/translation/encoding.h"

#include <algorithm>

#include "data/pairs/source_words.h"
#include "nn/batch/copyable.h"

namespace adjoint::nn {
namespace {

using data::Vocabulary;

// The vocabulary of an answer to this source.
data::WithSourceWords words_for(const TranslationModel& model, const data::Tokens& source) {
  return {model.target, source, model.config.ids_beyond()};
}

}  // namespace

Ids encode_source(const TranslationModel& model, const data::Tokens& source) {
  Ids ids = data::encode_source(source, model.source);
  if (model.config.ids_beyond() == 0) return ids;
  const data::WithSourceWords words = words_for(model, source);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const Index id = words.id(source[i]);
    ids[i] = copyable(ids[i], id == Vocabulary::unk ? none : id, model.source.size());
  }
  return ids;
}

Ids encode_target(const TranslationModel& model, const data::Tokens& source,
                  const data::Tokens& target) {
  return words_for(model, source).encode(target);
}

data::Tokens decode_target(const TranslationModel& model, const data::Tokens& source,
                           const Ids& ids) {
  return words_for(model, source).decode(ids);
}

data::EncodedPairs encode_pairs(const TranslationModel& model,
                                const std::vector<data::Pair>& pairs) {
  data::EncodedPairs encoded;
  for (const data::Pair& pair : pairs) {
    encoded.sources.push_back(encode_source(model, pair.source));
    Ids& ids = encoded.targets.emplace_back(encode_target(model, pair.source, pair.target));
    ids.insert(ids.begin(), Vocabulary::bos);
    ids.push_back(Vocabulary::eos);
  }
  return encoded;
}

std::vector<std::string> words_out_of_reach(const TranslationModel& model,
                                            const data::Tokens& source,
                                            const data::Tokens& target) {
  const data::WithSourceWords words = words_for(model, source);
  std::vector<std::string> result;
  for (const std::string& word : target)
    if (!words.contains(word) && std::ranges::find(result, word) == result.end())
      result.push_back(word);
  return result;
}

}  // namespace adjoint::nn
