#include "autograd/kernels/matmul.h"

#include <algorithm>

#include "autograd/kernels/blas.h"
#include "autograd/kernels/parallel.h"
#include "autograd/kernels/tiles.h"

namespace adjoint::kernels {
namespace {

// Panels of rows for the pool. Fixed by the sizes alone: a panel's result then has the same bits
// whatever the number of threads.
constexpr Index panel_rows = 256;
constexpr double worth_cutting = 8e6;  // multiplications: below, a thread's wake-up costs more

template <Real T>
bool worth_cutting_up(const Product<T>& p) {
  return static_cast<double>(p.rows) * static_cast<double>(p.columns * p.inner) >= worth_cutting;
}

}  // namespace

template <Real T>
void matmul_on_this_thread(const Product<T>& product) {
  if (tiles_are_faster(product))
    multiply_by_tiles(product);
  else
    multiply_by_blas(product);
}

template <Real T>
void matmul(const Product<T>& product) {
  const Index grain = worth_cutting_up(product) ? panel_rows : std::max<Index>(1, product.rows);
  parallel_for(product.rows, grain, [&](Index begin, Index end) {
    matmul_on_this_thread(product.part(begin, end - begin));
  });
}

template void matmul<float>(const Product<float>&);
template void matmul<double>(const Product<double>&);
template void matmul_on_this_thread<float>(const Product<float>&);
template void matmul_on_this_thread<double>(const Product<double>&);

}  // namespace adjoint::kernels
