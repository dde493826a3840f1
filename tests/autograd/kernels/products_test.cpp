// Every way of multiplying matrices, against the sum that defines the product.
#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <tuple>
#include <vector>

#include "autograd/kernels/blas.h"
#include "autograd/kernels/matmul.h"
#include "autograd/kernels/small_products.h"
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
  return {{"BLAS", kernels::multiply_by_blas<T>},
          {"on this thread", kernels::matmul_on_this_thread<T>},
          {"in pieces", kernels::matmul<T>}};
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
  bool transposed_a, transposed_b, with_bias, add;
  double scale;
  Index gap;  // between the rows of each matrix
};
std::ostream& operator<<(std::ostream& stream, const Case& c) {
  return stream << "[" << c.rows << ", " << c.inner << (c.transposed_a ? "]ᵀ" : "]") << " · ["
                << c.inner << ", " << c.columns << (c.transposed_b ? "]ᵀ" : "]") << ", scale "
                << c.scale << (c.add ? ", added" : "") << (c.with_bias ? ", bias" : "") << ", gap "
                << c.gap;
}

template <Real T>
void check(const Case& c, std::mt19937& generator) {
  BOOST_TEST_CONTEXT(c) {
    const Index stride_a = (c.transposed_a ? c.rows : c.inner) + c.gap;
    const Index stride_b = (c.transposed_b ? c.inner : c.columns) + c.gap;
    const Index stride = c.columns + c.gap;
    // No element more than the product may read: sanitizers notice others, except masked reads.
    const auto size = [](Index lines, Index step, Index line) {
      return lines == 0 || line == 0 ? 0 : (lines - 1) * step + line;
    };
    const auto a = random_numbers<T>(
        size(c.transposed_a ? c.inner : c.rows, stride_a, stride_a - c.gap), generator);
    const auto b = random_numbers<T>(
        size(c.transposed_b ? c.columns : c.inner, stride_b, stride_b - c.gap), generator);
    const auto bias = random_numbers<T>(c.columns, generator);
    constexpr Index beyond = 16;  // the elements after C must not change
    const auto start = random_numbers<T>(size(c.rows, stride, c.columns) + beyond, generator);
    Product<T> p{.rows = c.rows,
                 .columns = c.columns,
                 .inner = c.inner,
                 .a = {a.data(), stride_a, c.transposed_a},
                 .b = {b.data(), stride_b, c.transposed_b},
                 .c = nullptr,
                 .stride = stride,
                 .scale = static_cast<T>(c.scale),
                 .add = c.add,
                 .bias = c.with_bias ? bias.data() : nullptr};

    std::vector<double> expected(start.begin(), start.end());
    for (Index i = 0; i < c.rows; ++i)
      for (Index j = 0; j < c.columns; ++j) {
        double total = 0;
        for (Index k = 0; k < c.inner; ++k) total += element(p.a, i, k) * element(p.b, k, j);
        double& of_c = expected[static_cast<std::size_t>(i * stride + j)];
        of_c = c.scale * total + (c.add ? of_c : 0) +
               (c.with_bias ? static_cast<double>(bias[static_cast<std::size_t>(j)]) : 0);
      }
    const double tolerance = (sizeof(T) == 4 ? 2e-6 : 4e-15) * (4 + static_cast<double>(c.inner));
    std::vector<Way<T>> possible = ways<T>();
    if (c.transposed_b && !c.transposed_a)
      possible.push_back({"dots", kernels::multiply_few_rows<T>});
    for (const Way<T>& way : possible) {
      std::vector<T> result = start;
      if (!c.add)
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

// Sizes around those of registers and blocks, and any between.
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
                 .add = coin(),
                 .scale = coin() ? 1 : 0.25,
                 .gap = coin() ? 0 : 3};
    check<float>(c, generator);
    check<double>(c, generator);
  }
}

// BLAS's products with a vector, our kernel for a few rows, and more columns than one piece has.
BOOST_AUTO_TEST_CASE(few_rows_times_a_matrix) {
  std::mt19937 generator(4);
  const auto pick = [&](std::uint32_t most) { return static_cast<Index>(generator() % most) + 1; };
  const auto coin = [&] { return generator() % 2 == 0; };
  for (int round = 0; round < 200; ++round) {
    const Case c{.rows = coin() ? 1 : pick(13),
                 .columns = coin() && coin() ? 1 : pick(round % 4 == 0 ? 700 : 150),
                 .inner = pick(round % 3 == 0 ? 1600 : 300),
                 .transposed_a = coin() && coin(),
                 .transposed_b = coin(),
                 .with_bias = coin(),
                 .add = coin(),
                 .scale = coin() ? 1 : 0.25,
                 .gap = coin() ? 0 : 3};
    check<float>(c, generator);
    check<double>(c, generator);
  }
}

// More than one panel of rows, and more than one block of the inner axis.
BOOST_AUTO_TEST_CASE(a_tall_product) {
  std::mt19937 generator(5);
  for (const bool transposed : {false, true})
    for (const auto& [columns, inner, add] :
         std::vector<std::tuple<Index, Index, bool>>{{70, 20, true}, {3, 1600, false}}) {
      const Case c{.rows = 2060,
                   .columns = columns,
                   .inner = inner,
                   .transposed_a = transposed,
                   .transposed_b = transposed,
                   .with_bias = true,
                   .add = add,
                   .scale = 0.25,
                   .gap = 3};
      check<float>(c, generator);
      check<double>(c, generator);
    }
}

