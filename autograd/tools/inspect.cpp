#include "autograd/tools/inspect.h"

#include <map>
#include <string>

namespace adjoint {
namespace {

// Nodes and their outputs by small numbers in the order of computation, instead of the numbers that
// the whole program shares.
class Names {
 public:
  explicit Names(const std::vector<NodePtr>& youngest_first) {
    std::size_t number = youngest_first.size();
    for (const NodePtr& node : youngest_first) numbers_[node->number()] = number--;
  }
  std::string of(const Node& node) const { return std::to_string(numbers_.at(node.number())); }
  // "2", or "2.1" for the second output where the node has several.
  std::string of(const History& x) const {
    const std::string name = of(*x.node);
    return x.node->outputs().size() == 1 ? name : name + "." + std::to_string(x.output);
  }

 private:
  std::map<std::uint64_t, std::size_t> numbers_;
};

std::string label_of(const Node& node) {
  return node.is_leaf() ? static_cast<const Leaf&>(node).label() : std::string();
}

// In a DOT string a quote ends the string and a backslash begins an escape.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

void print_inputs(std::ostream& stream, const Node& node, const Names& names) {
  stream << '(';
  const char* separator = "";
  for (const SavedInput& input : node.inputs()) {
    stream << separator;
    if (input.value.tracked())
      stream << '%' << names.of(input.value.history());
    else if (node.consumed())
      stream << "consumed " << input.value.shape();
    else
      stream << "constant " << input.value.shape();
    separator = ", ";
  }
  stream << ')';
}

void print_outputs(std::ostream& stream, const Node& node, const Names& names) {
  const auto outputs = static_cast<int>(node.outputs().size());
  const char* separator = "";
  for (int i = 0; i < outputs; ++i, separator = ", ")
    stream << separator << '%' << names.of(node) << (outputs > 1 ? "." + std::to_string(i) : "");
}

}  // namespace

std::vector<NodePtr> tape(const Tensor& y) {
  std::map<std::uint64_t, NodePtr, std::greater<>> reached;
  std::vector<NodePtr> open;
  const auto reach = [&](const Tensor& x) {
    if (x.tracked() && reached.emplace(x.history().node->number(), x.history().node).second)
      open.push_back(x.history().node);
  };
  reach(y);
  while (!open.empty()) {
    const NodePtr node = std::move(open.back());
    open.pop_back();
    for (const SavedInput& input : node->inputs()) reach(input.value);
  }
  std::vector<NodePtr> nodes;
  for (const auto& [number, node] : reached) nodes.push_back(node);
  return nodes;
}

void print_tape(std::ostream& stream, const Tensor& y) {
  const std::vector<NodePtr> nodes = tape(y);
  const Names names(nodes);
  for (auto next = nodes.rbegin(); next != nodes.rend(); ++next) {
    const Node& node = **next;
    print_outputs(stream, node, names);
    stream << " = " << node.name();
    if (!node.is_leaf()) print_inputs(stream, node, names);
    if (const std::string label = label_of(node); !label.empty()) stream << " '" << label << '\'';
    for (const SavedOutput& output : node.outputs()) stream << "  " << output.form.shape;
    if (!node.scope().empty()) stream << "  " << node.scope();
    stream << '\n';
  }
}

void print_dot(std::ostream& stream, const Tensor& y) {
  const std::vector<NodePtr> nodes = tape(y);
  const Names names(nodes);
  stream << "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=\"Helvetica\"];\n";
  for (auto next = nodes.rbegin(); next != nodes.rend(); ++next) {
    const Node& node = **next;
    const std::string label = label_of(node);
    stream << "  n" << names.of(node) << " [label=\""
           << escaped(label.empty() ? node.name() : label);
    for (const SavedOutput& output : node.outputs()) stream << "\\n" << output.form.shape;
    if (node.consumed()) stream << "\\nconsumed";
    stream << '"' << (node.is_leaf() ? ", style=filled, fillcolor=lightgray" : "") << "];\n";
    for (const SavedInput& input : node.inputs()) {
      if (!input.value.tracked()) continue;
      const auto& [source, output] = input.value.history();
      stream << "  n" << names.of(*source) << " -> n" << names.of(node);
      if (source->outputs().size() > 1) stream << " [taillabel=\"" << output << "\"]";
      stream << ";\n";
    }
  }
  stream << "}\n";
}

}  // namespace adjoint
