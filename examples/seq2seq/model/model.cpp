#include "examples/seq2seq/model/model.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "autograd/support/checksum.h"
#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/optimizer.h"

namespace adjoint::seq2seq {
namespace fs = std::filesystem;

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

// An open folder. While it is open, the file system gives its inode number to no other folder.
class OpenFolder {
 public:
  explicit OpenFolder(const fs::path& path)
      : path_(path), descriptor_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  ~OpenFolder() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;

  // Whether its name now stands for another folder, or for a folder where there was none.
  bool replaced() const {
    struct stat own = {}, named = {};
    const bool is_there = ::stat(path_.c_str(), &named) == 0;
    if (descriptor_ < 0) return is_there && S_ISDIR(named.st_mode);
    return !is_there || ::fstat(descriptor_, &own) != 0 || own.st_dev != named.st_dev ||
           own.st_ino != named.st_ino;
  }

 private:
  fs::path path_;
  int descriptor_;
};

namespace {

constexpr auto source_file = "source.vocabulary";
constexpr auto target_file = "target.vocabulary";
constexpr auto subwords_file = "subwords.model";
constexpr auto held_out_file = "held-out.tsv";
constexpr auto partial_extension = ".partial";

data::Tokens tokenize(const data::Tokenizer& tokenizer, std::string_view line, const char* what,
                      Index most) {
  data::Tokens tokens = tokenizer.tokenize(line);
  require(std::ssize(tokens) <= most, what, " of ", tokens.size(),
          " tokens; the model allows at most ", most);
  return tokens;
}

// A link counts, wherever it leads: reading it then reports what is wrong.
bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

std::string count_text(double count) {
  return count < 1e15 ? std::to_string(static_cast<Index>(count)) : text_from(count);
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
    : settings(s),
      tokenizers(std::move(of_text)),
      source(std::move(source_vocabulary)),
      target(std::move(target_vocabulary)),
      network(s.network(source.size(), target.size())) {
  require(!s.model.one_vocabulary() || source == target,
          "--tie all needs one vocabulary, but those of source and target differ");
}

data::Tokens Model::read_source(std::string_view line) const {
  return tokenize(tokenizers.source, line, "a sentence", settings.data.max_tokens);
}

data::Tokens Model::read_target(std::string_view line) const {
  return tokenize(tokenizers.target, line, "a target", settings.data.decoding_limit());
}

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
  model.source.save(folder / source_file);
  model.target.save(folder / target_file);
  const auto& [source, target] = model.tokenizers;
  if (model.settings.data.subwords())
    (source.kind == data::Tokenizer::Kind::sentencepiece ? source : target)
        .subwords.save(folder / subwords_file);
  std::string lines;
  for (const data::Pair& pair : held_out)
    lines += source.detokenize(pair.source) + '\t' + target.detokenize(pair.target) + '\n';
  write_file(folder / held_out_file, lines);
  write_file(folder / settings_file, model.settings.to_text());
}

namespace {

constexpr auto settings_key = "settings";
constexpr std::uint64_t longest_file = std::uint64_t{1} << 30;

// The files of a description. The weights store their digests.
std::vector<std::string> described_files(const Settings& settings) {
  std::vector<std::string> files = {source_file, target_file, held_out_file};
  if (settings.data.subwords()) files.emplace_back(subwords_file);
  return files;
}

// CRC-32 in hexadecimal: of the bytes of a subword model, of the lines of any other file.
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

void require_digest(const nn::SafeTensorsFile& weights, const fs::path& file) {
  const auto stored = weights.metadata().find(file.filename());
  require(stored == weights.metadata().end() || stored->second == digest(file), file.string(),
          ": does not belong to the weights beside it; it has been changed, or comes from another "
          "model");
}

void require_same_model(const nn::SafeTensorsFile& weights, const Settings& settings,
                        const fs::path& folder) {
  const auto stored = weights.metadata().find(settings_key);
  if (stored == weights.metadata().end()) return;
  std::string different;
  try {
    different = difference(stored->second, settings);
  } catch (const Error& error) {
    fail(weights.path().string(), ": its settings cannot be read: ", error.what());
  }
  require(different.empty(), (folder / settings_file).string(),
          ": does not belong to the weights beside it: ", different);
  for (const std::string& name : described_files(settings))
    if (name != held_out_file) require_digest(weights, folder / name);
}

// Called before anything takes memory in proportion to the settings.
void require_same_size(const nn::SafeTensorsFile& weights, const Settings& settings,
                       const fs::path& folder, Index source_tokens, Index target_tokens) {
  double numbers = 0;
  for (const auto& [name, entry] : weights.entries())
    numbers += static_cast<double>(entry.form.shape.numel());
  nn::ModelSize size;
  try {
    size = settings.size_of_network(source_tokens, target_tokens);
  } catch (const Error& error) {
    fail(folder.string(), ": ", error.what());
  }
  require(size.parameters == numbers, weights.path().string(), ": has ", count_text(numbers),
          " numbers, but the settings and vocabularies beside it describe a model of ",
          count_text(size.parameters));
  constexpr double usual = 1 << 25;  // 256 MB
  require(size.constants <= numbers + usual, (folder / settings_file).string(), ": --max-tokens ",
          settings.data.max_tokens, " asks for tables of ", count_text(size.constants),
          " numbers, far more than the ", count_text(numbers), " of the weights");
}

Model load_once(const fs::path& model_name) {
  const fs::path folder = folder_of(model_name);
  require(is_there(folder), folder.string(), ": no such folder; `seq2seq train` creates one",
          hint_of_stopped_run(partial_folder(folder)));
  std::error_code ignored;
  require(fs::is_directory(folder, ignored), folder.string(),
          ": is a file, not the folder of a model");
  const Settings settings = load_settings(folder);
  const auto tokenizer = [&](const std::string& kind) {
    return kind == "subwords" ? data::Tokenizer::from_name("sentencepiece", folder / subwords_file)
                              : data::Tokenizer::from_name(kind);
  };
  data::Tokenizers tokenizers = {tokenizer(settings.data.tokenizer_of_source()),
                                 tokenizer(settings.data.tokenizer_of_target())};
  data::Vocabulary source = data::Vocabulary::load(folder / source_file);
  data::Vocabulary target = data::Vocabulary::load(folder / target_file);
  const fs::path weights_name = weights_of(model_name);
  require(is_there(weights_name) || !is_partial(folder), folder.string(),
          ": a run was stopped here before it had weights to use; continue it with --resume");
  const nn::SafeTensorsFile weights(weights_name);
  require_same_size(weights, settings, folder, source.size(), target.size());
  require_same_model(weights, settings, folder);

  Model model(settings, std::move(tokenizers), std::move(source), std::move(target));
  nn::load_parameters(*model.network, weights);
  require(std::isfinite(nn::global_norm(nn::parameters(*model.network))), weights.path().string(),
          ": contains NaN or infinity");
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
  nn::Metadata metadata = {{settings_key, settings.model_text()}};
  for (const std::string& name : described_files(settings)) metadata[name] = digest(folder / name);
  return metadata;
}

Model load(const fs::path& name) {
  const fs::path folder = folder_of(name);
  constexpr int attempts = 5;
  for (int i = 0; i < attempts; ++i) {
    const auto open = std::make_shared<const OpenFolder>(folder);
    try {
      Model model = load_once(name);
      model.folder = open;
      if (!open->replaced()) return model;
    } catch (const Error&) {
      if (!open->replaced()) throw;
    }
  }
  fail(folder.string(), ": other runs put new models in its place while it was read; try again");
}

Settings load_settings(const fs::path& folder) {
  require(is_there(folder / settings_file), folder.string(), ": contains no model (no ",
          settings_file, ")");
  return Settings::read(folder / settings_file);
}

std::vector<data::Pair> load_held_out(const fs::path& name, const Model& model) {
  const fs::path folder = folder_of(name);
  const auto replaced = [&] { return model.folder && model.folder->replaced(); };
  const fs::path file = folder / held_out_file;
  std::vector<data::Pair> pairs;
  try {
    const bool empty = RegularFile(file).size() == 0;
    require_digest(nn::SafeTensorsFile(weights_of(name)), file);
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
