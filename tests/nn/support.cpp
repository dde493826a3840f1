#include "tests/nn/support.h"

#include <algorithm>
#include <limits>

namespace adjoint::testing {

using nn::Ids;
using nn::Layout;

nn::TransformerConfig small_config() {
  nn::TransformerConfig config;
  config.source_tokens = 11;
  config.target_tokens = 13;
  config.width = 8;
  config.hidden = 12;
  config.heads = 2;
  config.dropout = 0;
  config.max_length = 16;
  config.position_width = 4;
  config.max_distance = 3;
  return config;
}

std::vector<nn::TransformerConfig> position_configs() {
  std::vector<nn::TransformerConfig> configs;
  const auto add = [&](nn::Positions kind) -> nn::TransformerConfig& {
    configs.push_back(small_config());
    configs.back().positions = kind;
    return configs.back();
  };
  for (const nn::Positions kind : all_positions) {
    if (!nn::is_encoding(kind)) {
      add(kind);
      continue;
    }
    for (const nn::PositionMode mode : {nn::PositionMode::add, nn::PositionMode::concatenate})
      for (const nn::PositionPlace place :
           {nn::PositionPlace::before, nn::PositionPlace::each_block, nn::PositionPlace::after}) {
        nn::TransformerConfig& config = add(kind);
        config.position_mode = mode;
        config.position_place = place;
      }
    add(kind).position_mode = nn::PositionMode::split;
  }
  add(nn::Positions::relative).relative_values = false;
  return configs;
}

std::string positions_of(const nn::TransformerConfig& config) {
  return name_of(config.positions) + " positions, " + name_of(config.position_mode) + ", " +
         name_of(config.position_place) + (config.relative_values ? "" : ", keys only");
}

std::vector<nn::TransformerConfig> unusual_blocks() {
  using enum nn::Activation;
  std::vector<nn::TransformerConfig> configs;
  for (const nn::Activation activation : {glu, geglu, swiglu}) {
    nn::TransformerConfig& config = configs.emplace_back(small_config());
    config.activation = activation;
    config.normalization = nn::Normalization::rms;
    config.norm = activation == glu ? nn::NormPlacement::post : nn::NormPlacement::pre;
  }
  configs[1].tied_embeddings = nn::TiedEmbeddings::decoder;
  configs[2].tied_embeddings = nn::TiedEmbeddings::all;
  configs[2].source_tokens = configs[2].target_tokens;

  nn::TransformerConfig& bilinear = configs.emplace_back(small_config());
  bilinear.score = nn::Score::bilinear;
  bilinear.positions = nn::Positions::rotary;
  bilinear.attention_bias = nn::Bias::yes;
  nn::TransformerConfig& additive = configs.emplace_back(small_config());
  additive.score = nn::Score::additive;
  additive.positions = nn::Positions::linear_biases;
  configs.emplace_back(small_config()).decoder_width = 12;
  nn::TransformerConfig& pruned = configs.emplace_back(small_config());
  pruned.positions = nn::Positions::linear_biases;
  pruned.pruned_heads = {{"encoder.blocks.0.attention", 1}, {"decoder.blocks.1.attention", 0}};
  return configs;
}

nn::Transformer small_transformer(const nn::TransformerConfig& config, Key key) {
  nn::Transformer model = nn::cast(nn::Transformer(config, key.child("weights")), DType::f64);
  shake(model, key.child("noise"));
  return model;
}

void shake(nn::Module& module, Key key, double deviation) {
  const NoRecording guard;
  nn::replace_parameters(module, [&](const std::string& path, const Tensor& parameter) {
    const Tensor noise =
        normal(parameter.shape(), 0, deviation, key.child(path), parameter.dtype());
    return variable(parameter + noise, path);
  });
}

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> names;
  for (const nn::NamedTensor& parameter : nn::named_parameters(module))
    names.push_back(parameter.name);
  return names;
}

std::vector<Ids> random_sequences(Dice& dice, std::size_t count, Index shortest, Index longest,
                                  Index tokens) {
  std::vector<Ids> result;
  while (result.size() < count) {
    const Tensor ids = dice.integers({dice.between(shortest, longest)}, 3, tokens);
    result.emplace_back(ids.values<Index>().begin(), ids.values<Index>().end());
  }
  return result;
}

std::vector<Ids> framed(std::vector<Ids> sequences) {
  for (Ids& sequence : sequences) {
    sequence.insert(sequence.begin(), 1);
    sequence.push_back(2);
  }
  return sequences;
}

nn::Sequences batch(std::span<const Ids> sequences, In layout) {
  return layout == In::packed ? nn::Sequences::packed(sequences)
                              : nn::Sequences::padded(sequences, 0);
}

namespace {

Tensor flat(const Tensor& x, const Layout& layout) {
  return reshape(x, Shape{layout.rows()}.joined(x.shape().part(layout.leading().rank(), x.rank())));
}

// The number of each real row.
std::vector<Index> real_row_numbers(const Layout& layout) {
  std::vector<Index> numbers;
  for (Index example = 0; example < layout.examples(); ++example)
    for (Index step = 0; step < layout.length(example); ++step)
      numbers.push_back(layout.begin(example) + step);
  return numbers;
}

}  // namespace

Tensor real_rows(const Tensor& x, const Layout& layout) {
  return gather(flat(x, layout), nn::indices(real_row_numbers(layout)));
}

Tensor rows_of(const Tensor& x, const Layout& layout, Index example) {
  const Index begin = layout.begin(example);
  return slice(flat(x, layout), 0, begin, begin + layout.length(example));
}

Tensor in_layout(const Tensor& rows, const Layout& layout, double padding) {
  const std::vector<Index> real = real_row_numbers(layout);
  std::vector<Index> sources(static_cast<std::size_t>(layout.rows()), rows.size(0));
  for (std::size_t i = 0; i < real.size(); ++i)
    sources[static_cast<std::size_t>(real[i])] = static_cast<Index>(i);
  const Shape width = rows.shape().part(1, rows.rank());
  const Tensor filler = full(Shape{1}.joined(width), padding, rows.dtype());
  const Tensor all = gather(concat({rows, filler}, 0), from(sources, {layout.rows()}));
  return reshape(all, layout.leading().joined(width));
}

double distance(const Tensors& actual, const Tensors& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i)
    worst = std::max(worst, distance(actual[i], expected[i]));
  return worst;
}

bool same_bits(const Tensors& a, const Tensors& b) {
  return std::ranges::equal(a, b, [](const Tensor& x, const Tensor& y) { return same_bits(x, y); });
}

Tensor weighed(const Tensor& x, Key key) {
  return sum(x * normal(x.shape(), 0, 1, key, x.dtype()));
}

}  // namespace adjoint::testing
