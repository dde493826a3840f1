// How good a model's answers are.
#include <algorithm>

#include "autograd/support/threads.h"
#include "examples/seq2seq/model/translation.h"
#include "nn/translation/encoding.h"
#include "nn/translation/translate.h"

namespace adjoint::seq2seq {

std::vector<std::string> as_text(const std::vector<data::Tokens>& sentences,
                                 const data::Tokenizer& tokenizer) {
  std::vector<std::string> text;
  for (const data::Tokens& tokens : sentences) text.push_back(tokenizer.detokenize(tokens));
  return text;
}

Score score(const Model& model, const std::vector<data::Pair>& pairs,
            const std::vector<data::Tokens>& translations) {
  const data::Tokenizer& tokenizer = model.tokenizers.target;
  const std::vector<data::Tokens> references = data::targets(pairs);
  return {data::corpus_bleu(as_text(translations, tokenizer), as_text(references, tokenizer),
                            model.settings.training.bleu_options()),
          data::sequence_accuracy(translations, references), pairs.size()};
}

NearestSource nearest_source(const Model& model, const std::vector<data::Pair>& train,
                             const std::vector<data::Pair>& held_out) {
  std::vector<data::Tokens> translations(held_out.size());
  std::vector<Index> distances(held_out.size());
  parallel_tasks(std::ssize(held_out), [&](Index number) {
    const auto i = static_cast<std::size_t>(number);
    const auto distance = [&](const data::Pair& pair) {
      return data::edit_distance(pair.source, held_out[i].source);
    };
    const auto nearest = std::ranges::min_element(train, {}, distance);
    translations[i] = nearest->target;
    distances[i] = distance(*nearest);
  });
  const auto near = std::ranges::count_if(distances, [](Index d) { return d <= 1; });
  const data::Tokenizer& tokenizer = model.tokenizers.target;
  return {data::corpus_bleu(as_text(translations, tokenizer),
                            as_text(data::targets(held_out), tokenizer),
                            model.settings.training.bleu_options()),
          static_cast<double>(near) / static_cast<double>(held_out.size())};
}

std::vector<nn::PairScore> score_pairs(const Model& model, const std::vector<data::Pair>& pairs) {
  std::vector<nn::Ids> sources, targets;
  for (const data::Pair& pair : pairs) {
    sources.push_back(encode_source(model, pair.source));
    targets.push_back(encode_target(model, pair.source, pair.target));
  }
  return nn::score(*model.network, sources, targets, nn::decoding_options());
}

}  // namespace adjoint::seq2seq
