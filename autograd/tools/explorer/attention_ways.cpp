#include "autograd/tools/explorer/attention_ways.h"

#include <cmath>
#include <set>

#include "autograd/tools/story_words.h"

namespace adjoint::exploring {
namespace {

using Story = TapeStory;

constexpr std::size_t longest_way = 8;

// Whether the node maps this input element by element.
bool keeps_place(const Story::Node& node, std::size_t input) {
  static const std::set<std::string> operations = {
      "add",   "sub",  "mul",   "div",     "affine", "divide_by", "neg",
      "where", "tanh", "clamp", "dropout", "cast",   "softplus",  "sigmoid"};
  return operations.contains(node.operation) &&
         node.inputs[input].form.shape == node.outputs[0].form.shape;
}

bool is_product(const Story::Node& node) {
  return (node.operation == "matmul" && node.outputs[0].form.shape.rank() >= 2) ||
         node.operation == "masked_scores";
}
bool is_mix(const Story::Node& node, std::size_t input) {
  if (input != 0) return false;
  return (node.operation == "matmul" && !flag(node, "transpose_a")) ||
         (node.operation == "masked_sum" && !flag(node, "transposed"));
}

template <class T>
std::optional<T> attribute(const Story::Node& node, std::string_view name) {
  for (const Attribute& each : node.attributes)
    if (each.name == name)
      if (const T* const value = std::get_if<T>(&each.value)) return *value;
  return std::nullopt;
}

// "/√d", "/3" or " · 0.5" if the operation only scales; else nothing.
std::string scaling(const Story::Node& node, Index d) {
  const auto is_root = [d = static_cast<double>(d)](double c) {
    return d > 0 && std::abs(c * c - d) < 1e-6 * d;
  };
  if (const auto c = attribute<double>(node, "c"); node.operation == "divide_by" && c)
    return is_root(*c) ? "/√d" : '/' + telling::number_text(*c);
  if (node.operation == "affine" && attribute<double>(node, "shift").value_or(0) == 0) {
    const double c = attribute<double>(node, "scale").value_or(1);
    return is_root(1 / c) ? "/√d" : " · " + telling::number_text(c);
  }
  const bool by_number = node.inputs.size() == 2 && node.inputs[1].form.shape.numel() == 1;
  if (by_number && node.operation == "mul") return " · c";
  if (by_number && node.operation == "div") return "/c";
  return {};
}

}  // namespace

bool flag(const Story::Node& node, std::string_view name) {
  return attribute<bool>(node, name).value_or(false);
}

Ways::Ways(const TapeStory& story) : story_(story) {
  for (const Story::Node& node : story.nodes)
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i].node > 0) readers_.emplace(node.inputs[i].node, Read{node.number, i});
}

std::optional<Way> Ways::from_product(int node, int& product, std::size_t depth) const {
  if (node == 0 || depth > longest_way) return std::nullopt;
  const Story::Node& last = story_.node(node);
  if (is_product(last)) {
    product = node;
    return Way();
  }
  for (std::size_t i = 0; i < last.inputs.size(); ++i) {
    if (!keeps_place(last, i)) continue;
    if (std::optional<Way> way = from_product(last.inputs[i].node, product, depth + 1)) {
      way->push_back({node, i});
      return way;
    }
  }
  return std::nullopt;
}

std::optional<Way> Ways::to_mix(int node, std::size_t depth) const {
  if (depth > longest_way) return std::nullopt;
  const auto [begin, end] = readers_.equal_range(node);
  for (auto reader = begin; reader != end; ++reader) {
    const Read read = reader->second;
    const Story::Node& next = story_.node(read.node);
    if (is_mix(next, read.input)) return Way{read};
    if (!keeps_place(next, read.input)) continue;
    if (std::optional<Way> way = to_mix(read.node, depth + 1)) {
      way->insert(way->begin(), read);
      return way;
    }
  }
  return std::nullopt;
}

StepWords words_of_step(const Story::Node& node, const std::string& from, Index d) {
  const std::string& operation = node.operation;
  if (const std::string by = scaling(node, d); !by.empty())
    return {"Z", "scaled", from + by, "Z̄" + by};
  if (operation == "add" || operation == "sub")
    return {"B", "biased", from + (operation == "add" ? " + " : " − ") + "bias", "B̄"};
  if (operation == "where")
    return {"N", "chosen", from + " or the other operand", "N̄ where " + from + " was taken"};
  return {"T", operation, operation + '(' + from + ')', ""};
}

}  // namespace adjoint::exploring
