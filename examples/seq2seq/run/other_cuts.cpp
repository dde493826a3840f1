#include "examples/seq2seq/run/other_cuts.h"

#include "autograd/support/threads.h"
#include "nn/translation/encoding.h"

namespace adjoint::seq2seq {
namespace {

std::optional<data::SubwordSampler> sampler_for(const data::Tokenizer& tokenizer,
                                                const Settings& settings) {
  if (tokenizer.kind != data::Tokenizer::Kind::sentencepiece) return std::nullopt;
  return data::SubwordSampler(tokenizer.subwords.scores(), settings.data.algorithm,
                              settings.training.subword_dropout);
}

// The tokens of a side with its begin and end.
constexpr Index ends = 2;

}  // namespace

OtherCuts::OtherCuts(const Model& model, const Dataset& dataset)
    : model_(model),
      dataset_(dataset),
      source_(sampler_for(model.tokenizers.source, model.settings)),
      target_(sampler_for(model.tokenizers.target, model.settings)) {}

data::EncodedPairs OtherCuts::operator()(std::span<const std::size_t> pairs, Index epoch) const {
  const Key key =
      Key(model_.settings.training.seed).child("subwords").child(static_cast<std::uint64_t>(epoch));
  std::vector<data::Pair> drawn(pairs.size());
  std::vector<data::Links> links(dataset_.alignments.empty() ? 0 : pairs.size());
  parallel_tasks(std::ssize(pairs), [&](Index task) {
    const auto i = static_cast<std::size_t>(task);
    const data::Pair& usual = dataset_.train[pairs[i]];
    const Key own = key.child(pairs[i]);
    drawn[i] = {cut(source_, usual.source, own.child("source")),
                cut(target_, usual.target, own.child("target"))};
    if (!links.empty())
      links[i] = data::links_of_other_cut(dataset_.alignments[pairs[i]],
                                          data::pieces_around(usual.source, drawn[i].source),
                                          data::pieces_around(usual.target, drawn[i].target));
  });
  data::EncodedPairs batch = encode_pairs(model_, drawn);
  batch.alignments = std::move(links);
  return batch;
}

data::Tokens OtherCuts::cut(const std::optional<data::SubwordSampler>& sampler,
                            const data::Tokens& usual, Key key) const {
  if (!sampler) return usual;
  data::Tokens drawn = (*sampler)(usual, key);
  const Settings& settings = model_.settings;
  const Index batch_tokens = settings.training.batch_tokens;
  const bool fits = std::ssize(drawn) <= settings.data.max_tokens &&
                    (batch_tokens == 0 || std::ssize(drawn) + ends <= batch_tokens);
  return fits ? drawn : usual;
}

}  // namespace adjoint::seq2seq
