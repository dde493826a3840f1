#include "examples/seq2seq/model/model_folder.h"

#include <cmath>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "nn/saving/checkpoint.h"
#include "nn/training/optimizer.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

constexpr auto source_file = "source.vocabulary";
constexpr auto target_file = "target.vocabulary";
constexpr auto subwords_file = "subwords.model";
constexpr auto held_out_name = "held-out.tsv";

std::string as_lines(const std::vector<data::Pair>& pairs, const data::Tokenizer& tokenizer) {
  std::string text;
  for (const data::Pair& pair : pairs)
    text += tokenizer.detokenize(pair.source) + '\t' + tokenizer.detokenize(pair.target) + '\n';
  return text;
}

data::Tokenizer load_tokenizer(const DataSettings& settings, const fs::path& folder) {
  if (settings.subwords())
    return data::Tokenizer::from_name("sentencepiece", folder / subwords_file);
  return data::Tokenizer::from_name(settings.tokenizer);
}

// What to do with it, where its model is asked for.
std::string of_stopped_run(const fs::path& partial) {
  if (!fs::exists(partial / state_file)) return "";
  const std::string resume = ", and with --resume goes on with the run that was stopped there";
  return fs::exists(partial / weights_file)
             ? resume + "; what it had learnt is in " + partial.string()
             : resume;
}

}  // namespace

Model::Model(const Settings& s, data::Tokenizer cutter, data::Vocabulary source_words,
             data::Vocabulary target_words)
    : settings(s),
      tokenizer(std::move(cutter)),
      source(std::move(source_words)),
      target(std::move(target_words)),
      network(s.network(source.size(), target.size())) {
  require(!s.model.one_vocabulary() || source == target,
          "--tie all: the vocabularies of source and target differ");
}

void save_description(const Model& model, const std::vector<data::Pair>& held_out,
                      const fs::path& folder) {
  model.source.save(folder / source_file);
  model.target.save(folder / target_file);
  if (model.settings.data.subwords()) model.tokenizer.subwords.save(folder / subwords_file);
  write_file(folder / held_out_name, as_lines(held_out, model.tokenizer));
  write_file(folder / settings_file, to_text(model.settings));
}

Model load(const fs::path& folder) {
  require(fs::exists(folder), folder.string(), ": no such folder; `seq2seq train` makes one",
          of_stopped_run(partial_folder(folder)));
  require(fs::is_directory(folder), folder.string(), ": is a file and not a model's folder");
  require(fs::exists(folder / settings_file), folder.string(), ": holds no model (no ",
          settings_file, ")");
  const Settings settings = read_settings(folder / settings_file);
  Model model(settings, load_tokenizer(settings.data, folder),
              data::Vocabulary::load(folder / source_file),
              data::Vocabulary::load(folder / target_file));
  nn::load_parameters(*model.network, folder / weights_file);
  require(std::isfinite(nn::global_norm(nn::parameters(*model.network))),
          (folder / weights_file).string(), ": holds NaN or infinity");
  return model;
}

fs::path partial_folder(const fs::path& folder) { return folder.string() + ".partial"; }

fs::path held_out_file(const fs::path& folder) { return folder / held_out_name; }

const std::vector<std::string>& model_files() {
  static const std::vector<std::string> names = {weights_file,  best_file,    state_file,
                                                 settings_file, source_file,  target_file,
                                                 subwords_file, held_out_name};
  return names;
}

}  // namespace adjoint::seq2seq
