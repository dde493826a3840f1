// The models that are exchanged with PyTorch, as files: see README.md.
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

/// Transformers, post-norm and pre-norm, and recurrent models of GRU and LSTM cells: small, with
/// our defaults otherwise, f32, and all weights random.
std::vector<Exchanged> exchanged_models(Key key);

/// Writes FOLDER/NAME.safetensors, the weights as any program of ours would save them, and
/// FOLDER/NAME.logits.safetensors: the ids of `source` and `target` [batch, steps], 0 at padding,
/// and the `logits` of the target's real rows [rows, tokens], example after example.
void write_exchanged(const Exchanged& exchanged, const std::filesystem::path& folder);

/// Loads such weights into the model and computes such logits: the largest |ours − theirs| over
/// max(1, max |theirs|). Errors are those of load_parameters.
double error_of_exchanged(Exchanged& exchanged, const std::filesystem::path& folder);

}  // namespace adjoint::parity
