#include "examples/seq2seq/translation.h"

#include <algorithm>
#include <numeric>

#include "autograd/error.h"
#include "autograd/kernels/parallel.h"
#include "data/batching.h"
#include "nn/decoding.h"

namespace adjoint::seq2seq {
namespace {

constexpr std::size_t decoding_batch = 64;

std::vector<std::string> as_text(const std::vector<data::Tokens>& sentences,
                                 const data::Tokenizer& tokenizer) {
  std::vector<std::string> text;
  for (const data::Tokens& tokens : sentences) text.push_back(tokenizer.detokenize(tokens));
  return text;
}

}  // namespace

std::vector<data::Tokens> translate(const Model& model, const std::vector<data::Tokens>& sources) {
  std::vector<nn::Ids> ids;
  for (const data::Tokens& source : sources) {
    require(static_cast<Index>(source.size()) <= model.settings.data.max_tokens, "a sentence of ",
            source.size(), " tokens; the model was trained for up to ",
            model.settings.data.max_tokens);
    ids.push_back(data::encode_source(source, model.source));
  }
  // Sentences of like length share a batch, so that little is padded.
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return ids[i].size(); });

  std::vector<data::Tokens> result(ids.size());
  const std::size_t batches = (ids.size() + decoding_batch - 1) / decoding_batch;
  parallel_tasks(static_cast<Index>(batches), [&](Index b) {
    const std::size_t begin = static_cast<std::size_t>(b) * decoding_batch;
    const std::size_t end = std::min(ids.size(), begin + decoding_batch);
    std::vector<nn::Ids> batch;
    for (std::size_t i = begin; i < end; ++i) batch.push_back(ids[order[i]]);
    // A translation is at most about twice as long: one that goes on and on has lost its way.
    const Index limit = std::min(model.settings.data.decoding_limit(),
                                 2 * static_cast<Index>(batch.back().size()) + 10);
    const nn::DecodingOptions options{.begin = data::Vocabulary::bos,
                                      .end = data::Vocabulary::eos,
                                      .padding = data::Vocabulary::pad,
                                      .max_length = limit};
    const std::vector<nn::Ids> decoded = nn::greedy(*model.network, batch, options);
    for (std::size_t i = begin; i < end; ++i)
      result[order[i]] = model.target.decode(decoded[i - begin]);
  });
  return result;
}

std::vector<std::string> unknown_words(const Model& model, const data::Tokens& source) {
  std::vector<std::string> unknown;
  for (const std::string& word : source)
    if (!model.source.contains(word) && std::ranges::find(unknown, word) == unknown.end())
      unknown.push_back(word);
  return unknown;
}

Score score(const Model& model, const std::vector<data::Pair>& pairs,
            const std::vector<data::Tokens>& translations) {
  const data::Tokenizer& tokenizer = model.tokenizer;
  const std::vector<data::Tokens> references = data::targets(pairs);
  std::size_t exact = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) exact += translations[i] == references[i] ? 1 : 0;
  return {data::corpus_bleu(as_text(translations, tokenizer), as_text(references, tokenizer)),
          static_cast<double>(exact) / static_cast<double>(pairs.size()), pairs.size()};
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

}  // namespace adjoint::seq2seq
