#include "examples/seq2seq/settings/settings.h"

#include <map>
#include <set>

#include "autograd/support/printable.h"
#include "data/pairs/tasks.h"
#include "data/text/subwords.h"
#include "nn/translation/settings_file.h"

namespace adjoint::seq2seq {
namespace {

constexpr auto subwords_group = "Subwords", task_group = "Toy task";

const nn::Choices<data::TooLong> too_long_choices = {{"error", data::TooLong::error},
                                                     {"skip", data::TooLong::skip}};

}  // namespace

void DataSettings::add_to(Options& options) {
  options.group("Data");
  options.add("--task", task, data::task_names(), "learn a toy task instead of files");
  options.add("--columns", columns,
              "the columns of a file of pairs that are source and target, as in 2,4 [1,2]");
  options.add(
      "--bad-lines", bad_lines, {"error", "skip"},
      "what to do with a line that is not a pair: empty, not UTF-8, or without a side [error]");
  options.add(settings());
  options.add("--min-frequency", min_frequency, from_1,
              "less frequent tokens become <unk> [2; subwords: 1]");
  options.add("--max-vocabulary", max_vocabulary, from_0,
              "keep the n most frequent tokens of each side; 0: all");
  options.add_choice("--too-long", too_long, too_long_choices,
                     "what to do with a pair over the limit");
  options.add("--held-out", held_out, below_1,
              "fraction of the source sentences held out for the final BLEU");
  options.add("--validation", validation, below_1,
              "fraction held out for the loss after each epoch");

  options.group(subwords_group);
  options.add("--pieces", pieces, from_1, "size limit of the vocabulary shared by both sides");
  options.add("--subword-model", algorithm, {"unigram", "bpe"}, "how the pieces are learned");

  options.group(task_group);
  options.add("--symbols", symbols, from_1,
              "number of different symbols; for addition, the base, by default 10; for names, the "
              "letters, by default 26");
  options.add("--min-length", min_length, from_1, "length of the shortest string, number or name");
  options.add("--max-length", max_length, from_1, "length of the longest string, number or name");
  options.add("--train-count", train_count, from_1, "number of training strings");
  options.add("--held-out-count", held_out_count, from_1, "number of strings for the final score");
}

std::optional<data::Columns> parse_columns(const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    return data::Columns::from_text(text);
  } catch (const Error& error) {
    throw UsageError(text_from("--columns: ", error.what()));
  }
}

void DataSettings::check(const Options& options) const {
  chosen_columns();
  options.require_for_group(subwords(), subwords_group,
                            "needs --tokenizer subwords, or --source-tokenizer or "
                            "--target-tokenizer subwords");
  options.require_for_group(!task.empty(), task_group, "needs a --task");
  require(!subwords() || data::Subwords::available(),
          "--tokenizer subwords: this program was built without sentencepiece; install "
          "libsentencepiece-dev (apt-get install libsentencepiece-dev) and build again (make "
          "build/seq2seq)");
  require(task.empty() || !subwords(), "--tokenizer subwords cannot be used with --task ", task);
  if (task.empty()) return;
  const Index longest = data::longest_source(task, max_length);
  require(longest <= max_tokens, "--max-tokens ", max_tokens, ": a source of --task ", task,
          " has up to ", longest, " tokens");
}

void ModelSettings::add_to(Options& options) { options.add(settings()); }

void ModelSettings::check(const Options& options) const {
  const std::string other_model = "cannot be used with --model " + model;
  options.require_for_group(!is_recurrent(), transformer_group, other_model);
  options.require_for_group(is_recurrent(), recurrent_group, other_model);
}

// ---- All settings of a run ----------------------------------------------------------------------

void Settings::add_to(Options& options) {
  data.add_to(options);
  model.add_to(options);
  training.add_to(options);
}

void Settings::check(const Options& options) const {
  data.check(options);
  model.check(options);
  config().check("--");
  training.check(options, data.validation > 0);
  require(training.subword_dropout == 0 || data.subwords(),
          "--subword-dropout needs --tokenizer subwords, or --source-tokenizer or "
          "--target-tokenizer subwords");
  require(training.subword_dropout == 0 ||
              (data.min_frequency.value_or(1) == 1 && data.max_vocabulary == 0),
          "--subword-dropout may draw any piece, so it cannot be used with --min-frequency above 1 "
          "or --max-vocabulary; limit --pieces");
  if (!training.alignment_head.empty()) guided_head();
  require(!model.copies || training.smoothing == 0,
          "--smoothing cannot be used with --copy: it would give probability to words that a "
          "sentence does not have");
}

std::unique_ptr<nn::EncoderDecoder> Settings::network(Index source_tokens,
                                                      Index target_tokens) const {
  return config().make_network(source_tokens, target_tokens, Key(training.seed).child("model"));
}

// An option's value when it is declared becomes its default, so these defaults are the settings.
std::string Settings::to_text() const {
  Settings defaults = *this;
  Options options;
  defaults.add_to(options);
  return options.to_text();
}

std::string Settings::model_text() const {
  Settings defaults = *this;
  Options options;
  defaults.data.add_to(options);
  defaults.model.add_to(options);
  options.command_line_only({"--columns", "--bad-lines"});  // they affect only how pairs are read
  return options.to_text();
}

Settings Settings::read(const std::filesystem::path& path) {
  Settings settings;
  Options options;
  settings.add_to(options);
  options.read_file(path);
  try {
    nn::TranslationConfig required = settings.config();
    options.require_all(required.settings());
    settings.check(options);
  } catch (const Error& error) {
    fail(path.string(), ": not the settings of a model: ", error.what());
  }
  return settings;
}

std::vector<std::pair<std::string, std::string>> Settings::values() const {
  std::vector<std::pair<std::string, std::string>> values;
  for (const nn::SettingLine& setting : nn::parse_settings(to_text()))
    values.emplace_back(setting.name, setting.values.front());
  return values;
}

namespace {

using ValueOf = std::map<std::string, std::string>;

ValueOf as_map(const Settings& settings) {
  const auto values = settings.values();
  return {values.begin(), values.end()};
}

std::string value_in(const ValueOf& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() || found->second.empty() ? "unset" : printable_line(found->second);
}

std::string difference(const std::set<std::string>& names, const ValueOf& a, const ValueOf& b) {
  std::string text;
  for (const std::string& name : names)
    if (value_in(a, name) != value_in(b, name))
      text += (text.empty() ? "--" : "; --") + name + " is " + value_in(b, name) + ", not " +
              value_in(a, name);
  return text;
}

}  // namespace

std::string difference(const Settings& a, const Settings& b) {
  const ValueOf first = as_map(a), second = as_map(b);
  std::set<std::string> names;
  for (const ValueOf& values : {first, second})
    for (const auto& [name, value] : values) names.insert(name);
  return difference(names, first, second);
}

std::string difference(const std::string& former, const Settings& b) {
  ValueOf values;
  std::set<std::string> names;
  for (const nn::SettingLine& setting : nn::parse_settings(former)) {
    require(!setting.values.empty(), printable_line(setting.name), " has no value");
    values[setting.name] = setting.values.front();
    names.insert(setting.name);
  }
  return difference(names, values, as_map(b));
}

}  // namespace adjoint::seq2seq
