#include "autograd/kernels/blas.h"

#include <cblas.h>

#include <algorithm>

// Functions of OpenBLAS and of the OpenMP run time. They are weak symbols because the program may
// be linked with another BLAS.
extern "C" {
[[gnu::weak]] void openblas_set_num_threads(int);
[[gnu::weak]] char* openblas_get_config(void);
[[gnu::weak]] char* openblas_get_corename(void);
[[gnu::weak]] void omp_set_num_threads(int);
}

namespace adjoint::kernels {
namespace {

// OpenBLAS must not start threads: on small matrices they cost more than they gain, and our pool
// uses the cores better. The OpenMP build keeps the setting per calling thread, so a product inside
// a new thread would otherwise start a team.
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
  require(size <= 0x7fffffff, "matmul: BLAS cannot take a size of ", size, ", only up to 2³¹ − 1");
  return static_cast<int>(size);
}
// BLAS demands distances of at least one, even of empty matrices.
int distance(Index stride) { return std::max(1, narrow(stride)); }

template <Real T>
void matrix_times_matrix(const Product<T>& p, T beta) {
  const auto gemm = [] {
    if constexpr (sizeof(T) == sizeof(float))
      return cblas_sgemm;
    else
      return cblas_dgemm;
  }();
  gemm(CblasRowMajor, flag(p.a.transposed), flag(p.b.transposed), narrow(p.rows), narrow(p.columns),
       narrow(p.inner), p.scale, p.a.data, distance(p.a.stride), p.b.data, distance(p.b.stride),
       beta, p.c, distance(p.stride));
}

// y ← scale·M·x + beta·y for M of [rows, inner]; elements of x and y lie a step apart.
template <Real T>
void matrix_times_vector(const Matrix<T>& m, Index rows, Index inner, T scale, const T* x,
                         Index step_x, T beta, T* y, Index step_y) {
  const auto gemv = [] {
    if constexpr (sizeof(T) == sizeof(float))
      return cblas_sgemv;
    else
      return cblas_dgemv;
  }();
  gemv(CblasRowMajor, flag(m.transposed), narrow(m.transposed ? inner : rows),
       narrow(m.transposed ? rows : inner), scale, m.data, distance(m.stride), x, distance(step_x),
       beta, y, distance(step_y));
}

}  // namespace

template <Real T>
void multiply_by_blas(const Product<T>& p) {
  if (p.rows == 0 || p.columns == 0) return;
  one_blas_thread();
  if (p.bias)  // BLAS takes no bias, but it adds to what C holds
    for (Index i = 0; i < p.rows; ++i)
      for (Index j = 0; j < p.columns; ++j) {
        T& c = p.c[i * p.stride + j];
        c = p.add ? c + p.bias[j] : p.bias[j];
      }
  const T beta = p.add || p.bias ? 1 : 0;
  // gemm copies its matrices first, which takes longer than multiplying one by a vector. (gemv does
  // not even set y when there is nothing to add up.)
  if (p.columns == 1 && p.inner > 0)
    matrix_times_vector(p.a, p.rows, p.inner, p.scale, p.b.data, p.b.row_step(), beta, p.c,
                        p.stride);
  else if (p.rows == 1 && p.inner > 0)  // cᵀ = Bᵀ aᵀ
    matrix_times_vector(p.b.t(), p.columns, p.inner, p.scale, p.a.data, p.a.column_step(), beta,
                        p.c, Index{1});
  else
    matrix_times_matrix(p, beta);
}

template void multiply_by_blas<float>(const Product<float>&);
template void multiply_by_blas<double>(const Product<double>&);

std::string blas_description() {
  if (!openblas_get_config || !openblas_get_corename) return "BLAS (not OpenBLAS)";
  return std::string(openblas_get_config()) + ", core " + openblas_get_corename();
}

}  // namespace adjoint::kernels
