#include "autograd/kernels/blas.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "autograd/support/threads.h"
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

BOOST_AUTO_TEST_SUITE(blas)

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
      kernels::multiply_by_blas<float>({.rows = size,
                                        .columns = size,
                                        .inner = size,
                                        .a = {a.values<float>().data(), size},
                                        .b = {b.values<float>().data(), size},
                                        .c = c.data(),
                                        .stride = size});
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
  matmul(a, reshape(slice(b, 0, 0, 1), {size}));  // one column: BLAS has it on every processor
  BOOST_TEST(threads_of_this_process() <= before);
}

BOOST_AUTO_TEST_CASE(the_library_has_a_name) { BOOST_TEST(!kernels::blas_description().empty()); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
