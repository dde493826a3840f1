#include "examples/seq2seq/settings/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>

#include "autograd/support/printable.h"
#include "data/metrics/nearest_name.h"

namespace adjoint::seq2seq {
namespace {

// The options of the program and of the commands that were called.
std::vector<std::string> known_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_lnames().empty() && !option->get_group().empty())
      names.push_back("--" + option->get_lnames().front());
  for (const CLI::App* command : app.get_subcommands())
    std::ranges::copy(known_options(*command), std::back_inserter(names));
  return names;
}

std::vector<std::string> commands_of(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands(nullptr))
    names.push_back(command->get_name());
  return names;
}

std::string listed(const std::vector<std::string>& names, const std::string& separator) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : separator) + name;
  return text;
}

}  // namespace

std::string suggestion(const std::string& given, const std::vector<std::string>& known) {
  const std::string nearest = data::nearest_name(given, known);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

CLI::Validator one_of(const std::vector<std::string>& choices) {
  const auto check = [choices](const std::string& given) {
    if (std::ranges::find(choices, given) != choices.end()) return std::string();
    return "'" + printable_line(given) + "' is none of " + listed(choices, ", ") +
           suggestion(given, choices);
  };
  return {check, "{" + listed(choices, ",") + "}"};
}

std::string problem(const CLI::App& program, const CLI::ParseError& error) {
  std::vector<std::string> rest = program.remaining(true);
  std::erase(rest, "--");
  const std::string first = rest.empty() ? "" : rest.front();
  if (program.get_subcommands().empty() && !first.empty() && !first.starts_with('-'))
    return "no command '" + printable_line(first) + "'; the commands are " +
           listed(commands_of(program), ", ") + suggestion(first, commands_of(program));
  const bool is_extra = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (is_extra && first.starts_with("-")) {
    const std::string name = first.substr(0, first.find('='));
    return "there is no option " + printable_line(name) + suggestion(name, known_options(program));
  }
  const std::string text = error.what();
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) &&
      program.get_subcommands().empty())
    return "a command is required; the commands are " + listed(commands_of(program), ", ");
  const std::size_t colon = text.find(": ");
  const std::string rest_of_text = colon == std::string::npos ? "" : text.substr(colon);
  if (rest_of_text.starts_with(": At Most 1 required but received "))
    return text.substr(0, colon) + " is given more than once; give it one value";
  if (rest_of_text.starts_with(": 1 required ") && rest_of_text.ends_with(" missing"))
    return text.substr(0, colon) + " needs a value";
  return printable_line(text, 400);
}

}  // namespace adjoint::seq2seq
