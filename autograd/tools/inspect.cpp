#include "autograd/tools/inspect.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <map>
#include <ranges>
#include <string>
#include <utility>

namespace adjoint {
// ---- Tensors, in numpy's format -----------------------------------------------------------------

namespace {

constexpr Index shown_limit = 200;  // tensors of up to this many elements are shown whole

std::string number(bool value) { return value ? "true" : "false"; }
std::string number(Index value) { return std::to_string(value); }
template <Real T>
std::string number(T value) {
  const std::string text = text_from(std::setprecision(5), value);  // nan, inf, 1e-05, 2
  const bool looks_whole = text.find_first_not_of("-0123456789") == std::string::npos;
  return text + (looks_whole ? ".0" : "");  // 2 prints as 2.0, to show that it is real
}

class Printer {
 public:
  Printer(std::ostream& stream, const Tensor& x) : stream_(stream), x_(x) {
    choose_edges();
    each_element(0, 0, [&](Index position) { width_ = std::max(width_, text(position).size()); });
    write(0, 0);
  }

 private:
  std::string text(Index position) const {
    return dispatch(x_.dtype(), [&]<class T>() {
      return number(x_.values<T>()[static_cast<std::size_t>(position)]);
    });
  }

  Index edge(Index axis) const { return edges_[static_cast<std::size_t>(axis)]; }
  // How many elements are shown. An axis without elements counts as 1, for its brackets.
  Index shown_count() const {
    Index count = 1;
    for (Index axis = 0; axis < x_.rank(); ++axis)
      count *= std::max<Index>(1, std::min(x_.size(axis), 2 * edge(axis)));
    return count;
  }
  // A large tensor shows three elements at either end of each axis. If these are still too many, it
  // shows fewer along the outer axes, but at least one.
  void choose_edges() {
    edges_.fill(Shape::max_elements);  // no gap
    Index size = 1;
    for (const Index s : x_.shape()) size *= std::max<Index>(1, s);
    if (size <= shown_limit) return;
    edges_.fill(3);
    for (Index axis = 0; axis < x_.rank(); ++axis)
      while (edge(axis) > 1 && shown_count() > shown_limit)
        --edges_[static_cast<std::size_t>(axis)];
  }

  // The shown indices of one axis; −1 stands for those left out.
  std::vector<Index> shown(Index axis) const {
    const Index size = x_.size(axis);
    const bool gap = size > 2 * edge(axis);
    std::vector<Index> indices;
    for (Index i = 0; i < (gap ? edge(axis) : size); ++i) indices.push_back(i);
    if (gap) indices.push_back(-1);
    for (Index i = size - edge(axis); gap && i < size; ++i) indices.push_back(i);
    return indices;
  }

  template <class Visit>
  void each_element(Index axis, Index position, const Visit& visit) const {
    if (axis == x_.rank()) return visit(position);
    for (const Index i : shown(axis))
      if (i >= 0) each_element(axis + 1, position * x_.size(axis) + i, visit);
  }

  void write(Index axis, Index position) {
    if (axis == x_.rank()) {
      const std::string element = text(position);
      stream_ << std::string(width_ - element.size(), ' ') + element;
      return;
    }
    const bool innermost = axis + 1 == x_.rank();
    const std::string separator =
        innermost ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis) + 1, ' ');
    stream_ << '[';
    for (bool first = true; const Index i : shown(axis)) {
      if (!std::exchange(first, false)) stream_ << separator;
      if (i < 0)
        stream_ << "...";
      else
        write(axis + 1, position * x_.size(axis) + i);
    }
    stream_ << ']';
  }

  std::ostream& stream_;
  const Tensor& x_;
  std::array<Index, Shape::max_rank> edges_{};  // how many indices are shown at either end
  std::size_t width_ = 0;                       // of every column: the widest number shown
};

}  // namespace

std::ostream& operator<<(std::ostream& stream, const Tensor& x) {
  if (!x.defined()) return stream << "(empty)";
  if (x.storage())
    Printer(stream, x);
  else
    stream << "(values not kept)";
  return stream << "  " << x.dtype() << ' ' << x.shape();
}

std::string operand_text(const char* role, std::size_t index, const Tensor& x) {
  return text_from(role, ' ', index) + (x.name().empty() ? "" : " ('" + x.name() + "')");
}

