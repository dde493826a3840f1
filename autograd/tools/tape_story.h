// The story of a tape as plain data: what was computed, in order, and then one reverse sweep event
// by event. explain(), print_dot(stream, story) and tape_as_json() tell it in words, as a drawing
// and as JSON.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "autograd/node.h"

namespace adjoint {

/// Nodes are numbered from 1 in the order of computation, as in print_tape(). A *value* is one
/// output of a node; a *consumer* of it is an operand that reads it, so an operation that uses a
/// value twice counts as two consumers. Only what y depends on counts.
struct TapeStory {
  /// An operand of an operation: a value of the tape, or a constant.
  struct Input {
    int node = 0;  ///< which node computed it; 0 for a constant
    int output = 0;
    Form form{};
    Tensor values{};  ///< empty if the tape does not keep them
    /// Axes of the result along which broadcasting repeated the operand. Its gradient is the sum
    /// over them.
    std::vector<Index> repeated{};
  };
  /// A value: one result of an operation, or a leaf's.
  struct Output {
    Form form{};
    Tensor values{};  ///< empty if the tape does not keep them, or if they were edited since
    bool edited = false;
    int consumers = 0;
    Tensor cotangent{};  ///< all of it, after the sweep; empty if nothing arrived, which means zero
  };
  /// An entry of the tape.
  struct Node {
    int number = 0;
    std::string operation{};  ///< "leaf" for a leaf
    std::string label{};      ///< of a leaf
    std::string scope{};      ///< the module it was computed in; empty outside of any
    std::vector<std::string> rule{};
    Attributes attributes{};
    std::vector<Input> inputs{};
    std::vector<Output> outputs{};
    bool consumed = false;  ///< a consuming sweep has dropped its values and inputs
    NodePtr recorded{};     ///< the entry itself

    bool is_leaf() const { return inputs.empty(); }
  };

  /// The sweep begins: y's cotangent is put at its node.
  struct Seed {
    int node, output;
    Tensor cotangent;
  };
  /// A node's vjp runs.
  struct Vjp {
    int node;
    Tensors cotangents;  ///< of each output; an empty one means zero
    Tensors gradients;   ///< for each input; empty where it is zero or the input is a constant
  };
  /// A term of a cotangent arrives: before + term = after.
  struct Arrival {
    int node, output;  ///< at which value
    int from, input;   ///< sent by which node for which of its inputs
    Tensor before;     ///< empty for the first term
    Tensor term, after;
    int arrived;  ///< how many consumers of the value have sent a term, this one included
    int consumers;
  };
  /// The sweep has reached a leaf: its cotangent is its gradient.
  struct LeafGradient {
    int node;
    Tensor gradient;  ///< empty if nothing arrived, which means zero
  };
  using Event = std::variant<Seed, Vjp, Arrival, LeafGradient>;

  std::vector<Node> nodes;  ///< in the order of computation: node n is nodes[n − 1]
  int result_node = 0, result_output = 0;
  bool ones = false;  ///< whether y's cotangent was chosen: ones. Else the caller gave it
  std::vector<Event> events;

  const Node& node(int number) const { return nodes[static_cast<std::size_t>(number) - 1]; }
  const Output& value(int number, int output) const {
    return node(number).outputs[static_cast<std::size_t>(output)];
  }
};

/// Only what is on the tape, without a sweep. Works on consumed tapes too.
std::vector<TapeStory::Node> tape_nodes(const Tensor& y);

/// Sweeps from y to all leaves that it depends on, as grad() does, and writes down what happens.
/// `cotangent` has y's form; if it is empty, ones are taken. Changes nothing: the tape can be swept
/// again, and no leaf's grad() is touched. The tape keeps only values that vjps read; for all of
/// them, record under a KeepValues guard. Errors: y is empty or untracked; a consumed tape; a value
/// that a vjp reads and that was edited; a cotangent of another form.
TapeStory tape_story(const Tensor& y, const Tensor& cotangent = {});

}  // namespace adjoint
