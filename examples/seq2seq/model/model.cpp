#include "examples/seq2seq/model/model.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "nn/translation/settings_file.h"

namespace adjoint::seq2seq {
namespace fs = std::filesystem;

namespace {

using nn::source_file, nn::target_file, nn::subwords_file;

constexpr auto held_out_file = "held-out.tsv";
constexpr auto partial_extension = ".partial";

// A link counts, wherever it leads: reading it then reports what is wrong.
bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

// A hint at a run that was stopped here, for the message that there is no model.
std::string hint_of_stopped_run(const fs::path& partial) {
  if (!is_there(partial / state_file)) return "";
  const std::string hint = "; a run was stopped here, and --resume continues it";
  return is_there(partial / weights_file) ? hint + " (its model so far is " + partial.string() + ")"
                                          : hint;
}

bool is_partial(const fs::path& folder) {
  const fs::path name = folder.has_filename() ? folder : folder.parent_path();
  return name.extension() == partial_extension;
}

}  // namespace

Model::Model(const Settings& s, data::Tokenizers of_text, data::Vocabulary source_vocabulary,
             data::Vocabulary target_vocabulary)
    : TranslationModel(s.config(), std::move(of_text), std::move(source_vocabulary),
                       std::move(target_vocabulary), Key(s.training.seed).child("model")),
      settings(s) {}

namespace {

constexpr std::string_view epoch_beginning = "epoch-", weights_end = ".safetensors";

}  // namespace

std::string epoch_file(Index epoch) { return text_from(epoch_beginning, epoch, weights_end); }

std::optional<Index> epoch_of(const std::string& name) {
  if (!name.starts_with(epoch_beginning) || !name.ends_with(weights_end)) return std::nullopt;
  Index epoch = 0;
  const char* const begin = name.data() + epoch_beginning.size();
  std::from_chars(begin, name.data() + name.size() - weights_end.size(), epoch);
  return epoch >= 1 && epoch_file(epoch) == name ? std::optional(epoch) : std::nullopt;
}

const std::vector<std::string> model_files = {weights_file,  best_file,     state_file,
                                              settings_file, source_file,   target_file,
                                              subwords_file, held_out_file, records_file};

bool is_model_file(const std::string& name) {
  return std::ranges::find(model_files, name) != model_files.end() || epoch_of(name);
}

std::vector<std::string> files_of_model(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (const std::string name = entry.path().filename(); is_model_file(name))
      names.push_back(name);
  return names;
}

void save_description(const Model& model, const std::vector<data::Pair>& held_out,
                      const fs::path& folder) {
  nn::save_vocabularies(model, folder);
  const auto& [source, target] = model.tokenizers;
  std::string lines;
  for (const data::Pair& pair : held_out)
    lines += source.detokenize(pair.source) + '\t' + target.detokenize(pair.target) + '\n';
  write_file(folder / held_out_file, lines);
  write_file(folder / settings_file, model.settings.to_text());
}

namespace {

// What the weights keep of a run's settings besides the model's, which reading compares.
void require_same_run(const nn::SafeTensorsFile& weights, const Settings& settings,
                      const fs::path& folder) {
  const auto stored = weights.metadata().find(nn::settings_key);
  if (stored == weights.metadata().end()) return;
  std::string different;
  try {
    different = difference(stored->second, settings);
  } catch (const Error& error) {
    fail(weights.path().string(), ": its settings cannot be read: ", error.what());
  }
  require(different.empty(), (folder / settings_file).string(),
          ": does not belong to the weights beside it: ", different);
}

Model load_once(const fs::path& model_name) {
  const fs::path folder = folder_of(model_name);
  require(is_there(folder) || model_name.extension() != weights_end, folder.string(),
          ": no such file of weights");
  require(is_there(folder), folder.string(), ": no such folder; `seq2seq train` creates one",
          hint_of_stopped_run(partial_folder(folder)));
  std::error_code ignored;
  require(fs::is_directory(folder, ignored), folder.string(),
          ": is a file, not the folder of a model");
  const Settings settings = load_settings(folder);
  const fs::path weights_name = weights_of(model_name);
  require(is_there(weights_name) || !is_partial(folder), folder.string(),
          ": a run was stopped here before it had weights to use; continue it with --resume");
  Model model(nn::read_model(folder, weights_name, settings.config()), settings);
  require_same_run(nn::SafeTensorsFile(weights_name), settings, folder);
  return model;
}

}  // namespace

fs::path folder_of(const fs::path& model) {
  std::error_code ignored;
  const bool is_weights =
      model.extension() == weights_end && fs::is_regular_file(fs::symlink_status(model, ignored));
  if (!is_weights) return model;
  return model.has_parent_path() ? model.parent_path() : fs::path(".");
}

fs::path weights_of(const fs::path& model) {
  const fs::path folder = folder_of(model);
  if (folder != model) return model;
  const bool killed =
      is_partial(folder) && !is_there(folder / weights_file) && is_there(folder / best_file);
  return folder / (killed ? best_file : weights_file);
}

nn::Metadata weights_metadata(const Settings& settings, const fs::path& folder) {
  nn::Metadata metadata = nn::weights_metadata(settings.config(), folder);
  metadata[nn::settings_key] = settings.model_text();
  metadata[held_out_file] = nn::digest(folder / held_out_file);
  return metadata;
}

Model load(const fs::path& name) {
  auto [model, folder] = nn::read_unreplaced(folder_of(name), [&] { return load_once(name); });
  model.folder = folder;
  return std::move(model);
}

Lexicon load_lexicon(const fs::path& folder, const Settings& settings) {
  return {settings.data.make(folder / subwords_file), data::Vocabulary::load(folder / source_file),
          data::Vocabulary::load(folder / target_file)};
}

Settings load_settings(const fs::path& folder) {
  require(is_there(folder / settings_file), folder.string(), ": contains no model (no ",
          settings_file, ")");
  return Settings::read(folder / settings_file);
}

std::vector<std::pair<std::string, std::string>> stored_settings(const fs::path& folder) {
  auto values = load_settings(folder).values();
  std::set<std::string> stored;
  for (const nn::SettingLine& line :
       nn::parse_settings(read_regular_file(folder / settings_file, nn::longest_settings)))
    stored.insert(line.name);
  std::erase_if(values, [&](const auto& value) { return !stored.contains(value.first); });
  return values;
}

std::vector<data::Pair> load_held_out(const fs::path& name, const Model& model) {
  const fs::path folder = folder_of(name);
  const auto replaced = [&] { return model.folder && model.folder->replaced(); };
  const fs::path file = folder / held_out_file;
  std::vector<data::Pair> pairs;
  try {
    const nn::SafeTensorsFile weights(weights_of(name));
    const bool none = !is_there(file) && !weights.metadata().contains(held_out_file) &&
                      weights.metadata().contains(nn::settings_key);  // nn::save_model() wrote it
    const bool empty = none || RegularFile(file).size() == 0;
    if (!none) nn::require_digest(weights, file);
    const data::ReadOptions options = {.max_tokens = model.settings.data.max_tokens};
    if (!empty) pairs = data::read_corpus(file, model.tokenizers, options).pairs;
  } catch (const Error&) {
    if (!replaced()) throw;
  }
  require(!replaced(), folder.string(),
          ": another run put a new model in its place while it was read; try again");
  return pairs;
}

fs::path partial_folder(const fs::path& folder) { return folder.string() + partial_extension; }

}  // namespace adjoint::seq2seq
