// Attention that is composed of several operations: a softmax, the way to it from a product q kᵀ,
// and the way from it to a product with v.
#include "autograd/tools/explorer/attention.h"

#include <algorithm>
#include <optional>

#include "autograd/observer.h"
#include "autograd/tools/broadcast.h"
#include "autograd/tools/explorer/attention_ways.h"
#include "autograd/tools/story_words.h"

namespace adjoint::exploring {

using Story = TapeStory;

const Story::Vjp* vjp_of(const Story& story, int node) {
  for (const Story::Event& event : story.events)
    if (const auto* const vjp = std::get_if<Story::Vjp>(&event); vjp && vjp->node == node)
      return vjp;
  return nullptr;
}

namespace {

constexpr double very_negative = -1e4;  // added to a score, it hides the pair

// Matrices [examples, heads, rows, columns].
Tensor with_four_axes(const Tensor& x) {
  if (!x.defined()) return x;
  const Shape& shape = x.shape();
  const Shape matrix = shape.part(shape.rank() - 2, shape.rank());
  const Index heads = shape.rank() > 3 ? shape[-3] : 1;
  const Index matrices = shape.numel(0, shape.rank() - 2);
  return reshape(x, Shape{heads == 0 ? 0 : matrices / heads, heads}.joined(matrix));
}
Tensor turned(const Tensor& x, bool turn) { return x.defined() && turn ? transpose(x) : x; }

// Whether it exchanges the last two axes and leaves the others.
bool is_transpose(const Story::Node& node) {
  if (node.operation != "permute") return false;
  const Shape &from = node.inputs[0].form.shape, &to = node.outputs[0].form.shape;
  for (const Attribute& attribute : node.attributes)
    if (const auto* const order = std::get_if<std::vector<Index>>(&attribute.value)) {
      std::vector<Index> expected;
      for (Index axis = 0; axis < from.rank(); ++axis) expected.push_back(axis);
      if (to.rank() < 2) return false;
      std::swap(expected.end()[-1], expected.end()[-2]);
      return *order == expected;
    }
  return false;
}

class Finder {
 public:
  explicit Finder(const Story& story) : story_(story), ways_(story) {}

  std::optional<Attention> around(const Story::Node& softmax) {
    const std::optional<Way> forth = ways_.to_mix(softmax.number);
    if (!forth || !softmax.outputs[0].values.defined()) return std::nullopt;
    const std::optional<Way> back = ways_.from_product(softmax.inputs[0].node, product_);
    if (!back && softmax.operation == "softmax" && softmax.outputs[0].form.shape.rank() < 3)
      return std::nullopt;  // more likely a layer
    Attention result;
    visible_ = Tensor();
    pairs_ = softmax.outputs[0].form.shape;
    add_scores(result, back, softmax);
    if (softmax.operation == "masked_softmax") see(softmax.inputs[1].values);
    result.hidden = visible_.defined() ? hidden_by(with_four_axes(visible_)) : Tensor();
    if (result.hidden.defined()) {
      const Stage& former = result.stages.back();
      Stage masked{"M", "masked", former.letter + ", −∞ where hidden"};
      masked.values = former.values;
      masked.cotangent = former.cotangent;
      masked.node = masked.reader = softmax.number;
      result.add(std::move(masked), "M̄, 0 where hidden");
    }
    Stage weights = stage("W", "weights", "softmax(" + result.last() + ")", softmax.number);
    result.add(read_by(std::move(weights), forth->front()), "W (W̄ − Σ W̄ W)");
    add_mix(result, *forth);
    std::ranges::sort(result.nodes);
    return result;
  }

 private:
  const Story::Node& at(int number) const { return story_.node(number); }

  // ---- Stages -----------------------------------------------------------------------------------

  // The values of a node; computed from its inputs if the tape does not keep them.
  Tensor values_of(int number) {
    const Story::Node& node = at(number);
    if (node.outputs[0].values.defined() || node.is_leaf()) return node.outputs[0].values;
    Tensors inputs;
    for (const Story::Input& x : node.inputs) {
      inputs.push_back(x.values);
      if (x.node > 0 && !x.values.defined() && x.output == 0) inputs.back() = values_of(x.node);
      if (!inputs.back().defined()) return {};
    }
    return node.recorded->replay(inputs)[0];
  }
  // What a node sends to one of its inputs.
  Tensor sent(Read read) const {
    const Story::Vjp* const vjp = vjp_of(story_, read.node);
    return vjp ? vjp->gradients[read.input] : Tensor();
  }

  Stage stage(const std::string& letter, const std::string& name, const std::string& formula,
              int node) {
    return {letter, name, formula, "", with_four_axes(values_of(node)), {}, node, node};
  }
  Stage read_by(Stage stage, Read read) const {
    stage.cotangent = with_four_axes(sent(read));
    stage.reader = read.node;
    return stage;
  }

  // The mask of a step, which broadcasts to the scores: pairs are seen where all of them are true.
  void see(const Tensor& mask) {
    if (!mask.defined()) return;
    const Tensor whole = broadcast_to(mask, pairs_);  // […, queries, keys]
    visible_ = visible_.defined() ? where(whole, visible_, whole) : copy(whole);
  }

