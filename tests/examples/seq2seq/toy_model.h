// A small model in a folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "examples/seq2seq/model/model.h"
#include "nn/saving/checkpoint.h"

namespace adjoint::testing {

/// `number` determines its vocabularies and settings, but not its sizes.
inline seq2seq::Model toy_model(int number) {
  seq2seq::Settings settings;
  settings.model.transformer.width = 8;
  settings.model.transformer.hidden = 4;
  settings.model.transformer.heads = number % 2 == 0 ? 2 : 4;
  settings.data.min_frequency = 1;
  settings.training.seed = static_cast<std::uint64_t>(number);
  const std::vector<data::Tokens> words = {{"a" + std::to_string(number), "b", "c"}};
  return {settings, data::Tokenizer{}, data::Vocabulary(words), data::Vocabulary(words)};
}

inline std::vector<data::Pair> toy_pairs(int number) {
  return {{{"a" + std::to_string(number)}, {"b"}}, {{"c"}, {"c"}}};
}

/// Saves it as a run does.
inline void save_toy_model(int number, const std::filesystem::path& folder) {
  const seq2seq::Model model = toy_model(number);
  std::filesystem::create_directories(folder);
  save_description(model, toy_pairs(number), folder);
  nn::save_parameters(*model.network, folder / seq2seq::weights_file,
                      weights_metadata(model.settings, folder));
}

}  // namespace adjoint::testing
