#include "examples/seq2seq/commands/named_models.h"

#include <algorithm>

#include "autograd/support/printable.h"
#include "examples/seq2seq/model/ensemble.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;

bool names_a_model(const std::string& argument) {
  std::error_code ignored;
  return !argument.empty() && fs::exists(folder_of(argument) / settings_file, ignored);
}

// One word with a folder that exists before its last slash, or the name of a file of weights.
bool reads_like_a_model(const std::string& argument) {
  if (argument.find(' ') != std::string::npos) return false;
  std::error_code ignored;
  const fs::path path = argument, parent = path.parent_path();
  return path.extension() == ".safetensors" ||
         (path.has_filename() && parent.has_filename() && fs::is_directory(parent, ignored));
}

}  // namespace

std::vector<std::string> take_models(const std::string& first, std::vector<std::string>& rest) {
  const auto end = std::ranges::find_if_not(rest, names_a_model);
  std::vector<std::string> models = {first};
  models.insert(models.end(), rest.begin(), end);
  rest.erase(rest.begin(), end);
  for (const std::string& argument : rest)
    if (names_a_model(argument))
      fail("'", printable_line(rest.front()), "' is no model, but '", printable_line(argument),
           "' after it is one; models come first");
  return models;
}

Model load_for_use(const std::vector<std::string>& names) {
  std::vector<Model> models;
  for (const std::string& name : names) models.push_back(load_for_use(fs::path(name)));
  return ensemble(std::move(models), names);
}

std::string only_file(const std::vector<std::string>& rest) {
  if (rest.size() > 1)
    fail("'", printable_line(rest.front()),
         "' is no model, and only one file of pairs can be given");
  return rest.empty() ? "" : rest.front();
}

void require_sentences(const std::vector<std::string>& rest, bool quiet) {
  for (const std::string& sentence : rest)
    require(!reads_like_a_model(sentence), printable_line(sentence),
            ": no such model; if it is a sentence, give it on standard input");
  if (quiet) return;
  for (const std::string& sentence : rest) {
    std::error_code ignored;
    const bool is_one_word = sentence.find(' ') == std::string::npos && !sentence.empty();
    if (sentence.find_first_not_of("./") == std::string::npos) continue;  // a full stop, a slash
    if (fs::exists(sentence, ignored))
      report("'" + printable_line(sentence) +
             "' is a file or folder, but no model; it is translated as a sentence");
    else if (is_one_word && &sentence == &rest.front() && rest.size() > 1)
      report("'" + printable_line(sentence) + "' is no model; it is translated as a sentence");
  }
}

std::vector<data::Pair> load_held_out(const std::vector<std::string>& names, const Model& model) {
  std::vector<data::Pair> pairs = load_held_out(fs::path(names.front()), model);
  for (std::size_t i = 1; i < names.size(); ++i)
    require(load_held_out(fs::path(names[i]), model) == pairs, names[i],
            ": held out other pairs than ", names.front(), "; give a file of pairs");
  return pairs;
}

}  // namespace adjoint::seq2seq
