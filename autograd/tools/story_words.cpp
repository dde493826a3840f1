#include "autograd/tools/story_words.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <sstream>
#include <utility>

#include "autograd/support/printable.h"
#include "autograd/tools/inspect.h"

namespace adjoint::telling {

// ---- Numbers and tensors ------------------------------------------------------------------------

namespace {

std::string digits(double value, int count) { return text_from(std::setprecision(count), value); }

std::string element_text(const Tensor& x, Index position) {
  return dispatch(x.dtype(), [&]<class T>() {
    const T value = x.values<T>()[static_cast<std::size_t>(position)];
    if constexpr (std::same_as<T, bool>)
      return std::string(value ? "true" : "false");
    else if constexpr (std::same_as<T, Index>)
      return std::to_string(value);
    else
      return digits(static_cast<double>(value), x.numel() == 1 ? 6 : 4);
  });
}

// The elements under one index of the leading axes, from `position` on; `widths` are those of the
// columns, if they are aligned.
std::string nested(const Tensor& x, Index axis, Index position,
                   const std::vector<std::size_t>& widths = {}) {
  if (axis == x.rank()) {
    const std::string text = element_text(x, position);
    if (widths.empty()) return text;
    const std::size_t width = widths[static_cast<std::size_t>(position) % widths.size()];
    return std::string(width - text.size(), ' ') + text;
  }
  std::string text = "[";
  for (Index i = 0; i < x.size(axis); ++i)
    text += (i > 0 ? ", " : "") + nested(x, axis + 1, position * x.size(axis) + i, widths);
  return text + ']';
}

}  // namespace

std::string number_text(double value) { return digits(value, 6); }
std::string norm_text(double value) { return digits(value, 4); }

std::string tensor_text(const Tensor& x, Index most) {
  if (!x.defined()) return "";
  if (x.numel() == 0) return text_from("no elements, ", x.shape());
  if (x.numel() <= std::max<Index>(1, most)) return nested(x, 0, 0);
  const Statistics s = statistics(x);
  std::string text = text_from(x.shape());
  if (is_real(x.dtype())) text += " of norm " + norm_text(s.norm);
  if (s.nan > 0) text += ", " + with_commas(s.nan) + " NaN";
  if (s.infinite > 0) text += ", " + with_commas(s.infinite) + " infinite";
  text += ": ";
  for (Index i = 0; i < std::min<Index>(3, x.numel()); ++i) text += element_text(x, i) + ", ";
  return text + "…";
}

std::string tensor_block(const Tensor& x, Index most, std::size_t column, std::size_t width) {
  std::string text = tensor_text(x, most);
  const bool fits = column + columns(text) <= std::min(width, column + width * 3 / 5);
  if (fits || x.rank() < 2 || x.numel() == 0 || x.numel() > most) return text;
  std::vector<std::size_t> widths(static_cast<std::size_t>(x.size(-1)));
  for (Index i = 0; i < x.numel(); ++i) {
    std::size_t& widest = widths[static_cast<std::size_t>(i % x.size(-1))];
    widest = std::max(widest, element_text(x, i).size());
  }
  text = "[";
  for (Index row = 0; row < x.size(0); ++row)
    text += (row > 0 ? ",\n" + std::string(column + 1, ' ') : "") + nested(x, 1, row, widths);
  return text + ']';
}

std::string wrapped(const std::string& text, const std::string& indent, std::size_t width) {
  std::string result, line = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line != indent && columns(line) + 1 + columns(word) > width) {
      result += line + '\n';
      line = indent;
    }
    line += (line == indent ? "" : " ") + word;
  }
  return result + line + '\n';
}

std::string with_commas(Index count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<Index>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string counted(Index count, const std::string& noun) {
  return with_commas(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string list_text(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i)
    text += (i == 0 ? "" : i + 1 < items.size() ? ", " : " and ") + items[i];
  return text;
}

std::size_t columns(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0u) == 0x80u) continue;  // not the first byte of its character
    const bool combining = byte == 0xCC || (byte == 0xCD && i + 1 < text.size() &&
                                            static_cast<unsigned char>(text[i + 1]) < 0xB0);
    count += !combining;  // U+0300 to U+036F
  }
  return count;
}

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t taken = columns(text);
  return text + std::string(taken < width ? width - taken : 0, ' ');
}

// ---- Values of the tape -------------------------------------------------------------------------

std::string value_name(const TapeStory& story, int node, int output) {
  const bool several = story.node(node).outputs.size() > 1;
  return text_from('%', node, several ? text_from('.', output) : "");
}

