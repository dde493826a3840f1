#include "autograd/kernels/sums.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "autograd/kernels/reduce.h"
#include "autograd/kernels/row_sums.h"
#include "autograd/kernels/rows.h"
#include "autograd/kernels/scatter.h"

namespace {

using namespace adjoint;
using namespace adjoint::kernels;

template <Real T>
std::vector<T> random_numbers(Index count, std::mt19937& generator) {
  std::uniform_real_distribution<T> uniform(T{0.1F}, 1);
  std::vector<T> result(static_cast<std::size_t>(count));
  for (T& x : result) x = uniform(generator);
  return result;
}

// Whether a sum of positive numbers is within the error bound in sums.h for the longest chain.
template <Real T>
bool near(T sum, long double exact, Index count) {
  const long double unit = std::numeric_limits<T>::epsilon() / 2;
  const long double bound = longest_chain + std::log2(static_cast<long double>(count) + 1);
  return std::abs(static_cast<long double>(sum) - exact) <= bound * unit * exact;
}

// Spans of exactly `count` numbers, which a sanitizer guards.
template <Real T>
void check_rows() {
  std::mt19937 generator(1);
  for (Index count = 0; count < 40'000; count += count < 70 ? 1 : count / 3) {
    const std::vector<T> a = random_numbers<T>(count, generator),
                         b = random_numbers<T>(count, generator);
    long double sum = 0, product = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += static_cast<long double>(a[i]);
      product += static_cast<long double>(a[i]) * static_cast<long double>(b[i]);
    }
    BOOST_TEST(near(total(a.data(), count), sum, count), count);
    BOOST_TEST(near(inner_product(a.data(), b.data(), count), product, count), count);
    BOOST_TEST(near(static_cast<T>(wide_total(a.data(), count)), sum, count), count);
  }
}

template <Real T>
void check_sums_over_rows() {
  std::mt19937 generator(2);
  for (const Index width : {1, 3, 70})
    for (const Index rows : {0, 1, 63, 64, 65, 129, 1000, 5000}) {
      const std::vector<T> x = random_numbers<T>(rows * width, generator);
      std::vector<T> once(static_cast<std::size_t>(width)), doubled = once;
      sum_over_rows(rows, width, std::array{once.data(), doubled.data()},
                    [&](Index begin, Index end, const auto& sums) {
                      for (Index i = begin * width; i < end * width; ++i) {
                        sums[0][i % width] += x[static_cast<std::size_t>(i)];
                        sums[1][i % width] += 2 * x[static_cast<std::size_t>(i)];
                      }
                    });
      for (Index j = 0; j < width; ++j) {
        long double exact = 0;
        for (Index i = 0; i < rows; ++i)
          exact += static_cast<long double>(x[static_cast<std::size_t>(i * width + j)]);
        BOOST_TEST(near(once[static_cast<std::size_t>(j)], exact, rows));
        BOOST_TEST(doubled[static_cast<std::size_t>(j)] == 2 * once[static_cast<std::size_t>(j)]);
      }
    }
}

// A few rows get many additions, the others few or none.
template <Real T>
void check_scatter() {
  std::mt19937 generator(3);
  const Index outer = 2, size = 9, inner = 5, count = 3000;
  const std::vector<T> x = random_numbers<T>(outer * count * inner, generator);
  std::vector<Index> indices;
  for (Index k = 0; k < count; ++k)
    indices.push_back(k % 7 == 0 ? static_cast<Index>(generator() % 9) - 1 : k % 2);
  std::vector<T> y(static_cast<std::size_t>(outer * size * inner), T{7});
  scatter_add<T>(x.data(), indices, y.data(), outer, size, inner);
  std::vector<long double> exact(y.size(), 0);
  for (Index o = 0; o < outer; ++o)
    for (Index k = 0; k < count; ++k)
      if (const Index j = indices[static_cast<std::size_t>(k)]; j >= 0)
        for (Index i = 0; i < inner; ++i)
          exact[static_cast<std::size_t>((o * size + j) * inner + i)] +=
              static_cast<long double>(x[static_cast<std::size_t>((o * count + k) * inner + i)]);
  for (std::size_t i = 0; i < y.size(); ++i) BOOST_TEST(near(y[i], exact[i], count));
}

BOOST_AUTO_TEST_SUITE(sums)

BOOST_AUTO_TEST_CASE(rows_of_every_length) {
  check_rows<float>();
  check_rows<double>();
}

BOOST_AUTO_TEST_CASE(sums_over_rows) {
  check_sums_over_rows<float>();
  check_sums_over_rows<double>();
}

BOOST_AUTO_TEST_CASE(rows_are_added_where_indices_say) {
  check_scatter<float>();
  check_scatter<double>();
}

// Chains of 32 registers, and a level of pairs for each doubling.
BOOST_AUTO_TEST_CASE(the_bound_holds_for_equal_numbers) {
  for (const Index count : {1'000, 100'000, 3'000'000}) {
    const std::vector<float> x(static_cast<std::size_t>(count), 0.1F);
    BOOST_TEST(near(total(x.data(), count), 0.1F * static_cast<long double>(count), count));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
