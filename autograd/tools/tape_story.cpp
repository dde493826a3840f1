#include "autograd/tools/tape_story.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "autograd/grad.h"
#include "autograd/independence.h"
#include "autograd/observer.h"
#include "autograd/operation.h"
#include "autograd/ops.h"
#include "autograd/pullback.h"
#include "autograd/tools/broadcast.h"
#include "autograd/tools/inspect.h"

namespace adjoint {
namespace {

using Story = TapeStory;
using Numbers = std::unordered_map<const Node*, int>;

Tensor without_history(const Tensor& x) { return {x.form(), x.storage()}; }

// ---- What is on the tape ------------------------------------------------------------------------

// The axes of `to` along which an operand of shape `from` is repeated, aligned at the last axis.
std::vector<Index> repeated_axes(const Shape& from, const Shape& to) {
  std::vector<Index> axes;
  const Index missing = to.rank() - from.rank();
  for (Index axis = 0; axis < to.rank(); ++axis)
    if (axis < missing || (from[axis - missing] == 1 && to[axis] != 1)) axes.push_back(axis);
  return axes;
}

// Whether the operand is used once for every row of another, as a bias is. Then its rule says so.
bool is_used_for_each_row(const Node& node, std::size_t input) {
  const Rule rule = node.rule();
  return input + 1 < rule.size() &&
         std::string_view(rule[input + 1]).find("over the rows") != std::string_view::npos;
}

std::vector<Index> repeated_axes(const Node& node, std::size_t input) {
  const std::string_view operation = node.name();
  const Shape &x = node.inputs()[input].value.shape(), &y = node.outputs()[0].form.shape;
  if (broadcasts(operation) || operation == "broadcast_to" || is_used_for_each_row(node, input))
    return repeated_axes(x, y);
  // Of a matrix product, the axes before the matrices broadcast.
  if (operation == "matmul" && y.rank() > 2)
    return repeated_axes(x.part(0, x.rank() - 2), y.part(0, y.rank() - 2));
  return {};
}

bool was_edited(const StoragePtr& storage, std::uint64_t version) {
  return storage && version_of(*storage) != version;
}

Story::Node described(const NodePtr& recorded, int number, const Numbers& numbers) {
  const Node& node = *recorded;
  Story::Node result{.number = number, .operation = node.name(), .scope = node.scope()};
  if (node.is_leaf()) result.label = static_cast<const Leaf&>(node).label();
  for (const char* const formula : node.rule()) result.rule.emplace_back(formula);
  result.attributes = node.attributes();
  result.consumed = node.consumed();
  result.recorded = recorded;
  for (std::size_t i = 0; i < node.inputs().size(); ++i) {
    const auto& [value, version] = node.inputs()[i];
    Story::Input input{.form = value.form()};
    if (value.tracked()) {
      input.node = numbers.at(value.history().node.get());
      input.output = value.history().output;
    }
    if (value.storage() && !was_edited(value.storage(), version))
      input.values = without_history(value);
    if (!node.consumed()) input.repeated = repeated_axes(node, i);
    result.inputs.push_back(std::move(input));
  }
  for (const SavedOutput& saved : node.outputs()) {
    Story::Output output{.form = saved.form};
    output.edited = was_edited(saved.storage, saved.version);
    if (saved.storage && !output.edited) output.values = Tensor(saved.form, saved.storage);
    result.outputs.push_back(std::move(output));
  }
  return result;
}

// A value that its own node does not keep may be kept by a consumer.
void note_consumers(const Node& node, std::vector<Story::Node>& nodes, const Numbers& numbers) {
  for (const auto& [x, version] : node.inputs()) {
    if (!x.tracked()) continue;
    Story::Node& source = nodes[static_cast<std::size_t>(numbers.at(x.history().node.get())) - 1];
    Story::Output& value = source.outputs[static_cast<std::size_t>(x.history().output)];
    ++value.consumers;
    if (was_edited(x.storage(), version)) value.edited = true;
    if (x.storage()) value.values = without_history(x);
  }
}

// Nodes by number, and their numbers.
struct Recording {
  explicit Recording(const Tensor& y) {
    const std::vector<NodePtr> youngest_first = tape(y);
    int count = 0;
    for (auto node = youngest_first.rbegin(); node != youngest_first.rend(); ++node)
      numbers[node->get()] = ++count;
    nodes.reserve(youngest_first.size());
    for (auto node = youngest_first.rbegin(); node != youngest_first.rend(); ++node) {
      nodes.push_back(described(*node, numbers.at(node->get()), numbers));
      note_consumers(**node, nodes, numbers);
    }
    for (Story::Node& node : nodes)
      for (Story::Output& output : node.outputs)
        if (output.edited) output.values = Tensor();
    if (y.tracked() && y.storage()) {
      Story::Output& result = nodes.back().outputs[static_cast<std::size_t>(y.history().output)];
      if (!result.edited) result.values = without_history(y);
    }
    for (const NodePtr& node : youngest_first) {
      if (node->consumed() && !consumed) consumed = node;
      if (node->is_leaf()) leaves.push_back(Tensor(node->outputs()[0].form, nullptr, {node, 0}));
    }
  }

