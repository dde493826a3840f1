// The tape as a Graphviz graph.
#include <map>
#include <string>
#include <utility>

#include "autograd/support/printable.h"
#include "autograd/tools/inspect.h"
#include "autograd/tools/story_words.h"
#include "autograd/tools/tape_story.h"

namespace adjoint {
namespace {

using namespace telling;
using Story = TapeStory;

constexpr Index most_elements = 6;  // of a tensor that is drawn with all its numbers

// In a DOT string a quote ends the string, a backslash begins an escape, and labels may hold the
// entities of HTML.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : printable_line(text, 0)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
    if (c == '&') result += "amp;";
  }
  return result;
}

constexpr const char* beginning =
    "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=\"Helvetica\"];\n"
    "  edge [fontname=\"Helvetica\", fontcolor=\"#a03000\"];\n";

// The lines of a box are escaped already.
void draw_box(std::ostream& stream, const Story::Node& node, const std::string& lines) {
  stream << "  n" << node.number << " [label=\"" << lines << (node.consumed ? "\\nconsumed" : "")
         << '"' << (node.is_leaf() ? ", style=filled, fillcolor=lightgray" : "") << "];\n";
}

// `several`: whether the source has several outputs, which the edge must tell apart.
void draw_edge(std::ostream& stream, const Story::Node& node, const Story::Input& input,
               bool several, const std::string& term) {
  stream << "  n" << input.node << " -> n" << node.number;
  const char* separator = " [";
  if (several) stream << std::exchange(separator, ", ") << "taillabel=\"" << input.output << '"';
  if (!term.empty()) stream << std::exchange(separator, ", ") << "label=\"" << escaped(term) << '"';
  stream << (separator[0] == ',' ? "];\n" : ";\n");
}

// "\n[2] = [1, 2]\ncotangent [3, 4]" for each output; of a number, "\n= 1\ncotangent 3".
std::string numbers_of(const Story::Node& node) {
  std::string lines;
  for (const Story::Output& output : node.outputs) {
    const bool known = output.values.defined(), number = known && output.form.shape.rank() == 0;
    lines += text_from("\\n", number ? "= " : text_from(output.form.shape, known ? " = " : ""));
    if (known) lines += escaped(tensor_text(output.values, most_elements));
    lines += "\\ncotangent ";
    lines += output.cotangent.defined() ? escaped(tensor_text(output.cotangent, most_elements))
                                        : std::string("0");
  }
  return lines;
}

}  // namespace

void print_dot(std::ostream& out, const Tensor& y) {
  const std::vector<Story::Node> nodes = tape_nodes(y);
  TextStream stream;  // numbers look the same in every locale
  stream << beginning;
  for (const Story::Node& node : nodes) {
    std::string lines = escaped(node.label.empty() ? node.operation : node.label);
    for (const Story::Output& output : node.outputs) lines += text_from("\\n", output.form.shape);
    draw_box(stream, node, lines);
    for (const Story::Input& input : node.inputs)
      if (input.node > 0)
        draw_edge(stream, node, input,
                  nodes[static_cast<std::size_t>(input.node) - 1].outputs.size() > 1, "");
  }
  out << stream.str() << "}\n";
}

void print_dot(std::ostream& out, const TapeStory& story) {
  std::map<std::pair<int, int>, const Tensor*> terms;  // by the node that sent it, and its input
  for (const Story::Event& event : story.events)
    if (const auto* const arrival = std::get_if<Story::Arrival>(&event))
      terms[{arrival->from, arrival->input}] = &arrival->term;
  TextStream stream;  // numbers look the same in every locale
  stream << beginning;
  for (const Story::Node& node : story.nodes) {
    const std::string title = text_from('%', node.number, " = ", call_text(story, node));
    draw_box(stream, node, escaped(title) + numbers_of(node));
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Story::Input& input = node.inputs[i];
      if (input.node == 0) continue;
      const auto term = terms.find({node.number, static_cast<int>(i)});
      draw_edge(stream, node, input, story.node(input.node).outputs.size() > 1,
                term == terms.end() ? "0" : tensor_text(*term->second, most_elements));
    }
  }
  out << stream.str() << "}\n";
}

}  // namespace adjoint
