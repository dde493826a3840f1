#include "examples/seq2seq/run/recorded_attention.h"

#include <algorithm>
#include <cmath>

#include "nn/translation/encoding.h"

namespace adjoint::seq2seq {
namespace {

// The bytes in base64.
std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr auto digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? bytes[i + k] : 0);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string packed(std::span<const float> weights) {
  std::vector<std::uint8_t> bytes;
  for (const float p : weights)  // NaN becomes 0
    bytes.push_back(static_cast<std::uint8_t>(p > 0 ? std::lround(std::min(p, 1.0F) * 255) : 0));
  return base64(bytes);
}

// Of one head: see Records::Attention. A mask leaves weights of exactly 0.
double entropy(std::span<const float> weights, std::size_t keys) {
  double sum = 0;
  Index rows = 0;
  for (std::size_t begin = 0; begin < weights.size(); begin += keys) {
    double entropy = 0;
    Index allowed = 0;
    for (const float p : weights.subspan(begin, keys)) {
      if (p == 0) continue;
      entropy -= static_cast<double>(p) * std::log(static_cast<double>(p));
      ++allowed;
    }
    if (allowed < 2) continue;
    sum += entropy / std::log(static_cast<double>(allowed));
    ++rows;
  }
  return rows == 0 ? 0 : sum / static_cast<double>(rows);
}

Records::Attention recorded(const std::string& layer, const Tensor& weights) {
  const Shape& shape = weights.shape();  // [1, heads, queries, keys]
  Records::Attention result = {
      .layer = layer,
      .source_keys = !layer.starts_with("decoder.blocks") || layer.ends_with("cross_attention"),
      .source_queries = layer.starts_with("encoder"),
      .sizes = {shape[1], shape[2], shape[3]}};
  const Tensor f32 = weights.dtype() == DType::f32 ? weights : cast(weights, DType::f32);
  const std::span<const float> values = f32.values<float>();
  result.weights = packed(values);
  const auto heads = static_cast<std::size_t>(shape[1]), keys = static_cast<std::size_t>(shape[3]);
  const std::size_t size = values.size() / heads;
  for (std::size_t head = 0; head < heads; ++head)
    result.entropies.push_back(entropy(values.subspan(head * size, size), keys));
  return result;
}

}  // namespace

std::vector<Records::Attention> recorded_attention(const Model& model, const data::Pair& sentence) {
  const data::EncodedPairs pairs = encode_pairs(model, {sentence});
  std::vector<nn::Ids> inputs = pairs.targets;
  inputs.front().pop_back();  // the model reads all but the last
  std::vector<Records::Attention> layers;
  for (const auto& [path, weights] : nn::attention_weights(
           *model.network, nn::Sequences::packed(pairs.sources), nn::Sequences::packed(inputs)))
    layers.push_back(recorded(path, weights));
  return layers;
}

Index count_weights(const std::vector<Records::Attention>& layers) {
  Index count = 0;
  for (const Records::Attention& layer : layers)
    count += layer.sizes[0] * layer.sizes[1] * layer.sizes[2];
  return count;
}

}  // namespace adjoint::seq2seq
