#include "autograd/tools/inspect.h"

#include <algorithm>
#include <map>

namespace adjoint {
namespace {

// Small numbers in the order of computation, instead of the counter of the whole program.
std::map<std::uint64_t, std::size_t> numbering(const std::vector<NodePtr>& nodes) {
  std::map<std::uint64_t, std::size_t> numbers;
  for (std::size_t i = 0; i < nodes.size(); ++i) numbers[nodes[i]->number()] = nodes.size() - i;
  return numbers;
}

std::string label_of(const Node& node) {
  const auto* leaf = dynamic_cast<const Leaf*>(&node);
  return leaf ? leaf->label() : std::string();
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
    for (const Operand& operand : node->operands()) reach(operand.value);
  }
  std::vector<NodePtr> nodes;
  for (const auto& [number, node] : reached) nodes.push_back(node);
  return nodes;
}

void print_tape(std::ostream& stream, const Tensor& y) {
  const std::vector<NodePtr> nodes = tape(y);
  auto numbers = numbering(nodes);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    stream << '%' << numbers[(*node)->number()] << " = " << (*node)->name();
    if ((*node)->is_leaf()) {
      if (const std::string label = label_of(**node); !label.empty())
        stream << " '" << label << '\'';
    } else {
      stream << '(';
      const char* separator = "";
      for (const Operand& operand : (*node)->operands()) {
        stream << separator;
        if (operand.value.tracked())
          stream << '%' << numbers[operand.value.history().node->number()];
        else
          stream << "constant " << operand.value.shape();
        separator = ", ";
      }
      stream << ')';
    }
    for (const Result& result : (*node)->results()) stream << "  " << result.form.shape;
    if (!(*node)->scope().empty()) stream << "  " << (*node)->scope();
    stream << '\n';
  }
}

void print_dot(std::ostream& stream, const Tensor& y) {
  const std::vector<NodePtr> nodes = tape(y);
  auto numbers = numbering(nodes);
  stream << "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=\"Helvetica\"];\n";
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const std::size_t number = numbers[(*node)->number()];
    const std::string label = label_of(**node);
    stream << "  n" << number << " [label=\"" << (label.empty() ? (*node)->name() : label) << "\\n"
           << (*node)->results()[0].form.shape << '"'
           << ((*node)->is_leaf() ? ", style=filled, fillcolor=lightgray" : "") << "];\n";
    for (const Operand& operand : (*node)->operands())
      if (operand.value.tracked())
        stream << "  n" << numbers[operand.value.history().node->number()] << " -> n" << number
               << ";\n";
  }
  stream << "}\n";
}

}  // namespace adjoint
