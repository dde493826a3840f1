// How a head of an attention layer is named.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "autograd/ops.h"

namespace adjoint::nn {

/// A head of an attention layer, or all of its heads.
struct AttentionHead {
  std::string layer;  ///< its path, as in AttentionWeights: "decoder.blocks.1.cross_attention"
  Index head = none;  ///< counted from 0; none: all heads of the layer

  /// "decoder.blocks.1.cross_attention:0", or the layer alone.
  std::string name() const;
  /// Reads LAYER:HEAD. Nothing if the text is not of this form.
  static std::optional<AttentionHead> from_name(std::string_view text);

  bool operator==(const AttentionHead&) const = default;
};

}  // namespace adjoint::nn
