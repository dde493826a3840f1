#include "nn/models/transformer_config.h"

#include <algorithm>

#include "autograd/support/printable.h"

namespace adjoint::nn {

std::vector<std::string> TransformerConfig::attention_layers() const {
  std::vector<std::string> layers;
  for (Index i = 0; i < encoder_blocks; ++i)
    layers.push_back("encoder.blocks." + std::to_string(i) + ".attention");
  for (Index i = 0; i < decoder_blocks; ++i)
    for (const char* attention : {".attention", ".cross_attention"})
      layers.push_back("decoder.blocks." + std::to_string(i) + attention);
  return layers;
}

std::vector<std::string> TransformerConfig::source_attention_layers() const {
  std::vector<std::string> layers;
  for (Index i = 0; i < decoder_blocks; ++i)
    layers.push_back(text_from("decoder.blocks.", i, ".cross_attention"));
  return layers;
}

namespace {

constexpr Index most_blocks = 10'000;

// The rules about one configuration. Messages call its fields what the caller calls them.
struct Rules {
  const TransformerConfig& c;
  const TransformerConfig::Naming& naming;

  template <class... Parts>
  void demand(bool holds, const Parts&... parts) const {
    require(holds, naming ? "" : "transformer: ", parts...);
  }
  std::string name(const char* field) const { return naming ? naming(field) : field; }
  template <class Value>
  std::string value(const char* field, Value value) const {
    if constexpr (std::is_enum_v<Value>)
      return name(field) + ' ' + name_of(value);
    else
      return name(field) + ' ' + std::to_string(value);
  }
  std::string positions() const { return value("positions", c.positions); }
  std::string mode() const { return value("position_mode", c.position_mode); }

  void check_sizes() const {
    struct Size {
      const char* field;
      Index size, least;
    };
    demand(c.source_tokens > 0 && c.target_tokens > 0, "the vocabularies are empty");
    for (const auto& [field, size, least] : {Size{"width", c.width, 1},
                                             {"hidden", c.hidden, 1},
                                             {"heads", c.heads, 1},
                                             {"decoder_width", c.decoder_width, 0},
                                             {"encoder_blocks", c.encoder_blocks, 0},
                                             {"decoder_blocks", c.decoder_blocks, 0},
                                             {"ids_beyond", c.ids_beyond, 0},
                                             {"max_distance", c.max_distance, 1}})
      demand(size >= least, name(field), " must be at least ", least, ", is ", size);
    for (const auto& [field, blocks] :
         {std::pair{"encoder_blocks", c.encoder_blocks}, {"decoder_blocks", c.decoder_blocks}})
      demand(blocks <= most_blocks, name(field), " must be at most ", most_blocks, ", is ", blocks);
    demand(c.dropout >= 0 && c.dropout < 1, name("dropout"), " must lie in [0, 1), is ", c.dropout);
  }

  void check_attention() const {
    const std::string heads = value("heads", c.heads);
    for (const auto& [field, width] :
         {std::pair{"width", c.width}, {"decoder_width", c.width_of_decoder()}}) {
      demand(width % c.heads == 0, heads, " does not divide ", value(field, width));
      demand(c.positions != Positions::rotary || width / c.heads % 2 == 0, positions(),
             " needs heads of an even width, and ", value(field, width), " with ", heads, " gives ",
             width / c.heads);
    }
    demand(compatible(c.score, c.positions), value("score", c.score), " cannot be combined with ",
           positions(), ", which needs ",
           c.positions == Positions::rotary ? "products" : "dot products", " as scores");
  }

  void check_encoding() const {
    const std::string place = value("position_place", c.position_place);
    const std::string not_encoding = " cannot be combined with " + positions() +
                                     ": only sinusoidal, learned and convolutional are encodings";
    const bool encoding = is_encoding(c.positions);
    demand(encoding || c.position_mode == PositionMode::add, mode(), not_encoding);
    demand(encoding || c.position_place == PositionPlace::before, place, not_encoding);
    demand(c.positions != Positions::convolutional || c.kernel >= 2, value("kernel", c.kernel),
           " is too short: the filter would read no neighbour");
    if (c.position_mode != PositionMode::split) return;
    demand(c.position_place == PositionPlace::before, mode(), " cannot be combined with ", place,
           ": the width is split where tokens are embedded, before the blocks");
    check_split_width("width", c.width);
    check_split_width("decoder_width", c.width_of_decoder());
  }

  void check_split_width(const char* field, Index width) const {
    const std::string features = value("position_width", c.position_width);
    demand(c.position_width > 0, features, " leaves nothing for the positions");
    demand(c.position_width < width, features, " leaves nothing of ", value(field, width),
           " for the tokens");
    demand(c.positions != Positions::convolutional || 2 * c.position_width == width, features,
           " is not half of ", value(field, width), ": in ", mode(), ", ", positions(),
           " gives as many features as it reads");
  }

  void check_ties() const {
    const std::string tie = value("tied_embeddings", c.tied_embeddings);
    demand(c.tied_embeddings == TiedEmbeddings::none || c.position_mode != PositionMode::split, tie,
           " cannot be combined with ", mode(), ": the output reads the whole width");
    if (c.tied_embeddings != TiedEmbeddings::all) return;
    demand(c.width_of_decoder() == c.width, tie, " needs one width, not ", value("width", c.width),
           " and ", value("decoder_width", c.decoder_width));
    demand(c.source_tokens == c.target_tokens, tie, " needs one vocabulary: the source has ",
           c.source_tokens, " tokens, the target ", c.target_tokens);
  }

  void check_copying() const {
    demand(c.ids_beyond == 0 || (c.unknown >= 0 && c.unknown < c.target_tokens),
           value("unknown", c.unknown), " is not one of ", c.target_tokens, " target tokens");
  }

  void check_pruned_heads() const {
    if (c.pruned_heads.empty()) return;
    const std::vector<std::string> layers = c.attention_layers();
    constexpr std::size_t shown = 12;
    std::string known;
    for (std::size_t i = 0; i < std::min(layers.size(), shown); ++i)
      known += (i == 0 ? "" : ", ") + layers[i];
    if (layers.size() > shown) known += text_from(" and ", layers.size() - shown, " more");
    for (const auto& [layer, head] : c.pruned_heads) {
      demand(std::ranges::find(layers, layer) != layers.end(), name("pruned_heads"),
             ": there is no attention layer '", printable_line(layer), "'; there are ", known);
      demand(head >= 0 && head < c.heads, name("pruned_heads"), ": ", layer, " has no head ", head,
             "; with ", value("heads", c.heads), " they are 0 to ", c.heads - 1);
    }
  }
};

}  // namespace

const TransformerConfig& TransformerConfig::check(const Naming& naming) const {
  const Rules rules{*this, naming};
  rules.check_sizes();
  rules.check_attention();
  rules.check_encoding();
  rules.check_ties();
  rules.check_pruned_heads();
  rules.check_copying();
  return *this;
}

}  // namespace adjoint::nn
