#include "examples/seq2seq/model_folder.h"

#include "autograd/error.h"
#include "autograd/file.h"
#include "nn/checkpoint.h"

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
      network(s.model(source.size(), target.size()), Key(s.seed).child("model")) {}

void require_replaceable(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  require(fs::is_directory(folder), "--output: '", folder.string(), "' is a file");
  require(fs::is_empty(folder) || fs::exists(folder / settings_name), "--output: '",
          folder.string(), "' holds files but no model; nothing there will be overwritten");
}

void save(const Model& model, const std::vector<data::Pair>& held_out, const fs::path& folder) {
  require_replaceable(folder);
  fs::path partial = folder, former = folder;
  partial += ".partial";
  former += ".former";
  try {
    fs::remove_all(partial);
    fs::create_directories(partial);
    nn::save_parameters(model.network, partial / weights_name);
    model.source.save(partial / source_name);
    model.target.save(partial / target_name);
    write_file(partial / held_out_name, as_lines(held_out, model.settings.make_tokenizer()));
    write_file(partial / settings_name, to_text(model.settings));
    fs::remove_all(former);
    if (fs::exists(folder)) fs::rename(folder, former);
    fs::rename(partial, folder);
    fs::remove_all(former);
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    fail(folder.string(), ": cannot be written: ", error.code().message());
  } catch (const Error&) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw;
  }
}

Model load(const fs::path& folder) {
  require(fs::is_directory(folder), folder.string(), ": no such folder; `seq2seq train` makes one");
  require(fs::exists(folder / settings_name), folder.string(), ": holds no model (no ",
          settings_name, ")");
  Model model(read_settings(folder / settings_name), data::Vocabulary::load(folder / source_name),
              data::Vocabulary::load(folder / target_name));
  nn::load_parameters(model.network, folder / weights_name);
  return model;
}

fs::path held_out_file(const fs::path& folder) { return folder / held_out_name; }

}  // namespace adjoint::seq2seq
