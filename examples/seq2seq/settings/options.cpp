#include "examples/seq2seq/settings/options.h"

#include <CLI/CLI.hpp>
#include <map>
#include <type_traits>

#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "examples/seq2seq/settings/usage.h"
#include "nn/translation/settings_file.h"

namespace adjoint::seq2seq {
namespace {

using Text = Options::Text;

template <class T>
struct NumberOf {
  using Type = T;
};
template <class T>
struct NumberOf<std::optional<T>> {
  using Type = T;
};

// CLI11 would round a decimal twice, read 010 as octal, and print six digits, so a resumed run
// would differ from the one that was stopped. nn::read_number and number_text are exact.
template <class Number>
std::string exactly(const std::optional<Number>& number) {
  return number ? nn::number_text(*number) : "";
}

template <class Number>
constexpr const char* type_name = std::is_floating_point_v<Number> ? "FLOAT"
                                  : std::is_signed_v<Number>       ? "INT"
                                                                   : "UINT";

bool is_flag(const CLI::Option& option) { return option.get_expected_min() == 0; }

// Applies a setting of a file, unless the command line has set this option.
void take(CLI::App& app, const nn::SettingLine& setting) {
  const std::string name = "--" + printable_line(setting.name);
  CLI::Option* const option = app.get_option_no_throw("--" + setting.name);
  require(option != nullptr, "there is no option '", printable_line(setting.name), "'");
  require(option->get_configurable(), name, " can be given on the command line only");
  if (option->count() > 0) return;
  require(setting.values.size() == 1 || option->get_items_expected_max() > 1, name,
          " takes one value, not ", setting.values.size());
  if (is_flag(*option)) {
    const std::string& value = setting.values.front();
    require(value == "true" || value == "false", name, " must be true or false, not ",
            printable_line(value));
    option->add_result(option->get_flag_value(setting.name, value));
  } else {
    option->add_result(setting.values);
  }
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
  declare(name, value, help)->check(one_of(choices));
  return *this;
}

template <class Number>
Options& Options::add(Text name, Number& value, const Range& range, Text help) {
  using Plain = typename NumberOf<Number>::Type;
  add(
      name, [&value, range](Text text) { value = *nn::read_number<Plain>(text, range); },
      [&value] { return exactly<Plain>(value); }, {}, help);
  last_->type_name(type_name<Plain>)->check([range](Text text) {
    return nn::read_number<Plain>(text, range)
               ? ""
               : text_from("must be ", range.text, ", not ", printable_line(text));
  });
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
  if (!choices.empty()) last_->check(one_of(choices));
  return *this;
}

void Options::add(const nn::SettingList& settings) {
  for (const nn::Setting& setting : settings) {
    group(setting.group);
    const std::string name = "--" + setting.name;
    if (setting.flag != nullptr) {
      add_flag(name, *setting.flag, setting.help);
    } else if (setting.group.empty()) {  // CLI11 does not name it in its messages
      const auto check = [setting](Text value) {
        const std::string problem = setting.problem(value);
        require(problem.empty(), setting.name, ": ", problem);
        setting.set(value);
      };
      add(name, check, setting.get, setting.choices, setting.help);
    } else {
      add(name, setting.set, setting.get, setting.choices, setting.help);
      last_->type_name(setting.type);
      if (setting.choices.empty() && setting.problem) last_->check(setting.problem);
    }
    if (!setting.absent.empty()) absent_means(setting.absent);
  }
}

Options& Options::required() { return last_->required(), *this; }
Options& Options::excludes(Text name) { return last_->excludes(app_->get_option(name)), *this; }
Options& Options::absent_means(Text value) {
  if (last_->get_default_str() == value) last_->default_str("");
  return *this;
}

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
  const std::string text = read_regular_file(path, nn::longest_settings);
  std::map<std::string, std::size_t> lines;
  try {
    for (const nn::SettingLine& setting : nn::parse_settings(text)) {
      const auto [former, is_new] = lines.emplace(setting.name, setting.line);
      require(is_new, "--", printable_line(setting.name), " is set twice, in lines ",
              former->second, " and ", setting.line);
      take(*app_, setting);
    }
  } catch (const std::runtime_error& error) {  // CLI11's and ours
    fail(path.string(), ": ", printable_line(error.what(), 0));
  }
}

void Options::fill(const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values) {
    CLI::Option* const option = app_->get_option("--" + name);
    if (option->count() > 0) continue;
    take(*app_, {name, {value}, 0});
    option->clear();  // the variable keeps the value
  }
}

void Options::require_all(const nn::SettingList& settings) const {
  for (const nn::Setting& setting : settings) {
    const CLI::Option* const option = app_->get_option("--" + setting.name);
    require(option->count() > 0 || option->get_default_str().empty(), option->get_name(),
            " is missing");
  }
}

std::string Options::to_text() const {
  std::string text;
  for (const CLI::Option* option : app_->get_options())
    if (option->get_configurable() && !option->get_default_str().empty())
      text += nn::settings_line(option->get_single_name(), option->get_default_str());
  return text;
}

bool Options::has(Text name) const { return app_->get_option_no_throw(name) != nullptr; }

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
