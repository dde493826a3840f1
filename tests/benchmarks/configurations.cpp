#include "tests/benchmarks/configurations.h"

#include <algorithm>

namespace adjoint::benchmarks {
namespace {

constexpr Key model_key{1}, batch_key{2};
constexpr Index first_word = 4;  // smaller ids are padding, begin, end and unknown

nn::Ids random_words(Index length, Index tokens, Key key) {
  const Tensor ids = random_integers({length}, first_word, tokens, key);
  return {ids.values<Index>().begin(), ids.values<Index>().end()};
}

std::vector<PairLengths> half_to_full(const Configuration& c) {
  const Tensor sources =
      random_integers({c.batch}, c.source_length / 2, c.source_length + 1, batch_key);
  std::vector<PairLengths> lengths;
  for (const Index source : sources.values<Index>()) lengths.push_back({source, c.target_length});
  lengths.front().source = lengths.back().source = c.source_length;
  return lengths;
}

}  // namespace

const std::vector<Configuration>& configurations() {
  static const std::vector<Configuration> all{
      {.name = "micro",
       .source_tokens = 200,
       .target_tokens = 200,
       .width = 32,
       .hidden = 64,
       .heads = 4,
       .blocks = 2,
       .batch = 64,
       .source_length = 10,
       .target_length = 10,
       .dropout = 0.1},
      {.name = "d2l",
       .source_tokens = 194,
       .target_tokens = 212,
       .width = 256,
       .hidden = 64,
       .heads = 4,
       .blocks = 2,
       .batch = 128,
       .source_length = 9,
       .target_length = 9,
       .dropout = 0.2},
      {.name = "g2p-s",
       .source_tokens = 32,
       .target_tokens = 45,
       .width = 128,
       .hidden = 512,
       .heads = 4,
       .blocks = 3,
       .batch = 128,
       .source_length = 10,
       .target_length = 10,
       .dropout = 0.1},
      {.name = "g2p-m",
       .source_tokens = 32,
       .target_tokens = 45,
       .width = 256,
       .hidden = 1024,
       .heads = 4,
       .blocks = 4,
       .batch = 256,
       .source_length = 10,
       .target_length = 10,
       .dropout = 0.1},
      {.name = "base",
       .source_tokens = 8000,
       .target_tokens = 8000,
       .width = 512,
       .hidden = 2048,
       .heads = 8,
       .blocks = 6,
       .batch = 32,
       .source_length = 32,
       .target_length = 32,
       .dropout = 0.1},
  };
  return all;
}

const Configuration& configuration(const std::string& name) {
  const auto found = std::ranges::find(configurations(), name, &Configuration::name);
  require(found != configurations().end(), "benchmarks: no configuration '", name, "'");
  return *found;
}

nn::Transformer make_model(const Configuration& c, bool recomputed) {
  return {{.source_tokens = c.source_tokens,
           .target_tokens = c.target_tokens,
           .width = c.width,
           .hidden = c.hidden,
           .heads = c.heads,
           .encoder_blocks = c.blocks,
           .decoder_blocks = c.blocks,
           .dropout = c.dropout,
           .recomputed = recomputed},
          model_key};
}

Batch make_batch(const Configuration& c) {
  const std::vector<PairLengths> lengths = c.lengths.empty() ? half_to_full(c) : c.lengths;
  Batch batch;
  for (Index i = 0; i < c.batch; ++i) {
    const Key key = batch_key.child(static_cast<std::uint64_t>(i));
    const auto [source, target] = lengths[static_cast<std::size_t>(i)];
    batch.sources.push_back(random_words(source, c.source_tokens, key.child("source")));
    batch.targets.push_back(random_words(target + 1, c.target_tokens, key.child("target")));
  }
  return batch;
}

Index target_tokens(const Batch& batch) {
  Index count = 0;
  for (const nn::Ids& target : batch.targets) count += std::ssize(target) - 1;
  return count;
}

}  // namespace adjoint::benchmarks
