#include "examples/seq2seq/settings.h"

#include <CLI/CLI.hpp>

#include "autograd/error.h"

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
  const std::vector<Condition> conditions = {
      {transformer_group, !s.model.is_recurrent(), "does not go with --model " + s.model.model},
      {recurrent_group, s.model.is_recurrent(), "does not go with --model " + s.model.model},
      {toy_task_group, !s.data.task.empty(), "needs a --task"},
  };
  for (const Condition& condition : conditions)
    if (const CLI::Option* option = changed_option(app, condition.group))
      require(condition.holds, option->get_name(), ' ', condition.otherwise);
  s.data.check();
  s.model.check();
}

std::string to_text(const Settings& settings) {
  CLI::App app;
  Settings values = settings;
  add_options(app, values);  // the values become the options' defaults, which are written out
  if (values.data.task.empty()) app.remove_option(app.get_option("--task"));
  return app.config_to_str(true);
}

Settings read_settings(const std::filesystem::path& path) {
  Settings settings;
  CLI::App app;
  add_options(app, settings);
  for (CLI::Option* option : app.get_options())
    if (!option->check_lname("task") && !option->check_lname("help")) option->required();
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--settings", path.string(), "", true);
  try {
    app.parse(std::vector<std::string>{});
    check(app, settings);
  } catch (const std::runtime_error& error) {  // CLI11's and ours
    fail(path.string(), ": not the settings of a model: ", error.what());
  }
  return settings;
}

}  // namespace adjoint::seq2seq
