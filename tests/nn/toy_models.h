// Models for the tests of decoding: Transformers with varied outputs, and a model that is just a
// function from prefixes to logits.
#pragma once

#include <functional>

#include "nn/decoding/decoding.h"
#include "nn/decoding/generation.h"
#include "tests/nn/support.h"

namespace adjoint::testing {

/// A Transformer whose next token depends on the source and on the prefix.
inline nn::Transformer talkative(const nn::TransformerConfig& config, Key key) {
  nn::Transformer model = small_transformer(config, key);
  shake(model, key.child("talkative"), 0.5);
  return model;
}

inline std::vector<nn::Ids> greedy_without_cache(const nn::EncoderDecoder& model,
                                                 std::span<const nn::Ids> sources,
                                                 const nn::DecodingOptions& options = {}) {
  return nn::greedy(nn::WithoutCache(model), sources, options);
}

/// Calls f with a model for each kind of norm, positions and unusual block, and with its number.
inline void each_talkative(const std::function<void(const nn::Transformer&, std::uint64_t)>& f) {
  std::uint64_t round = 0;
  for (const nn::NormPlacement norm : {nn::NormPlacement::post, nn::NormPlacement::pre})
    for (const nn::Positions positions : all_positions) {
      nn::TransformerConfig config = small_config();
      config.norm = norm;
      config.positions = positions;
      config.attention_bias = round % 2 == 0 ? nn::Bias::no : nn::Bias::yes;
      f(talkative(config, Key(10 + round)), round);
      ++round;
    }
  for (const nn::TransformerConfig& config : unusual_blocks()) {
    f(talkative(config, Key(10 + round)), round);
    ++round;
  }
}

inline std::vector<nn::Ids> some_sources(std::size_t count, Key key = Key(2)) {
  Dice dice(key);
  return random_sequences(dice, count, 1, 8, small_config().source_tokens);
}

/// The logits after a prefix, which begins with the begin symbol.
using PrefixLogits =
    std::function<std::vector<double>(const nn::Ids& source, const nn::Ids& prefix)>;

/// A model that is this function. It counts the calls of logits().
struct PrefixModel : nn::EncoderDecoder {
  PrefixLogits row;
  Index tokens;
  DType dtype = DType::f64;
  mutable Index runs = 0;

  PrefixModel(Index count, PrefixLogits f) : row(std::move(f)), tokens(count) {}
  void fields(nn::Fields&) override {}
  Tensor logits(const nn::Sequences& source, const nn::Sequences& target,
                const nn::Context&) const override;
  std::unique_ptr<nn::Decoding> decode(const nn::Sequences& source, Index capacity) const override {
    return nn::WithoutCache(*this).decode(source, capacity);
  }
};

/// Independent normal logits after every prefix of every source: no structure that helps a search.
PrefixModel random_tree(Index tokens, Key key, double deviation = 2);

/// log softmax(x), from its definition.
std::vector<double> log_softmax_of(const std::vector<double>& x);

/// All complete targets of a source, with the probabilities that the model gives them.
std::vector<nn::Hypothesis> all_targets(const PrefixModel& model, const nn::Ids& source,
                                        const nn::DecodingOptions& options,
                                        const nn::Ids& prefix = {});

}  // namespace adjoint::testing
