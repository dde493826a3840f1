// Whether queries and keys are computed from the same values.
#include <algorithm>
#include <set>

#include "autograd/tools/explorer/attention.h"
#include "autograd/tools/story_words.h"

namespace adjoint::exploring {
namespace {

using Value = std::pair<int, int>;  // a node and its output

// The value, and those that it was computed from by moving elements, by rotations, and by one
// projection, such as a linear layer.
std::vector<Value> sources_of(const TapeStory& story, const TapeStory::Input& x) {
  static const std::set<std::string> moves = {"reshape", "permute", "slice",        "split",
                                              "cast",    "rotary",  "broadcast_to", "affine",
                                              "gather",  "add",     "divide_by",    "dropout"};
  std::vector<Value> values;
  bool projected = false;
  for (Value value{x.node, x.output}; value.first > 0;) {
    values.push_back(value);
    const TapeStory::Node& node = story.node(value.first);
    const bool projects = node.operation == "matmul" || node.operation == "linear";
    if (!moves.contains(node.operation) && !(projects && !projected)) break;
    projected |= projects;
    value = {node.inputs[0].node, node.inputs[0].output};
  }
  return values;
}

std::string name_of(const TapeStory& story, const Value& value) {
  return telling::full_name(story, value.first, value.second);
}
std::string name_of(const TapeStory& story, const TapeStory::Input& x) {
  const std::vector<Value> values = sources_of(story, x);
  return values.empty() ? "a constant" : name_of(story, values.back());
}

}  // namespace

std::string self_or_cross(const TapeStory& story, const TapeStory::Input& q,
                          const TapeStory::Input& k) {
  const std::vector<Value> of_k = sources_of(story, k);
  for (const Value& value : sources_of(story, q))
    if (std::ranges::find(of_k, value) != of_k.end())
      return "Self-attention: queries and keys come from " + name_of(story, value) + '.';
  if (q.node == 0 && k.node == 0 && q.values.defined() && q.values.storage() == k.values.storage())
    return "Self-attention: queries and keys are the same constant.";
  return "Cross-attention: queries come from " + name_of(story, q) + ", keys from " +
         name_of(story, k) + '.';
}

}  // namespace adjoint::exploring
