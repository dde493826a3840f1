#include "autograd/node.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "autograd/ops.h"
#include "autograd/support/error.h"

namespace adjoint {

#ifdef _GLIBCXX_ASSERTIONS  // DEBUG=1 defines it
const bool versions_depend_on_bytes = true;
#else
const bool versions_depend_on_bytes = false;
#endif

std::uint64_t version_with_bytes(const Storage& storage) {
  std::uint64_t version = storage.version();
  const auto* const bytes = static_cast<const char*>(storage.data());
  for (std::size_t at = 0; at < storage.bytes(); at += 8) {  // FNV-1a over 8-byte words
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min<std::size_t>(8, storage.bytes() - at));
    version = (version ^ word) * 0x100000001b3;
  }
  return version;
}

void Node::release_inputs() {
  // Dropping the last holder of a node destroys it, and its destructor comes back here for its own
  // inputs: a recursion as deep as the graph. So an inner call only lists the nodes that it would
  // destroy, and the outermost call works through the list.
  thread_local std::vector<NodePtr>* doomed = nullptr;
  if (doomed) {
    for (SavedInput& input : inputs_) {
      NodePtr node = input.value.exchange_history({}).node;
      if (node.use_count() == 1) doomed->push_back(std::move(node));
    }
    return;
  }
  std::vector<NodePtr> list;
  doomed = &list;
  for (SavedInput& input : inputs_) input.value.exchange_history({});
  while (!list.empty()) {
    const NodePtr next = std::move(list.back());
    list.pop_back();
  }
  doomed = nullptr;
}

void Node::consume() {
  if (is_leaf()) return;
  consumed_ = true;
  release_inputs();
  for (SavedInput& input : inputs_) input.value.drop_storage();
  for (SavedOutput& output : outputs_) output.storage = nullptr;
}

// ---- Leaves ------------------------------------------------------------------------------------

Leaf::Leaf(const Form& form, std::string label, bool of_result)
    : Node("leaf"), label_(std::move(label)), of_result_(of_result), output_{form, nullptr, 0} {
  keep({}, {&output_, 1});
}

Tensors Leaf::vjp(const Pullback&) const { return {}; }

Tensors Leaf::replay(const Tensors&) const { fail("replay: a leaf was not computed"); }

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

// ---- What a tensor knows of its node -----------------------------------------------------------

namespace {
Leaf* leaf_of(const Tensor& x) { return dynamic_cast<Leaf*>(x.history().node.get()); }

Leaf& require_leaf(const Tensor& x, const char* function) {
  Leaf* const leaf = leaf_of(x);
  require(
      leaf, function,
      ": only a leaf made by variable() collects a gradient; call grad(y, {x}) for that of another "
      "tensor");
  return *leaf;
}
}  // namespace

Tensor variable(const Tensor& value, std::string name) {
  require(
      value.defined() && is_real(value.dtype()),
      "variable: only f32 and f64 tensors can be differentiated; cast() the value to one of them");
  const auto leaf = std::make_shared<Leaf>(value.form(), std::move(name), value.tracked());
  return {value.form(), value.storage(), {leaf, 0}};
}

const std::string& Tensor::name() const {
  static const std::string unnamed;
  const Leaf* const leaf = leaf_of(*this);
  return leaf ? leaf->label() : unnamed;
}

Tensor Tensor::grad() const { return require_leaf(*this, "grad").grad(); }

void Tensor::clear_grad() { require_leaf(*this, "clear_grad").clear_grad(); }

}  // namespace adjoint
