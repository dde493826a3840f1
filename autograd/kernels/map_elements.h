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
#include <cstring>
#include <utility>

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {

/// A register in memory.
template <Real T>
struct alignas(register_bytes) InMemory {
  T at[lanes<T>];
};

/// Half of a register, twice.
template <Real T, int... i>
Register<T> twice(const T* from, std::integer_sequence<int, i...>) {
  typename RegisterTypes<T>::half half;
  std::memcpy(&half, from, sizeof half);
  return __builtin_shufflevector(half, half, i...);
}

// One number and half a register are read and written whole: a processor passes a number from a
// store to the next load at once, but not if one of them is masked.

/// `count` numbers, fewer than a register has, and then others that are as quick to compute as
/// these, whereas log(0), say, is slow.
template <Real T>
InMemory<T> padded(const T* from, Index count) {
  constexpr int n = static_cast<int>(lanes<T>);
  InMemory<T> x;
  if (count == 1)
    store(x.at, filled(*from));
  else if (count == n / 2)
    store(x.at, twice(from, std::make_integer_sequence<int, n>()));
  else
    store(x.at, load_first(from, count, filled(*from)));
  return x;
}
/// The first `count` numbers of the register.
template <Real T>
void store_rest(T* to, const InMemory<T>& x, Index count) {
  if (count == 1)
    *to = x.at[0];
  else if (count == lanes<T> / 2)
    std::memcpy(to, x.at, sizeof x / 2);
  else
    store_first(to, load(x.at), count);
}

/// to[i] = f(from[i]…) for one register. `to` may be one of `from`.
template <Real T, class F, class... X>
void map_register(F f, T* to, const X*... from) {
#pragma omp simd
  for (Index i = 0; i < lanes<T>; ++i) to[i] = f(from[i]...);
}

/// to[i] = f(from[i]…) for i < count. An element of the result depends on those of `from` alone, to
/// the last bit, and not on i or count. `to` may be one of `from`.
template <class Y, class F, class... X>
void map_elements(F f, Index count, Y* to, const X*... from) {
  if constexpr (Real<Y> && (std::same_as<X, Y> && ...)) {
    Index i = 0;
    for (; i + lanes<Y> <= count; i += lanes<Y>) map_register(f, to + i, (from + i)...);
    if (i == count) return;
    InMemory<Y> rest;
    map_register(f, rest.at, padded(from + i, count - i).at...);
    store_rest(to + i, rest, count - i);
  } else {  // f compares, converts or chooses: every loop does this alike
    for (Index i = 0; i < count; ++i) to[i] = f(from[i]...);
  }
}

}  // namespace adjoint::kernels
