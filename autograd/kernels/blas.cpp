#include "autograd/kernels/blas.h"

#include <cblas.h>

#include <algorithm>

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

}  // namespace

template <Real T>
void multiply_by_blas(const Product<T>& p) {
  if (p.rows == 0 || p.columns == 0) return;
  one_blas_thread();
  T keep = p.keep;
  if (p.bias) {  // BLAS knows no bias, but adds to what is there
    for (Index i = 0; i < p.rows; ++i)
      for (Index j = 0; j < p.columns; ++j) {
        T& c = p.c[i * p.stride + j];
        c = keep == 0 ? p.bias[j] : keep * c + p.bias[j];
      }
    keep = 1;
  }
  gemm(flag(p.a.transposed), flag(p.b.transposed), narrow(p.rows), narrow(p.columns),
       narrow(p.inner), p.scale, p.a.data, leading(p.a.stride), p.b.data, leading(p.b.stride), keep,
       p.c, leading(p.stride));
}

template void multiply_by_blas<float>(const Product<float>&);
template void multiply_by_blas<double>(const Product<double>&);

std::string blas_description() {
  if (!openblas_get_config || !openblas_get_corename) return "BLAS (not OpenBLAS)";
  return std::string(openblas_get_config()) + ", core " + openblas_get_corename();
}

}  // namespace adjoint::kernels
