// Loops in which every element goes through the same instructions.
//
// A compiler makes two loops of one: a loop over registers, and a loop over the elements that are
// left over. The two may round differently: the vector forms of exp and others differ from the
// scalar ones in the last place. Equal numbers would then give unequal results, depending on where
// they stand. So these loops run over whole registers only. What is left over is copied to a
// register of its own.
#pragma once

#include <algorithm>
#include <concepts>

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

/// As many numbers as a register has, in memory.
template <Real T>
struct alignas(register_bytes) Block {
  T at[lanes<T>];
};

/// The first `count` numbers. The others repeat the first one, which is as quick to compute as
/// those, whereas log(0), say, is slow.
template <Real T>
Block<T> padded(const T* from, Index count) {
  Block<T> block;
  store(block.at, load_first(from, count, filled(*from)));
  return block;
}

/// to[i] = f(from[i]…) for one register. `to` may be one of `from`.
template <Real T, class F, class... X>
void map_block(F f, T* to, const X*... from) {
#pragma omp simd
  for (Index i = 0; i < lanes<T>; ++i) to[i] = f(from[i]...);
}

/// to[i] = f(from[i]…) for i < count. An element of the result depends on those of `from` alone, to
/// the last bit, and not on i or count. `to` may be one of `from`.
template <class Y, class F, class... X>
void map_elements(F f, Index count, Y* to, const X*... from) {
  if constexpr (Real<Y> && (std::same_as<X, Y> && ...)) {
    Index i = 0;
    for (; i + lanes<Y> <= count; i += lanes<Y>) map_block(f, to + i, (from + i)...);
    if (i == count) return;
    Block<Y> rest;
    map_block(f, rest.at, padded(from + i, count - i).at...);
    store_first(to + i, load(rest.at), count - i);
  } else {  // f compares, converts or chooses: every loop does this alike
    for (Index i = 0; i < count; ++i) to[i] = f(from[i]...);
  }
}

}  // namespace adjoint::kernels
