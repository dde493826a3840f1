#include "autograd/tools/broadcast.h"

#include <algorithm>
#include <array>

#include "autograd/operation.h"
#include "autograd/support/error.h"

namespace adjoint {

bool broadcasts(std::string_view operation) {
  constexpr std::array<std::string_view, 11> names = {
      "add", "sub", "mul", "div", "pow", "maximum", "minimum", "equal", "greater", "less", "where"};
  return std::ranges::find(names, operation) != names.end();
}

void DetectBroadcast::before_forward(const char* operation, const Inputs& in) {
  if (ambient().vjp_of || ambient().deliberate_broadcast || !broadcasts(operation)) return;
  Shape result = in[0].shape();
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (!broadcastable(result, in[i].shape())) return;  // the operation itself reports that
    result = broadcast(operation, result, in[i].shape());
  }
  std::string shapes;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i].numel() >= result.numel()) return;
    shapes += text_from(i == 0 ? "" : i + 1 < in.size() ? ", " : " and ", in[i].shape());
  }
  fail("broadcast: ", operation, ": shapes ", shapes, " broadcast to ", result,
       ", which is larger than each of them; reshape() one of them if this is not meant, or put a "
       "DeliberateBroadcast guard around it",
       ambient().scope ? "\n  in " + *ambient().scope : "");
}

}  // namespace adjoint
