#include "examples/seq2seq/settings/settings.h"

#include <CLI/CLI.hpp>
#include <map>
#include <sstream>

#include "autograd/support/error.h"
#include "autograd/support/files.h"

namespace adjoint::seq2seq {

std::unique_ptr<nn::EncoderDecoder> Settings::network(Index source_tokens,
                                                      Index target_tokens) const {
  return model.make(source_tokens, target_tokens, data.decoding_limit() + 1,
                    Key(training.seed).child("model"));
}

void add_options(CLI::App& app, Settings& settings) {
  add_options(app, settings.data);
  add_options(app, settings.model);
  add_options(app, settings.training);
  for (CLI::Option* option : app.get_options()) option->capture_default_str();
}

namespace {

// Whether an option of this group says something else than its default, which harms nobody.
const CLI::Option* changed_option(const CLI::App& app, const std::string& group) {
  for (const CLI::Option* option : app.get_options())
    if (option->get_group() == group && option->count() > 0 &&
        option->results() != std::vector{option->get_default_str()})
      return option;
  return nullptr;
}

}  // namespace

void check(const CLI::App& app, const Settings& s) {
  struct Condition {
    const char* group;
    bool holds;
    std::string otherwise;
  };
  const std::string other_model = "does not go with --model " + s.model.model;
  const std::vector<Condition> conditions = {
      {transformer_group, !s.model.is_recurrent(), other_model},
      {recurrent_group, s.model.is_recurrent(), other_model},
      {toy_task_group, !s.data.task.empty(), "needs a --task"},
      {subwords_group, s.data.subwords(), "needs --tokenizer subwords"},
      {plateau_group, s.training.schedule == "plateau", "needs --schedule plateau"},
      {validation_group, s.data.validation > 0, "needs validation pairs, and --validation is 0"},
  };
  for (const Condition& condition : conditions)
    if (const CLI::Option* option = changed_option(app, condition.group))
      require(condition.holds, option->get_name(), ' ', condition.otherwise);
  require(s.training.schedule != "plateau" || s.data.validation > 0,
          "--schedule plateau needs validation pairs, and --validation is 0");
  s.data.check();
  s.model.check();
  s.training.check();
}

namespace {

void take(CLI::App& app, const CLI::ConfigItem& item) {
  if (is_former_option(item.name, item.inputs)) return;
  CLI::Option* const option =
      item.parents.empty() ? app.get_option_no_throw("--" + item.name) : nullptr;
  require(option && option->get_configurable(), "there is no option '", item.fullname(), "'");
  if (option->count() > 0) return;
  if (option->get_expected_min() == 0)  // a flag
    option->add_result(
        option->get_flag_value(item.name, app.get_config_formatter()->to_flag(item)));
  else
    option->add_result(item.inputs);
  option->run_callback();
}

}  // namespace

void read_config(CLI::App& app, const std::filesystem::path& path) {
  std::istringstream text(read_file(path));
  try {
    for (const CLI::ConfigItem& item : app.get_config_formatter()->from_config(text))
      take(app, item);
  } catch (const std::runtime_error& error) {  // CLI11's and ours
    fail(path.string(), ": ", error.what());
  }
}

std::string to_text(const Settings& settings) {
  CLI::App app;
  Settings values = settings;
  add_options(app, values);  // the values become the options' defaults, which are written out
  for (CLI::Option* option : app.get_options())
    if (option->get_default_str().empty()) app.remove_option(option);  // left open
  return app.config_to_str(true);
}

Settings read_settings(const std::filesystem::path& path) {
  Settings settings;
  CLI::App app;
  add_options(app, settings);
  read_config(app, path);
  for (const CLI::Option* option : app.get_options())
    require(option->count() > 0 || option->get_default_str().empty(), path.string(),
            ": not the settings of a model: it lacks ", option->get_name());
  try {
    check(app, settings);
  } catch (const Error& error) {
    fail(path.string(), ": not the settings of a model: ", error.what());
  }
  return settings;
}

namespace {

// What is stored, by option.
std::map<std::string, std::string> values(const Settings& settings) {
  std::map<std::string, std::string> values;
  std::istringstream text(to_text(settings));
  for (std::string line; std::getline(text, line);) {
    const std::size_t equals = std::min(line.find('='), line.size());
    values["--" + line.substr(0, equals)] = line.substr(std::min(equals + 1, line.size()));
  }
  return values;
}

}  // namespace

std::string difference(const Settings& a, const Settings& b) {
  constexpr auto open = "left open";
  std::map<std::string, std::string> ours = values(a), theirs = values(b);
  for (const auto& [name, value] : theirs) ours.try_emplace(name, open);
  std::string text;
  for (const auto& [name, value] : ours) {
    const std::string other = theirs.contains(name) ? theirs[name] : open;
    if (other == value) continue;
    text += (text.empty() ? "" : "; ") + name + " is " + other + " and not " + value;
  }
  return text;
}

}  // namespace adjoint::seq2seq
