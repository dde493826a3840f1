// Graphs are freed early, and neither swept nor freed by recursion.
#include <pthread.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <exception>
#include <functional>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/node.h"
#include "tests/autograd/support.h"

// Of the sanitizers: there if the library is compiled with one.
extern "C" {
[[gnu::weak]] void __asan_init();
[[gnu::weak]] void __tsan_init();
}

namespace {

using namespace adjoint;
using namespace adjoint::testing;

const bool sanitized = __asan_init != nullptr || __tsan_init != nullptr;

constexpr GradOptions graph = {.create_graph = true};

Tensor real(double value) { return scalar(value, DType::f64); }

// Runs f in a thread with a small stack; rethrows what it throws.
void on_small_stack(const std::function<void()>& f) {
  // A sanitizer's frames and thread data are larger.
  const std::size_t bytes = sanitized ? 2u << 20 : 256u << 10;
  struct Call {
    const std::function<void()>& f;
    std::exception_ptr error = nullptr;
  } call{f};
  const auto run = [](void* argument) -> void* {
    auto& own = *static_cast<Call*>(argument);
    try {
      own.f();
    } catch (...) {
      own.error = std::current_exception();
    }
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  BOOST_REQUIRE(pthread_attr_setstacksize(&attributes, bytes) == 0);
  BOOST_REQUIRE(pthread_create(&thread, &attributes, run, &call) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  if (call.error) std::rethrow_exception(call.error);
}

BOOST_AUTO_TEST_SUITE(grad_memory)

BOOST_AUTO_TEST_CASE(values_that_no_vjp_reads_are_freed_early) {
  const Tensor x = variable(zeros({1000, 100}));
  const std::size_t before = memory::in_use();
  Tensor y = x;
  for (int i = 0; i < 20; ++i) y = y + 1;
  BOOST_TEST(memory::in_use() - before < 1'000'000u);  // one buffer, not twenty
}

BOOST_AUTO_TEST_CASE(a_dropped_graph_is_freed) {
  const std::size_t before = memory::in_use();
  {
    const Tensor x = variable(zeros({100, 100}, DType::f64));
    const Tensor y =
        sum(softmax(layer_norm(exp(x), ones({100}, DType::f64), zeros({100}, DType::f64))));
    const Tensor first = grad(y, {x}, graph)[0];
    grad(sum(first * first), {x});
    BOOST_TEST(memory::in_use() > before);
  }
  BOOST_TEST(memory::in_use() == before);
}

BOOST_AUTO_TEST_CASE(a_chain_of_a_million_operations) {
  constexpr int length = 1'000'000;
  const std::size_t before = memory::in_use();
  memory::reset_peak();
  double slope = 0, added = 0;
  std::uint64_t nodes = 0;
  on_small_stack([&] {
    const Tensor x = variable(real(1));
    Tensor y = x;
    for (int i = 0; i < length; ++i) y = y * 1.000001;
    nodes = y.history().node->number() - x.history().node->number();
    slope = grad(y, {x})[0].item();
    backward(y);  // consumes: freed while sweeping
    added = x.grad().item();

    y = x;
    for (int i = 0; i < length; ++i) y = sin(y);
    y = Tensor();  // freed without a sweep
  });
  BOOST_TEST(nodes == static_cast<std::uint64_t>(length));
  BOOST_TEST(slope == std::pow(1.000001, length), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(added == slope);
  BOOST_TEST(memory::in_use() == before);
  BOOST_TEST(memory::peak() - before < 512u << 20);
  if (sanitized) return;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  BOOST_TEST(usage.ru_maxrss < 1 << 20);  // KiB: of the whole process, nodes included
}

BOOST_AUTO_TEST_CASE(a_long_chain_to_second_order_and_one_that_forks) {
  const std::size_t before = memory::in_use();
  double second = 0, forked = 0;
  on_small_stack([&] {
    const Tensor x = variable(real(0.5));
    Tensor y = x * x;
    for (int i = 0; i < 100'000; ++i) y = 1.0 * (y + 0.0);
    const Tensor first = grad(y, {x}, graph)[0];
    second = grad(first, {x})[0].item();

    Tensor z = x;
    for (int i = 0; i < 100'000; ++i) z = 0.5 * (z + z);
    forked = grad(z, {x})[0].item();
  });
  BOOST_TEST(second == 2);
  BOOST_TEST(forked == 1);
  BOOST_TEST(memory::in_use() == before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