BOOST_AUTO_TEST_CASE(nothing_to_add_up) {
  std::mt19937 generator(2);
  for (const bool transposed_a : {false, true})
    for (const bool transposed : {false, true})
      for (const bool add : {false, true})
        for (const auto& [rows, columns, inner] : std::vector<std::array<Index, 3>>{
                 {2, 3, 0}, {6, 1, 0}, {1, 6, 0}, {0, 3, 2}, {3, 0, 2}, {0, 3, 64}, {3, 0, 64}}) {
          const Case c{.rows = rows,
                       .columns = columns,
                       .inner = inner,
                       .transposed_a = transposed_a && inner < 64,
                       .transposed_b = transposed,
                       .with_bias = transposed,
                       .add = add,
                       .scale = 1,
                       .gap = 0};
          check<float>(c, generator);
          check<double>(c, generator);
        }
}

// Element [i, j] is off by at most this share of Σ_k |a_ik b_kj|.
template <Real T>
double worst_error(const Product<T>& p) {
  double worst = 0;
  for (Index i = 0; i < p.rows; ++i)
    for (Index j = 0; j < p.columns; ++j) {
      double total = 0, size = 0;
      for (Index k = 0; k < p.inner; ++k) {
        const double term = element(p.a, i, k) * element(p.b, k, j);
        total += term;
        size += std::abs(term);
      }
      worst = std::max(worst, std::abs(p.c[i * p.stride + j] - total) / size);
    }
  return worst;
}

// Equal terms are the hardest: all roundings of a chain go the same way. In a single chain of f32
// a million of them lose 1% of the sum.
BOOST_AUTO_TEST_CASE(long_sums_keep_their_digits) {
  for (const Index inner : {1'000, 10'000, 100'000, 1'000'000})
    for (const auto& [rows, columns] :
         std::vector<std::pair<Index, Index>>{{1, 1}, {1, 5}, {5, 1}, {4, 3}, {20, 5}}) {
      if (inner == 1'000'000 && rows == 20) continue;
      std::vector<float> a(static_cast<std::size_t>(rows * inner), 0.1F);
      std::vector<float> b(static_cast<std::size_t>(inner * columns), 1);
      std::vector<float> c(static_cast<std::size_t>(rows * columns));
      std::mt19937 generator(6);
      for (const bool equal : {true, false}) {
        if (!equal) a = random_numbers<float>(rows * inner, generator);
        for (const bool transposed_a : {false, true})
          for (const bool transposed_b : {false, true}) {
            const Product<float> p{.rows = rows,
                                   .columns = columns,
                                   .inner = inner,
                                   .a = {a.data(), transposed_a ? rows : inner, transposed_a},
                                   .b = {b.data(), transposed_b ? inner : columns, transposed_b},
                                   .c = c.data(),
                                   .stride = columns};
            kernels::matmul(p);
            const double error = worst_error(p);
            BOOST_TEST(error < (equal ? 2e-6 : 1e-6),
                       rows << " × " << columns << ", " << inner << " terms: off by " << error);
          }
      }
    }
}

// A layer on packed rows, on padded rows and on one row at a time gives the same up to rounding.
BOOST_AUTO_TEST_CASE(a_row_alone_differs_by_last_bits_only) {
  std::mt19937 generator(3);
  const Index rows = 300, columns = 70, inner = 3000;
  const auto a = random_numbers<float>(rows * inner, generator),
             b = random_numbers<float>(inner * columns, generator);
  for (const bool transposed_b : {false, true}) {
    std::vector<float> together(static_cast<std::size_t>(rows * columns)), cut = together;
    Product<float> p{.rows = rows,
                     .columns = columns,
                     .inner = inner,
                     .a = {a.data(), inner},
                     .b = {b.data(), transposed_b ? inner : columns, transposed_b},
                     .c = together.data(),
                     .stride = columns};
    kernels::matmul(p);
    p.c = cut.data();
    for (Index i = 0, count = 1; i < rows; i += count, ++count)
      kernels::matmul(p.of_rows(i, std::min(count, rows - i)));
    double worst = 0;  // the absolute values of the terms of a sum add up to about 1900
    for (std::size_t i = 0; i < cut.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(cut[i] - together[i])));
    BOOST_TEST(worst < 2e-7 * 1900);
  }
}

// A row of our own kernel has the same bits whatever rows are multiplied with it.
template <Real T>
void check_bits_of_few_rows(bool add) {
  std::mt19937 generator(3);
  const Index rows = kernels::most_few_rows, columns = 70, inner = 400;
  const auto a = random_numbers<T>(rows * inner, generator),
             b = random_numbers<T>(inner * columns, generator),
             bias = random_numbers<T>(columns, generator),
             start = random_numbers<T>(rows * columns, generator);
  std::vector<T> whole = start, cut = start;
  Product<T> p{.rows = rows,
               .columns = columns,
               .inner = inner,
               .a = {a.data(), inner},
               .b = {b.data(), inner, true},
               .c = whole.data(),
               .stride = columns,
               .scale = static_cast<T>(0.3),  // no power of two: each rounding shows
               .add = add,
               .bias = bias.data()};
  kernels::multiply_few_rows(p);
  p.c = cut.data();
  for (Index i = 0, count = 1; i < rows; i += count, ++count)
    kernels::multiply_few_rows(p.of_rows(i, std::min(count, rows - i)));
  BOOST_TEST(whole == cut);
}

BOOST_AUTO_TEST_CASE(few_rows_have_the_same_bits_in_any_company) {
  for (const bool add : {false, true}) {
    check_bits_of_few_rows<float>(add);
    check_bits_of_few_rows<double>(add);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
