// How it works (Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication):
//
//   One tile of C, 6 rows by 4 registers say, stays in registers while k runs over `inner`:
//
//     C[i, :] += A[i, k] · B[k, :]     for the six i: four registers of B are loaded once and
//                                      multiplied by six numbers of A, 24 products for 10 loads
//
//   A panel of B, as wide as a tile, is copied first so that it lies contiguously for all tiles
//   below each other, if there are many; read as a column block of wide rows it would fall on few
//   lines of the cache. This is also where a transposed B is turned. A is read as it is.
//
//   `inner` is cut into slices of which a panel fits the second-level cache, and the rows into
//   blocks, where the panels of B would each read a large A from memory.
#include "autograd/kernels/tiles.h"

#include <algorithm>

#include "autograd/kernels/registers.h"
#include "autograd/storage.h"

namespace adjoint::kernels {
namespace {

constexpr int tile_sums = register_bytes == 64 ? 24 : 12;  // registers, of 32 or of 16
constexpr int tile_registers = register_bytes == 64 ? 4 : 2;
/// A tile's height: as many sums as there is room for, but no more rows than twelve, with which the
/// multipliers are busy at any width.
constexpr int tile_rows(int registers) { return std::min(12, tile_sums / registers); }
template <Real T>
constexpr Index panel_columns{tile_registers * lanes<T>};

constexpr Index depth_of_panel = 512;      // in `inner`
constexpr Index rows_of_block = 2048;      // of A, for all panels of B
constexpr Index rows_worth_packing = 128;  // more rows read a panel often enough to copy it first
constexpr Index small = 500'000;           // multiplications, of a product that BLAS is slow at
constexpr Index rows_ahead = 24;           // of B, to be on their way when others are copied

/// Room for so many elements.
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

/// Room for a panel. Each thread keeps its own, since asking for memory takes as long as a small
/// product. (Not in the thread's own storage, which would be taken from its stack.)
template <Real T>
T* room_for_panel() {
  thread_local const Scratch<T> room(depth_of_panel * panel_columns<T>);
  return room.data();
}

// ---- One tile ----------------------------------------------------------------------------------

// `rows` rows from `first` on, and `registers` registers of columns, the last of which may be in
// part. All loops over them have constant counts: unrolled, `sum` is nothing but registers. (Not
// inlined: a function by itself, it has the other registers to itself, too.)
template <Real T, int rows, int registers>
[[gnu::noinline]] void tile(const Product<T>& p, Index first) {
  // Three rows share a pointer: a processor adds a step, or two, to it on the way.
  const Index step = p.a.row_step();
  const T* a[(rows + 2) / 3];
#pragma GCC unroll 4
  for (int i = 0; i < rows; i += 3) a[i / 3] = p.a.data + (first + i) * step;

  Register<T> sum[rows][registers];
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int r = 0; r < registers; ++r) sum[i][r] = Register<T>{};

  T* const c = p.c + first * p.stride;
  // C is on its way from memory while its tile is computed. (Within the loop above, this would
  // keep the compiler from holding `sum` in registers: half the speed.)
#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int r = 0; r < registers; ++r) __builtin_prefetch(c + i * p.stride + r * lanes<T>, 1);

  const Index in_last = p.columns - (registers - 1) * lanes<T>;
  const Index next = p.a.column_step();
  const T* b = p.b.data;
  for (Index k = 0; k < p.inner; ++k, b += p.b.stride) {
    Register<T> row_of_b[registers];
#pragma GCC unroll 4
    for (int r = 0; r < registers - 1; ++r) row_of_b[r] = load(b + r * lanes<T>);
    row_of_b[registers - 1] = load_first(b + (registers - 1) * lanes<T>, in_last);
#pragma GCC unroll 12
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int r = 0; r < registers; ++r) sum[i][r] += a[i / 3][i % 3 * step] * row_of_b[r];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i += 3) a[i / 3] += next;
  }

#pragma GCC unroll 12
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int r = 0; r < registers; ++r)
      finish(p, first + i, r * lanes<T>, sum[i][r], r == registers - 1 ? in_last : lanes<T>);
}