  std::vector<Story::Node> nodes;
  Numbers numbers;
  Tensors leaves;
  NodePtr consumed;  // one that a consuming sweep has passed, if there is any
};

// ---- The sweep ----------------------------------------------------------------------------------

class Scribe final : public Observer {
 public:
  Scribe(Story& story, const Numbers& numbers) : story_(story), numbers_(numbers) {}

  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override {
    if (ambient().vjp_of != &node) return;  // a sweep within another vjp
    Story::Vjp event{numbers_.at(&node), {}, {}};
    for (std::size_t i = 0; i < back.output_count(); ++i)
      event.cotangents.push_back(detach(back.cotangent(i)));
    sent_.clear();
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const bool sends = i < back.input_count() && back.needs(i) && gradients[i].defined();
      event.gradients.push_back(sends ? detach(gradients[i]) : Tensor());
      if (sends) sent_.push_back(static_cast<int>(i));
    }
    next_ = 0;
    story_.events.emplace_back(std::move(event));
  }

  // The sum is held from here on, so the sweep never adds to it in place.
  void after_arrival(const Node* from, const Node& to, int output, const Tensor& term,
                     const Tensor& sum) override {
    if (ambient().vjp_of) return;
    const int number = numbers_.at(&to);
    Story::Output& value = story_.nodes[static_cast<std::size_t>(number) - 1]
                               .outputs[static_cast<std::size_t>(output)];
    if (from) {
      const int arrived = ++arrived_[&value];
      story_.events.emplace_back(Story::Arrival{number, output, numbers_.at(from), sent_[next_++],
                                                value.cotangent, detach(term), detach(sum), arrived,
                                                value.consumers});
    } else {
      story_.events.emplace_back(Story::Seed{number, output, detach(sum)});
    }
    value.cotangent = detach(sum);
  }

  void at_leaf(const Leaf& leaf, const Tensor& gradient) override {
    if (ambient().vjp_of) return;
    story_.events.emplace_back(Story::LeafGradient{numbers_.at(&leaf), detach(gradient)});
  }

 private:
  Story& story_;
  const Numbers& numbers_;
  std::vector<int> sent_;  // the inputs that the latest vjp sends a term to, in order
  std::size_t next_ = 0;   // the one whose term arrives next
  std::unordered_map<const Story::Output*, int> arrived_;
};

// A leaf that nothing arrived at has the gradient zero, and no event of the sweep tells so.
void add_untouched_leaves(Story& story) {
  for (auto node = story.nodes.rbegin(); node != story.nodes.rend(); ++node)
    if (node->is_leaf() && !node->outputs[0].cotangent.defined())
      story.events.emplace_back(Story::LeafGradient{node->number, {}});
}

}  // namespace

std::vector<TapeStory::Node> tape_nodes(const Tensor& y) { return Recording(y).nodes; }

TapeStory tape_story(const Tensor& y, const Tensor& cotangent) {
  require(y.defined(), "this tape cannot be told: y is empty: no value was assigned to it");
  if (!y.tracked()) fail("this tape cannot be told: y is not tracked: ", cause_text(y));
  Recording recording(y);
  if (recording.consumed) require_not_consumed(*recording.consumed);
  require(!cotangent.defined() || cotangent.form() == y.form(),
          "the cotangent must have the form of y, ", y.dtype(), ' ', y.shape(), "; it is ",
          cotangent.dtype(), ' ', cotangent.shape());

  TapeStory story;
  story.nodes = std::move(recording.nodes);
  story.result_node = static_cast<int>(story.nodes.size());
  story.result_output = y.history().output;
  story.ones = !cotangent.defined();
  Scribe scribe(story, recording.numbers);
  const Unobserved nobody_else;
  const Observing guard(scribe);
  const Tensor seed = story.ones ? ones(y.shape(), y.dtype()) : detach(cotangent);
  grad({y}, recording.leaves, {seed}, {.zeros_if_independent = true});
  add_untouched_leaves(story);
  return story;
}

}  // namespace adjoint
