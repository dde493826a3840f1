#include "nn/translation/model_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>

#include "autograd/support/checksum.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/optimizer.h"
#include "nn/translation/open_folder.h"
#include "nn/translation/replace_folder.h"
#include "nn/translation/settings_file.h"

namespace adjoint::nn {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_file = std::uint64_t{1} << 30;

// The files that the weights store the digests of.
std::vector<std::string> vocabulary_files(const TranslationConfig& config) {
  std::vector<std::string> files = {source_file, target_file};
  if (config.tokens.subwords()) files.emplace_back(subwords_file);
  return files;
}

std::string count_text(double count) {
  return count < 1e15 ? std::to_string(static_cast<Index>(count)) : text_from(count);
}

// ---- What belongs together ----------------------------------------------------------------------

void require_same_model(const SafeTensorsFile& weights, const TranslationConfig& config,
                        const fs::path& folder) {
  const auto stored = weights.metadata().find(settings_key);
  if (stored == weights.metadata().end()) return;  // of an earlier version
  std::string different;
  try {
    different = difference(stored->second, config);
  } catch (const Error& error) {
    fail(weights.path().string(), ": its settings cannot be read: ", error.what());
  }
  require(different.empty(), (folder / settings_file).string(),
          ": does not belong to the weights beside it: ", different);
  for (const std::string& name : vocabulary_files(config)) require_digest(weights, folder / name);
}

// Called before anything takes memory in proportion to the settings.
void require_same_size(const SafeTensorsFile& weights, const TranslationConfig& config,
                       const fs::path& folder, Index source_tokens, Index target_tokens) {
  double numbers = 0;
  for (const auto& [name, entry] : weights.entries())
    numbers += static_cast<double>(entry.form.shape.numel());
  ModelSize size;
  try {
    size = config.size_of_network(source_tokens, target_tokens);
  } catch (const Error& error) {
    fail(folder.string(), ": ", error.what());
  }
  require(size.parameters == numbers, weights.path().string(), ": has ", count_text(numbers),
          " numbers, but the settings and vocabularies beside it describe a model of ",
          count_text(size.parameters));
  constexpr double usual = 1 << 25;  // 256 MB
  require(size.constants <= numbers + usual, (folder / settings_file).string(), ": max-tokens ",
          config.tokens.max_tokens, " asks for tables of ", count_text(size.constants),
          " numbers, far more than the ", count_text(numbers), " of the weights");
}

// ---- Replacing a folder -------------------------------------------------------------------------

// Nothing is lost that this library did not write.
void require_replaceable(const fs::path& folder) {
  if (!fs::exists(fs::symlink_status(folder))) return;
  require(fs::is_directory(fs::symlink_status(folder)), folder.string(), ": is not a folder");
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name == weights_file || name == settings_file || name == source_file ||
                      name == target_file || name == subwords_file;
    require(ours && entry.is_regular_file(), folder.string(), ": holds ", printable_line(name),
            ", which saving a model would remove; choose another folder");
  }
}

