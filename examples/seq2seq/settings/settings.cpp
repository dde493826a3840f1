#include "examples/seq2seq/settings/settings.h"

#include <map>
#include <sstream>

namespace adjoint::seq2seq {

void Settings::add_to(Options& options) {
  data.add_to(options);
  model.add_to(options);
  training.add_to(options);
}

void Settings::check(const Options& options) const {
  data.check(options);
  model.check(options);
  training.check(options, data.validation > 0);
}

std::unique_ptr<nn::EncoderDecoder> Settings::network(Index source_tokens,
                                                      Index target_tokens) const {
  return model.make(source_tokens, target_tokens, data.decoding_limit() + 1,
                    Key(training.seed).child("model"));
}

std::string Settings::to_text() const {
  Settings defaults = *this;  // what an option has when it is declared is its default
  Options options;
  defaults.add_to(options);
  return options.to_text();
}

Settings Settings::read(const std::filesystem::path& path) {
  Settings settings;
  Options options;
  settings.add_to(options);
  options.read_file(path);
  try {
    options.require_all();
    settings.check(options);
  } catch (const Error& error) {
    fail(path.string(), ": not the settings of a model: ", error.what());
  }
  return settings;
}

std::vector<std::pair<std::string, std::string>> Settings::values() const {
  std::vector<std::pair<std::string, std::string>> values;
  std::istringstream text(to_text());
  for (std::string line; std::getline(text, line);)
    if (const std::size_t equals = line.find('='); equals != std::string::npos)
      values.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  return values;
}

std::string difference(const Settings& a, const Settings& b) {
  std::map<std::string, std::pair<std::string, std::string>> options;
  for (auto& [name, value] : a.values()) options[name].first = value;
  for (auto& [name, value] : b.values()) options[name].second = value;
  const auto shown = [](const std::string& value) { return value.empty() ? "unset" : value; };
  std::string text;
  for (const auto& [name, value] : options)
    if (value.first != value.second)
      text += (text.empty() ? "--" : "; --") + name + " is " + shown(value.second) + ", not " +
              shown(value.first);
  return text;
}

}  // namespace adjoint::seq2seq
