// The size of a model, computed without building it.
#pragma once

#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer_config.h"

namespace adjoint::nn {

/// Numbers of elements, as f64 so that they cannot overflow: a configuration from a file may ask
/// for any size.
struct ModelSize {
  double parameters = 0;  ///< parameter_count() of the model
  double constants = 0;   ///< in tables that are computed and not saved: sinusoids

  bool operator==(const ModelSize&) const = default;
};

/// The size for a configuration that passes its check().
ModelSize size_of(const TransformerConfig& config);
/// With Bahdanau's attention, or without.
ModelSize size_of(const RecurrentConfig& config, bool attention);

}  // namespace adjoint::nn
