#include "autograd/tools/explain_modules.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "autograd/tools/inspect.h"
#include "autograd/tools/story_words.h"

namespace adjoint::telling {
namespace {

using Story = TapeStory;

constexpr std::size_t most_modules = 28;  // lines of a table

// The first `depth` names of a dotted path.
std::string cut(const std::string& path, int depth) {
  std::size_t end = 0;
  for (int i = 0; i < depth && end != std::string::npos; ++i)
    end = path.find('.', end == 0 ? 0 : end + 1);
  return depth == 0 ? "" : path.substr(0, end);
}

struct Module {
  std::string path;
  std::map<std::string, int> operations{};  // how many of each name
  int count = 0;
  int first = 0, last = 0;  // nodes
  std::vector<const Story::Node*> parameters{};
  Index parameter_elements = 0;
};

// The modules in the order in which they first computed something.
class Modules {
 public:
  explicit Modules(const Story& story) : story_(story) {
    for (const Story::Node& node : story.nodes)
      if (!node.is_leaf()) deepest_ = std::max(deepest_, depth_of(node.scope));
    depth_ = deepest_;
    while (depth_ > 1 && paths(depth_).size() > most_modules) --depth_;
    for (const Story::Node& node : story.nodes)
      if (!node.is_leaf()) add(node);
    for (const Story::Node& node : story.nodes)
      if (node.is_leaf()) add_parameter(node);
  }

  const std::vector<Module>& list() const { return modules_; }

 private:
  static int depth_of(const std::string& scope) {
    return scope.empty() ? 0 : 1 + static_cast<int>(std::ranges::count(scope, '.'));
  }
  std::set<std::string> paths(int depth) const {
    std::set<std::string> result;
    for (const Story::Node& node : story_.nodes)
      if (!node.is_leaf()) result.insert(cut(node.scope, depth));
    return result;
  }
  void add(const Story::Node& node) {
    const auto [place, is_new] = index_.emplace(cut(node.scope, depth_), modules_.size());
    if (is_new) modules_.push_back({.path = place->first, .first = node.number});
    Module& module = modules_[place->second];
    ++module.operations[node.operation];
    ++module.count;
    module.last = node.number;
    for (const Story::Input& input : node.inputs)
      if (input.node > 0 && story_.node(input.node).is_leaf())
        reader_.emplace(input.node, place->second);
  }
  // A parameter belongs to the module that its label begins with, or else to the first that reads
  // it.
  void add_parameter(const Story::Node& leaf) {
    std::optional<std::size_t> owner;
    for (int depth = depth_; depth > 0 && !owner; --depth)
      if (const auto found = index_.find(cut(leaf.label, depth));
          found != index_.end() && leaf.label.starts_with(found->first + '.'))
        owner = found->second;
    if (!owner)
      if (const auto found = reader_.find(leaf.number); found != reader_.end())
        owner = found->second;
    if (!owner) return;
    modules_[*owner].parameters.push_back(&leaf);
    modules_[*owner].parameter_elements += leaf.outputs[0].form.shape.numel();
  }

  const Story& story_;
  int deepest_ = 0, depth_ = 0;
  std::vector<Module> modules_;
  std::map<std::string, std::size_t> index_;
  std::map<int, std::size_t> reader_;  // the first module that reads a leaf
};

double norm_of(const Tensor& x) { return x.defined() ? statistics(x).norm : 0; }

// "14: linear ×4, add ×3, …"
std::string operations_text(const Module& module) {
  std::vector<std::pair<int, std::string>> counts;
  for (const auto& [name, count] : module.operations) counts.emplace_back(-count, name);
  std::ranges::sort(counts);
  std::string text = std::to_string(module.count) + ':';
  for (std::size_t i = 0; i < counts.size() && i < 2; ++i)
    text += text_from(i > 0 ? ", " : " ", counts[i].second,
                      counts[i].first < -1 ? text_from(" ×", -counts[i].first) : "");
  return text + (counts.size() > 2 ? ", …" : "");
}

// "of norm 0.5, the most in weight: 0.4"
std::string gradients_text(const Module& module) {
  if (module.parameters.empty()) return "";
  double squares = 0, most = -1;
  const Story::Node* largest = nullptr;
  for (const Story::Node* const leaf : module.parameters) {
    const double norm = norm_of(leaf->outputs[0].cotangent);
    squares += norm * norm;
    if (norm > most) {
      most = norm;
      largest = leaf;
    }
  }
  std::string text = norm_text(std::sqrt(squares));
  if (module.parameters.size() > 1 && !largest->label.empty()) {
    const bool inside = largest->label.starts_with(module.path + '.');
    text += ", most in " +
            (inside ? largest->label.substr(module.path.size() + 1) : largest->label) + ": " +
            norm_text(most);
  }
  return text;
}

using Row = std::vector<std::string>;

void print_table(std::ostream& stream, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  for (const Row& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) line += ' ' + padded(row[i], widths[i]) + ' ';
    stream << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

std::string path_text(const Module& module) {
  return module.path.empty() ? "(in no module)" : module.path;
}

}  // namespace

bool tell_by_module(std::ostream& stream, const TapeStory& story) {
  const Modules modules(story);
  if (modules.list().size() < 2 || modules.list().size() > 4 * most_modules) return false;
  Index operations = 0, leaves = 0;
  for (const Story::Node& node : story.nodes) ++(node.is_leaf() ? leaves : operations);
  const std::string result = value_name(story, story.result_node, story.result_output);

  stream << "Forward: " << counted(operations, "operation") << " on "
         << (leaves == 1 ? "1 leaf" : std::to_string(leaves) + " leaves")
         << ", by module (the option `whole` tells each)\n\n";
  std::vector<Row> rows = {{"module", "operations", "parameters", "elements", "its result"}};
  for (const Module& module : modules.list()) {
    const Story::Output& y = story.node(module.last).outputs[0];
    const bool has_parameters = !module.parameters.empty();
    rows.push_back(
        {path_text(module), operations_text(module),
         has_parameters ? std::to_string(module.parameters.size()) : "",
         has_parameters ? with_commas(module.parameter_elements) : "",
         text_from('%', module.last, ' ', y.form.shape,
                   y.values.defined() ? " of norm " + norm_text(norm_of(y.values)) : "")});
  }
  print_table(stream, rows);

  const Story::Output& y = story.value(story.result_node, story.result_output);
  stream << "\nBackward: by how much the result " << result
         << (y.values.defined() && y.form.shape.numel() == 1 ? " = " + tensor_text(y.values, 1)
                                                             : text_from(' ', y.form.shape))
         << " changes with each value; the youngest module first\n\n";
  rows = {{"module", "receives ȳ of norm", "gradient of its parameters, norm"}};
  std::vector<Module> youngest_first = modules.list();
  std::ranges::sort(youngest_first, std::greater<>(), &Module::last);
  for (const Module& module : youngest_first)
    rows.push_back({path_text(module),
                    norm_text(norm_of(story.node(module.last).outputs[0].cotangent)),
                    gradients_text(module)});
  print_table(stream, rows);
  Index sums = 0;
  for (const Story::Node& node : story.nodes)
    for (const Story::Output& output : node.outputs) sums += output.consumers > 1;
  stream << "\n  " << counted(sums, "value")
         << (sums == 1 ? " is used more than once: its cotangent is the sum"
                       : " are used more than once: their cotangents are the sums")
         << " of what the uses send back.\n";
  return true;
}

}  // namespace adjoint::telling
