#include "examples/seq2seq/model/model.h"

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
constexpr auto held_out_file = "held-out.tsv";
constexpr auto partial_extension = ".partial";

data::Tokens tokenize(const data::Tokenizer& tokenizer, std::string_view line, const char* what,
                      Index most) {
  data::Tokens tokens = tokenizer.tokenize(line);
  require(std::ssize(tokens) <= most, what, " of ", tokens.size(),
          " tokens; the model allows at most ", most);
  return tokens;
}

// A hint at a run that was stopped here, for the message that there is no model.
std::string hint_of_stopped_run(const fs::path& partial) {
  if (!fs::exists(partial / state_file)) return "";
  const std::string hint = "; a run was stopped here, and --resume continues it";
  return fs::exists(partial / weights_file)
             ? hint + " (its model so far is " + partial.string() + ")"
             : hint;
}

bool is_partial(const fs::path& folder) {
  const fs::path name = folder.has_filename() ? folder : folder.parent_path();
  return name.extension() == partial_extension;
}

}  // namespace

Model::Model(const Settings& s, data::Tokenizer text_tokenizer, data::Vocabulary source_vocabulary,
             data::Vocabulary target_vocabulary)
    : settings(s),
      tokenizer(std::move(text_tokenizer)),
      source(std::move(source_vocabulary)),
      target(std::move(target_vocabulary)),
      network(s.network(source.size(), target.size())) {
  require(!s.model.one_vocabulary() || source == target,
          "--tie all needs one vocabulary, but those of source and target differ");
}

data::Tokens Model::read_source(std::string_view line) const {
  return tokenize(tokenizer, line, "a sentence", settings.data.max_tokens);
}

data::Tokens Model::read_target(std::string_view line) const {
  return tokenize(tokenizer, line, "a target", settings.data.decoding_limit());
}

const std::vector<std::string> model_files = {weights_file,  best_file,    state_file,
                                              settings_file, source_file,  target_file,
                                              subwords_file, held_out_file};

void save_description(const Model& model, const std::vector<data::Pair>& held_out,
                      const fs::path& folder) {
  model.source.save(folder / source_file);
  model.target.save(folder / target_file);
  if (model.settings.data.subwords()) model.tokenizer.subwords.save(folder / subwords_file);
  const auto text = [&](const data::Tokens& tokens) { return model.tokenizer.detokenize(tokens); };
  std::string lines;
  for (const data::Pair& pair : held_out)
    lines += text(pair.source) + '\t' + text(pair.target) + '\n';
  write_file(folder / held_out_file, lines);
  write_file(folder / settings_file, model.settings.to_text());
}

Model load(const fs::path& folder) {
  require(fs::exists(folder), folder.string(), ": no such folder; `seq2seq train` creates one",
          hint_of_stopped_run(partial_folder(folder)));
  require(fs::is_directory(folder), folder.string(), ": is a file, not the folder of a model");
  const Settings settings = load_settings(folder);
  const fs::path subwords = folder / subwords_file;
  Model model(settings,
              settings.data.subwords() ? data::Tokenizer::from_name("sentencepiece", subwords)
                                       : data::Tokenizer::from_name(settings.data.tokenizer),
              data::Vocabulary::load(folder / source_file),
              data::Vocabulary::load(folder / target_file));
  const fs::path weights = weights_of(folder);
  require(fs::exists(weights) || !is_partial(folder), folder.string(),
          ": a run was stopped here before it had weights to use; continue it with --resume");
  nn::load_parameters(*model.network, weights);
  require(std::isfinite(nn::global_norm(nn::parameters(*model.network))), weights.string(),
          ": contains NaN or infinity");
  return model;
}

fs::path weights_of(const fs::path& folder) {
  const bool killed =
      is_partial(folder) && !fs::exists(folder / weights_file) && fs::exists(folder / best_file);
  return folder / (killed ? best_file : weights_file);
}

Settings load_settings(const fs::path& folder) {
  require(fs::exists(folder / settings_file), folder.string(), ": contains no model (no ",
          settings_file, ")");
  return Settings::read(folder / settings_file);
}

std::vector<data::Pair> load_held_out(const fs::path& folder, const Model& model) {
  const fs::path file = folder / held_out_file;
  std::error_code missing;  // read_corpus throws a clear Error for a missing file
  if (fs::file_size(file, missing) == 0) return {};
  return data::read_corpus(file, model.tokenizer, {.max_tokens = model.settings.data.max_tokens})
      .pairs;
}

fs::path partial_folder(const fs::path& folder) { return folder.string() + partial_extension; }

}  // namespace adjoint::seq2seq
