#include "autograd/pullback.h"

#include "autograd/support/error.h"

namespace adjoint {

void require_not_consumed(const Node& node) {
  require(!node.consumed(), node.name(),
          ": this graph was already swept by backward() or a consuming grad(), which drops its "
          "values; sweep it with grad(), which keeps them, or compute the result again");
}

namespace {

void require_unchanged(const Node& node, const Tensor& x, std::uint64_t version, const char* role,
                       std::size_t index) {
  require_not_consumed(node);
  if (x.storage() && version_of(*x.storage()) != version) [[unlikely]]
    fail(node.name(), ": ", operand_text(role, index, x),
         " was changed after it was recorded and before its gradient was taken; take the gradient "
         "first, or edit a copy()");
}

}  // namespace

const Tensor& Pullback::input(std::size_t index) const {
  const SavedInput& saved = node_->inputs()[index];
  require_unchanged(*node_, saved.value, saved.version, "input", index);
  return saved.value;
}

Tensor Pullback::output(std::size_t index) const {
  const SavedOutput& saved = node_->outputs()[index];
  Tensor y(saved.form, saved.storage, {node_, static_cast<int>(index)});
  require_unchanged(*node_, y, saved.version, "output", index);
  return y;
}

Tensor Pullback::cotangent_or_zeros(std::size_t output) const {
  if (cotangent(output).defined()) return cotangent(output);
  const Form& form = node_->outputs()[output].form;
  return zeros(form.shape, form.dtype);
}

}  // namespace adjoint
