// Which functions there are, what they are called with, and whether a call fits.

#include <algorithm>
#include <unordered_map>

#include "autograd/support/printable.h"
#include "examples/explain/advice.h"
#include "examples/explain/functions.h"

namespace adjoint::expression {
namespace {

std::vector<Parameter> parsed(std::string_view text) {
  std::vector<Parameter> parameters;
  bool by_name = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(", "), text.size());
    std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (one == "*") {
      by_name = true;
      continue;
    }
    Parameter parameter;
    parameter.by_name = by_name;
    if (const std::size_t equals = one.find('='); equals != one.npos) {
      parameter.standard = one.substr(equals + 1);
      one = one.substr(0, equals);
    }
    for (auto bar = one.rfind('|'); bar != one.npos; bar = one.rfind('|')) {
      parameter.other_names.emplace_back(one.substr(bar + 1));
      one = one.substr(0, bar);
    }
    parameter.is_list = one.ends_with("...");
    if (parameter.is_list) one.remove_suffix(3);
    parameter.name = one;
    parameters.push_back(parameter);
  }
  return parameters;
}

struct Entry {
  const Function* function;
  std::vector<Parameter> parameters;
};
const std::unordered_map<std::string_view, Entry>& entries() {
  static const auto all = [] {
    std::unordered_map<std::string_view, Entry> map;
    for (const Function& function : functions())
      map[function.name] = {&function, parsed(function.parameters)};
    return map;
  }();
  return all;
}

}  // namespace

const Function* find_function(std::string_view name) {
  const auto found = entries().find(name);
  return found == entries().end() ? nullptr : found->second.function;
}

std::string_view constant_help(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> constants[] = {
      {"pi", "3.14159…, the half circumference of the unit circle"},
      {"π", "pi"},
      {"inf", "infinity"},
      {"nan", "not a number, the result of 0 / 0"},
      {"true", "where a condition holds; 1 in arithmetic"},
      {"false", "where a condition does not hold; 0 in arithmetic"}};
  const auto found = std::ranges::find(constants, name, [](const auto& c) { return c.first; });
  return found == std::end(constants) ? std::string_view() : found->second;
}

const std::vector<Parameter>& parameters_of(const Function& function) {
  return entries().at(function.name).parameters;
}

std::string signature_of(const Function& function) {
  std::string text = function.name;
  for (const char* separator = "("; const Parameter& parameter : parameters_of(function)) {
    text += std::exchange(separator, ", ") + parameter.name + (parameter.is_list ? "..." : "");
    if (parameter.standard) text += "=" + *parameter.standard;
  }
  return text + ")";
}

namespace {

std::size_t position_of(const Function& function, const Argument& argument) {
  const std::vector<Parameter>& parameters = parameters_of(function);
  const auto is_called = [&](std::string_view name) {
    return std::ranges::find_if(parameters, [&](const Parameter& parameter) {
      return !parameter.is_list &&
             (parameter.name == name || std::ranges::count(parameter.other_names, name) > 0);
    });
  };
  const auto found = is_called(argument.name);
  if (found != parameters.end()) return static_cast<std::size_t>(found - parameters.begin());
  const std::string_view here = advice_on_parameter(argument.name);
  const bool advised = !here.empty() && is_called(here) != parameters.end();
  refuse(argument.place, function.name, " has no parameter '", printable_line(argument.name, 40),
         "'", advised ? text_from("; did you mean '", here, "'?") : "", advised ? " " : ": ",
         signature_of(function));
}

[[noreturn]] void refuse_without_name(const Function& function, const Parameter& parameter,
                                      Place place) {
  const std::string_view advice = advice_on_second_argument(function.name);
  refuse(place, function.name, ": '", parameter.name, "' is given by name: write ", function.name,
         "(x, ", parameter.other_names.empty() ? parameter.name : parameter.other_names.front(),
         "=0)", advice.empty() ? "" : "; ", advice);
}

}  // namespace

std::vector<std::size_t> bind(const Function& function, const std::vector<Argument>& arguments,
                              Place place) {
  const std::vector<Parameter>& parameters = parameters_of(function);
  std::vector<std::size_t> bound(parameters.size(), Program::absent), list;
  std::size_t next = 0;
  bool named = false;
  for (const Argument& argument : arguments) {
    named = named || !argument.name.empty();
    const std::size_t at = argument.name.empty() ? next : position_of(function, argument);
    if (argument.name.empty() && named)
      refuse(argument.place, "an argument without a name cannot follow one with a name");
    if (at == parameters.size())
      refuse(argument.place, "too many arguments: ", signature_of(function));
    if (!named && parameters[at].by_name)
      refuse_without_name(function, parameters[at], argument.place);
    if (parameters[at].is_list) {
      list.push_back(argument.node);
      continue;
    }
    if (bound[at] != Program::absent)
      refuse(argument.place, "'", parameters[at].name, "' is given twice");
    bound[at] = argument.node;
    if (!named) ++next;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    if (parameter.is_list ? list.empty() : bound[i] == Program::absent && !parameter.standard)
      refuse(place, "'", parameter.name, "' is missing: ", signature_of(function));
  }
  bound.insert(bound.end(), list.begin(), list.end());
  return bound;
}

}  // namespace adjoint::expression
