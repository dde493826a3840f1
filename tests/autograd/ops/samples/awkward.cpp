#include "tests/autograd/ops/samples/awkward.h"

#include <algorithm>
#include <map>

#include "autograd/apply.h"

namespace adjoint::testing {
namespace {

constexpr Key key{1};

bool has_axis_of(const Sample& sample, Index size) {
  return std::ranges::any_of(sample.inputs, [&](const Input& input) {
    const Shape& shape = input.shape;
    return std::find(shape.begin(), shape.end(), size) != shape.end();
  });
}

bool all_of_size(const Sample& sample, double size) {
  return std::ranges::all_of(sample.inputs, [&](const Input& input) { return input.size == size; });
}

// The axes of an input that broadcast: all, or those before the matrix in a matrix product.
Shape broadcasting_axes(const Sample& sample, std::size_t i) {
  const Shape& shape = sample.inputs[i].shape;
  if (sample.operation != "matmul") return shape;
  return shape.part(0, std::max<Index>(0, shape.rank() - 2));
}

bool is_repeated(const Sample& sample, std::size_t i) {
  const Shape own = broadcasting_axes(sample, i);
  const Shape joint = broadcast("sample", own, broadcasting_axes(sample, 1 - i));
  return joint != own;
}

// How often the operations that lead to y take each leaf as an input.
std::map<const Node*, int> readings(const Tensor& y) {
  std::map<const Node*, int> result;
  std::set<const Node*> seen;
  Tensors open = {y};
  while (!open.empty()) {
    const NodePtr node = open.back().history().node;
    open.pop_back();
    if (!node || !seen.insert(node.get()).second) continue;
    for (const SavedInput& operand : node->inputs()) {
      ++result[operand.value.history().node.get()];
      open.push_back(operand.value);
    }
  }
  return result;
}

bool reads_an_input_twice(const Sample& sample) {
  Tensors xs;
  for (const Tensor& value : sample.make(key)) xs.push_back(variable(value));
  const std::map<const Node*, int> times = readings(sample.f(xs));
  return std::ranges::any_of(xs, [&](const Tensor& x) {
    const auto found = times.find(x.history().node.get());
    return found != times.end() && found->second > 1;
  });
}

}  // namespace

std::string name_of(Awkward which) {
  constexpr const char* names[] = {
      "no elements",         "an axis of size 1",        "the left broadcast",
      "the right broadcast", "one tensor as two inputs", "large inputs",
      "tiny inputs"};
  return names[static_cast<int>(which)];
}

bool broadcasts(const std::string& operation) {
  static const std::set<std::string> names = {"add",    "sub",     "mul",     "div",
                                              "pow",    "maximum", "minimum", "where",
                                              "matmul", "equal",   "greater", "less"};
  return names.contains(operation);
}

std::set<Awkward> awkwardness(const Sample& sample) {
  std::set<Awkward> result;
  const auto note = [&](Awkward which, bool applies) {
    if (applies) result.insert(which);
  };
  note(Awkward::no_elements, has_axis_of(sample, 0));
  note(Awkward::size_1, has_axis_of(sample, 1));
  note(Awkward::repeated, reads_an_input_twice(sample));
  note(Awkward::large_inputs, all_of_size(sample, large));
  note(Awkward::tiny_inputs, all_of_size(sample, tiny));
  if (broadcasts(sample.operation) && sample.inputs.size() == 2) {
    note(Awkward::left_broadcast, is_repeated(sample, 0));
    note(Awkward::right_broadcast, is_repeated(sample, 1));
  }
  return result;
}

std::set<Awkward> required(const std::string& operation) {
  bool differentiable = false, several_inputs = false;
  for (const Sample& sample : samples()) {
    if (sample.operation != operation || !sample.smooth) continue;
    differentiable = true;
    several_inputs |= sample.inputs.size() > 1;
  }
  if (!differentiable) return {};
  std::set<Awkward> result = {Awkward::no_elements, Awkward::size_1, Awkward::large_inputs,
                              Awkward::tiny_inputs};
  if (several_inputs) result.insert(Awkward::repeated);
  if (broadcasts(operation)) result.insert({Awkward::left_broadcast, Awkward::right_broadcast});
  std::erase_if(result, [&](Awkward which) { return excused(operation, which); });
  return result;
}

const std::vector<Excuse>& excuses() {
  static const std::vector<Excuse> list = {
      {"exp", Awkward::large_inputs, "overflows"},
      {"expm1", Awkward::large_inputs, "overflows"},
      {"pow", Awkward::large_inputs, "overflows; its base alone is large in another sample"},
  };
  return list;
}

bool excused(const std::string& operation, Awkward which) {
  return std::ranges::any_of(excuses(), [&](const Excuse& excuse) {
    return excuse.operation == operation && excuse.which == which;
  });
}

}  // namespace adjoint::testing
