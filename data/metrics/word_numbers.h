// Words as numbers, which are faster to compare than texts.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/text/tokenizer.h"

namespace adjoint::data {

/// Numbers distinct words from 0 in order of appearance. Keeps references to the words.
class WordNumbers {
 public:
  using Number = std::int32_t;

  std::vector<Number> operator()(const Tokens& words) {
    std::vector<Number> numbers;
    numbers.reserve(words.size());
    for (const std::string& word : words)
      numbers.push_back(known_.emplace(word, static_cast<Number>(known_.size())).first->second);
    return numbers;
  }
  std::size_t size() const { return known_.size(); }

 private:
  std::unordered_map<std::string_view, Number> known_;
};

}  // namespace adjoint::data