// A new folder beside the one that it will replace. Until then nobody else reads its files, if the
// former ones may be private.
class FreshFolder {
 public:
  explicit FreshFolder(const fs::path& folder) {
    if (folder.has_parent_path()) fs::create_directories(folder.parent_path());
    const mode_t mode = fs::exists(folder) ? 0700 : 0777;
    static std::atomic<int> count = 0;
    int reason = 0;  // for which it could not be made
    do {
      path_ = text_from(folder.string(), ".tmp-", ::getpid(), '-', ++count);
      reason = ::mkdir(path_.c_str(), mode) == 0 ? 0 : errno;
    } while (reason == EEXIST);
    if (reason != 0)
      throw fs::filesystem_error("", folder, std::error_code(reason, std::generic_category()));
  }
  ~FreshFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  FreshFolder(const FreshFolder&) = delete;
  FreshFolder& operator=(const FreshFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

// ---- Writing ------------------------------------------------------------------------------------

void save_vocabularies(const TranslationModel& model, const fs::path& folder) {
  model.source.save(folder / source_file);
  model.target.save(folder / target_file);
  const auto& [source, target] = model.tokenizers;
  if (model.config.tokens.subwords())
    (source.kind == data::Tokenizer::Kind::sentencepiece ? source : target)
        .subwords.save(folder / subwords_file);
}

Metadata weights_metadata(const TranslationConfig& config, const fs::path& folder) {
  Metadata metadata = {{settings_key, config.to_text()}};
  for (const std::string& name : vocabulary_files(config)) metadata[name] = digest(folder / name);
  return metadata;
}

void save_model(const TranslationModel& model, const fs::path& name) {
  require(!name.empty(), "save_model needs the name of a folder");
  try {
    const fs::path whole = fs::weakly_canonical(name);  // follows links
    const fs::path folder = whole.has_filename() ? whole : whole.parent_path();
    require_replaceable(folder);
    const FreshFolder fresh(folder);
    save_vocabularies(model, fresh.path());
    write_file(fresh.path() / settings_file, model.config.to_text());
    save_parameters(*model.network, fresh.path() / weights_file,
                    weights_metadata(model.config, fresh.path()));
    replace_folder(fresh.path(), folder);
  } catch (const fs::filesystem_error& error) {
    fail(name.string(), ": cannot be written: ", error.code().message());
  }
}

// ---- Reading ------------------------------------------------------------------------------------

std::string digest(const fs::path& file) {
  const std::string bytes = read_regular_file(file, longest_file);
  std::uint32_t sum = 0;
  if (file.filename() == subwords_file)
    sum = crc32(bytes);
  else
    for (const std::string& line : lines_of(bytes)) sum = crc32(line + '\n', sum);
  char text[9];
  std::snprintf(text, sizeof text, "%08x", sum);
  return text;
}

void require_digest(const SafeTensorsFile& weights, const fs::path& file) {
  const auto stored = weights.metadata().find(file.filename());
  require(stored == weights.metadata().end() || stored->second == digest(file), file.string(),
          ": does not belong to the weights beside it; it has been changed, or comes from another "
          "model");
}

TranslationConfig load_config(const fs::path& folder) {
  const fs::path file = folder / settings_file;
  std::error_code ignored;
  require(fs::exists(fs::symlink_status(file, ignored)), folder.string(),
          ": contains no model (no ", settings_file, ")");
  const std::string text = read_regular_file(file, longest_settings);
  try {
    return TranslationConfig::from_text(text);
  } catch (const Error& error) {
    fail(file.string(), ": not the settings of a model: ", error.what());
  }
}

TranslationModel read_model(const fs::path& folder, const fs::path& weights_name,
                            const TranslationConfig& config) {
  data::Tokenizers tokenizers = config.tokens.make(folder / subwords_file);
  data::Vocabulary source = data::Vocabulary::load(folder / source_file);
  data::Vocabulary target = data::Vocabulary::load(folder / target_file);
  const SafeTensorsFile weights(weights_name);
  require_same_size(weights, config, folder, source.size(), target.size());
  require_same_model(weights, config, folder);

  TranslationModel model(config, std::move(tokenizers), std::move(source), std::move(target),
                         Key());
  load_parameters(*model.network, weights);
  require(std::isfinite(global_norm(parameters(*model.network))), weights.path().string(),
          ": contains NaN or infinity");
  return model;
}

TranslationModel load_model(const fs::path& folder) {
  std::error_code ignored;
  require(fs::exists(folder, ignored), folder.string(), ": no such folder");
  require(fs::is_directory(folder, ignored), folder.string(),
          ": is a file, not the folder of a model");
  return read_unreplaced(
             folder, [&] { return read_model(folder, folder / weights_file, load_config(folder)); })
      .first;
}

}  // namespace adjoint::nn
