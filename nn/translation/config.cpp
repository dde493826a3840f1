#include "nn/translation/config.h"

#include <algorithm>
#include <map>

#include "autograd/support/printable.h"
#include "data/text/vocabulary.h"
#include "nn/models/recurrent_seq2seq.h"
#include "nn/models/transformer.h"
#include "nn/translation/settings_file.h"

namespace adjoint::nn {
namespace {

// The setting of a field of the Transformer's configuration.
std::string setting_of(const std::string& field) {
  static const std::map<std::string, std::string> others = {
      {"score", "attention"}, {"tied_embeddings", "tie"}, {"pruned_heads", "prune-heads"}};
  if (const auto other = others.find(field); other != others.end()) return other->second;
  std::string setting = field;
  std::ranges::replace(setting, '_', '-');
  return setting;
}

TransformerConfig::Naming with_prefix(const std::string& prefix) {
  return [prefix](const std::string& field) { return prefix + setting_of(field); };
}

TransformerConfig transformer_config(const TranslationConfig& c, Index source_tokens,
                                     Index target_tokens) {
  TransformerConfig config = c.network.transformer;
  config.source_tokens = source_tokens;
  config.target_tokens = target_tokens;
  config.max_length = c.tokens.decoding_limit() + 1;
  config.ids_beyond = c.ids_beyond();
  config.unknown = data::Vocabulary::unk;
  return config;
}

RecurrentConfig recurrent_config(const TranslationConfig& c, Index source_tokens,
                                 Index target_tokens) {
  const NetworkConfig& network = c.network;
  return {.source_tokens = source_tokens,
          .target_tokens = target_tokens,
          .cell = network.model.starts_with("lstm") ? Cell::lstm : Cell::gru,
          .embedding = network.transformer.width,
          .hidden = network.transformer.width,
          .layers = network.layers,
          .encoder_directions = network.bidirectional ? Directions::both : Directions::forward,
          .dropout = network.transformer.dropout,
          .ids_beyond = c.ids_beyond(),
          .unknown = data::Vocabulary::unk};
}

void require_accepted(const Setting& setting, const std::string& value, const std::string& prefix) {
  const std::string problem = setting.problem ? setting.problem(value) : "";
  require(problem.empty(), prefix, setting.name, ": ", problem);
}

}  // namespace

// ---- Networks -----------------------------------------------------------------------------------

data::Tokenizers TokenizerConfig::make(const std::filesystem::path& subwords_model) const {
  const auto of_kind = [&](const std::string& kind) {
    return kind == "subwords" ? data::Tokenizer::from_name("sentencepiece", subwords_model)
                              : data::Tokenizer::from_name(kind);
  };
  return {of_kind(tokenizer_of_source()), of_kind(tokenizer_of_target())};
}

std::vector<std::string> NetworkConfig::source_attention_layers() const {
  if (!is_recurrent()) return transformer.source_attention_layers();
  if (!attends()) return {};
  return {"attention"};
}

void NetworkConfig::check(const std::string& prefix) const {
  const std::string other_model = " cannot be used with " + prefix + "model " + model;
  require(!copies || !is_recurrent() || attends(), prefix, "copy", other_model,
          ", which has no attention");
  require(!bidirectional || transformer.width % 2 == 0, prefix,
          "bidirectional: two directions share ", prefix, "width ", transformer.width,
          ", which must be even");
  if (is_recurrent()) return;
  TransformerConfig config = transformer;
  config.source_tokens = config.target_tokens = 1;  // not known before the data are read
  config.check(with_prefix(prefix));
}

void TranslationConfig::check(const std::string& prefix) const {
  TranslationConfig copy = *this;
  for (const Setting& setting : copy.settings())
    if (const std::string value = setting.get(); !value.empty())
      require_accepted(setting, value, prefix);
  network.check(prefix);
  require(!network.one_vocabulary() || tokens.tokenizer_of_source() == tokens.tokenizer_of_target(),
          prefix, "tie all needs one tokenizer for both sides, but the sources are cut into ",
          tokens.tokenizer_of_source(), " and the targets into ", tokens.tokenizer_of_target());
}

std::unique_ptr<EncoderDecoder> TranslationConfig::make_network(Index source_tokens,
                                                                Index target_tokens,
                                                                Key key) const {
  if (!network.is_recurrent())
    return std::make_unique<Transformer>(transformer_config(*this, source_tokens, target_tokens),
                                         key);
  const RecurrentConfig config = recurrent_config(*this, source_tokens, target_tokens);
  if (network.attends()) return std::make_unique<BahdanauSeq2Seq>(config, key);
  return std::make_unique<RecurrentSeq2Seq>(config, key);
}

ModelSize TranslationConfig::size_of_network(Index source_tokens, Index target_tokens) const {
  if (network.is_recurrent())
    return size_of(recurrent_config(*this, source_tokens, target_tokens), network.attends());
  return size_of(transformer_config(*this, source_tokens, target_tokens).check(with_prefix("")));
}

// ---- Text ---------------------------------------------------------------------------------------

namespace {

void set(const Setting& setting, const SettingLine& line) {
  require(line.values.size() == 1, setting.name, " takes one value, not ", line.values.size());
  const std::string& value = line.values.front();
  require_accepted(setting, value, "");
  setting.set(value);
}

}  // namespace

std::string TranslationConfig::to_text() const {
  TranslationConfig copy = *this;
  std::string text;
  for (const Setting& setting : copy.settings())
    if (const std::string value = setting.written(); !value.empty())
      text += settings_line(setting.name, value);
  return text;
}

TranslationConfig TranslationConfig::from_text(std::string_view text) {
  TranslationConfig config;
  const SettingList settings = config.settings();
  std::map<std::string, bool> is_missing;
  for (const Setting& setting : settings) is_missing[setting.name] = !setting.written().empty();
  std::map<std::string, std::size_t> lines;
  for (const SettingLine& line : parse_settings(text)) {
    const auto [former, is_new] = lines.emplace(line.name, line.line);
    require(is_new, printable_line(line.name), " is set twice, in lines ", former->second, " and ",
            line.line);
    if (const Setting* const setting = settings.find(line.name)) set(*setting, line);
    is_missing[line.name] = false;
  }
  for (const Setting& setting : settings)
    require(!is_missing[setting.name], setting.name, " is missing");
  config.check();
  return config;
}

std::string difference(std::string_view former, const TranslationConfig& config) {
  std::map<std::string, std::string> values;
  for (const SettingLine& line : parse_settings(former))
    if (!line.values.empty()) values[line.name] = line.values.front();
  TranslationConfig copy = config, defaults;
  const SettingList required = defaults.settings();
  const auto shown = [](const std::string& value) {
    return value.empty() ? "unset" : printable_line(value);
  };
  std::string text;
  for (const Setting& setting : copy.settings()) {
    if (setting.group.empty()) continue;  // of earlier versions
    const auto found = values.find(setting.name);
    if (found == values.end() && !required.find(setting.name)->written().empty()) continue;
    const std::string was = found == values.end() ? "" : found->second, is = setting.written();
    if (was != is)
      text +=
          (text.empty() ? "" : "; ") + setting.name + " is " + shown(is) + ", not " + shown(was);
  }
  return text;
}

}  // namespace adjoint::nn
