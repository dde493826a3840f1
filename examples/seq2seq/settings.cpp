#include "examples/seq2seq/settings.h"

#include <CLI/CLI.hpp>

#include "autograd/error.h"

namespace adjoint::seq2seq {

void Settings::check() const {
  data.check();
  model.check();
}

nn::TransformerConfig Settings::transformer(Index source_tokens, Index target_tokens) const {
  return model.transformer(source_tokens, target_tokens, data.decoding_limit() + 1);
}

void add_options(CLI::App& app, Settings& settings) {
  add_options(app, settings.data);
  add_options(app, settings.model);
  add_options(app, settings.training);
  for (CLI::Option* option : app.get_options()) option->capture_default_str();
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
    settings.check();
  } catch (const std::runtime_error& error) {  // CLI11's and ours
    fail(path.string(), ": not the settings of a model: ", error.what());
  }
  return settings;
}

}  // namespace adjoint::seq2seq
