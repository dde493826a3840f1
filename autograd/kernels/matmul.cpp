#include "autograd/kernels/matmul.h"

#include <algorithm>

#include "autograd/kernels/blas.h"
#include "autograd/kernels/few_rows.h"
#include "autograd/kernels/tiles.h"
#include "autograd/support/threads.h"

namespace adjoint::kernels {
namespace {

// Pieces for the pool: panels of rows, or where that would be a single one, of columns. Fixed by
// the sizes alone: a piece's result then has the same bits whatever the number of threads. Below so
// many multiplications a piece is not worth calling a thread for; where there are few rows, so that
// the time goes into reading B, below so many elements of B.
constexpr Index panel_rows = 256;
constexpr double worth_cutting = 8e6;
constexpr Index elements_of_piece = 8192;

template <Real T>
double multiplications(const Product<T>& p) {
  return static_cast<double>(p.rows) * static_cast<double>(p.columns * p.inner);
}

// As many columns in each piece, in whole cache lines of C.
template <Real T>
Index columns_of_piece(const Product<T>& p) {
  constexpr Index line = 64 / sizeof(T);
  const auto share = [](Index whole, Index parts) { return (whole + parts - 1) / parts; };
  const Index pieces = p.rows <= few_rows ? share(p.columns * p.inner, elements_of_piece)
                                          : static_cast<Index>(multiplications(p) / worth_cutting);
  return share(share(p.columns, std::max<Index>(1, pieces)), line) * line;
}

}  // namespace

template <Real T>
void matmul_on_this_thread(const Product<T>& product) {
  if (is_few_rows(product))
    multiply_few_rows(product);
  else if (tiles_are_faster(product))
    multiply_by_tiles(product);
  else
    multiply_by_blas(product);
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