  void add_scores(Attention& result, const std::optional<Way>& way, const Story::Node& softmax) {
    Way steps = way.value_or(Way());
    steps.push_back({softmax.number, 0});
    if (way) {
      const Story::Node& product = at(product_);
      result.nodes = {product_};
      add_product(result, product);
      result.add(read_by(stage("S", "scores", "q kᵀ", product_), steps.front()), "");
      // The operation leaves out hidden pairs; here each query is multiplied by each key.
      if (product.operation == "masked_scores") {
        see(product.inputs[2].values);
        result.stages[0].values = matmul(result.q.values, result.k.values, Transposed::b);
      }
    } else {
      const int source = softmax.inputs[0].node;
      result.about = "The scores are not a product q kᵀ";
      Stage scores{"S", "scores", ""};
      if (source > 0) {
        result.about += text_from(": %", source, " = ", telling::call_text(story_, at(source)),
                                  " computes them");
        scores = stage("S", "scores", "", source);
      } else {
        scores.values = with_four_axes(softmax.inputs[0].values);
      }
      result.about += ". So the stages begin with them.";
      result.add(read_by(std::move(scores), steps.front()), "");
    }
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) add_step(result, steps[i], steps[i + 1]);
    result.nodes.push_back(softmax.number);
  }

  // q and k: A and B of A B, A Bᵀ, …
  void add_product(Attention& result, const Story::Node& product) {
    const bool masked = product.operation == "masked_scores";
    const bool turn_q = !masked && flag(product, "transpose_a");
    const bool turn_k = !masked && !flag(product, "transpose_b");
    result.q = operand(product, 0, turn_q, "q", "queries");
    result.k = operand(product, 1, turn_k, "k", "keys");
    result.q.gradient = "S̄ k";
    result.k.gradient = "S̄ᵀ q";
    const Story::Input k =
        turn_k ? before_transpose(product.inputs[1], result.nodes) : product.inputs[1];
    const Story::Input q =
        turn_q ? before_transpose(product.inputs[0], result.nodes) : product.inputs[0];
    result.about = text_from(
        self_or_cross(story_, q, k),
        " d = ", result.q.values.defined() ? result.q.values.size(3) : q.form.shape[-1], '.');
  }
  Story::Input before_transpose(const Story::Input& x, std::vector<int>& nodes) const {
    if (x.node == 0 || !is_transpose(at(x.node))) return x;
    nodes.push_back(x.node);
    return at(x.node).inputs[0];
  }
  Stage operand(const Story::Node& product, std::size_t i, bool turn, const char* letter,
                const char* name) {
    const Story::Input& x = product.inputs[i];
    const Tensor values = x.values.defined() || x.node == 0 ? x.values : values_of(x.node);
    return {letter,
            name,
            "",
            "",
            with_four_axes(turned(values, turn)),
            with_four_axes(turned(sent({product.number, i}), turn)),
            x.node,
            product.number};
  }

  // An operation between the scores and the softmax.
  void add_step(Attention& result, Read step, Read next) {
    const Story::Node& node = at(step.node);
    result.nodes.push_back(step.node);
    const std::string from = result.last();
    const bool other_is_constant = node.inputs.size() == 2 && node.inputs[1 - step.input].node == 0;
    if (node.operation == "where") {
      const Tensor& condition = node.inputs[0].values;
      if (condition.defined())
        see(step.input == 1 ? condition : equal(condition, scalar(0, DType::b8)));
    } else if (node.operation == "add" && other_is_constant) {
      const Tensor& added = node.inputs[1 - step.input].values;
      if (added.defined()) see(greater(added, scalar(very_negative, added.dtype())));
    }
    const Index d = result.q.values.defined() ? result.q.values.size(3) : 0;
    const auto [letter, name, formula, back] = words_of_step(node, from, d);
    result.add(read_by(stage(letter, name, formula, step.node), next), back.c_str());
  }
  // What follows the weights: dropout, and the product with v.
  void add_mix(Attention& result, const Way& way) {
    for (std::size_t i = 0; i + 1 < way.size(); ++i) {
      result.nodes.push_back(way[i].node);
      result.add(
          read_by(stage("D", "after dropout", result.last() + " m", way[i].node), way[i + 1]),
          "D̄ m");
    }
    const Story::Node& mix = at(way.back().node);
    result.nodes.push_back(mix.number);
    const bool turn = flag(mix, "transpose_b");
    result.v = operand(mix, 1, turn, "v", "values");
    result.v.gradient = result.last() + "ᵀ ȳ";
    Stage y = stage("y", "mix", result.last() + " v", mix.number);
    const Story::Vjp* const vjp = vjp_of(story_, mix.number);
    y.cotangent = vjp ? with_four_axes(vjp->cotangents[0]) : Tensor();
    result.add(std::move(y), "ȳ vᵀ");
  }

  const Story& story_;
  Ways ways_;
  int product_ = 0;
  Shape pairs_;
  Tensor visible_;
};

}  // namespace

std::vector<Attention> attentions(const Story& story) {
  const Unobserved hidden_from_tools;
  const DeliberateBroadcast masks;
  std::vector<Attention> result;
  Finder finder(story);
  for (const Story::Node& node : story.nodes) {
    if (node.operation == "attention") {
      result.push_back(fused_attention(story, node));
    } else if ((node.operation == "softmax" || node.operation == "masked_softmax") &&
               node.outputs[0].form.shape.rank() >= 2) {
      const NoRecording values_only;
      if (std::optional<Attention> found = finder.around(node)) result.push_back(std::move(*found));
    }
  }
  return result;
}

}  // namespace adjoint::exploring
