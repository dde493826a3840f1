#include "autograd/kernels/small_products.h"

#include <algorithm>
#include <vector>

#include "autograd/storage.h"

namespace adjoint::kernels {
namespace {

// The first `count` elements of row i from column j on: c ← scale·sum + bias (+ c).
template <Real T>
void finish(const Product<T>& p, Index i, Index j, const Register<T>& sum, Index count) {
  T* const c = p.c + i * p.stride + j;
  Register<T> result = p.scale * sum;
  if (p.add) result += load_first(c, count);
  if (p.bias) result += load_first(p.bias + j, count);
  store_first(c, result, count);
}

// ---- Few rows: x Wᵀ by dot products ------------------------------------------------------------

// A block of dot products ⟨x_i, w_j⟩: as many pairs of rows as there are lanes, with a register of
// sums for each pair. A register of x or of W is loaded once for all its pairs.
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

  T dots[lanes<T>];
  store(dots, totals_of<T>(sums));
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i)
    finish(p, first + i, j, load_first(dots + i * columns, columns), columns);
}

// `rows` rows of x by rows [j, end) of W: blocks of `columns` of these, then smaller blocks.
template <Real T, int rows, int columns = static_cast<int>(lanes<T>) / rows>
void multiply_rows(const Product<T>& p, Index first, Index j, Index end) {
  for (; j + columns <= end; j += columns) multiply_block<T, rows, columns>(p, first, j);
  if constexpr (columns > 1) multiply_rows<T, rows, (columns + 3) / 4>(p, first, j, end);
}
// All rows of x from `first` on, in the highest blocks, then in lower ones.
template <Real T, int rows = std::max(1, static_cast<int>(lanes<T>) / 4)>
void multiply_all_rows(const Product<T>& p, Index j, Index end, Index first = 0) {
  for (; first + rows <= p.rows; first += rows) multiply_rows<T, rows>(p, first, j, end);
  if constexpr (rows > 1) multiply_all_rows<T, rows / 2>(p, j, end, first);
}

// ---- Tiles of C in registers -------------------------------------------------------------------

// A tile stays in registers while k runs over `inner`:  C[i, :] += A[i, k] · B[k, :]  for all its
// rows i. B is not transposed. (A function of its own gets all registers for `sum`.)
template <Real T, int rows, int registers>
[[gnu::noinline]] void multiply_tile(const Product<T>& p, Index first, Index j) {
  const Index in_last = std::min(lanes<T>, p.columns - j - (registers - 1) * lanes<T>);
  const Index step = p.a.row_step();
  const T* a[(rows + 2) / 3];  // three rows share a pointer: they are 0, 1 and 2 steps from it
#pragma GCC unroll 4
  for (int i = 0; i < rows; i += 3) a[i / 3] = p.a.data + (first + i) * step;
  const T* b = p.b.data + j;
  Register<T> sum[rows][registers]{};
  for (Index k = 0; k < p.inner; ++k, b += p.b.stride) {
    Register<T> row_of_b[registers];
    if constexpr (registers == 2) row_of_b[0] = load(b);
    row_of_b[registers - 1] = load_first(b + (registers - 1) * lanes<T>, in_last);
#pragma GCC unroll 12
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
      for (int r = 0; r < registers; ++r) sum[i][r] += a[i / 3][i % 3 * step] * row_of_b[r];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i += 3) a[i / 3] += p.a.column_step();
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 2
    for (int r = 0; r < registers; ++r)
      finish(p, first + i, j + r * lanes<T>, sum[i][r], r == registers - 1 ? in_last : lanes<T>);
}

