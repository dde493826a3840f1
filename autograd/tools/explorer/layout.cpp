#include "autograd/tools/explorer/layout.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <sstream>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "autograd/support/program.h"
#include "autograd/tools/story_words.h"

namespace adjoint::exploring {

using Story = TapeStory;

// ---- Sizes --------------------------------------------------------------------------------------

namespace {

constexpr double points_per_inch = 72;
constexpr double character = 7.4, line = 16;  // pixels
constexpr std::size_t longest_title = 24;     // characters; the page cuts the rest
constexpr std::size_t most_nodes = 40;        // of a module that is not shown in parts
constexpr unsigned most_seconds = 20;         // of dot

}  // namespace

Cells cells_of(const Shape& shape) {
  constexpr Index most_rows = 4, most_columns = 4;
  const Index columns = shape.rank() == 0 ? 1 : shape[-1];
  if (shape.rank() > 2 || columns == 0 || columns > most_columns) return {};
  const Index rows = shape.numel() / columns;
  return rows > most_rows ? Cells{} : Cells{rows, columns};
}

namespace {

// The width of a number as the boxes show it: up to four digits, so that it has six characters.
std::size_t brief_length(double value) {
  for (int digits = 4;; --digits) {
    char text[32];
    const auto length =
        static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.*g", digits, value));
    if (length <= 6 || digits == 1) return length;
  }
}
std::size_t longest_number(const Tensor& x) {
  std::size_t longest = 1;
  if (x.defined())
    dispatch(x.dtype(), [&]<class T>() {
      for (const T value : x.values<T>()) {
        if constexpr (Real<T>)
          longest = std::max(longest, brief_length(static_cast<double>(value)));
        else
          longest = std::max(longest, text_from(value).size());
      }
    });
  return longest;
}
// The columns of a value or a cotangent, each with the space before it, and the sign: "=" or "ȳ".
double block_of(const Tensor& x, Index columns) {
  constexpr double space = 10, sign = 16;
  const double column = static_cast<double>(2 * ((longest_number(x) + 1) / 2)) * character + space;
  return static_cast<double>(columns) * column + sign;
}

// A title, and for each output the value and the cotangent: below it if they are rows, else beside
// it. Where several consumers can arrive, a line says how many have.
Box size_of(const Story& story, const Story::Node& node) {
  std::size_t title = node.is_leaf() ? telling::columns(telling::full_name(story, node.number, 0))
                                     : node.operation.size() + 6;
  title = std::min(title, longest_title);
  Box box{.width = std::max(96., static_cast<double>(title) * character + 18), .height = line + 10};
  const auto at_least = [&](double width) { box.width = std::max(box.width, width); };
  for (const Story::Output& output : node.outputs) {
    const Cells cells = cells_of(output.form.shape);
    if (cells.rows == 0) {
      box.height += 58;
      at_least(132);
      at_least(static_cast<double>(text_from(output.form.shape).size()) * 6.8 + 36);
    } else {
      const double value = block_of(output.values, cells.columns),
                   cotangent = block_of(output.cotangent, cells.columns);
      const bool is_row = cells.rows == 1;
      box.height += (is_row ? 2 : static_cast<double>(cells.rows)) * line + 8;
      at_least((is_row ? std::max(value, cotangent) : value + cotangent + 8) + 20);
    }
    if (output.consumers > 1) {
      box.height += line;
      at_least(118);
    }
  }
  return box;
}

Box size_of_group(const std::string& name) {
  const auto length = static_cast<double>(std::min(telling::columns(name), longest_title));
  return {.width = std::max(130., length * character + 40), .height = 58};
}

// ---- Grouping -----------------------------------------------------------------------------------

// The parts of a module's path: "encoder.0.norm" has three.
std::vector<std::string> parts_of(const std::string& scope) {
  std::vector<std::string> parts;
  std::istringstream text(scope);
  for (std::string part; std::getline(text, part, '.');) parts.push_back(part);
  return parts;
}

class Grouping {
 public:
  explicit Grouping(const Story& story) : story_(story), group_of_(story.nodes.size() + 1, 0) {
    groups_.emplace_back();
    for (const Story::Node& node : story.nodes)
      if (!node.is_leaf()) group_of_[at(node.number)] = group_of_scope(node.scope);
    place_leaves();
    split_large_groups();
    for (const Story::Node& node : story.nodes)
      groups_[at(group_of(node.number))].items.emplace_back(Item{Item::Kind::node, node.number},
                                                            size_of(story, node));
    for (std::size_t i = 1; i < groups_.size(); ++i)
      groups_[at(groups_[i].parent)].items.emplace_back(
          Item{Item::Kind::group, static_cast<int>(i)}, size_of_group(groups_[i].name));
    for (const Story::Node& node : story.nodes)
      for (int input = 0; input < std::ssize(node.inputs); ++input)
        if (node.inputs[at(input)].node > 0) connect({node.number, input});
  }
  std::vector<Group> take() && { return std::move(groups_); }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  int group_of(int node) const { return group_of_[at(node)]; }

