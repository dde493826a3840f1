#include "tests/autograd/gradcheck/hard_functions.h"

#include <iterator>

#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

void append(HardFunctions& all, HardFunctions some, const char* kind) {
  for (HardFunction& function : some) function.kind = kind;
  std::ranges::move(some, std::back_inserter(all));
}

RightAndWrong everything() {
  RightAndWrong all;
  const auto add = [&](const char* kind, RightAndWrong some) {
    append(all.right, std::move(some.right), kind);
    append(all.wrong, std::move(some.wrong), kind);
  };
  add("kinks", with_kinks());
  add("saturation", with_saturation());
  add("scales", with_scales());
  add("cancellation", with_cancellation());
  add("borders", with_borders());
  add("chains", with_chains());
  add("many inputs", with_many_inputs());
  add("types", with_types());
  add("orders", with_orders());
  add("calls", with_calls());
  add("everyday", with_everyday_code());
  return all;
}

}  // namespace

HardFunctions right_functions() { return everything().right; }
HardFunctions wrong_functions() { return everything().wrong; }

}  // namespace adjoint::testing