std::string full_name(const TapeStory& story, int node, int output) {
  const std::string& label = story.node(node).label;
  return value_name(story, node, output) +
         (label.empty() ? "" : " '" + printable_line(label) + '\'');
}

namespace {

// "p = 2", "axes = [0, 1]"; just the name of a flag that is set.
std::string attribute_text(const Attribute& attribute) {
  const std::string name = attribute.name;
  const auto text = [&]<class T>(const T& value) -> std::string {
    if constexpr (std::same_as<T, bool>) return value ? name : "";
    if constexpr (std::same_as<T, double>) return name + " = " + number_text(value);
    if constexpr (std::same_as<T, Index>) return name + " = " + std::to_string(value);
    if constexpr (std::same_as<T, DType>) return name + " = " + name_of(value);
    if constexpr (std::same_as<T, std::vector<Index>>) {
      std::string list;
      for (const Index i : value) list += (list.empty() ? "" : ", ") + std::to_string(i);
      return name + " = [" + list + ']';
    }
  };
  return std::visit(text, attribute.value);
}

std::string input_text(const TapeStory& story, const TapeStory::Input& input) {
  if (input.node > 0) return value_name(story, input.node, input.output);
  if (input.values.defined() && input.form.shape.rank() == 0) return tensor_text(input.values, 1);
  return text_from("constant ", input.form.shape);
}

}  // namespace

std::string call_text(const TapeStory& story, const TapeStory::Node& node) {
  if (node.is_leaf())
    return node.label.empty() ? "leaf" : "leaf '" + printable_line(node.label) + '\'';
  std::string text = node.operation + '(';
  const char* separator = "";
  const Index shown = node.inputs.size() > 8 ? 6 : std::ssize(node.inputs);
  for (Index i = 0; i < shown; ++i)
    text += std::exchange(separator, ", ") +
            input_text(story, node.inputs[static_cast<std::size_t>(i)]);
  if (shown < std::ssize(node.inputs))
    text += ", … " + with_commas(std::ssize(node.inputs) - shown) + " more";
  for (const Attribute& attribute : node.attributes)
    if (const std::string part = attribute_text(attribute); !part.empty())
      text += std::exchange(separator, ", ") + part;
  return text + ')';
}

// ---- Formulas -----------------------------------------------------------------------------------

std::string value_formula(const TapeStory::Node& node) {
  return node.rule.empty() ? "" : node.rule.front();
}

std::string gradient_formula(const TapeStory::Node& node, std::size_t input) {
  if (node.rule.size() < 2) return "";
  return node.rule[std::min(input + 1, node.rule.size() - 1)];
}

namespace {

// The name under the bar: "a" for "ā". Empty if there is no bar, or more than a name.
std::string without_bar(std::string name) {
  using Pair = std::pair<const char*, const char*>;
  constexpr std::array<Pair, 9> barred = {// which Unicode has as one character
                                          {{"ā", "a"},
                                           {"ē", "e"},
                                           {"ī", "i"},
                                           {"ō", "o"},
                                           {"ū", "u"},
                                           {"ȳ", "y"},
                                           {"ḡ", "g"},
                                           {"Ā", "A"},
                                           {"Ē", "E"}}};
  if (name.find_first_of(" ,()") != std::string::npos) return "";
  for (const auto& [with, without] : barred)
    if (name.starts_with(with)) return without + name.substr(std::string_view(with).size());
  const std::string bar = "\u0304";  // follows its letter
  const std::size_t at = name.find(bar);
  return at == std::string::npos ? "" : name.erase(at, bar.size());
}

}  // namespace

std::string letter_of(const TapeStory::Node& node, std::size_t input) {
  const std::string formula = gradient_formula(node, input);
  if (const std::size_t end = formula.find(": "); formula.ends_with(": no gradient"))
    return formula.substr(0, end);
  const std::size_t end = formula.find(" = ");
  if (end == std::string::npos) return "";
  // The last formula serves all inputs from this one on. It names one if the others are constants.
  const std::size_t last = node.rule.size() - 2;
  if (input > last) return "";
  const auto is_on_tape = [](const TapeStory::Input& x) { return x.node > 0; };
  if (input == last && std::any_of(node.inputs.begin() + static_cast<std::ptrdiff_t>(input) + 1,
                                   node.inputs.end(), is_on_tape))
    return "";
  return without_bar(formula.substr(0, end));
}

}  // namespace adjoint::telling
