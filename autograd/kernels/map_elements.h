// Loops in which every element goes through the same instructions.
//
// A compiler splits a loop into one over registers and one over the elements that are left over.
// The two may round differently: the vector forms of functions such as exp differ from the scalar
// ones in the last place. Equal numbers would then give unequal results, depending on where they
// stand. So these loops compute whole blocks only, and copy the remainder to a block of its own.
//
// This header is installed for users' own operations, so nothing in it depends on the processor.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstring>
#include <utility>

#include "autograd/dtype.h"
#include "autograd/shape.h"

namespace adjoint::kernels {

/// As many numbers as fit the widest register of any processor.
template <Real T>
struct alignas(64) Block {
  static constexpr Index size = 64 / static_cast<Index>(sizeof(T));
  T at[size];
};

/// Fills the start of a block with `count` numbers, fewer than it holds, and the rest with numbers
/// that are as quick to compute with: log(0), for example, is slow.
template <Real T>
void load_rest(const T* from, Index count, Block<T>& block);
/// Stores the first `count` numbers of the block.
template <Real T>
void store_rest(const Block<T>& block, Index count, T* to);

// One number or half a block is copied whole, here; any other count with masks, in
// map_elements.cpp. A processor forwards a store to the next load at once, but not if either is
// masked or if the load spans several stores.

/// to = from, from
template <Real T, int... i>
void write_twice(const T* from, T* to, std::integer_sequence<int, i...>) {
  typedef T Half __attribute__((vector_size(sizeof(Block<T>) / 2)));
  Half half;
  std::memcpy(&half, from, sizeof half);
  const auto both = __builtin_shufflevector(half, half, i...);
  std::memcpy(to, &both, sizeof both);
}

template <Real T>
Block<T> padded(const T* from, Index count) {
  Block<T> block;
  if (count == 1) {
    std::fill_n(block.at, block.size, *from);
  } else if (count == block.size / 2) {
    write_twice(from, block.at, std::make_integer_sequence<int, block.size>());
  } else {
    load_rest(from, count, block);
  }
  return block;
}
template <Real T>
void store_part(const Block<T>& block, Index count, T* to) {
  if (count == 1)
    *to = block.at[0];
  else if (count == block.size / 2)
    std::memcpy(to, block.at, sizeof block / 2);
  else
    store_rest(block, count, to);
}

/// to[i] = f(from[i]…) for one block. `to` may be one of `from`.
template <Real T, class F, class... X>
void map_block(F f, T* to, const X*... from) {
#pragma omp simd
  for (Index i = 0; i < Block<T>::size; ++i) to[i] = f(from[i]...);
}

/// to[i] = f(from[i]…) for i < count. Each result depends, to the last bit, on its own arguments
/// and not on i or count. `to` may be one of `from`.
template <class Y, class F, class... X>
void map_elements(F f, Index count, Y* to, const X*... from) {
  if constexpr (Real<Y> && (std::same_as<X, Y> && ...)) {
    Index i = 0;
    for (; i + Block<Y>::size <= count; i += Block<Y>::size) map_block(f, to + i, (from + i)...);
    if (i == count) return;
    Block<Y> rest;
    map_block(f, rest.at, padded(from + i, count - i).at...);
    store_part(rest, count - i, to + i);
  } else {  // f compares, converts or selects, which rounds the same way in every loop
    for (Index i = 0; i < count; ++i) to[i] = f(from[i]...);
  }
}

}  // namespace adjoint::kernels
