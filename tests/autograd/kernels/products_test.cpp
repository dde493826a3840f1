// Every way to multiply matrices, held to the sum that defines the product.
#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <tuple>
#include <vector>

#include "autograd/kernels/blas.h"
#include "autograd/kernels/few_rows.h"
#include "autograd/kernels/matmul.h"
#include "autograd/kernels/tiles.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using kernels::Matrix;
using kernels::Product;

template <Real T>
using Multiply = void (*)(const Product<T>&);
template <Real T>
struct Way {
  const char* name;
  Multiply<T> multiply;
};
template <Real T>
std::vector<Way<T>> ways() {
  return {{"tiles", kernels::multiply_by_tiles<T>},
          {"BLAS", kernels::multiply_by_blas<T>},
          {"the faster one", kernels::matmul_on_this_thread<T>},
          {"panels", kernels::matmul<T>}};
}

template <Real T>
std::vector<T> random_numbers(Index count, std::mt19937& generator) {
  std::normal_distribution<T> normal;
  std::vector<T> numbers(static_cast<std::size_t>(count));
  for (T& x : numbers) x = normal(generator);
  return numbers;
}

template <Real T>
double element(const Matrix<T>& x, Index i, Index j) {
  return static_cast<double>(*x.from(i, j).data);
}

struct Case {
  Index rows, columns, inner;
  bool transposed_a, transposed_b, with_bias;
  double scale, keep;
  Index gap;  // between the rows of each matrix
};
std::ostream& operator<<(std::ostream& stream, const Case& c) {
  return stream << "[" << c.rows << ", " << c.inner << (c.transposed_a ? "]ᵀ" : "]") << " · ["
                << c.inner << ", " << c.columns << (c.transposed_b ? "]ᵀ" : "]") << ", scale "
                << c.scale << ", keep " << c.keep << (c.with_bias ? ", bias" : "") << ", gap "
                << c.gap;
}

template <Real T>
void check(const Case& c, std::mt19937& generator) {
  BOOST_TEST_CONTEXT(c) {
    const Index stride_a = (c.transposed_a ? c.rows : c.inner) + c.gap;
    const Index stride_b = (c.transposed_b ? c.inner : c.columns) + c.gap;
    const Index stride = c.columns + c.gap;
    // Not one element more than the product may read: sanitizers notice, but for masked reads.
    const auto size = [](Index lines, Index step, Index line) {
      return lines == 0 || line == 0 ? 0 : (lines - 1) * step + line;
    };
    const auto a = random_numbers<T>(
        size(c.transposed_a ? c.inner : c.rows, stride_a, stride_a - c.gap), generator);
    const auto b = random_numbers<T>(
        size(c.transposed_b ? c.columns : c.inner, stride_b, stride_b - c.gap), generator);
    const auto bias = random_numbers<T>(c.columns, generator);
    constexpr Index beyond = 16;  // what lies behind C has to stay as it is
    const auto start = random_numbers<T>(size(c.rows, stride, c.columns) + beyond, generator);
    Product<T> p{.rows = c.rows,
                 .columns = c.columns,
                 .inner = c.inner,
                 .a = {a.data(), stride_a, c.transposed_a},
                 .b = {b.data(), stride_b, c.transposed_b},
                 .c = nullptr,
                 .stride = stride,
                 .scale = static_cast<T>(c.scale),
                 .keep = static_cast<T>(c.keep),
                 .bias = c.with_bias ? bias.data() : nullptr};

    std::vector<double> expected(start.begin(), start.end());
    for (Index i = 0; i < c.rows; ++i)
      for (Index j = 0; j < c.columns; ++j) {
        double total = 0;
        for (Index k = 0; k < c.inner; ++k) total += element(p.a, i, k) * element(p.b, k, j);
        double& of_c = expected[static_cast<std::size_t>(i * stride + j)];
        of_c = c.scale * total + c.keep * of_c +
               (c.with_bias ? static_cast<double>(bias[static_cast<std::size_t>(j)]) : 0);
      }
    const double tolerance = (sizeof(T) == 4 ? 2e-6 : 4e-15) * (4 + static_cast<double>(c.inner));
    std::vector<Way<T>> possible = ways<T>();
    if (kernels::is_few_rows(p)) possible.push_back({"few rows", kernels::multiply_few_rows<T>});
    for (const Way<T>& way : possible) {
      std::vector<T> result = start;
      if (c.keep == 0)
        for (Index i = 0; i < c.rows; ++i)
          for (Index j = 0; j < c.columns; ++j)
            result[static_cast<std::size_t>(i * stride + j)] = std::numeric_limits<T>::quiet_NaN();
      p.c = result.data();
      way.multiply(p);
      double worst = 0;
      for (std::size_t i = 0; i < result.size(); ++i) {
        const double difference = std::abs(static_cast<double>(result[i]) - expected[i]);
        worst = difference <= worst ? worst : difference;  // NaN is worst of all
      }
      BOOST_TEST(worst <= tolerance, way.name << " differs by " << worst);
    }
  }
}

BOOST_AUTO_TEST_SUITE(products)

