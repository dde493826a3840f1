#include "autograd/gradcheck/vjp_watch.h"

#include <algorithm>

#include "autograd/pullback.h"

namespace adjoint::checking {
namespace {

std::string name_in_scope(const Node& node) {
  return node.scope().empty() ? node.name() : text_from(node.name(), " in ", node.scope());
}

constexpr const char* keeps_buffer =
    "returns a gradient in a buffer that it keeps and writes again: return a new tensor";

}  // namespace

VjpWatch::Held VjpWatch::hold(const Tensor& x, std::string what) {
  return {x.storage(), version_with_bytes(*x.storage()), std::move(what)};
}

void VjpWatch::before_vjp(const Node& node, const Pullback& back) {
  if (ambient().vjp_of != &node) return;  // part of another vjp
  std::vector<Held> held;
  for (std::size_t i = 0; i < back.output_count(); ++i)
    if (back.cotangent(i).defined())
      held.push_back(hold(back.cotangent(i), "changes its cotangent"));
  for (const SavedInput& x : node.inputs())
    if (x.value.storage()) held.push_back(hold(x.value, "changes an input of the operation"));
  for (const SavedOutput& y : node.outputs())
    if (y.storage) held.push_back({y.storage, version_with_bytes(*y.storage), "changes an output"});
  const std::lock_guard lock(mutex_);
  before_[node.number()] = std::move(held);
}

void VjpWatch::after_vjp(const Node& node, const Pullback&, Tensors& gradients) {
  const std::lock_guard lock(mutex_);
  const auto found = before_.find(node.number());
  if (found == before_.end()) return;
  std::set<const Storage*> known;  // may be returned: nobody writes there
  for (const Held& held : found->second) {
    known.insert(held.storage.get());
    if (version_with_bytes(*held.storage) != held.version)
      tell(node, held.what + ", which others may still read: edit a copy()");
  }
  before_.erase(found);
  for (const Tensor& gradient : gradients) {
    if (!gradient.defined() || !gradient.storage()) continue;
    const auto own = std::ranges::count(gradients, gradient.storage(), &Tensor::storage);
    const bool held_elsewhere = gradient.storage().use_count() > own;
    if (held_elsewhere && known.insert(gradient.storage().get()).second)
      kept_.emplace_back(name_in_scope(node), hold(gradient, keeps_buffer));
  }
}

void VjpWatch::look_at_kept_buffers() {
  for (const auto& [operation, held] : kept_)
    if (version_with_bytes(*held.storage) != held.version &&
        told_.emplace(operation, held.what).second)
      report_(operation, held.what);
}

void VjpWatch::tell(const Node& node, const std::string& what) {
  if (told_.emplace(name_in_scope(node), what).second) report_(name_in_scope(node), what);
}

}  // namespace adjoint::checking
