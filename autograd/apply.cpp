#include "autograd/apply.h"

#include <set>

#include "autograd/support/error.h"

namespace adjoint {
namespace {
std::set<std::string>& registry() {
  static std::set<std::string> names;
  return names;
}
}  // namespace

std::vector<std::string> registered_operations() { return {registry().begin(), registry().end()}; }

namespace detail {

bool register_operation(const char* name) { return registry().insert(name).second; }

DType working_type(const char* operation, Inputs in, Outputs out, Operands constants) {
  const Tensor* first = nullptr;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (constants.input(i)) continue;
    if (!first) first = &in[i];
    require(in[i].dtype() == first->dtype(), operation, ": mixes ", first->dtype(), " and ",
            in[i].dtype(), "; cast() one of them");
  }
  return first ? first->dtype() : out[0].dtype();
}

}  // namespace detail

}  // namespace adjoint
