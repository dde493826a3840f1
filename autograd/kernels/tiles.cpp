// How it works (Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication):
//
//   One tile of C, 6 rows by 4 registers, stays in registers while k runs over `inner`:
//
//     C[i, :] += A[i, k] · B[k, :]     for the six i: four registers of B are loaded once and
//                                      multiplied by six numbers of A, 24 products for 10 loads
//
//   A panel of B, as wide as a tile, is copied once so that it lies contiguously for all tiles
//   below each other; read as a column block of wide rows it would fall on few lines of the cache.
//   This is also where a transposed B is turned. A is read as it is, six rows at a time, unless it
//   is transposed and wide: then blocks of it are copied likewise, for all panels of B.
//
//   `inner` is cut into slices of which a panel fits the second-level cache.
#include "autograd/kernels/tiles.h"

#include <algorithm>

#include "autograd/kernels/registers.h"
#include "autograd/storage.h"

namespace adjoint::kernels {
namespace {

constexpr int tile_rows = 6;
constexpr int tile_registers = register_bytes == 64 ? 4 : 2;  // of 32 registers, or of 16
template <Real T>
constexpr Index panel_columns{tile_registers * lanes<T>};

constexpr Index depth_of_panel = 512;   // in `inner`
constexpr Index depth_of_blocks = 192;  // where A is copied too
constexpr Index rows_of_block = 192;
constexpr Index rows_worth_packing = 4 * tile_rows;

/// Room for packed elements.
template <Real T>
class Scratch {
 public:
  explicit Scratch(Index count)
      : bytes_(static_cast<std::size_t>(count) * sizeof(T)),
        data_(count > 0 ? memory::take(bytes_) : nullptr) {}
  ~Scratch() {
    if (data_) memory::give_back(data_, bytes_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return static_cast<T*>(data_); }

 private:
  std::size_t bytes_;
  void* data_;
};

// ---- One tile ----------------------------------------------------------------------------------

// At most tile_rows rows and `registers` registers of columns, the last of which may be in part.
// All loops over them have constant counts: unrolled, `sum` is nothing but registers.
template <Real T, int registers>
void tile(const Product<T>& p) {
  const T* a[tile_rows];  // rows past the end repeat the last one and are not stored
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i)
    a[i] = p.a.data + std::min<Index>(i, p.rows - 1) * p.a.row_step();

  Register<T> sum[tile_rows][registers];
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 4
    for (int r = 0; r < registers; ++r) sum[i][r] = Register<T>{};

      // C is on its way from memory while its tile is computed. (Within the loop above, this would
      // keep the compiler from holding `sum` in registers: half the speed.)
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i) {
    if (i >= p.rows) break;
#pragma GCC unroll 4
    for (int r = 0; r < registers; ++r) __builtin_prefetch(p.c + i * p.stride + r * lanes<T>, 1);
  }

  const T* b = p.b.data;
  Index at = 0;
  for (Index k = 0; k < p.inner; ++k, at += p.a.column_step(), b += p.b.stride) {
    Register<T> row_of_b[registers];
#pragma GCC unroll 4
    for (int r = 0; r < registers; ++r) row_of_b[r] = load(b + r * lanes<T>);
#pragma GCC unroll 8
    for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 4
      for (int r = 0; r < registers; ++r) sum[i][r] += a[i][at] * row_of_b[r];
  }

  const Index in_last = p.columns - (registers - 1) * lanes<T>;
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i) {
    if (i >= p.rows) break;
#pragma GCC unroll 4
    for (int r = 0; r < registers; ++r) {
      T* const to = p.c + i * p.stride + r * lanes<T>;
      const Index count = r == registers - 1 ? in_last : lanes<T>;
      Register<T> c = p.scale * sum[i][r];
      if (p.keep != 0) c += p.keep * load_first(to, count);
      if (p.bias) c += load_first(p.bias + r * lanes<T>, count);
      store_first(to, c, count);
    }
  }
}

// ---- A panel of B ------------------------------------------------------------------------------

