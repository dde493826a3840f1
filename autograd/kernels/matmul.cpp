#include "autograd/kernels/matmul.h"

#include <algorithm>
#include <vector>

#include "autograd/kernels/blas.h"
#include "autograd/kernels/small_products.h"
#include "autograd/storage.h"
#include "autograd/support/threads.h"

namespace adjoint::kernels {
namespace {

Index quotient_rounded_up(Index whole, Index part) { return (whole + part - 1) / part; }

// ---- The inner axis ----------------------------------------------------------------------------

// Most kernels add up the inner axis in one chain, whose rounding error grows with its length. They
// get blocks of it, whose results are added pairwise: the error then grows like the logarithm of
// the length. BLAS cuts large products into blocks of about 400 itself, so the blocks that it gets
// may be longer: adding two results costs a pass over C. Where C is so small that this pass is
// free, blocks are shorter, except for dot products, which have a chain for each lane.
template <Real T>
Index block_length(const Product<T>& p) {
  const bool dots = p.rows <= most_few_rows && p.b.transposed && !p.a.transposed;
  if (p.rows * p.columns <= 256 && !dots) return 128;
  return p.rows <= 64 || p.columns <= 64 ? 512 : 2048;
}

template <Real T>
void multiply_block(const Product<T>& p) {
  if (!multiply_small(p)) multiply_by_blas(p);
}

// A sum of no terms is 0. Then A and B may be null.
template <Real T>
void multiply_nothing(const Product<T>& p) {
  for (Index i = 0; i < p.rows; ++i) {
    T* const row = p.c + i * p.stride;
    if (!p.add) std::fill_n(row, p.columns, T{0});
    if (p.bias)
      for (Index j = 0; j < p.columns; ++j) row[j] += p.bias[j];
  }
}

// ---- Pieces for the pool -----------------------------------------------------------------------

constexpr Index panel_rows = 256;
constexpr double worth_cutting = 8e6;      // multiplications, below which threads do not pay
constexpr Index elements_of_piece = 8192;  // of B: reading it takes the time where A has few rows

template <Real T>
double multiplications(const Product<T>& p) {
  return static_cast<double>(p.rows) * static_cast<double>(p.columns * p.inner);
}

// Whole cache lines of C.
template <Real T>
Index columns_of_piece(const Product<T>& p) {
  constexpr Index line = 64 / sizeof(T);
  const Index pieces = p.rows <= most_few_rows
                           ? quotient_rounded_up(p.columns * p.inner, elements_of_piece)
                           : static_cast<Index>(multiplications(p) / worth_cutting);
  const Index columns = quotient_rounded_up(p.columns, std::max<Index>(1, pieces));
  return quotient_rounded_up(columns, line) * line;
}

}  // namespace

template <Real T>
void matmul_on_this_thread(const Product<T>& p) {
  const Index blocks = quotient_rounded_up(p.inner, block_length(p));
  if (blocks == 0) return multiply_nothing(p);
  if (blocks == 1) return multiply_block(p);
  const Index half = blocks / 2 * block_length(p);
  std::vector<T, Recycling<T>> second(static_cast<std::size_t>(p.rows * p.columns));

  Product<T> part = p;  // the first half of the blocks goes to C; the second is added to it
  part.inner = half;
  matmul_on_this_thread(part);
  matmul_on_this_thread<T>({.rows = p.rows,
                            .columns = p.columns,
                            .inner = p.inner - half,
                            .a = p.a.from(0, half),
                            .b = p.b.from(half, 0),
                            .c = second.data(),
                            .stride = p.columns,
                            .scale = p.scale});
  for (Index i = 0; i < p.rows; ++i) {
    T* const sum = p.c + i * p.stride;
    const T* const term = second.data() + i * p.columns;
    for (Index j = 0; j < p.columns; ++j) sum[j] += term[j];
  }
}

template <Real T>
void matmul(const Product<T>& product) {
  if (product.rows <= panel_rows)
    return parallel_for(product.columns, columns_of_piece(product), [&](Index begin, Index end) {
      matmul_on_this_thread(product.of_columns(begin, end - begin));
    });
  const bool cut = multiplications(product) >= worth_cutting;
  parallel_for(product.rows, cut ? panel_rows : product.rows, [&](Index begin, Index end) {
    matmul_on_this_thread(product.of_rows(begin, end - begin));
  });
}

template void matmul<float>(const Product<float>&);
template void matmul<double>(const Product<double>&);
template void matmul_on_this_thread<float>(const Product<float>&);
template void matmul_on_this_thread<double>(const Product<double>&);

}  // namespace adjoint::kernels