// Tiles one below the other, and the lower one that remains.
template <Real T, int registers, int rows = 12>
void multiply_column_of_tiles(const Product<T>& p, Index j, Index first = 0) {
  for (; p.rows - first >= rows; first += rows) multiply_tile<T, rows, registers>(p, first, j);
  if constexpr (rows > 1) multiply_column_of_tiles<T, registers, rows - 1>(p, j, first);
}
template <Real T>
void multiply_by_tiles(const Product<T>& p) {
  Index j = 0;
  for (; p.columns - j > lanes<T>; j += 2 * lanes<T>) multiply_column_of_tiles<T, 2>(p, j);
  if (j < p.columns) multiply_column_of_tiles<T, 1>(p, j);
}

// to[k, i] = from[i, k] for a matrix of [rows, columns].
template <Real T>
void transpose_into(const T* from, Index stride, Index rows, Index columns, T* to,
                    Index to_stride) {
  constexpr Index n = lanes<T>;
  for (Index i = 0; i < rows; i += n)
    for (Index k = 0; k < columns; k += n) {
      const Index width = std::min(n, columns - k), height = std::min(n, rows - i);
      Register<T> square[n]{};
      for (Index r = 0; r < height; ++r) square[r] = load_first(from + (i + r) * stride + k, width);
      transpose<T>(square);
      for (Index r = 0; r < width; ++r)
        store_first(to + (k + r) * to_stride + i, square[r], height);
    }
}

// ---- The products of tiles ---------------------------------------------------------------------

// Tiny products: the attention heads of a narrow model.
constexpr Index longest_axis = 64;
template <Real T>
void multiply_tiny(Product<T> p) {
  T turned[longest_axis * longest_axis];
  if (p.b.transposed) {
    transpose_into(p.b.data, p.b.stride, p.columns, p.inner, turned, longest_axis);
    p.b = {turned, longest_axis};
  }
  multiply_by_tiles(p);
}

// x Wᵀ as the transpose of W xᵀ, which reads W as it lies in memory: only x and the result, smaller
// than W, are transposed.
template <Real T>
void multiply_transposed(const Product<T>& p) {
  std::vector<T, Recycling<T>> x(static_cast<std::size_t>(p.inner * p.rows));
  std::vector<T, Recycling<T>> result(static_cast<std::size_t>(p.columns * p.rows));
  transpose_into(p.a.data, p.a.stride, p.rows, p.inner, x.data(), p.rows);
  multiply_by_tiles<T>(
      {p.columns, p.rows, p.inner, p.b.t(), {x.data(), p.rows}, result.data(), p.rows, p.scale});
  transpose_into(result.data(), p.rows, p.columns, p.rows, p.c, p.stride);
  if (p.bias)
    for (Index i = 0; i < p.rows; ++i)
      for (Index j = 0; j < p.columns; ++j) p.c[i * p.stride + j] += p.bias[j];
}

}  // namespace

template <Real T>
void multiply_few_rows(const Product<T>& p) {
  // A part of W stays in the cache until all rows of x are through with it: W is read once.
  for (Index j = 0; j < p.columns; j += lanes<T>)
    multiply_all_rows(p, j, std::min(p.columns, j + lanes<T>));
}

template <Real T>
bool multiply_small(const Product<T>& p) {
  const bool x_wt = p.b.transposed && !p.a.transposed, long_rows = p.inner >= 128;
  if (register_bytes > 16 && x_wt && p.rows <= (long_rows ? most_few_rows : 4)) {
    multiply_few_rows(p);
    return true;
  }
  if constexpr (register_bytes == 64) {
    if (x_wt && long_rows && p.rows <= std::min<Index>(64, p.columns) && !p.add) {
      multiply_transposed(p);
      return true;
    }
    if (p.rows * p.columns * p.inner <= 4096 &&
        std::max({p.rows, p.columns, p.inner}) <= longest_axis) {
      multiply_tiny(p);
      return true;
    }
  }
  return false;
}

template bool multiply_small<float>(const Product<float>&);
template bool multiply_small<double>(const Product<double>&);
template void multiply_few_rows<float>(const Product<float>&);
template void multiply_few_rows<double>(const Product<double>&);

}  // namespace adjoint::kernels
