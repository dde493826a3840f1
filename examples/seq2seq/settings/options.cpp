#include "examples/seq2seq/settings/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <sstream>

#include "autograd/support/files.h"
#include "examples/seq2seq/settings/usage.h"

namespace adjoint::seq2seq {
namespace {

using Text = Options::Text;

bool contains(const Range& range, Text text) {
  if (range.whole && text.find_first_not_of("0123456789") != std::string::npos) return false;
  char* end = nullptr;  // the largest seed is a long double, but not a double
  const long double value =
      range.whole ? std::strtold(text.c_str(), &end) : std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && value >= range.least && value <= range.most;
}

// The shortest text that reads as exactly this number. CLI11 would keep six digits, and a resumed
// run would differ from the one that was stopped.
std::string exactly(std::optional<double> number) {
  char text[32];
  return number ? std::string(text, std::to_chars(text, text + sizeof text, *number).ptr) : "";
}

bool is_flag(const CLI::Option& option) { return option.get_expected_min() == 0; }

void take(CLI::App& app, const CLI::ConfigItem& item) {
  CLI::Option* const option =
      item.parents.empty() ? app.get_option_no_throw("--" + item.name) : nullptr;
  require(option && option->get_configurable(), "there is no option '", item.fullname(), "'");
  if (option->count() > 0) return;
  if (is_flag(*option))
    option->add_result(
        option->get_flag_value(item.name, app.get_config_formatter()->to_flag(item)));
  else
    option->add_result(item.inputs);
  option->run_callback();
}

}  // namespace

// ---- Declaring ----------------------------------------------------------------------------------

Options::Options(Text command, Text description, Text footer)
    : app_(std::make_shared<CLI::App>(description, command)) {
  app_->footer(footer);
  app_->fallthrough();  // a command passes on what only the program knows, such as --threads
  app_->option_defaults()->always_capture_default();
}

template <class Value>
CLI::Option* Options::declare(Text name, Value& value, Text help) {
  const std::size_t space = name.find(' ');
  last_ = app_->add_option(name.substr(0, space), value, help);
  if (space != std::string::npos) last_->type_name(name.substr(space + 1));
  return name.starts_with('-') ? last_->group(heading_) : last_;
}

template <class Value>
Options& Options::add(Text name, Value& value, Text help) {
  declare(name, value, help);
  return *this;
}
template Options& Options::add(Text, std::string&, Text);
template Options& Options::add(Text, std::vector<std::string>&, Text);

Options& Options::add(Text name, std::string& value, const std::vector<std::string>& choices,
                      Text help) {
  declare(name, value, help)->check(CLI::IsMember(choices));
  return *this;
}

template <class Number>
Options& Options::add(Text name, Number& value, const Range& range, Text help) {
  declare(name, value, help)->check([range](Text text) {
    return contains(range, text) ? "" : text_from("must be ", range.text, ", not ", text);
  });
  if constexpr (std::is_same_v<Number, double> || std::is_same_v<Number, std::optional<double>>)
    last_->default_function([&value] { return exactly(value); })->capture_default_str();
  return *this;
}
template Options& Options::add(Text, Index&, const Range&, Text);
template Options& Options::add(Text, std::optional<Index>&, const Range&, Text);
template Options& Options::add(Text, double&, const Range&, Text);
template Options& Options::add(Text, std::optional<double>&, const Range&, Text);
template Options& Options::add(Text, std::uint64_t&, const Range&, Text);
template Options& Options::add(Text, std::optional<std::uint64_t>&, const Range&, Text);

Options& Options::add_flag(Text name, bool& value, Text help) {
  last_ = app_->add_flag(name, value, help)->group(heading_);
  last_->default_function([&value] { return value ? "true" : "false"; })->capture_default_str();
  return *this;
}

Options& Options::add(Text name, std::function<void(Text)> set, std::function<std::string()> get,
                      const std::vector<std::string>& choices, Text help) {
  last_ = app_->add_option_function<std::string>(name, set, help)->group(heading_);
  last_->default_function(get)->capture_default_str();
  if (!choices.empty()) last_->check(CLI::IsMember(choices));
  return *this;
}

Options& Options::required() { return last_->required(), *this; }
Options& Options::excludes(Text name) { return last_->excludes(app_->get_option(name)), *this; }

void Options::command_line_only(const std::vector<std::string>& names) {
  for (Text name : names) app_->get_option(name)->configurable(false);
}

// ---- The command line ---------------------------------------------------------------------------

void Options::add_version(Text version) { app_->set_version_flag("--version", version); }

void Options::add_command(const Options& command) {
  app_->add_subcommand(command.app_);
  app_->require_subcommand(1);
}

bool Options::parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError(problem(*app_, error));
    for (CLI::App* command : app_->get_subcommands({}))
      for (CLI::Option* option : command->get_options())
        if (is_flag(*option)) option->default_str("");  // not `--json=false`
    app_->exit(error);                                  // prints what was asked for
    return false;
  }
}

bool Options::called() const { return app_->parsed(); }

// ---- Settings files -----------------------------------------------------------------------------

void Options::read_file(const std::filesystem::path& path) {
  std::istringstream text(adjoint::read_file(path));
  try {
    for (const CLI::ConfigItem& item : app_->get_config_formatter()->from_config(text))
      take(*app_, item);
  } catch (const std::runtime_error& error) {  // CLI11's and ours
    fail(path.string(), ": ", error.what());
  }
}

void Options::require_all() const {
  for (const CLI::Option* option : app_->get_options())
    require(option->count() > 0 || option->get_default_str().empty(), option->get_name(),
            " is missing");
}

std::string Options::to_text() const {
  for (CLI::Option* option : app_->get_options())
    if (option->get_default_str().empty()) option->configurable(false);
  return app_->config_to_str(true);
}

bool Options::given(Text name, bool any) const {
  const CLI::Option* const option = app_->get_option(name);
  return option->count() > 0 &&
         (any || option->results() != std::vector{option->get_default_str()});
}

void Options::require_for_group(bool condition, Text heading, Text problem) const {
  for (const CLI::Option* option : app_->get_options())
    require(condition || option->get_group() != heading || option->count() == 0 ||
                option->results() == std::vector{option->get_default_str()},
            option->get_name(), ' ', problem);
}

}  // namespace adjoint::seq2seq
