#include "autograd/kernels/row.h"

#include <algorithm>

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {
namespace {

// y ← scale · sum + keep · y + bias, for the first `count` elements from column j on.
template <Real T>
void finish(const Product<T>& p, Index j, const Register<T>& sum, Index count) {
  Register<T> y = p.scale * sum;
  if (p.keep != 0) y += p.keep * load_first(p.c + j, count);
  if (p.bias) y += load_first(p.bias + j, count);
  store_first(p.c + j, y, count);
}

// ---- x Wᵀ --------------------------------------------------------------------------------------

// sums[i] = ⟨x, w_i⟩ for `count` rows of W: x is loaded once for all of them.
template <Real T, int count>
void dot_products(const T* x, const Matrix<T>& w, Index inner, T* sums) {
  const Index whole = inner / lanes<T> * lanes<T>;
  Register<T> sum[count]{};
  for (Index k = 0; k < whole; k += lanes<T>) {
    const Register<T> part_of_x = load(x + k);
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) sum[i] += part_of_x * load(w.data + i * w.stride + k);
  }
  if (whole < inner) {
    const Register<T> rest_of_x = load_first(x + whole, inner - whole);
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i)
      sum[i] += rest_of_x * load_first(w.data + i * w.stride + whole, inner - whole);
  }
#pragma GCC unroll 4
  for (int i = 0; i < count; ++i) sums[i] = total_of<T>(sum[i]);
}

// As many columns as a register has elements, or what is left of them.
template <Real T>
void multiply_by_dot_products(const Product<T>& p) {
  for (Index j = 0; j < p.columns; j += lanes<T>) {
    const Index count = std::min(lanes<T>, p.columns - j);
    T sums[lanes<T>]{};
    Index i = 0;
    for (; i + 4 <= count; i += 4)
      dot_products<T, 4>(p.a.data, p.b.from(0, j + i), p.inner, sums + i);
    for (; i < count; ++i) dot_products<T, 1>(p.a.data, p.b.from(0, j + i), p.inner, sums + i);
    finish(p, j, load(sums), count);
  }
}

// ---- x B ---------------------------------------------------------------------------------------

// `registers` registers of columns from j on, of which the last may be in part.
template <Real T, int registers>
void sum_of_rows(const Product<T>& p, Index j, Index in_last) {
  Register<T> sum[registers]{};
  const T* b = p.b.data + j;
  for (Index k = 0; k < p.inner; ++k, b += p.b.stride) {
#pragma GCC unroll 4
    for (int r = 0; r < registers - 1; ++r) sum[r] += p.a.data[k] * load(b + r * lanes<T>);
    sum[registers - 1] += p.a.data[k] * load_first(b + (registers - 1) * lanes<T>, in_last);
  }
#pragma GCC unroll 4
  for (int r = 0; r < registers; ++r)
    finish(p, j + r * lanes<T>, sum[r], r == registers - 1 ? in_last : lanes<T>);
}

template <Real T>
void multiply_by_sums_of_rows(const Product<T>& p) {
  Index j = 0;
  for (; j + 4 * lanes<T> <= p.columns; j += 4 * lanes<T>) sum_of_rows<T, 4>(p, j, lanes<T>);
  for (; j < p.columns; j += lanes<T>) sum_of_rows<T, 1>(p, j, std::min(lanes<T>, p.columns - j));
}

}  // namespace

template <Real T>
void multiply_row(const Product<T>& p) {
  if (p.b.transposed)
    multiply_by_dot_products(p);
  else
    multiply_by_sums_of_rows(p);
}

template void multiply_row<float>(const Product<float>&);
template void multiply_row<double>(const Product<double>&);

}  // namespace adjoint::kernels