// The rows from `first` on, fewer than `rows`.
template <Real T, int rows, int registers>
void shorter_tile(const Product<T>& p, Index first) {
  if constexpr (rows > 1) {
    if (p.rows - first == rows - 1) return tile<T, rows - 1, registers>(p, first);
    shorter_tile<T, rows - 1, registers>(p, first);
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
  Register<T> square[n];
#pragma GCC unroll 16
  for (Index i = 0; i < n; ++i)
    square[i] = i < rows ? load_first(from + i * stride, depth) : Register<T>{};
  transpose<T>(square);
#pragma GCC unroll 16
  for (Index k = 0; k < n; ++k)
    if (k < depth) store(to + k * width, square[k]);
}

// to[k, j] = b(k, j) for b of [inner, columns], with columns filled up by zeros to `width`.
template <Real T>
void pack_panel(const Matrix<T>& b, Index inner, Index columns, T* to, Index width) {
  constexpr Index n = lanes<T>;
  for (Index j = 0; j < columns; j += n) {
    const Index count = std::min(n, columns - j);
    if (!b.transposed) {
      for (Index k = 0; k < inner; ++k) {
        __builtin_prefetch(b.data + (k + rows_ahead) * b.stride + j);
        store(to + k * width + j, load_first(b.data + k * b.stride + j, count));
      }
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

// All tiles of a panel, one below the other. p.b is the panel.
template <Real T, int registers>
void column_of_tiles(const Product<T>& p) {
  constexpr int height = tile_rows(registers);
  Index i = 0;
  for (; i + height <= p.rows; i += height) tile<T, height, registers>(p, i);
  shorter_tile<T, height, registers>(p, i);
}

// A product no wider than a tile and no deeper than a panel.
template <Real T>
void multiply_panel(Product<T> p) {
  const Index registers = (p.columns + lanes<T> - 1) / lanes<T>;
  if (p.b.transposed || p.rows > rows_worth_packing) {
    T* const panel = room_for_panel<T>();
    pack_panel(p.b, p.inner, p.columns, panel, registers * lanes<T>);
    p.b = {panel, registers * lanes<T>};
  }
  if (registers == 1) return column_of_tiles<T, 1>(p);
  if (registers == 2) return column_of_tiles<T, 2>(p);
  if constexpr (tile_registers == 4) {
    if (registers == 3) return column_of_tiles<T, 3>(p);
    if (registers == 4) return column_of_tiles<T, 4>(p);
  }
}

// ---- The whole product -------------------------------------------------------------------------

template <Real T>
void multiply_as_it_is(const Product<T>& p) {
  const Index depth = std::min(p.inner, depth_of_panel);
  Index k = 0;
  do {
    const Index left = p.inner - k;
    for (Index i = 0; i < p.rows; i += rows_of_block)
      for (Index j = 0; j < p.columns; j += panel_columns<T>)
        multiply_panel<T>(
            {.rows = std::min(rows_of_block, p.rows - i),
             .columns = std::min(panel_columns<T>, p.columns - j),
             .inner = std::min(depth, left),
             .a = p.a.from(i, k),
             .b = p.b.from(k, j),
             .c = p.c + i * p.stride + j,
             .stride = p.stride,
             .scale = p.scale,
             .keep = k > 0 ? 1 : p.keep,  // the first slice has begun the sum
             .bias = p.bias && left <= depth ? p.bias + j : nullptr});  // the last one
    k += depth;
  } while (k < p.inner);
}

// ---- The transpose instead ---------------------------------------------------------------------

// x Wᵀ where x has few rows for its width: instead of turning all of W one may compute the
// transpose, W xᵀ, which reads W as it is, and turn x and the result.
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
  if (p.rows == 1 || p.columns == 1) return false;
  return register_bytes == 64 || (register_bytes == 32 && p.rows * p.columns * p.inner <= small);
}

template void multiply_by_tiles<float>(const Product<float>&);
template void multiply_by_tiles<double>(const Product<double>&);
template bool tiles_are_faster<float>(const Product<float>&);
template bool tiles_are_faster<double>(const Product<double>&);

}  // namespace adjoint::kernels
