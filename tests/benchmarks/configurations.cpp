#include "tests/benchmarks/configurations.h"

#include <algorithm>

namespace adjoint::benchmarks {
namespace {

constexpr Key model_key{1}, batch_key{2};
constexpr Index first_word = 4;  // the ids before it mean padding, begin, end and unknown

nn::Ids random_words(Index length, Index tokens, Key key) {
  const Tensor ids = random_integers({length}, first_word, tokens, key);
  return {ids.values<Index>().begin(), ids.values<Index>().end()};
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

nn::Transformer make_model(const Configuration& c) {
  return {{.source_tokens = c.source_tokens,
           .target_tokens = c.target_tokens,
           .width = c.width,
           .hidden = c.hidden,
           .heads = c.heads,
           .encoder_blocks = c.blocks,
           .decoder_blocks = c.blocks,
           .dropout = c.dropout},
          model_key};
}

Batch make_batch(const Configuration& c) {
  const Tensor lengths =
      random_integers({c.batch}, c.source_length / 2, c.source_length + 1, batch_key);
  Batch batch;
  for (Index i = 0; i < c.batch; ++i) {
    const Key key = batch_key.child(static_cast<std::uint64_t>(i));
    const bool full = i == 0 || i == c.batch - 1;
    const Index length = full ? c.source_length : lengths.values<Index>()[static_cast<size_t>(i)];
    batch.sources.push_back(random_words(length, c.source_tokens, key.child("source")));
    batch.targets.push_back(
        random_words(c.target_length + 1, c.target_tokens, key.child("target")));
  }
  return batch;
}

}  // namespace adjoint::benchmarks
