// What the tests of explain() share.
#pragma once

#include <sstream>
#include <string>

#include "autograd/ops.h"
#include "autograd/tools/explain.h"

namespace adjoint::testing {

inline std::string explained(const Tensor& y, const ExplainOptions& options = {}) {
  std::ostringstream text;
  adjoint::explain(text, y, options);
  return text.str();
}

// Whether the text holds this sentence, however its lines are broken.
inline bool says(const std::string& text, const std::string& sentence) {
  const auto on_one_line = [](const std::string& lines) {
    std::istringstream words(lines);
    std::string result;
    for (std::string word; words >> word;) result += word + ' ';
    return result;
  };
  std::string wanted = on_one_line(sentence);
  wanted.pop_back();
  return on_one_line(text).find(wanted) != std::string::npos;
}

inline Tensor number(double value, const std::string& name) {
  return variable(scalar(value, DType::f64), name);
}

}  // namespace adjoint::testing
