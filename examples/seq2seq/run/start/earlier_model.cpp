#include "examples/seq2seq/run/start/earlier_model.h"

#include <algorithm>
#include <map>
#include <set>

#include "autograd/support/printable.h"
#include "examples/seq2seq/run/destination.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

// A run that writes to `output` must not change the folder of the earlier model.
void require_unchanged(const std::string& model, const fs::path& output) {
  const fs::path folder = folder_of(model);
  std::error_code ignored;
  fs::path whole = fs::weakly_canonical(fs::absolute(output), ignored);
  if (!whole.has_filename()) whole = whole.parent_path();  // a slash at the end
  require(!replaces(output, folder), "--from: '", model,
          "' is in a folder that the run would write to; choose another --output");
  require(!fs::equivalent(folder, whole.parent_path(), ignored), "--from: --output '",
          output.string(), "' lies in '", folder.string(),
          "', the folder of the earlier model; choose another --output");
}

// ---- Options ------------------------------------------------------------------------------------

// The names of the options that describe a model. Those of one architecture mean nothing to
// another.
Names model_options(const Settings& earlier, const Settings& now) {
  if (earlier.model.is_recurrent() != now.model.is_recurrent()) return {"width", "dropout", "copy"};
  ModelSettings model = earlier.model;
  Names names;
  for (const nn::Setting& setting : model.settings()) names.insert(setting.name);
  return names;
}

void fill(Options& options, const Settings& earlier, const Names& names) {
  std::vector<std::pair<std::string, std::string>> chosen;
  for (const auto& setting : earlier.values())
    if (names.contains(setting.first)) chosen.push_back(setting);
  options.fill(chosen);
}

// ---- Weights ------------------------------------------------------------------------------------

nn::RowSources rows_of(const data::Vocabulary& now, const data::Vocabulary& earlier) {
  nn::RowSources rows;
  for (const auto id : now.ids_in(earlier)) rows.push_back(id.value_or(none));
  return rows;
}

data::Vocabulary vocabulary_of(const Settings& now, const Settings& earlier,
                               const std::string& (DataSettings::*kind)() const,
                               const data::Vocabulary& former,
                               const std::vector<data::Tokens>& sentences) {
  const std::string& tokenizer = (now.data.*kind)();
  const bool is_same = tokenizer == (earlier.data.*kind)();
  return (is_same ? former : data::Vocabulary()).extended(sentences, now.data.limits(tokenizer));
}

// "decoder.blocks.1" of "decoder.blocks.1.norm1.gain"
std::string part_of(const std::string& name) {
  std::size_t end = 0;
  for (int dots = 0; dots < 3 && end < name.size(); ++dots) end = name.find('.', end + 1);
  return name.substr(0, end);
}

// The names, but one entry for a part of a model of which all weights are among them.
std::vector<std::string> in_parts(const std::vector<std::string>& names,
                                  const std::vector<std::string>& all) {
  std::vector<std::string> entries;
  for (const std::string& name : names) {
    const std::string part = part_of(name);
    const auto inside = [&](const std::string& other) { return part_of(other) == part; };
    const Index count = std::ranges::count_if(names, inside);
    const bool is_whole = count > 1 && count == std::ranges::count_if(all, inside);
    const std::string entry = is_whole ? text_from(part, " (", count, " weights)") : name;
    if (entries.empty() || entries.back() != entry) entries.push_back(entry);
  }
  return entries;
}

std::string new_tokens(const data::Vocabulary& now, const data::Vocabulary& earlier) {
  const Index count = std::ranges::count(rows_of(now, earlier), none);
  return text_from(count, " of ", now.size());
}

}  // namespace

Model load_earlier(const fs::path& model, const fs::path& output) {
  require_unchanged(model.string(), output);
  try {
    return load(model);
  } catch (const Error& error) {
    fail("--from: ", error.what());
  }
}

void take_options(const Settings& earlier, const Settings& settings, Options& options) {
  fill(options, earlier, {"model"});
  fill(options, earlier, model_options(earlier, settings));
  fill(options, earlier, {"max-tokens"});
  if (settings.data.task.empty() && !options.given("--tokenizer", true))
    fill(options, earlier, {"tokenizer", "source-tokenizer", "target-tokenizer"});
  if (!settings.data.subwords() || !earlier.data.subwords()) return;
  fill(options, earlier, {"pieces", "subword-model"});
  for (const auto& [name, same] :
       {std::pair("--pieces", settings.data.pieces == earlier.data.pieces),
        std::pair("--subword-model", settings.data.algorithm == earlier.data.algorithm)})
    require(same, name, " has no effect with --from: the subwords are those of the earlier model");
}

std::optional<data::Subwords> subwords_of(const data::Tokenizers& tokenizers) {
  for (const data::Tokenizer& side : {tokenizers.source, tokenizers.target})
    if (side.kind == data::Tokenizer::Kind::sentencepiece) return side.subwords;
  return std::nullopt;
}

Vocabularies extended_vocabularies(const Settings& settings, const Dataset& dataset,
                                   const Model& earlier) {
  const TrainingText text = training_text(settings, dataset);
  const auto extended = [&](const auto& kind, const data::Vocabulary& former,
                            const std::vector<data::Tokens>& sentences) {
    return vocabulary_of(settings, earlier.settings, kind, former, sentences);
  };
  const auto target = extended(&DataSettings::tokenizer_of_target, earlier.target, text.targets);
  if (settings.model.one_vocabulary()) return {target, target};
  return {extended(&DataSettings::tokenizer_of_source, earlier.source, text.sources), target};
}

nn::TakenParameters take_weights(Model& model, const Model& earlier) {
  const nn::RowSources source = rows_of(model.source, earlier.source),
                       target = rows_of(model.target, earlier.target);
  std::map<std::string, nn::RowSources> rows = {{"encoder.embedding.table", source},
                                                {"decoder.embedding.table", target},
                                                {"decoder.output.weight", target},
                                                {"decoder.output.bias", target}};
  // Learned positions: longer sentences than those of the earlier model have new ones.
  const Index positions = earlier.settings.data.decoding_limit() + 1;
  for (const auto& [name, table] : nn::named_parameters(*model.network))
    if (name.ends_with("positions.table"))
      for (Index i = 0; i < table.size(0); ++i) rows[name].push_back(i < positions ? i : none);
  nn::TakenParameters taken = nn::take_parameters(*model.network, *earlier.network, rows);
  require(!taken.empty(), "--from: none of its weights fits the new model");
  return taken;
}

std::string describe(const nn::TakenParameters& taken, const Model& model, const Model& earlier,
                     const std::string& name) {
  std::string text =
      text_from("taken from ", printable_line(name), ": ", taken.whole(), " of ",
                taken.weights.size(), " weights; new: ", new_tokens(model.source, earlier.source),
                " source tokens, ", new_tokens(model.target, earlier.target), " target tokens\n");
  std::vector<std::string> missing, now, before;
  for (const auto& weight : taken.weights) {
    now.push_back(weight.name);
    if (weight.missing) missing.push_back(weight.name);
    if (weight.missing || weight.whole()) continue;
    text += text_from("  ", weight.taken_rows > 0 ? "in part: " : "not taken: ", weight.name, ": ",
                      weight.reason, '\n');
  }
  for (const auto& weight : nn::named_parameters(*earlier.network)) before.push_back(weight.name);
  for (const std::string& part : in_parts(missing, now))
    text += "  not taken: " + part + ": not in the earlier model\n";
  for (const std::string& part : in_parts(taken.left, before))
    text += "  not taken: " + part + ": not in the new model\n";
  return text;
}

}  // namespace adjoint::seq2seq
