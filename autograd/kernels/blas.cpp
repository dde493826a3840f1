#include "autograd/kernels/blas.h"

#include <cblas.h>

#include <algorithm>

#include "autograd/kernels/parallel.h"

// Of OpenBLAS and of the OpenMP run time; weak, because another variant may be linked.
extern "C" {
[[gnu::weak]] void openblas_set_num_threads(int);
[[gnu::weak]] char* openblas_get_config(void);
[[gnu::weak]] char* openblas_get_corename(void);
[[gnu::weak]] void omp_set_num_threads(int);
}

namespace adjoint::kernels {
namespace {

// OpenBLAS must not start threads of its own: on small matrices they cost more than they bring, and
// the pool uses the cores better. In the OpenMP build the setting belongs to each calling thread: a
// product inside of a fresh thread would otherwise start a team.
void one_blas_thread() {
  thread_local bool done = false;
  if (done) return;
  if (omp_set_num_threads) omp_set_num_threads(1);
  static const bool once = [] {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    return true;
  }();
  done = once;
}

CBLAS_TRANSPOSE flag(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }
int narrow(Index size) {
  require(size <= 0x7fffffff, "matmul: a size of ", size, " is more than BLAS can take");
  return static_cast<int>(size);
}
// BLAS demands a row distance of at least one even of empty matrices.
int leading(Index stride) { return std::max(1, narrow(stride)); }

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha, const float* a,
          int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
          const double* a, int lda, const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// Panels of rows for the pool. Fixed by the sizes alone: a panel's result then has the same bits
// whatever the number of threads.
constexpr Index panel_rows = 256;
constexpr double worth_cutting = 8e6;  // multiplications: below, a thread's wake-up costs more

}  // namespace

template <Real T>
void matmul_on_this_thread(Index rows, Index columns, Index inner, T scale, Matrix<T> a,
                           Matrix<T> b, T keep, T* c, Index stride) {
  if (rows == 0 || columns == 0) return;
  one_blas_thread();
  gemm(flag(a.transposed), flag(b.transposed), narrow(rows), narrow(columns), narrow(inner), scale,
       a.data, leading(a.stride), b.data, leading(b.stride), keep, c, leading(stride));
}

template <Real T>
void matmul(Index rows, Index columns, Index inner, Matrix<T> a, Matrix<T> b, T keep, T* c,
            Index stride) {
  const auto panel = [&](Index begin, Index end) {
    const Matrix<T> part{a.data + (a.transposed ? begin : begin * a.stride), a.stride,
                         a.transposed};
    matmul_on_this_thread(end - begin, columns, inner, T{1}, part, b, keep, c + begin * stride,
                          stride);
  };
  const double work = static_cast<double>(rows) * static_cast<double>(columns * inner);
  parallel_for(rows, work < worth_cutting ? std::max<Index>(1, rows) : panel_rows, panel);
}

template void matmul<float>(Index, Index, Index, Matrix<float>, Matrix<float>, float, float*,
                            Index);
template void matmul<double>(Index, Index, Index, Matrix<double>, Matrix<double>, double, double*,
                             Index);
template void matmul_on_this_thread<float>(Index, Index, Index, float, Matrix<float>, Matrix<float>,
                                           float, float*, Index);
template void matmul_on_this_thread<double>(Index, Index, Index, double, Matrix<double>,
                                            Matrix<double>, double, double*, Index);

std::string blas_description() {
  if (!openblas_get_config || !openblas_get_corename) return "BLAS (not OpenBLAS)";
  return std::string(openblas_get_config()) + ", core " + openblas_get_corename();
}

}  // namespace adjoint::kernels
