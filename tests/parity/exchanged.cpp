#include "tests/parity/exchanged.h"

#include <algorithm>
#include <cmath>

#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer.h"
#include "nn/saving/checkpoint.h"
#include "tests/nn/support.h"

namespace adjoint::parity {
namespace {

namespace fs = std::filesystem;

constexpr Index source_tokens = 11, target_tokens = 13, padding = 0;

std::unique_ptr<nn::EncoderDecoder> transformer(nn::NormPlacement norm, Key key) {
  nn::TransformerConfig config;
  config.source_tokens = source_tokens;
  config.target_tokens = target_tokens;
  config.width = 8;
  config.hidden = 16;
  config.heads = 2;
  config.norm = norm;
  return std::make_unique<nn::Transformer>(config, key);
}

std::unique_ptr<nn::EncoderDecoder> recurrent(nn::Cell cell, Key key) {
  nn::RecurrentConfig config;
  config.source_tokens = source_tokens;
  config.target_tokens = target_tokens;
  config.cell = cell;
  config.embedding = 6;
  config.hidden = 8;
  return std::make_unique<nn::RecurrentSeq2Seq>(config, key);
}

fs::path weights_file(const Exchanged& exchanged, const fs::path& folder) {
  return folder / (exchanged.name + ".safetensors");
}
fs::path logits_file(const Exchanged& exchanged, const fs::path& folder) {
  return folder / (exchanged.name + ".logits.safetensors");
}

// The rows of [batch, steps] before their padding.
nn::Sequences sequences(const Tensor& ids) {
  std::vector<nn::Ids> rows;
  for (Index i = 0; i < ids.size(0); ++i) {
    const std::span<const Index> row = ids.values<Index>().subspan(
        static_cast<std::size_t>(i * ids.size(1)), static_cast<std::size_t>(ids.size(1)));
    rows.emplace_back(row.begin(), std::ranges::find(row, padding));
  }
  return nn::Sequences::packed(rows);
}

Tensor logits(const nn::EncoderDecoder& model, const Tensor& source, const Tensor& target) {
  const NoRecording guard;
  return model.logits(sequences(source), sequences(target), nn::Context::inference());
}

}  // namespace

std::vector<Exchanged> exchanged_models(Key key) {
  std::vector<Exchanged> models;
  models.push_back({"post", transformer(nn::NormPlacement::post, key.child(0))});
  models.push_back({"pre", transformer(nn::NormPlacement::pre, key.child(1))});
  models.push_back({"gru", recurrent(nn::Cell::gru, key.child(2))});
  models.push_back({"lstm", recurrent(nn::Cell::lstm, key.child(3))});
  // If all biases were zero and all gains one, mixing them up would not show.
  for (const Exchanged& exchanged : models) testing::shake(*exchanged.model, key.child(4), 0.3);
  return models;
}

void write_exchanged(const Exchanged& exchanged, const fs::path& folder) {
  nn::save_parameters(*exchanged.model, weights_file(exchanged, folder));
  const Tensor source = testing::ints({{3, 9, 4, 0, 0}, {10, 5, 6, 6, 3}, {7, 0, 0, 0, 0}});
  const Tensor target = testing::ints({{1, 8, 12, 5}, {1, 4, 0, 0}, {1, 6, 11, 0}});
  nn::SafeTensors content;
  content.tensors = {
      {"source", source}, {"target", target}, {"logits", logits(*exchanged.model, source, target)}};
  nn::write_safetensors(logits_file(exchanged, folder), content);
}

double error_of_exchanged(Exchanged& exchanged, const fs::path& folder) {
  nn::load_parameters(*exchanged.model, weights_file(exchanged, folder));
  const auto stored = nn::read_safetensors(logits_file(exchanged, folder)).tensors;
  const Tensor actual = logits(*exchanged.model, stored.at("source"), stored.at("target"));
  const std::vector<double> ours = testing::numbers(actual);
  const std::vector<double> theirs = testing::numbers(stored.at("logits"));
  require(actual.form() == stored.at("logits").form(), exchanged.name, ": logits of another form");
  double largest = 1, difference = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    require(std::isfinite(ours[i] - theirs[i]), exchanged.name, ": logits that are not finite");
    largest = std::max(largest, std::abs(theirs[i]));
    difference = std::max(difference, std::abs(ours[i] - theirs[i]));
  }
  return difference / largest;
}

}  // namespace adjoint::parity
