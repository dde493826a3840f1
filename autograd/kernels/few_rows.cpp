#include "autograd/kernels/few_rows.h"

#include <algorithm>

#include "autograd/kernels/registers.h"

namespace adjoint::kernels {
namespace {

// ---- x Wᵀ --------------------------------------------------------------------------------------

// A block: rows of x by rows of W, with a sum for each pair, as many as make a square of registers.
// Each register of x and of W is loaded once for all its pairs.
template <Real T, int rows, int columns>
void multiply_block(const Product<T>& p, Index first, Index j) {
  const Matrix<T> x = p.a.from(first, 0), w = p.b.from(0, j);
  Register<T> sums[lanes<T>]{};
  const auto add = [&](Index k, auto load_part) {
    Register<T> part_of_x[rows];
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) part_of_x[i] = load_part(x.data + i * x.stride + k);
    const T* row_of_w = w.data + k;
#pragma GCC unroll 16
    for (int column = 0; column < columns; ++column, row_of_w += w.stride) {
      const Register<T> part_of_w = load_part(row_of_w);
#pragma GCC unroll 4
      for (int i = 0; i < rows; ++i) sums[i * columns + column] += part_of_x[i] * part_of_w;
    }
  };
  const Index whole = p.inner / lanes<T> * lanes<T>;
  for (Index k = 0; k < whole; k += lanes<T>) add(k, [](const T* at) { return load(at); });
  if (whole < p.inner) add(whole, [&](const T* at) { return load_first(at, p.inner - whole); });

  T results[lanes<T>];
  store(results, totals_of<T>(sums));
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i)
    finish(p, first + i, j, load_first(results + i * columns, columns), columns);
}

// `rows` rows of x by the rows [j, end) of W, in blocks of so many, then in smaller ones.
template <Real T, int rows, int columns = static_cast<int>(lanes<T>) / rows>
void multiply_by_rows_of_w(const Product<T>& p, Index first, Index j, Index end) {
  for (; j + columns <= end; j += columns) multiply_block<T, rows, columns>(p, first, j);
  if constexpr (columns > 1) multiply_by_rows_of_w<T, rows, (columns + 3) / 4>(p, first, j, end);
}

// The rows of x from `first` on, as many at a time as a block can have, then fewer.
template <Real T, int rows = std::max(1, static_cast<int>(lanes<T>) / 4)>
void multiply_all_rows(const Product<T>& p, Index j, Index end, Index first = 0) {
  for (; first + rows <= p.rows; first += rows) multiply_by_rows_of_w<T, rows>(p, first, j, end);
  if constexpr (rows > 1) multiply_all_rows<T, rows / 2>(p, j, end, first);
}

// A part of W, which stays in the cache for all rows of x, after the other.
template <Real T>
void multiply_by_dot_products(const Product<T>& p) {
  for (Index j = 0; j < p.columns; j += lanes<T>)
    multiply_all_rows(p, j, std::min(p.columns, j + lanes<T>));
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
    finish(p, 0, j + r * lanes<T>, sum[r], r == registers - 1 ? in_last : lanes<T>);
}

template <Real T>
void multiply_by_sums_of_rows(const Product<T>& p) {
  Index j = 0;
  for (; j + 4 * lanes<T> <= p.columns; j += 4 * lanes<T>) sum_of_rows<T, 4>(p, j, lanes<T>);
  for (; j < p.columns; j += lanes<T>) sum_of_rows<T, 1>(p, j, std::min(lanes<T>, p.columns - j));
}

}  // namespace

template <Real T>
void multiply_few_rows(const Product<T>& p) {
  if (p.b.transposed)
    multiply_by_dot_products(p);
  else
    multiply_by_sums_of_rows(p);
}

template void multiply_few_rows<float>(const Product<float>&);
template void multiply_few_rows<double>(const Product<double>&);

}  // namespace adjoint::kernels