  int new_group(const std::string& name, int parent) {
    groups_.push_back({.name = printable_line(name), .parent = parent});
    return static_cast<int>(groups_.size()) - 1;
  }

  int group_of_scope(const std::string& scope) {
    int group = 0;
    std::string path;
    for (const std::string& part : parts_of(scope)) {
      path += '.' + part;
      const auto known = scopes_.find(path);
      group = known != scopes_.end() ? known->second : scopes_[path] = new_group(part, group);
    }
    return group;
  }

  // From the group outwards to group 0.
  std::vector<int> chain(int group) const {
    std::vector<int> groups;
    for (; group >= 0; group = groups_[at(group)].parent) groups.push_back(group);
    return groups;
  }
  int common(int a, int b) const {
    const std::vector<int> around = chain(a);
    while (std::ranges::find(around, b) == around.end()) b = groups_[at(b)].parent;
    return b;
  }

  void place_leaves() {
    std::vector<int> place(story_.nodes.size() + 1, -1);
    for (const Story::Node& node : story_.nodes)
      for (const Story::Input& input : node.inputs) {
        int& of_input = place[at(input.node)];
        const int reader = group_of(node.number);
        of_input = of_input < 0 ? reader : common(of_input, reader);
      }
    for (const Story::Node& node : story_.nodes)
      if (node.is_leaf()) group_of_[at(node.number)] = std::max(0, place[at(node.number)]);
  }

  // Many nodes of one group are put into parts, in the order of computation. A leaf of a part is
  // placed where it is read first.
  void split_large_groups() {
    std::map<int, std::vector<int>> members;
    for (const Story::Node& node : story_.nodes)
      members[group_of(node.number)].push_back(node.number);
    for (const auto& [group, nodes] : members) {
      if (nodes.size() <= most_nodes) continue;
      const std::size_t parts = (nodes.size() + most_nodes - 1) / most_nodes;
      for (std::size_t i = 0; i < parts; ++i) {
        const std::size_t begin = nodes.size() * i / parts, end = nodes.size() * (i + 1) / parts;
        const int part = new_group(text_from('%', nodes[begin], " to %", nodes[end - 1]), group);
        for (std::size_t k = begin; k < end; ++k) group_of_[at(nodes[k])] = part;
      }
    }
  }

  // The operand's way: out of the groups of its source, across, and into those of its reader.
  void connect(Operand operand) {
    const int source = story_.node(operand.first).inputs[at(operand.second)].node;
    const int top = common(group_of(source), group_of(operand.first));
    Item from{Item::Kind::node, source}, to{Item::Kind::node, operand.first};
    for (int group = group_of(source); group != top; group = groups_[at(group)].parent) {
      connect(group, from, {Item::Kind::out, source}, operand);
      from = {Item::Kind::group, group};
    }
    for (int group = group_of(operand.first); group != top; group = groups_[at(group)].parent) {
      connect(group, {Item::Kind::in, source}, to, operand);
      to = {Item::Kind::group, group};
    }
    connect(top, from, to, operand);
  }

  void connect(int group, Item from, Item to, Operand operand) {
    std::vector<Edge>& edges = groups_[at(group)].edges;
    const bool alone = from.kind == Item::Kind::node && to.kind == Item::Kind::node;
    const auto [entry, is_new] =
        edges_.try_emplace({group, from, to, alone ? operand : Operand()}, edges.size());
    if (is_new) edges.push_back({from, to, {}, {}});
    edges[entry->second].operands.push_back(operand);
    for (const Item& item : {from, to})
      if (item.kind == Item::Kind::in || item.kind == Item::Kind::out)
        if (ports_.emplace(std::pair(group, item), true).second)
          groups_[at(group)].items.emplace_back(item, Box{.width = 8, .height = 8});
  }

