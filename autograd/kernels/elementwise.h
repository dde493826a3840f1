// Elementwise loops, and numpy's broadcasting.
#pragma once

#include <span>
#include <vector>

#include "autograd/kernels/map_elements.h"
#include "autograd/shape.h"
#include "autograd/support/threads.h"

namespace adjoint::kernels {

constexpr Index elementwise_grain = 32768;  // elements: about ten microseconds of work

/// y[i] = f(x[i])
template <class X, class Y, class F>
void map(std::span<const X> x, std::span<Y> y, F f) {
  parallel_for(static_cast<Index>(y.size()), elementwise_grain, [&](Index begin, Index end) {
    map_elements(f, end - begin, y.data() + begin, x.data() + begin);
  });
}

/// y[i] = f(a[i], b[i])
template <class A, class B, class Y, class F>
void zip(std::span<const A> a, std::span<const B> b, std::span<Y> y, F f) {
  parallel_for(static_cast<Index>(y.size()), elementwise_grain, [&](Index begin, Index end) {
    map_elements(f, end - begin, y.data() + begin, a.data() + begin, b.data() + begin);
  });
}

/// f(row) for each row; `width` is the work in one of them.
template <class F>
void parallel_rows(Index rows, Index width, F f) {
  parallel_for(rows, std::max<Index>(1, elementwise_grain / std::max<Index>(1, width)),
               [&](Index begin, Index end) {
                 for (Index row = begin; row < end; ++row) f(row);
               });
}

/// sum[i] += term[i]
template <class T>
void add_to(std::span<T> sum, std::span<const T> term) {
  zip(std::span<const T>(sum), term, sum, [](T a, T b) { return a + b; });
}

/// Walks two operands over their common broadcast shape. Along each axis an operand moves by its
/// stride, which is 0 where it is repeated. Adjacent axes are merged where one loop can run over
/// both, so most cases are one or two loops.
class BroadcastWalk {
 public:
  BroadcastWalk(const Shape& result, const Shape& a, const Shape& b);

  /// visit(position in the result, position in a, position in b, length, stride of a, stride of b)
  /// for each run along the innermost axis.
  template <class Visit>
  void each_run(Visit visit) const {
    if (axes_.empty()) return visit(Index{0}, Index{0}, Index{0}, Index{1}, Index{0}, Index{0});
    std::vector<Index> counter(axes_.size() - 1, 0);
    const Axis& inner = axes_.back();
    Index at = 0, at_a = 0, at_b = 0;
    while (true) {
      visit(at, at_a, at_b, inner.size, inner.a, inner.b);
      at += inner.size;
      std::size_t axis = counter.size();
      while (axis > 0) {
        const Axis& outer = axes_[--axis];
        at_a += outer.a;
        at_b += outer.b;
        if (++counter[axis] < outer.size) break;
        at_a -= outer.size * outer.a;
        at_b -= outer.size * outer.b;
        counter[axis] = 0;
        if (axis == 0) return;
      }
      if (counter.empty()) return;
    }
  }

 private:
  struct Axis {
    Index size, a, b;
  };
  std::vector<Axis> axes_;
};

/// y = f(a, b) with broadcasting. The spans have the elements of the shapes.
template <class A, class B, class Y, class F>
void zip_broadcast(std::span<const A> a, const Shape& a_shape, std::span<const B> b,
                   const Shape& b_shape, std::span<Y> y, const Shape& y_shape, F f) {
  if (y.empty()) return;
  if (a_shape == y_shape && b_shape == y_shape) return zip(a, b, y, f);
  BroadcastWalk(y_shape, a_shape, b_shape)
      .each_run([&](Index at, Index at_a, Index at_b, Index length, Index step_a, Index step_b) {
        Y* const to = y.data() + at;
        const A* const left = a.data() + at_a;
        const B* const right = b.data() + at_b;
        if (step_a == 1 && step_b == 1) {
          map_elements(f, length, to, left, right);
        } else if (step_a == 1) {
          map_elements([f, r = *right](A l) { return f(l, r); }, length, to, left);
        } else if (step_b == 1) {
          map_elements([f, l = *left](B r) { return f(l, r); }, length, to, right);
        } else {
          map_elements(f, 1, to, left, right);
          std::fill_n(to + 1, length - 1, *to);
        }
      });
}

}  // namespace adjoint::kernels
