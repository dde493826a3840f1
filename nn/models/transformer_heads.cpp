// Switching off heads of a Transformer.
#include <map>

#include "nn/models/transformer.h"

namespace adjoint::nn {

void prune_heads(Transformer& model, const std::vector<PrunedHead>& heads) {
  std::map<std::string, MultiHeadAttention*> layers;
  for (std::size_t i = 0; i < model.encoder.blocks.size(); ++i)
    layers["encoder.blocks." + std::to_string(i) + ".attention"] =
        &model.encoder.blocks[i].attention;
  for (std::size_t i = 0; i < model.decoder.blocks.size(); ++i) {
    const std::string block = "decoder.blocks." + std::to_string(i);
    layers[block + ".attention"] = &model.decoder.blocks[i].attention;
    layers[block + ".cross_attention"] = &model.decoder.blocks[i].cross_attention;
  }
  std::string known;
  for (const auto& [name, layer] : layers) known += (known.empty() ? "" : ", ") + name;
  for (const auto& [layer, head] : heads) {
    const auto found = layers.find(layer);
    require(found != layers.end(), "prune heads: there is no attention layer '", layer,
            "'; there are ", known);
    found->second->prune({head});
  }
}

}  // namespace adjoint::nn
