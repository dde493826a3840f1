#include "autograd/kernels/elementwise.h"

namespace adjoint::kernels {

BroadcastWalk::BroadcastWalk(const Shape& result, const Shape& a, const Shape& b) {
  // From the last axis outward. An operand that lacks the axis, or has size 1 on it, stays in
  // place.
  Index stride_a = 1, stride_b = 1;
  std::vector<Axis> reversed;
  for (Index i = 1; i <= result.rank(); ++i) {
    const Index size = result[-i];
    const Index size_a = i <= a.rank() ? a[-i] : 1;
    const Index size_b = i <= b.rank() ? b[-i] : 1;
    if (size == 1) continue;
    const Axis axis{size, size_a == 1 ? 0 : stride_a, size_b == 1 ? 0 : stride_b};
    stride_a *= size_a;
    stride_b *= size_b;
    if (!reversed.empty()) {
      Axis& inner = reversed.back();
      if (axis.a == inner.a * inner.size && axis.b == inner.b * inner.size) {
        inner.size *= size;  // the outer axis continues where the inner one ends
        continue;
      }
    }
    reversed.push_back(axis);
  }
  axes_.assign(reversed.rbegin(), reversed.rend());
}

}  // namespace adjoint::kernels
