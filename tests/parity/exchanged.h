// The models that we exchange with PyTorch as files: see README.md.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "nn/models/encoder_decoder.h"

namespace adjoint::parity {

struct Exchanged {
  std::string name;
  std::unique_ptr<nn::EncoderDecoder> model;
};

/// Transformers, post-norm and pre-norm, and recurrent models with GRU and LSTM cells: small, in
/// f32, with random weights and otherwise our defaults.
std::vector<Exchanged> exchanged_models(Key key);

/// Writes FOLDER/NAME.safetensors, which holds the weights as save_parameters writes them, and
/// FOLDER/NAME.logits.safetensors: the ids of `source` and `target` [batch, steps], 0 at padding,
/// and the `logits` of the target's real rows [rows, tokens], example after example.
void write_exchanged(const Exchanged& exchanged, const std::filesystem::path& folder);

/// Loads such weights into the model and computes the logits. Returns the largest |ours − theirs|
/// over max(1, max |theirs|). Errors are those of load_parameters.
double error_of_exchanged(Exchanged& exchanged, const std::filesystem::path& folder);

}  // namespace adjoint::parity
