#include "examples/seq2seq/model/translation.h"

#include <algorithm>

#include "autograd/support/threads.h"
#include "data/pairs/batching.h"

namespace adjoint::seq2seq {

std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources,
                                    const DecodingSettings& settings) {
  std::vector<data::Tokens> best;
  for (std::vector<Translation>& answers : Translator(model, settings)(sources))
    best.push_back(answers.empty() ? data::Tokens() : std::move(answers.front().tokens));
  return best;
}

std::vector<std::string> as_text(const std::vector<data::Tokens>& sentences,
                                 const data::Tokenizer& tokenizer) {
  std::vector<std::string> text;
  for (const data::Tokens& tokens : sentences) text.push_back(tokenizer.detokenize(tokens));
  return text;
}

Score score(const Model& model, const std::vector<data::Pair>& pairs,
            const std::vector<data::Tokens>& translations) {
  const data::Tokenizer& tokenizer = model.tokenizer;
  const std::vector<data::Tokens> references = data::targets(pairs);
  return {data::corpus_bleu(as_text(translations, tokenizer), as_text(references, tokenizer)),
          data::sequence_accuracy(translations, references), pairs.size()};
}

NearestSource nearest_source(const std::vector<data::Pair>& train,
                             const std::vector<data::Pair>& held_out,
                             const data::Tokenizer& tokenizer) {
  std::vector<data::Tokens> translations(held_out.size());
  std::vector<Index> distances(held_out.size());
  parallel_for(static_cast<Index>(held_out.size()), 8, [&](Index begin, Index end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const auto distance = [&](const data::Pair& pair) {
        return data::edit_distance(pair.source, held_out[i].source);
      };
      const auto nearest = std::ranges::min_element(train, {}, distance);
      translations[i] = nearest->target;
      distances[i] = distance(*nearest);
    }
  });
  const auto near = std::ranges::count_if(distances, [](Index d) { return d <= 1; });
  return {data::corpus_bleu(as_text(translations, tokenizer),
                            as_text(data::targets(held_out), tokenizer)),
          static_cast<double>(near) / static_cast<double>(held_out.size())};
}

std::vector<nn::PairScore> score_pairs(const Model& model, const std::vector<data::Pair>& pairs) {
  std::vector<nn::Ids> sources, targets;
  for (const data::Pair& pair : pairs) {
    sources.push_back(data::encode_source(pair.source, model.source));
    targets.push_back(model.target.encode(pair.target));
  }
  return nn::score(*model.network, sources, targets,
                   {.begin = data::Vocabulary::bos,
                    .end = data::Vocabulary::eos,
                    .padding = data::Vocabulary::pad});
}

}  // namespace adjoint::seq2seq
