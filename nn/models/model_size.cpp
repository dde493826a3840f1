#include "nn/models/model_size.h"

namespace adjoint::nn {
namespace {

ModelSize& operator+=(ModelSize& a, const ModelSize& b) {
  a.parameters += b.parameters;
  a.constants += b.constants;
  return a;
}

double linear(double inputs, double outputs, Bias bias = Bias::yes) {
  return inputs * outputs + (bias == Bias::yes ? outputs : 0);
}

/// The sizes of a Transformer's parts.
struct Parts {
  const TransformerConfig& c;

  double embedding(Index tokens, Index width) const {
    return static_cast<double>(tokens) *
           static_cast<double>(c.position_options().width_without(width));
  }

  double norm(double width) const {
    return c.normalization == Normalization::layer ? 2 * width : width;
  }

  /// `memory_width` is the width of the rows that keys and values are computed from.
  double attention(double width, double memory_width) const {
    return 2 * linear(width, width, c.attention_bias) +
           2 * linear(memory_width, width, c.attention_bias);
  }

  /// The parameters that all heads add. `to_itself`: queries and keys come from the same rows.
  double scores(double width, bool to_itself) const {
    const auto heads = static_cast<double>(c.heads);
    const double head_width = width / heads;
    if (to_itself && c.positions == Positions::relative)
      return (c.relative_values ? 2 : 1) * (2 * static_cast<double>(c.max_distance) + 1) *
             head_width;
    if (c.score == Score::additive) return width;
    return c.score == Score::bilinear ? width * head_width : 0;
  }

  double feed_forward(double width) const {
    const auto hidden = static_cast<double>(c.hidden);
    const bool gated = c.activation != Activation::relu && c.activation != Activation::gelu;
    return (gated ? 2 : 1) * linear(width, hidden) + linear(hidden, width);
  }

  /// The size of the encoding at one place where positions are added.
  ModelSize encoding(double width) const {
    ModelSize size;
    const double features =
        c.position_mode == PositionMode::split ? static_cast<double>(c.position_width) : width;
    const double table = static_cast<double>(c.max_length) * features;
    if (c.positions == Positions::sinusoidal) size.constants = table;
    if (c.positions == Positions::learned) size.parameters = table;
    if (c.positions == Positions::convolutional)
      size.parameters = static_cast<double>(c.kernel) * features;
    if (c.position_mode == PositionMode::concatenate) size.parameters += linear(2 * width, width);
    return size;
  }

  /// Embedding, blocks and final norm; `block` is a block without its encoding.
  ModelSize stack(Index tokens, Index whole_width, Index blocks, double block) const {
    const auto width = static_cast<double>(whole_width), count = static_cast<double>(blocks);
    ModelSize size{embedding(tokens, whole_width) + count * block, 0};
    if (c.norm == NormPlacement::pre) size.parameters += norm(width);
    const ModelSize one = encoding(width);
    const double places = c.position_place == PositionPlace::each_block ? count : 1;
    size += {places * one.parameters, places * one.constants};
    return size;
  }
};

// The parameters of a pointer.
double pointer_size(double width, double memory_width) {
  return linear(width, width, Bias::no) + linear(memory_width, width, Bias::no) + linear(width, 1);
}

}  // namespace

ModelSize size_of(const TransformerConfig& c) {
  const Parts parts{c};
  const auto width = static_cast<double>(c.width),
             decoder = static_cast<double>(c.width_of_decoder());
  const double encoder_block = parts.attention(width, width) + parts.scores(width, true) +
                               parts.feed_forward(width) + 2 * parts.norm(width);
  const double decoder_block = parts.attention(decoder, decoder) + parts.scores(decoder, true) +
                               parts.attention(decoder, width) + parts.scores(decoder, false) +
                               parts.feed_forward(decoder) + 3 * parts.norm(decoder);
  ModelSize size = parts.stack(c.source_tokens, c.width, c.encoder_blocks, encoder_block);
  size += parts.stack(c.target_tokens, c.width_of_decoder(), c.decoder_blocks, decoder_block);
  const auto tokens = static_cast<double>(c.target_tokens);
  size.parameters += linear(decoder, tokens);
  if (c.ids_beyond > 0) size.parameters += pointer_size(decoder, width);
  // A shared table counts once.
  if (c.tied_embeddings != TiedEmbeddings::none) size.parameters -= decoder * tokens;
  if (c.tied_embeddings == TiedEmbeddings::all)
    size.parameters -= parts.embedding(c.source_tokens, c.width);
  return size;
}

ModelSize size_of(const RecurrentConfig& c, bool attention) {
  const auto width = static_cast<double>(c.embedding), hidden = static_cast<double>(c.hidden);
  const auto sources = static_cast<double>(c.source_tokens);
  const auto targets = static_cast<double>(c.target_tokens);
  const double gates = (c.cell == Cell::gru ? 3 : 4) * hidden;
  // In both directions, two cells of half the width. A half has half the gates.
  const auto layers = [&](double inputs, double directions) {
    const double own = linear(hidden / directions, gates / directions);
    return directions * (linear(inputs, gates / directions) + own) +
           static_cast<double>(c.layers - 1) * directions *
               (linear(hidden, gates / directions) + own);
  };
  const double directions = c.encoder_directions == Directions::both ? 2 : 1;
  return {(sources + targets) * width + layers(width, directions) + layers(width + hidden, 1) +
              linear(hidden, targets) + (attention ? 2 * hidden * hidden + hidden : 0) +
              (c.ids_beyond > 0 ? pointer_size(hidden, hidden) : 0),
          0};
}

}  // namespace adjoint::nn
