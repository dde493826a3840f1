// What is in a model, or in any file of tensors.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "autograd/tools/statistics.h"
#include "nn/saving/checkpoint.h"

namespace adjoint::seq2seq {

struct InspectedTensor {
  std::string name;
  Form form;
  Statistics statistics;
};

struct Inspection {
  std::string kind;  ///< of the model; empty for a file
  /// As settings.toml has them: name and value.
  std::vector<std::pair<std::string, std::string>> settings;
  nn::Metadata metadata;                 ///< of the file
  std::vector<InspectedTensor> tensors;  ///< by name

  Index numbers() const;     ///< in all tensors
  Index not_finite() const;  ///< tensors that hold NaN or infinity
};

/// Of a model's folder, or of a safetensors file: weights, or the state of a training. Error when
/// it is neither.
Inspection inspect(const std::filesystem::path& path);

/// Settings, a table with a line for each tensor, and the total.
void print(const Inspection& inspection);
/// The same as one JSON object on one line; null where there is no number.
void print_json(const Inspection& inspection);

}  // namespace adjoint::seq2seq
