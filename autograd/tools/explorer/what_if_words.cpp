#include "autograd/tools/explorer/what_if_words.h"

#include <map>
#include <utility>

#include "autograd/ops.h"
#include "autograd/support/error.h"
#include "autograd/tools/explorer/wrong_sweep.h"
#include "autograd/tools/story_words.h"

namespace adjoint::exploring {
namespace {

using Story = TapeStory;
using namespace telling;

constexpr Index most = 6;  // numbers of a tensor

std::string text(const Tensor& x) { return x.defined() ? tensor_text(x, most) : "0"; }

Index differing(const Tensor& a, const Tensor& b) {
  Index count = 0;
  for (Index i = 0; i < a.numel(); ++i) {
    const auto element = [&](const Tensor& x) {
      return slice(reshape(x, {x.numel()}), 0, i, i + 1);
    };
    if (differ(element(a), element(b))) ++count;
  }
  return count;
}

// Where right ones and wrong ones differ in shape, the shapes say it.
std::string beside(const Tensor& wrong, const Tensor& right) {
  const bool both = wrong.defined() && right.defined();
  if (both && wrong.shape() != right.shape())
    return text_from("a tensor of shape ", wrong.shape(), ", where the shape ", right.shape(),
                     " is right");
  if (!differ(wrong, right)) return text(wrong);
  if (both && wrong.numel() > most)
    return text_from(text(wrong), ": ", differing(wrong, right), " of its ", wrong.numel(),
                     " elements are wrong");
  return text(wrong) + ", where " + text(right) + " is right";
}

class Words {
 public:
  Words(const Story& right, Mistake mistake) : right_(right), mistake_(mistake) {
    for (const Story::Event& event : right.events) {
      if (const auto* const vjp = std::get_if<Story::Vjp>(&event)) vjps_[vjp->node] = vjp;
      if (const auto* const leaf = std::get_if<Story::LeafGradient>(&event))
        leaves_[leaf->node] = leaf->gradient;
    }
  }

  std::string of(const Story::Seed& seed) {
    const std::string start =
        name(seed.node, seed.output) + " receives ȳ = " + text(seed.cotangent) + '.';
    arrived_.clear();
    has_run_.clear();
    if (mistake_ != Mistake::second_backward) return start;
    ++pass_;
    if (pass_ == 1) return "The first backward() begins.\n" + start;
    return "The second backward() begins: the leaves still hold the gradients of the first.\n" +
           start;
  }

  std::string of(const Story::Vjp& vjp) {
    const Story::Node& node = right_.node(vjp.node);
    has_run_[vjp.node] = true;
    std::string result = text_from('%', node.number, " = ", call_text(right_, node), " runs.");
    for (std::size_t i = 0; i < vjp.cotangents.size(); ++i) {
      const int output = static_cast<int>(i), consumers = node.outputs[i].consumers;
      const int arrived = arrived_[{node.number, output}];
      const std::string letter =
          vjp.cotangents.size() == 1 ? "ȳ" : "ȳ of " + value_name(right_, node.number, output);
      result += '\n' + letter + " = " + beside(vjp.cotangents[i], node.outputs[i].cotangent) + '.';
      if (arrived < consumers && mistake_ == Mistake::depth_first)
        result +=
            text_from(" Only ", arrived, " of ", counted(consumers, "consumer"),
                      arrived == 1 ? " has" : " have", " arrived: it does not wait for the rest.");
    }
    const Story::Vjp* const known = vjps_.contains(vjp.node) ? vjps_.at(vjp.node) : nullptr;
    for (std::size_t i = 0; i < vjp.gradients.size(); ++i) {
      if (!vjp.gradients[i].defined()) continue;
      const Story::Input& to = node.inputs[i];
      const std::string formula = gradient_formula(node, i);
      result += "\nIt sends " + name(to.node, to.output) +
                (formula.empty() ? ": " : ": " + formula + " = ") +
                beside(vjp.gradients[i], known ? known->gradients[i] : Tensor()) + '.';
      if (vjp.gradients[i].shape() != to.form.shape)
        result += text_from(" The sum over ", axes_text(to.repeated), " is left out.");
    }
    return result;
  }

  std::string of(const Story::Arrival& arrival) {
    const std::string at = name(arrival.node, arrival.output), term = text(arrival.term);
    const std::string sender =
        text_from('%', arrival.from, " (", right_.node(arrival.from).operation, ") sends ");
    arrived_[{arrival.node, arrival.output}] = arrival.arrived;
    if (arrival.consumers == 1) return sender + term + " to " + at + ", its only term.";
    std::string result = sender + "a term to " + at + ".\n" + at + ": ";
    if (mistake_ == Mistake::assignment && arrival.before.defined())
      result += text(arrival.before) + " is replaced by " + term + ", which should be added to it.";
    else
      result += text(arrival.before) + " + " + (term.starts_with('-') ? '(' + term + ')' : term) +
                " = " + text(arrival.after) + '.';
    result += text_from(' ', arrival.arrived, " of ", counted(arrival.consumers, "consumer"),
                        arrival.arrived == 1 ? " has" : " have", " arrived.");
    if (has_run_[arrival.node])
      result += text_from(" Too late: %", arrival.node, " has run, so this term goes no further.");
    return result;
  }

  std::string of(const Story::LeafGradient& leaf) {
    const std::string at = name(leaf.node, 0);
    const Tensor& right = leaves_[leaf.node];
    if (mistake_ == Mistake::second_backward && pass_ == 2)
      return at + " held " + text(right) + ", and " + text(right) +
             " is added to that.\nIts gradient is " + beside(leaf.gradient, right) + '.';
    const bool wrong = differ(leaf.gradient, right);
    return "The gradient of " + at + " is " + beside(leaf.gradient, right) +
           (wrong ? "." : ", which is right.");
  }

 private:
  std::string name(int node, int output) const { return full_name(right_, node, output); }
  static std::string axes_text(const std::vector<Index>& axes) {
    std::vector<std::string> items;
    for (const Index axis : axes) items.push_back(std::to_string(axis));
    return (items.size() == 1 ? "axis " : "axes ") + list_text(items);
  }

  const Story& right_;
  Mistake mistake_;
  int pass_ = 0;
  std::map<int, const Story::Vjp*> vjps_;
  std::map<int, Tensor> leaves_;
  std::map<std::pair<int, int>, int> arrived_;  // at each value so far
  std::map<int, bool> has_run_;
};

}  // namespace

std::vector<std::string> wrong_steps(const Story& right, const WhatIf& wrong) {
  Words words(right, wrong.mistake);
  std::vector<std::string> steps;
  for (const Story::Event& event : wrong.events)
    steps.push_back(std::visit([&](const auto& each) { return words.of(each); }, event));
  return steps;
}

}  // namespace adjoint::exploring
