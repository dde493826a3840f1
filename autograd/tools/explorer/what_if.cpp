#include "autograd/tools/explorer/what_if.h"

#include <algorithm>

#include "autograd/ops.h"
#include "autograd/tools/explain.h"
#include "autograd/tools/explorer/tiled_lengths.h"
#include "autograd/tools/explorer/what_if_words.h"
#include "autograd/tools/explorer/wrong_sweep.h"
#include "autograd/tools/inspect.h"

namespace adjoint {
namespace {

using Story = TapeStory;

constexpr std::size_t most_nodes = 400;
constexpr Index most_elements = 20'000;  // of all values together

std::vector<NodePtr> in_order(const Tensor& y) {
  std::vector<NodePtr> nodes = tape(y);
  std::ranges::reverse(nodes);
  return nodes;
}

Index elements_of(const Story& story) {
  Index count = 0;
  for (const Story::Node& node : story.nodes)
    for (const Story::Output& output : node.outputs) count += output.form.shape.numel();
  return count;
}

// Why no gradient is wrong, for a tape on which none is.
std::string why_nothing_changes(Mistake mistake, const Story& story) {
  const auto any = [&](const auto& holds) { return std::ranges::any_of(story.nodes, holds); };
  const bool shared = any([](const Story::Node& node) {
    return std::ranges::any_of(node.outputs,
                               [](const Story::Output& y) { return y.consumers > 1; });
  });
  const bool repeated = any([](const Story::Node& node) {
    return std::ranges::any_of(
        node.inputs, [](const Story::Input& x) { return x.node > 0 && !x.repeated.empty(); });
  });
  switch (mistake) {
    case Mistake::depth_first:
      return shared ? "Only leaves are used more than once, or what comes too late is zero: each "
                      "operation has all that it needs when the first term arrives."
                    : "Nothing is used more than once: every value has one consumer, so any order "
                      "is right.";
    case Mistake::assignment:
      return shared ? "The terms that are overwritten here are zero."
                    : "Nothing is used more than once: there are no terms to add.";
    case Mistake::second_backward:
      return "All gradients are zero, and twice zero is zero.";
    case Mistake::kept_broadcast:
      return repeated ? "The broadcasts here are too large to be kept, or nothing arrives at them."
                      : "No operand was broadcast.";
    case Mistake::tiled_lengths:
      return "The lengths hide nothing that the gradients depend on.";
  }
  return {};
}

// The nodes as the story tells them, with the values of those that were computed again.
std::vector<Story::Node> with_values(const Story& story, const std::vector<Tensors>& values) {
  std::vector<Story::Node> nodes = story.nodes;
  const auto value_of = [&](int node, int output) -> const Tensor* {
    const Tensors& own = values[static_cast<std::size_t>(node) - 1];
    return own.empty() ? nullptr : &own[static_cast<std::size_t>(output)];
  };
  for (Story::Node& node : nodes) {
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (const Tensor* const value = value_of(node.number, static_cast<int>(i)))
        node.outputs[i].values = detach(*value);
    for (Story::Input& input : node.inputs)
      if (const Tensor* const value = input.node > 0 ? value_of(input.node, input.output) : nullptr)
        input.values = detach(*value);
  }
  return nodes;
}

// Whether the sweep leaves a leaf with a wrong gradient.
bool changes_a_gradient(const Story& story, const Tensors& gradients) {
  return std::ranges::any_of(story.nodes, [&](const Story::Node& node) {
    return node.is_leaf() && exploring::differ(gradients[static_cast<std::size_t>(node.number) - 1],
                                               node.outputs[0].cotangent);
  });
}

WhatIf made(Mistake mistake, std::vector<NodePtr> nodes, const Story& story, const Tensor& seed) {
  WhatIf result{.mistake = mistake};
  if (mistake == Mistake::tiled_lengths) {
    exploring::TiledTape tiled = exploring::with_tiled_lengths(nodes);
    if (!tiled.why_not.empty()) return {.mistake = mistake, .why_not = tiled.why_not};
    result.nodes = with_values(story, tiled.values);
    result.heads = tiled.heads;
    result.keys = tiled.keys;
    nodes = std::move(tiled.nodes);
  }
  exploring::WrongSweep sweep(mistake, story, std::move(nodes));
  sweep.run(seed);
  if (!changes_a_gradient(story, sweep.gradients))
    return {.mistake = mistake, .why_not = why_nothing_changes(mistake, story)};
  result.events = std::move(sweep.events);
  if (!result.nodes.empty()) {
    Story told = story;
    told.nodes = result.nodes;
    result.steps = explain_steps(told, {.elements = 6});
    result.steps.resize(told.nodes.size());
  }
  std::ranges::move(exploring::wrong_steps(story, result), std::back_inserter(result.steps));
  return result;
}

}  // namespace

const char* name_of(Mistake mistake) {
  switch (mistake) {
    case Mistake::depth_first:
      return "depth first";
    case Mistake::assignment:
      return "= for +=";
    case Mistake::second_backward:
      return "backward twice";
    case Mistake::kept_broadcast:
      return "broadcast kept";
    case Mistake::tiled_lengths:
      return "tile for repeat";
  }
  return "";
}

const char* meaning_of(Mistake mistake) {
  switch (mistake) {
    case Mistake::depth_first:
      return "The sweep goes down from the result and runs each operation once, as soon as the "
             "first term reaches it. Terms that come later go no further.";
    case Mistake::assignment:
      return "A term replaces what has arrived before it, instead of being added to it.";
    case Mistake::second_backward:
      return "The same tape is swept twice, and the gradients are not set to zero in between.";
    case Mistake::kept_broadcast:
      return "An operand that broadcasting repeated gets a gradient in the shape of the result: "
             "the sum over the repeated axes is left out. An operation that needs its own shape "
             "takes index 0 of these axes.";
    case Mistake::tiled_lengths:
      return "The examples and their heads become one axis, example by example. Each length must "
             "be "
             "repeated for all heads of its example. Here the list of lengths is tiled: heads "
             "get the lengths of other examples.";
  }
  return "";
}

std::vector<WhatIf> what_ifs(const Tensor& y, const Story& story) {
  std::vector<WhatIf> result;
  if (story.nodes.size() > most_nodes || elements_of(story) > most_elements) return result;
  const Tensor& seed = std::get<Story::Seed>(story.events.front()).cotangent;
  for (const Mistake mistake : mistakes) result.push_back(made(mistake, in_order(y), story, seed));
  return result;
}

Tensors gradients_with(Mistake mistake, const Tensor& y, const Tensor& cotangent,
                       const Tensors& xs) {
  std::vector<NodePtr> nodes = in_order(y);
  Story story;
  story.nodes = tape_nodes(y);
  story.result_node = static_cast<int>(nodes.size());
  story.result_output = y.history().output;
  std::vector<NodePtr> swept = nodes;
  if (mistake == Mistake::tiled_lengths) {
    exploring::TiledTape tiled = exploring::with_tiled_lengths(nodes);
    require(tiled.why_not.empty(), "what if: ", tiled.why_not);
    swept = std::move(tiled.nodes);
  }
  exploring::WrongSweep sweep(mistake, story, std::move(swept));
  sweep.run(cotangent);
  Tensors gradients;
  for (const Tensor& x : xs) {
    const auto at = std::ranges::find(nodes, x.history().node) - nodes.begin();
    const Tensor gradient =
        at < std::ssize(nodes) ? sweep.gradients[static_cast<std::size_t>(at)] : Tensor();
    gradients.push_back(gradient.defined() ? gradient : zeros(x.shape(), x.dtype()));
  }
  return gradients;
}

}  // namespace adjoint
