// The configuration of a Transformer: its choices, their rules and their names.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "nn/batch/attention_head.h"
#include "nn/layers/attention.h"
#include "nn/layers/feed_forward.h"
#include "nn/layers/normalization.h"
#include "nn/layers/positional_encoding.h"

namespace adjoint::nn {

/// Where in a stack of blocks rows get their encoding.
enum class PositionPlace { before, each_block, after };

/// Which of the three tables [tokens, width] are shared: the source and target embeddings, and the
/// weight of the projection to tokens (Press and Wolf 2017; Vaswani et al. 2017, section 3.4).
enum class TiedEmbeddings {
  none,
  decoder,  ///< the target's embedding and the projection
  all,      ///< all three; source and target share one vocabulary
};

/// The sizes and choices of a Transformer.
struct TransformerConfig {
  Index source_tokens = 0, target_tokens = 0;  ///< sizes of the vocabularies
  Index width = 256;
  Index decoder_width = 0;  ///< of the decoder's embedding and blocks; 0: the same as `width`
  Index hidden = 64;        ///< width inside the feed-forward networks
  Index heads = 4;          ///< of each attention layer; divides both widths
  Index encoder_blocks = 2, decoder_blocks = 2;
  double dropout = 0.2;
  Index max_length = 256;  ///< the largest number of positions in a sequence

  Positions positions = Positions::sinusoidal;
  PositionMode position_mode = PositionMode::add;  ///< mode and place: encodings only
  PositionPlace position_place = PositionPlace::before;
  Index position_width = 64;    ///< features of the encoding, in mode split
  Index kernel = 3;             ///< length of the convolutional filter
  Index max_distance = 16;      ///< the largest distance that relative positions tell apart
  bool relative_values = true;  ///< relative positions: vectors for values too, not for keys only

  NormPlacement norm = NormPlacement::post;
  Normalization normalization = Normalization::layer;
  Activation activation = Activation::relu;
  Score score = Score::dot_product;
  Bias attention_bias = Bias::no;
  std::vector<AttentionHead> pruned_heads = {};  ///< those that are switched off
  TiedEmbeddings tied_embeddings = TiedEmbeddings::none;
  /// Words of the source can be copied (layers/pointer.h): the number of ids beyond target_tokens,
  /// which stand for words that the vocabulary lacks. 0: no copying.
  Index ids_beyond = 0;
  Index unknown = 3;  ///< what the decoder reads for an id beyond its vocabulary
  /// Keep only each block's inputs for the sweep, which recomputes the block: less memory,
  /// more time, the same results.
  bool recomputed = false;

  Index width_of_decoder() const { return decoder_width > 0 ? decoder_width : width; }
  /// The number of logits of a row.
  Index columns() const { return target_tokens + ids_beyond; }
  PositionOptions position_options() const {
    return {.mode = position_mode, .width = position_width, .taps = kernel};
  }
  /// The paths of all attention layers, and of those from the decoder to the source, each in the
  /// order in which a pass reaches them.
  std::vector<std::string> attention_layers() const;
  std::vector<std::string> source_attention_layers() const;

  /// What a message calls a field: a program gives the name of its option.
  using Naming = std::function<std::string(const std::string& field)>;
  /// Every rule about the values and their combinations. An Error names the fields at fault.
  const TransformerConfig& check(const Naming& naming = {}) const;
};

/// The values of each enumeration, with the names that messages, options and settings files use.
template <class Choice>
using Choices = std::initializer_list<std::pair<const char*, Choice>>;
template <class Choice>
inline constexpr Choices<Choice> choices = {};
template <>
inline constexpr Choices<Positions> choices<Positions> = {
    {"none", Positions::none},        {"sinusoidal", Positions::sinusoidal},
    {"learned", Positions::learned},  {"convolutional", Positions::convolutional},
    {"rotary", Positions::rotary},    {"alibi", Positions::linear_biases},
    {"relative", Positions::relative}};
template <>
inline constexpr Choices<PositionMode> choices<PositionMode> = {
    {"add", PositionMode::add},
    {"concatenate", PositionMode::concatenate},
    {"split", PositionMode::split}};
template <>
inline constexpr Choices<PositionPlace> choices<PositionPlace> = {
    {"before", PositionPlace::before},
    {"blocks", PositionPlace::each_block},
    {"after", PositionPlace::after}};
template <>
inline constexpr Choices<NormPlacement> choices<NormPlacement> = {{"post", NormPlacement::post},
                                                                  {"pre", NormPlacement::pre}};
template <>
inline constexpr Choices<Normalization> choices<Normalization> = {{"layer", Normalization::layer},
                                                                  {"rms", Normalization::rms}};
template <>
inline constexpr Choices<Activation> choices<Activation> = {{"relu", Activation::relu},
                                                            {"gelu", Activation::gelu},
                                                            {"glu", Activation::glu},
                                                            {"geglu", Activation::geglu},
                                                            {"swiglu", Activation::swiglu}};
template <>
inline constexpr Choices<Score> choices<Score> = {
    {"dot", Score::dot_product}, {"bilinear", Score::bilinear}, {"additive", Score::additive}};
template <>
inline constexpr Choices<Bias> choices<Bias> = {{"no", Bias::no}, {"yes", Bias::yes}};
template <>
inline constexpr Choices<TiedEmbeddings> choices<TiedEmbeddings> = {
    {"none", TiedEmbeddings::none},
    {"decoder", TiedEmbeddings::decoder},
    {"all", TiedEmbeddings::all}};

template <class Choice>
std::string name_of(Choice choice) {
  for (const auto& [name, value] : choices<Choice>)
    if (value == choice) return name;
  fail("a choice without a name");
}

}  // namespace adjoint::nn