// to[k, i] = from[i, k] for a square of n · n, or for `rows` rows of `depth` elements of one; what
// is missing of a row of `to` becomes zeros.
template <Real T>
void turn_square(const T* from, Index stride, T* to, Index width) {
  constexpr Index n = lanes<T>;
  Register<T> square[n];
#pragma GCC unroll 16
  for (Index i = 0; i < n; ++i) square[i] = load(from + i * stride);
  transpose<T>(square);
#pragma GCC unroll 16
  for (Index k = 0; k < n; ++k) store(to + k * width, square[k]);
}
template <Real T>
void turn_part(const T* from, Index stride, Index rows, Index depth, T* to, Index width) {
  constexpr Index n = lanes<T>;
  Register<T> square[n]{};
  for (Index i = 0; i < rows; ++i) square[i] = load_first(from + i * stride, depth);
  transpose<T>(square);
  for (Index k = 0; k < depth; ++k) store(to + k * width, square[k]);
}

// to[k, j] = b(k, j) for b of [inner, columns], with columns filled up by zeros to `width`.
template <Real T>
void pack_panel(const Matrix<T>& b, Index inner, Index columns, T* to, Index width) {
  constexpr Index n = lanes<T>;
  for (Index j = 0; j < columns; j += n) {
    const Index count = std::min(n, columns - j);
    if (!b.transposed) {
      for (Index k = 0; k < inner; ++k)
        store(to + k * width + j, load_first(b.data + k * b.stride + j, count));
      continue;
    }
    for (Index k = 0; k < inner; k += n) {
      const T* const from = b.data + j * b.stride + k;
      const Index depth = std::min(n, inner - k);
      if (count == n && depth == n)
        turn_square(from, b.stride, to + k * width + j, width);
      else
        turn_part(from, b.stride, count, depth, to + k * width + j, width);
    }
  }
}

// Where A is packed, its blocks of tile_rows rows follow each other, each as [inner, tile_rows].
template <Real T>
void pack_blocks(const Matrix<T>& a, Index rows, Index inner, T* to) {
  const Index whole = rows / tile_rows * tile_rows;
  for (Index k = 0; k < inner; ++k) {
    const T* const from = a.data + k * a.stride;
    for (Index i = 0; i < whole; i += tile_rows)
      std::copy_n(from + i, tile_rows, to + i * inner + k * tile_rows);
    std::copy_n(from + whole, rows - whole, to + whole * inner + k * tile_rows);
  }
}

// All tiles of a panel, one below the other. p.b is the panel; `packed` are the blocks of A, or
// null.
template <Real T, int registers>
void column_of_tiles(const Product<T>& p, const T* packed) {
  for (Index i = 0; i < p.rows; i += tile_rows) {
    Product<T> part = p.of_rows(i, std::min<Index>(tile_rows, p.rows - i));
    if (packed) part.a = {packed + i * p.inner, tile_rows, true};
    tile<T, registers>(part);
  }
}

// A product no wider than a tile.
template <Real T>
void multiply_panel(Product<T> p, const T* packed, T* room) {
  const Index registers = (p.columns + lanes<T> - 1) / lanes<T>;
  const bool as_it_is = !p.b.transposed && p.columns % lanes<T> == 0;
  if (!as_it_is || p.rows > rows_worth_packing) {
    pack_panel(p.b, p.inner, p.columns, room, registers * lanes<T>);
    p.b = {room, registers * lanes<T>};
  }
  if (registers == 1) return column_of_tiles<T, 1>(p, packed);
  if (registers == 2) return column_of_tiles<T, 2>(p, packed);
  if constexpr (tile_registers == 4) {
    if (registers == 3) return column_of_tiles<T, 3>(p, packed);
    if (registers == 4) return column_of_tiles<T, 4>(p, packed);
  }
}

// ---- The whole product -------------------------------------------------------------------------

template <Real T>
bool blocks_worth_packing(const Product<T>& p) {
  return p.a.transposed && p.columns > panel_columns<T>;
}