// Sizes around those of registers, tiles, panels and blocks, and any between.
BOOST_AUTO_TEST_CASE(random_shapes) {
  std::mt19937 generator(1);
  const std::vector<Index> edges = {1,  2,  5,  6,  7,  8,   12,  15,  16,  17,  31,  32,
                                    33, 48, 63, 64, 65, 130, 191, 192, 193, 200, 511, 513};
  const auto pick = [&](Index most) {
    const Index edge = edges[generator() % edges.size()];
    return edge <= most ? edge
                        : 1 + static_cast<Index>(generator() % static_cast<std::uint32_t>(most));
  };
  const auto coin = [&] { return generator() % 2 == 0; };
  for (int round = 0; round < 200; ++round) {
    const Index most = round % 4 == 0 ? 520 : round % 4 == 1 ? 70 : 20;
    const Case c{.rows = pick(std::min<Index>(most, 200)),
                 .columns = pick(std::min<Index>(most, 200)),
                 .inner = pick(most),
                 .transposed_a = coin(),
                 .transposed_b = coin(),
                 .with_bias = coin(),
                 .scale = coin() ? 1 : 0.25,
                 .keep = coin()   ? 0
                         : coin() ? 1
                                  : -0.5,
                 .gap = coin() ? 0 : 3};
    check<float>(c, generator);
    check<double>(c, generator);
  }
}

// One or a few, which have ways of their own; more columns than are computed at a time.
BOOST_AUTO_TEST_CASE(few_rows_times_a_matrix) {
  std::mt19937 generator(4);
  const auto pick = [&](std::uint32_t most) { return static_cast<Index>(generator() % most) + 1; };
  const auto coin = [&] { return generator() % 2 == 0; };
  for (int round = 0; round < 200; ++round) {
    const Case c{.rows = coin() ? 1 : pick(13),
                 .columns = pick(round % 4 == 0 ? 700 : 150),
                 .inner = pick(300),
                 .transposed_a = false,
                 .transposed_b = coin(),
                 .with_bias = coin(),
                 .scale = coin() ? 1 : 0.25,
                 .keep = coin() ? 0 : -0.5,
                 .gap = coin() ? 0 : 3};
    check<float>(c, generator);
    check<double>(c, generator);
  }
}

// More rows than are multiplied by one panel after the other, and more panels than one.
BOOST_AUTO_TEST_CASE(a_tall_product) {
  std::mt19937 generator(5);
  for (const bool transposed : {false, true})
    for (const auto& [columns, inner, keep] :
         std::vector<std::tuple<Index, Index, double>>{{70, 20, 1.0}, {3, 520, 0.0}}) {
      const Case c{.rows = 2060,
                   .columns = columns,
                   .inner = inner,
                   .transposed_a = transposed,
                   .transposed_b = transposed,
                   .with_bias = true,
                   .scale = 0.25,
                   .keep = keep,
                   .gap = 3};
      check<float>(c, generator);
      check<double>(c, generator);
    }
}

BOOST_AUTO_TEST_CASE(nothing_to_add_up) {
  std::mt19937 generator(2);
  for (const bool transposed_a : {false, true})
    for (const bool transposed : {false, true})
      for (const double keep : {0.0, 1.0})
        for (const auto& [rows, columns, inner] : std::vector<std::array<Index, 3>>{
                 {2, 3, 0}, {6, 1, 0}, {1, 6, 0}, {0, 3, 2}, {3, 0, 2}, {0, 3, 64}, {3, 0, 64}}) {
          const Case c{.rows = rows,
                       .columns = columns,
                       .inner = inner,
                       .transposed_a = transposed_a && inner < 64,
                       .transposed_b = transposed,
                       .with_bias = transposed,
                       .scale = 1,
                       .keep = keep,
                       .gap = 0};
          check<float>(c, generator);
          check<double>(c, generator);
        }
}

// However a product is cut into rows: packed batches and padded ones agree by this, where the same
// kernel computes both.
template <Real T>
void check_bits_of_rows(T keep) {
  std::mt19937 generator(3);
  const Index rows = 150, columns = 70, inner = 600;
  const auto a = random_numbers<T>(rows * inner, generator),
             b = random_numbers<T>(inner * columns, generator),
             bias = random_numbers<T>(columns, generator),
             start = random_numbers<T>(rows * columns, generator);
  for (const bool transposed_b : {false, true}) {
    Product<T> p{.rows = rows,
                 .columns = columns,
                 .inner = inner,
                 .a = {a.data(), inner},
                 .b = {b.data(), transposed_b ? inner : columns, transposed_b},
                 .c = nullptr,
                 .stride = columns,
                 .scale = static_cast<T>(0.3),  // no power of two: each rounding shows
                 .keep = keep,
                 .bias = bias.data()};
    std::vector<Way<T>> in_any_company{{"tiles", kernels::multiply_by_tiles<T>}};
    if (transposed_b) in_any_company.push_back({"few rows", kernels::multiply_few_rows<T>});
    for (const Way<T>& way : in_any_company) {
      std::vector<T> whole = start, cut = start;
      p.c = whole.data();
      way.multiply(p);
      p.c = cut.data();
      for (Index i = 0, count = 1; i < rows; i += count, ++count)
        way.multiply(p.of_rows(i, std::min(count, rows - i)));
      BOOST_TEST(whole == cut, way.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_row_has_the_same_bits_in_any_company) {
  for (const double keep : {0.0, 0.7}) {
    check_bits_of_rows<float>(static_cast<float>(keep));
    check_bits_of_rows<double>(keep);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
