#include "nn/translation/model.h"

namespace adjoint::nn {
namespace {

data::Tokens tokenize(const data::Tokenizer& tokenizer, std::string_view line, const char* what,
                      Index most) {
  data::Tokens tokens = tokenizer.tokenize(line);
  require(std::ssize(tokens) <= most, what, " of ", tokens.size(),
          " tokens; the model allows at most ", most);
  return tokens;
}

void require_fits(const std::string& kind, const data::Tokenizer& tokenizer) {
  const std::string name = kind == "subwords" ? "sentencepiece" : kind;
  require(tokenizer.name() == name, "translation: the configuration has the tokenizer ", kind,
          ", but the model is given ", tokenizer.name());
}

data::Vocabulary vocabulary_of(const TranslationConfig& config,
                               const std::vector<data::Pair>& pairs, std::vector<data::Tokens> side,
                               const data::VocabularyLimits& limits) {
  if (config.network.one_vocabulary()) {
    side = data::sources(pairs);
    for (const data::Pair& pair : pairs) side.push_back(pair.target);
  }
  return data::Vocabulary(side, limits);
}

}  // namespace

TranslationModel::TranslationModel(const TranslationConfig& c, data::Tokenizers of_text,
                                   data::Vocabulary source_vocabulary,
                                   data::Vocabulary target_vocabulary, Key key)
    : config(c),
      tokenizers(std::move(of_text)),
      source(std::move(source_vocabulary)),
      target(std::move(target_vocabulary)) {
  config.check();
  require_fits(config.tokens.tokenizer_of_source(), tokenizers.source);
  require_fits(config.tokens.tokenizer_of_target(), tokenizers.target);
  require(!config.tokens.subwords() ||
              config.tokens.tokenizer_of_source() != config.tokens.tokenizer_of_target() ||
              tokenizers.source == tokenizers.target,
          "translation: subwords on both sides need one model, but there are two");
  require(!config.network.one_vocabulary() || source == target,
          "tie all needs one vocabulary, but those of source and target differ");
  network = config.make_network(source.size(), target.size(), key);
}

TranslationModel::TranslationModel(const TranslationConfig& c, const std::vector<data::Pair>& pairs,
                                   Key key, const data::VocabularyLimits& limits)
    : TranslationModel(c, c.tokens.make(), vocabulary_of(c, pairs, data::sources(pairs), limits),
                       vocabulary_of(c, pairs, data::targets(pairs), limits), key) {}

data::Tokens TranslationModel::read_source(std::string_view line) const {
  return tokenize(tokenizers.source, line, "a sentence", config.tokens.max_tokens);
}

data::Tokens TranslationModel::read_target(std::string_view line) const {
  return tokenize(tokenizers.target, line, "a target", config.tokens.decoding_limit());
}

}  // namespace adjoint::nn
