// The options of a command. Each is declared once: its name, the variable that receives its value,
// the values it accepts and its line of --help. Parsing, settings files and the messages about
// wrong values all follow from that. CLI11 does the work; it is slow to compile, so only
// options.cpp includes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/shape.h"
#include "autograd/support/error.h"
#include "nn/translation/setting.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace adjoint::seq2seq {

// The numbers that an option accepts.
using nn::Range, nn::above_0, nn::under_1, nn::largest, nn::from_0, nn::from_1, nn::below_1;
constexpr Range from_1_to_1024 = {"a whole number from 1 to 1024", 1, 1024, true};
constexpr Range any_seed = {"a whole number from 0 to 18446744073709551615", 0,
                            18446744073709551615.0L, true};
constexpr Range positive = {"a number above 0", above_0, largest};
constexpr Range not_negative = {"a number of at least 0", 0, largest};
constexpr Range up_to_1 = {"a number in (0, 1]", above_0, 1};
constexpr Range percent = {"a number in [0, 100]", 0, 100};

/// An option's values with their names. Value is deduced from the variable, not from this list.
template <class Value>
using NamedValues = std::type_identity_t<std::vector<std::pair<const char*, Value>>>;

/// The command line cannot be understood: an unknown option, or a value it does not accept.
struct UsageError : Error {
  using Error::Error;
};

class Options {
 public:
  using Text = const std::string&;

  /// The footer follows the options in --help.
  Options(Text command = "", Text description = "", Text footer = "");

  // ---- Declaring. A name without dashes is that of a positional argument. A word after the name
  // is shown for the value in --help, as in "--output FOLDER". The value that the variable has at
  // this point is the default; a std::optional stays empty unless the option is given.

  /// A Value is a std::string, or a std::vector of them.
  template <class Value>
  Options& add(Text name, Value& value, Text help);
  Options& add(Text name, std::string& value, const std::vector<std::string>& choices, Text help);
  /// A Number is an Index, double or std::uint64_t, or a std::optional of one.
  template <class Number>
  Options& add(Text name, Number& value, const Range& range, Text help);
  Options& add_flag(Text name, bool& value, Text help);
  /// A value that `set` parses and `get` prints, one of the `choices` if there are any.
  Options& add(Text name, std::function<void(Text)> set, std::function<std::string()> get,
               const std::vector<std::string>& choices, Text help);
  /// A value that has a name.
  template <class Value>
  Options& add_choice(Text name, Value& value, const NamedValues<Value>& choices, Text help) {
    std::vector<std::string> names;
    for (const auto& [known, choice] : choices) names.push_back(known);
    using Choice = std::pair<const char*, Value>;
    const auto set = [&value, choices](Text text) {
      value = std::ranges::find(choices, text, &Choice::first)->second;
    };
    const auto get = [&value, choices]() -> std::string {
      return std::ranges::find(choices, value, &Choice::second)->first;
    };
    return add(name, set, get, names, help);
  }

  /// The settings of a part of a model.
  void add(const nn::SettingList& settings);

  // These change the option that was declared last:
  Options& required();
  Options& excludes(Text name);  ///< not together with that option
  /// Settings files of earlier versions lack it, which means this value. Files are written without
  /// it while it has this value.
  Options& absent_means(Text value);

  /// The options declared from here on are listed under this heading of --help.
  void group(Text heading) { heading_ = heading; }
  /// These options are not part of settings files.
  void command_line_only(const std::vector<std::string>& names);

  // ---- The command line

  void add_version(Text version);
  void add_command(const Options& command);
  /// Returns false if --help or --version was asked for, after printing it. Throws a UsageError.
  bool parse(int argc, const char* const* argv);
  /// Whether the command line named this command.
  bool called() const;

  // ---- Settings files: NAME=VALUE on each line

  /// Takes options from a file, except those already given. An Error names the file and an option
  /// that does not exist or does not accept its value.
  void read_file(const std::filesystem::path& path);
  /// Gives the options that have not been given these values. They do not count as given.
  void fill(const std::vector<std::pair<std::string, std::string>>& values);
  /// Error when one of these settings has neither been given nor has a default.
  void require_all(const nn::SettingList& settings) const;
  /// Every option with its value as the text of a settings file; empty optionals are left out.
  std::string to_text() const;

  /// Whether there is such an option.
  bool has(Text name) const;
  /// With `any`, whether the option has been given; otherwise, whether with a value other than its
  /// default.
  bool given(Text name, bool any) const;
  /// Error when the condition that a group of options needs does not hold, but one of them has been
  /// given a value other than its default: its name, followed by `problem`.
  void require_for_group(bool condition, Text heading, Text problem) const;

 private:
  template <class Value>
  CLI::Option* declare(Text name, Value& value, Text help);

  std::shared_ptr<CLI::App> app_;
  CLI::Option* last_ = nullptr;
  std::string heading_ = "Options";
};

}  // namespace adjoint::seq2seq