// All panels side by side.
template <Real T>
void multiply_rows(const Product<T>& p, const T* packed, T* room) {
  for (Index j = 0; j < p.columns; j += panel_columns<T>) {
    const Index columns = std::min(panel_columns<T>, p.columns - j);
    multiply_panel(p.of_columns(j, columns), packed, room);
  }
}

template <Real T>
void multiply_as_it_is(const Product<T>& p) {
  const bool packs_a = blocks_worth_packing(p);
  const Index depth = std::min(p.inner, packs_a ? depth_of_blocks : depth_of_panel);
  const Scratch<T> panel(depth * panel_columns<T>);
  const Scratch<T> blocks(packs_a ? depth * rows_of_block : 0);
  Index k = 0;
  do {
    Product<T> slice = p;
    slice.inner = std::min(depth, p.inner - k);
    slice.a = p.a.from(0, k);
    slice.b = p.b.from(k, 0);
    if (k > 0) slice.keep = 1;                      // the first slice has begun the sum
    if (k + depth < p.inner) slice.bias = nullptr;  // the last one adds the bias
    const Index height = packs_a ? rows_of_block : p.rows;
    for (Index i = 0; i < p.rows; i += height) {
      const Product<T> part = slice.of_rows(i, std::min(height, p.rows - i));
      if (packs_a) pack_blocks(part.a, part.rows, part.inner, blocks.data());
      multiply_rows(part, blocks.data(), panel.data());
    }
    k += depth;
  } while (k < p.inner);
}

// ---- Few rows ----------------------------------------------------------------------------------

// x Wᵀ for few rows of x: instead of turning all of W one may compute the transpose, W xᵀ, which
// reads W as it is, and turn x and the result.
template <Real T>
bool is_turned_sooner(const Product<T>& p) {
  return p.b.transposed && !p.a.transposed && p.keep == 0 && p.rows <= panel_columns<T> &&
         p.rows * (p.inner + p.columns) < p.inner * p.columns;
}

// to[i, j] = from[j, i] + bias[j] for a result of [rows, columns].
template <Real T>
void turn_into(const T* from, Index width, const Product<T>& p) {
  constexpr Index n = lanes<T>;
  for (Index j = 0; j < p.columns; j += n) {
    const Index count = std::min(n, p.columns - j);
    const Register<T> bias = p.bias ? load_first(p.bias + j, count) : Register<T>{};
    for (Index i = 0; i < p.rows; i += n) {
      Register<T> square[n]{};
      for (Index column = 0; column < count; ++column)
        square[column] = load(from + (j + column) * width + i);
      transpose<T>(square);
      for (Index row = 0; row < std::min(n, p.rows - i); ++row)
        store_first(p.c + (i + row) * p.stride + j, square[row] + bias, count);
    }
  }
}

template <Real T>
void multiply_turned(const Product<T>& p) {
  const Index width = (p.rows + lanes<T> - 1) / lanes<T> * lanes<T>;
  const Scratch<T> result(p.columns * width);  // [columns, width]
  multiply_as_it_is<T>({.rows = p.columns,
                        .columns = p.rows,
                        .inner = p.inner,
                        .a = {p.b.data, p.b.stride},
                        .b = {p.a.data, p.a.stride, true},
                        .c = result.data(),
                        .stride = width,
                        .scale = p.scale});
  turn_into(result.data(), width, p);
}

}  // namespace

template <Real T>
void multiply_by_tiles(const Product<T>& p) {
  if (is_turned_sooner(p)) return multiply_turned(p);
  multiply_as_it_is(p);
}

template <Real T>
bool tiles_are_faster(const Product<T>& p) {
  return register_bytes == 64 && p.rows > 1 && p.columns > 1;
}

template void multiply_by_tiles<float>(const Product<float>&);
template void multiply_by_tiles<double>(const Product<double>&);
template bool tiles_are_faster<float>(const Product<float>&);
template bool tiles_are_faster<double>(const Product<double>&);

}  // namespace adjoint::kernels