  const Story& story_;
  std::vector<Group> groups_;
  std::vector<int> group_of_;  // by the number of a node
  std::map<std::string, int> scopes_;
  std::map<std::tuple<int, Item, Item, Operand>, std::size_t> edges_;
  std::map<std::pair<int, Item>, bool> ports_;
};

// ---- Graphviz -----------------------------------------------------------------------------------

std::string name_of(const Item& item) {
  constexpr const char* letters[] = {"n", "g", "i", "o"};
  return letters[static_cast<int>(item.kind)] + std::to_string(item.number);
}

void write_graph(std::ostream& out, const Group& group) {
  out << "digraph {\n  nodesep=0.28; ranksep=0.6;\n"
         "  node [shape=box, fixedsize=true, label=\"\"]; edge [arrowhead=none];\n";
  for (const auto& [item, box] : group.items)
    out << "  " << name_of(item) << " [width=" << box.width / points_per_inch
        << ", height=" << box.height / points_per_inch << "];\n";
  for (const auto& [kind, rank] : {std::pair(Item::Kind::in, "source"), {Item::Kind::out, "sink"}})
    for (const auto& [item, box] : group.items)
      if (item.kind == kind) out << "  {rank=" << rank << "; " << name_of(item) << "}\n";
  for (const Edge& edge : group.edges)
    out << "  " << name_of(edge.from) << " -> " << name_of(edge.to) << ";\n";
  out << "}\n";
}

// Reads dot's "plain" format: a graph, its nodes and its edges, each on a line.
void read_graph(std::istream& in, Group& group) {
  std::map<std::string, Box*> boxes;
  for (auto& [item, box] : group.items) boxes[name_of(item)] = &box;
  std::map<std::string, std::vector<Edge*>> edges;  // several may join the same two items
  for (Edge& edge : group.edges)
    edges[name_of(edge.from) + ' ' + name_of(edge.to)].push_back(&edge);
  for (auto& [names, same] : edges) std::ranges::reverse(same);
  double height = 0;
  const auto point = [&](double& x, double& y) {
    in >> x >> y;
    x *= points_per_inch;
    y = height - y * points_per_inch;
  };
  for (std::string word, rest; in >> word && word != "stop"; std::getline(in, rest)) {
    if (word == "graph") {
      double scale = 0;
      in >> scale >> group.width >> group.height;
      group.width *= points_per_inch;
      height = group.height *= points_per_inch;
    } else if (word == "node") {
      in >> word;
      Box& box = *boxes.at(word);
      point(box.x, box.y);
    } else if (word == "edge") {
      std::string from, to;
      std::size_t count = 0;
      in >> from >> to >> count;
      std::vector<Edge*>& same = edges.at(from + ' ' + to);
      std::vector<double>& points = same.back()->points;
      same.pop_back();
      points.resize(2 * count);
      for (std::size_t i = 0; i < count; ++i) point(points[2 * i], points[2 * i + 1]);
    }
  }
  require(in.good() && height > 0, "explorer: dot's answer could not be read");
}

// dot's answers to the latest questions.
class Answers {
 public:
  std::optional<std::string> find(const std::string& question) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(known_, question, &Answer::first);
    if (found == known_.end()) return {};
    std::rotate(known_.begin(), found, found + 1);
    return known_.front().second;
  }
  void add(std::string question, std::string answer) {
    const std::scoped_lock lock(mutex_);
    known_.emplace_front(std::move(question), std::move(answer));
    if (known_.size() > most) known_.pop_back();
  }

 private:
  using Answer = std::pair<std::string, std::string>;
  static constexpr std::size_t most = 8;
  std::mutex mutex_;
  std::deque<Answer> known_;  // the latest is the first
};

std::string run_dot(const std::string& graphs) {
  const TemporaryFolder folder;
  const std::filesystem::path question = folder.path / "graphs", answer = folder.path / "plain";
  write_file(question, graphs);
  const std::optional<int> status =
      run_program({"dot", "-Tplain", question.string()}, answer, most_seconds);
  require(status.has_value(),
          "explorer: Graphviz's dot, which lays out the graph, is not installed; install it with "
          "apt-get install graphviz");
  require(!WIFSIGNALED(*status), "explorer: dot needs over ", most_seconds,
          " seconds to lay out the graph; show a part of the computation");
  require(*status == 0, "explorer: dot could not lay out the graph");
  return read_file(answer);
}

}  // namespace

std::vector<Group> layout(const TapeStory& story) {
  std::vector<Group> groups = Grouping(story).take();
  TextStream graphs;  // dot reads several, one after the other
  for (const Group& group : groups) write_graph(graphs, group);
  static Answers known;
  std::optional<std::string> answer = known.find(graphs.str());
  if (!answer) {
    answer = run_dot(graphs.str());
    known.add(graphs.str(), *answer);
  }
  std::istringstream in(*answer);
  in.imbue(std::locale::classic());
  for (Group& group : groups) read_graph(in, group);
  return groups;
}

}  // namespace adjoint::exploring
