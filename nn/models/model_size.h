// How large a model would be, without making it.
#pragma once

#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer_config.h"

namespace adjoint::nn {

/// Numbers of elements. They are f64, and so cannot overflow: a configuration from a file may ask
/// for anything.
struct ModelSize {
  double parameters = 0;  ///< what parameter_count() gives of the model
  double constants = 0;   ///< of tables that are computed and not saved: sinusoids

  bool operator==(const ModelSize&) const = default;
};

/// Of a configuration that passes its check().
ModelSize size_of(const TransformerConfig& config);
/// With Bahdanau's attention, or without.
ModelSize size_of(const RecurrentConfig& config, bool attention);

}  // namespace adjoint::nn
