// Where the nodes of a tape are drawn, module by module, so that modules can fold.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "autograd/tools/tape_story.h"

namespace adjoint::exploring {

/// In pixels, x to the right and y down. `x` and `y` are the middle.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

/// An operand: the node that reads it, and which of its inputs it is.
using Operand = std::pair<int, int>;

/// What a picture of one group shows: a node, a smaller group, or a port, through which the value
/// of a node comes in from outside or goes out.
struct Item {
  /// What it stands for; a port lets a value in or out.
  enum class Kind { node, group, in, out };
  Kind kind = Kind::node;
  int number = 0;  ///< of the node, or of the group
  auto operator<=>(const Item&) const = default;
};

/// A line from one item to another. Between two nodes it stands for one operand, otherwise for all
/// that flow there.
struct Edge {
  Item from, to;
  std::vector<Operand> operands;
  std::vector<double> points;  ///< x, y, x, y, … of a Bézier curve: 3 n + 1 points
};

/// A module, or a part of one with many nodes, drawn as if each group in it were folded. Group 0 is
/// the whole tape.
struct Group {
  std::string name{};
  int parent = -1;
  double width = 0, height = 0;
  std::vector<std::pair<Item, Box>> items{};
  std::vector<Edge> edges{};
};

/// Groups of the story's nodes by module (name scope), laid out by Graphviz's dot. A leaf belongs
/// where all that read it are. Error if dot is not installed, or takes too long. A graph that was
/// laid out lately is not laid out again: as long as only numbers change, dot does not run.
std::vector<Group> layout(const TapeStory& story);

/// How many rows and columns of numbers a node shows of a value; none for a larger one.
struct Cells {
  Index rows = 0, columns = 0;
};
Cells cells_of(const Shape& shape);

}  // namespace adjoint::exploring
