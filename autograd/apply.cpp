#include "autograd/apply.h"

#include <map>
#include <new>
#include <stdexcept>

#include "autograd/support/error.h"

namespace adjoint {
namespace {
std::map<std::string, Rule>& registry() {
  static std::map<std::string, Rule> rules;
  return rules;
}
}  // namespace

std::vector<std::string> registered_operations() {
  std::vector<std::string> names;
  for (const auto& [name, rule] : registry()) names.push_back(name);
  return names;
}

Rule rule_of_operation(const std::string& name) {
  const auto found = registry().find(name);
  require(found != registry().end(), "no operation is called '", name, "'");
  return found->second;
}

namespace detail {

bool register_operation(const char* name, Rule rule) {
  return registry().emplace(name, rule).second;
}

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

void rethrow_naming(const char* operation, Inputs in) {
  const auto out_of_memory = [&] {
    std::string inputs;
    for (std::size_t i = 0; i < in.size(); ++i)
      inputs += text_from(i > 0 ? ", " : "", in[i].shape());
    return SizeError(text_from(operation, ": out of memory, with inputs of shape ", inputs));
  };
  try {
    throw;
  } catch (const SizeError& error) {
    const std::string text = error.what(), name = text_from(operation, ": ");
    throw SizeError(text.starts_with(name) ? text : name + text);
  } catch (const std::bad_alloc&) {
    throw out_of_memory();
  } catch (const std::length_error&) {  // thrown by a container
    throw out_of_memory();
  }
}

}  // namespace detail

}  // namespace adjoint
