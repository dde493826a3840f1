#include "examples/seq2seq/model_folder.h"

#include <cmath>
#include <set>

#include "autograd/error.h"
#include "autograd/file.h"
#include "nn/checkpoint.h"
#include "nn/optimizer.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

constexpr auto weights_name = "weights.safetensors";
constexpr auto source_name = "source.vocabulary";
constexpr auto target_name = "target.vocabulary";
constexpr auto settings_name = "settings.toml";
constexpr auto held_out_name = "held-out.tsv";

std::string as_lines(const std::vector<data::Pair>& pairs, const data::Tokenizer& tokenizer) {
  std::string text;
  for (const data::Pair& pair : pairs)
    text += tokenizer.detokenize(pair.source) + '\t' + tokenizer.detokenize(pair.target) + '\n';
  return text;
}

}  // namespace

Model::Model(const Settings& s, data::Vocabulary source_words, data::Vocabulary target_words)
    : settings(s),
      source(std::move(source_words)),
      target(std::move(target_words)),
      network(s.network(source.size(), target.size())) {}

namespace {

// The folder itself: without a slash at the end, and behind a symbolic link.
fs::path resolved(const fs::path& folder) {
  require(!folder.empty(), "--output: the name is empty");
  const fs::path whole = fs::weakly_canonical(folder);
  return whole.has_filename() ? whole : whole.parent_path();
}

// Nothing but a model may be replaced.
void require_replaceable(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  require(fs::is_directory(folder), "--output: '", folder.string(), "' is a file");
  const std::set<std::string> own = {weights_name, source_name, target_name, settings_name,
                                     held_out_name};
  for (const auto& entry : fs::directory_iterator(folder))
    require(own.contains(entry.path().filename().string()), "--output: '", folder.string(),
            "' holds '", entry.path().filename().string(),
            "', which is no part of a model; nothing there will be overwritten");
}

// A name beside the folder that nothing has.
fs::path beside(const fs::path& folder, const std::string& suffix) {
  for (int i = 0;; ++i) {
    fs::path candidate = folder;
    candidate += suffix;
    if (i > 0) candidate += std::to_string(i);
    if (!fs::exists(fs::symlink_status(candidate))) return candidate;
  }
}

// Exchanges what stands at `target` for `fresh`; if that fails, what stood there stays.
void put_in_place(const fs::path& fresh, const fs::path& target) {
  const fs::path former = beside(target, ".former");
  const bool replaces = fs::exists(target);
  if (replaces) fs::rename(target, former);
  std::error_code error;
  fs::rename(fresh, target, error);
  if (error && replaces) fs::rename(former, target);
  require(!error, target.string(), ": cannot be written: ", error.message());
  fs::remove_all(former);
}

}  // namespace

Destination::Destination(const fs::path& folder) {
  try {
    folder_ = resolved(folder);
    require_replaceable(folder_);
    partial_ = beside(folder_, ".partial");
    fs::create_directories(partial_);
  } catch (const fs::filesystem_error& error) {
    fail("--output: '", folder.string(), "' cannot be written: ", error.code().message());
  }
}

Destination::~Destination() {
  if (complete_) return;
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
}

void Destination::save(const Model& model, const std::vector<data::Pair>& held_out) {
  nn::save_parameters(*model.network, partial_ / weights_name);
  model.source.save(partial_ / source_name);
  model.target.save(partial_ / target_name);
  write_file(partial_ / held_out_name, as_lines(held_out, model.settings.data.make_tokenizer()));
  write_file(partial_ / settings_name, to_text(model.settings));
  complete_ = true;
  try {
    require_replaceable(folder_);
    put_in_place(partial_, folder_);
  } catch (const std::exception& error) {
    fail(error.what(), "; the new model is in '", partial_.string(), "'");
  }
}

Model load(const fs::path& folder) {
  require(fs::exists(folder), folder.string(), ": no such folder; `seq2seq train` makes one");
  require(fs::is_directory(folder), folder.string(), ": is a file and not a model's folder");
  require(fs::exists(folder / settings_name), folder.string(), ": holds no model (no ",
          settings_name, ")");
  Model model(read_settings(folder / settings_name), data::Vocabulary::load(folder / source_name),
              data::Vocabulary::load(folder / target_name));
  nn::load_parameters(*model.network, folder / weights_name);
  require(std::isfinite(nn::global_norm(nn::parameters(*model.network))),
          (folder / weights_name).string(), ": holds NaN or infinity");
  return model;
}

fs::path held_out_file(const fs::path& folder) { return folder / held_out_name; }

}  // namespace adjoint::seq2seq