Statistics statistics(const Tensor& x) {
  Statistics s{.count = x.numel()};
  std::vector<double> finite;
  finite.reserve(static_cast<std::size_t>(x.numel()));
  dispatch(x.dtype(), [&]<class T>() {
    for (const T element : x.values<T>()) {
      const auto value = static_cast<double>(element);
      s.zeros += value == 0;
      s.nan += std::isnan(value);
      s.infinite += std::isinf(value);
      if (std::isfinite(value)) finite.push_back(value);
    }
  });
  if (finite.empty()) return s;
  s.least = std::ranges::min(finite);
  s.largest = std::ranges::max(finite);
  // In units of the largest magnitude, so that no sum or square overflows or underflows.
  const double magnitude = std::max(std::abs(s.least), std::abs(s.largest));
  const double unit = magnitude == 0 ? 1 : magnitude;
  const auto n = static_cast<double>(finite.size());
  double sum = 0, squares = 0, deviations = 0;
  for (double& value : finite) {
    value /= unit;
    sum += value;
    squares += value * value;
  }
  const double mean = sum / n;
  for (const double value : finite) deviations += (value - mean) * (value - mean);
  s.mean = mean * unit;
  s.deviation = std::sqrt(deviations / n) * unit;
  s.norm = std::sqrt(squares) * unit;
  return s;
}

// ---- The tape -----------------------------------------------------------------------------------

namespace {

// Nodes and their outputs by small numbers in the order of computation, instead of the numbers that
// the whole program shares.
class Names {
 public:
  explicit Names(const std::vector<NodePtr>& youngest_first) {
    std::size_t number = youngest_first.size();
    for (const NodePtr& node : youngest_first) numbers_[node->number()] = number--;
  }
  std::string of(const Node& node) const { return std::to_string(numbers_.at(node.number())); }
  // "2", or "2.1" for the second output where the node has several.
  std::string of(const Node& node, int output) const {
    return of(node) + (node.outputs().size() == 1 ? "" : "." + std::to_string(output));
  }

 private:
  std::map<std::uint64_t, std::size_t> numbers_;
};

std::string label_of(const Node& node) {
  return node.is_leaf() ? static_cast<const Leaf&>(node).label() : std::string();
}

void print_inputs(std::ostream& stream, const Node& node, const Names& names) {
  stream << '(';
  for (const char* separator = ""; const SavedInput& input : node.inputs()) {
    stream << std::exchange(separator, ", ");
    if (const auto& [source, output, cause] = input.value.history(); source)
      stream << '%' << names.of(*source, output);
    else
      stream << (node.consumed() ? "consumed " : "constant ") << input.value.shape();
  }
  stream << ')';
}

void print_outputs(std::ostream& stream, const Node& node, const Names& names) {
  for (int i = 0; i < std::ssize(node.outputs()); ++i)
    stream << (i > 0 ? ", %" : "%") << names.of(node, i);
}

}  // namespace

std::vector<NodePtr> tape(const Tensor& y) {
  std::map<std::uint64_t, NodePtr, std::greater<>> reached;
  std::vector<NodePtr> open;
  const auto reach = [&](const Tensor& x) {
    if (x.tracked() && reached.emplace(x.history().node->number(), x.history().node).second)
      open.push_back(x.history().node);
  };
  reach(y);
  while (!open.empty()) {
    const NodePtr node = std::move(open.back());
    open.pop_back();
    for (const SavedInput& input : node->inputs()) reach(input.value);
  }
  std::vector<NodePtr> nodes;
  for (const auto& [number, node] : reached) nodes.push_back(node);
  return nodes;
}

void print_tape(std::ostream& stream, const Tensor& y) {
  const std::vector<NodePtr> nodes = tape(y);
  const Names names(nodes);
  for (const NodePtr& pointer : std::views::reverse(nodes)) {
    const Node& node = *pointer;
    print_outputs(stream, node, names);
    stream << " = " << node.name();
    if (!node.is_leaf()) print_inputs(stream, node, names);
    if (const std::string label = label_of(node); !label.empty()) stream << " '" << label << '\'';
    for (const SavedOutput& output : node.outputs()) stream << "  " << output.form.shape;
    if (!node.scope().empty()) stream << "  " << node.scope();
    stream << '\n';
  }
}

}  // namespace adjoint
