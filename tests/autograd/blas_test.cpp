#include "autograd/kernels/blas.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <limits>
#include <thread>
#include <vector>

#include "autograd/kernels/parallel.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

std::size_t threads_of_this_process() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

// A thread that has been joined may stay listed for a moment.
std::size_t threads_after_a_moment(std::size_t expected) {
  for (int attempt = 0; attempt < 100 && threads_of_this_process() > expected; ++attempt)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return threads_of_this_process();
}

template <Real T>
void check_all_transpositions() {
  const Index rows = 7, inner = 5, columns = 6, gap = 3;  // rows of a matrix lie apart
  const Tensor left = normal({100}, 0, 1, Key(1), dtype_of<T>);
  const Tensor right = normal({100}, 0, 1, Key(2), dtype_of<T>);
  const Tensor start = normal({100}, 0, 1, Key(3), dtype_of<T>);
  const std::span<const T> a = left.values<T>(), b = right.values<T>();
  const auto element = [](std::span<const T> x, Index stride, bool transposed, Index i, Index j) {
    return static_cast<double>(
        x[static_cast<std::size_t>(transposed ? j * stride + i : i * stride + j)]);
  };
  for (const bool ta : {false, true})
    for (const bool tb : {false, true})
      for (const T keep : {T{0}, T{1}, T{0.5}}) {
        const Index stride_a = (ta ? rows : inner) + gap, stride_b = (tb ? inner : columns) + gap;
        const Index stride = columns + gap;
        Tensor whole = copy(start), scaled = copy(start);
        kernels::matmul<T>(rows, columns, inner, {a.data(), stride_a, ta}, {b.data(), stride_b, tb},
                           keep, whole.edit<T>().data(), stride);
        kernels::matmul_on_this_thread<T>(rows, columns, inner, T{2}, {a.data(), stride_a, ta},
                                          {b.data(), stride_b, tb}, keep, scaled.edit<T>().data(),
                                          stride);
        Grid expected(start), twice(start);
        for (Index i = 0; i < rows; ++i)
          for (Index j = 0; j < columns; ++j) {
            double total = 0;
            for (Index k = 0; k < inner; ++k)
              total += element(a, stride_a, ta, i, k) * element(b, stride_b, tb, k, j);
            const double before = start.at({i * stride + j}) * static_cast<double>(keep);
            expected[{i * stride + j}] = total + before;
            twice[{i * stride + j}] = 2 * total + before;
          }
        BOOST_TEST(distance(whole, expected) < (sizeof(T) == 4 ? 1e-5 : 1e-13));
        BOOST_TEST(distance(scaled, twice) < (sizeof(T) == 4 ? 1e-5 : 1e-13));
      }
}

template <Real T>
void check_empty_products() {
  std::vector<T> c(6, T{5});
  const T nothing = 0;
  kernels::matmul<T>(2, 3, 0, {&nothing, 0}, {&nothing, 3}, T{1}, c.data(), 3);
  BOOST_TEST(c == std::vector<T>(6, T{5}));
  c[0] = std::numeric_limits<T>::quiet_NaN();
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      kernels::matmul<T>(2, 3, 0, {&nothing, ta ? 2 : 0, ta}, {&nothing, tb ? 0 : 3, tb}, T{0},
                         c.data(), 3);
      BOOST_TEST(c == std::vector<T>(6, T{0}));
    }
  // Vectors, for which some libraries take another way.
  c.assign(6, T{5});
  kernels::matmul<T>(6, 1, 0, {&nothing, 0}, {&nothing, 1}, T{0}, c.data(), 1);
  BOOST_TEST(c == std::vector<T>(6, T{0}));
  c.assign(6, T{5});
  kernels::matmul<T>(1, 6, 0, {&nothing, 0}, {&nothing, 6}, T{0}, c.data(), 6);
  BOOST_TEST(c == std::vector<T>(6, T{0}));
  kernels::matmul<T>(0, 3, 2, {&nothing, 2}, {&nothing, 3}, T{0}, c.data(), 3);
}

BOOST_AUTO_TEST_SUITE(blas)

BOOST_AUTO_TEST_CASE(all_transpositions) {
  check_all_transpositions<float>();
  check_all_transpositions<double>();
}

BOOST_AUTO_TEST_CASE(nothing_to_add_up) {
  check_empty_products<float>();
  check_empty_products<double>();
}

// Whatever thread a product is made on, the library must not start further ones.
BOOST_AUTO_TEST_CASE(products_start_no_threads) {
  set_threads(threads());  // the pool exists from here on
  const Index size = 600;
  const Tensor a = normal({size, size}, 0, 1, Key(4)), b = normal({size, size}, 0, 1, Key(5));
  const std::size_t before = threads_after_a_moment(static_cast<std::size_t>(threads()));
  std::atomic<bool> done = false;
  std::atomic<std::size_t> inside = 0;
  std::thread worker([&] {
    std::vector<float> c(static_cast<std::size_t>(size * size));
    for (int round = 0; round < 20; ++round) {
      kernels::matmul_on_this_thread<float>(size, size, size, 1, {a.values<float>().data(), size},
                                            {b.values<float>().data(), size}, 0, c.data(), size);
      inside = std::max<std::size_t>(inside, threads_of_this_process());
    }
    done = true;
  });
  std::size_t during = 0;
  while (!done) during = std::max(during, threads_of_this_process());
  worker.join();
  BOOST_TEST(during <= before + 1);
  BOOST_TEST(inside <= before + 1);
  BOOST_TEST(threads_after_a_moment(before) <= before);
  matmul(a, b);
  BOOST_TEST(threads_of_this_process() <= before);
}

BOOST_AUTO_TEST_CASE(the_library_has_a_name) { BOOST_TEST(!kernels::blas_description().empty()); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
