#include "autograd/operation.h"

#include <algorithm>
#include <set>

#include "autograd/ops.h"

namespace adjoint {

void Node::release(std::span<Operand> operands) {
  // Dropping the last holder of a node destroys it, which comes back here for its own inputs: a
  // recursion as deep as the graph. Instead such inner calls only put on a list what they would
  // destroy, and the outermost call works through the list.
  thread_local std::vector<NodePtr>* doomed = nullptr;
  if (doomed) {
    for (Operand& operand : operands) {
      NodePtr node = operand.value.exchange_history({}).node;
      if (node.use_count() == 1) doomed->push_back(std::move(node));
    }
    return;
  }
  std::vector<NodePtr> list;
  doomed = &list;
  for (Operand& operand : operands) operand.value.exchange_history({});
  while (!list.empty()) {
    const NodePtr next = std::move(list.back());
    list.pop_back();
  }
  doomed = nullptr;
}

void Node::consume() {
  const std::span<Operand> inputs = operands();
  if (inputs.empty()) return;  // a leaf
  consumed_ = true;
  release(inputs);
  for (Operand& operand : inputs) operand.value.drop_storage();
  for (Result& result : results()) result.storage = nullptr;
}

Tensor Leaf::grad() const {
  const std::lock_guard lock(mutex_);
  return grad_;
}

void Leaf::add_grad(const Tensor& gradient) {
  const std::lock_guard lock(mutex_);
  const NoRecording guard;
  grad_ = grad_.defined() ? add(grad_, gradient) : copy(gradient);
}

void Leaf::clear_grad() {
  const std::lock_guard lock(mutex_);
  grad_ = Tensor();
}

namespace {

// How a message calls an operand: by its name if it is a named leaf.
std::string description(const Tensor& x, const char* role, int index) {
  const std::string which = std::string(role) + " " + std::to_string(index);
  return x.name().empty() ? which : which + " ('" + x.name() + "')";
}

void require_unchanged(Node& node, const Tensor& x, std::uint64_t recorded, const char* role,
                       int index) {
  require(!node.consumed(), node.name(),
          ": this graph was already swept by backward() or a consuming grad(); its saved values "
          "are gone");
  if (!x.storage() || x.storage()->version() == recorded) return;
  fail(node.name(), ": ", description(x, role, index),
       " was changed after it was recorded and before its gradient was taken");
}

}  // namespace

const Tensor& Pullback::input(int index) const {
  const Operand& saved = operand(index);
  require_unchanged(*node_, saved.value, saved.version, "input", index);
  return saved.value;
}

Tensor Pullback::output(int index) const {
  const Result& result = node_->results()[static_cast<std::size_t>(index)];
  Tensor y(result.form, result.storage, {node_, index});
  require_unchanged(*node_, y, result.version, "output", index);
  return y;
}

Tensor Pullback::cotangent_or_zeros(int output_index) const {
  const Tensor& given = cotangent(output_index);
  if (given.defined()) return given;
  const Form& form = node_->results()[static_cast<std::size_t>(output_index)].form;
  return zeros(form.shape, form.dtype);
}

namespace {
std::set<std::string>& registry() {
  static std::set<std::string> names;
  return names;
}
}  // namespace

std::vector<std::string> registered_operations() { return {registry().begin(), registry().end()}; }

namespace detail {

bool register_operation(const char* name) { return registry().insert(name).second; }

DType working_type(const char* name, Inputs in, Outputs out, Reads constants) {
  const Tensor* first = nullptr;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (constants.input(i)) continue;
    if (!first) first = &in[i];
    require(in[i].dtype() == first->dtype(), name, ": mixes ", first->dtype(), " and ",
            in[i].dtype(), "; cast() one of them");
  }
  return first ? first->dtype() : out[0].dtype();
}

}  // namespace detail

}  // namespace adjoint
