#include "autograd/support/threads.h"

#include <sys/resource.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "tests/autograd/child.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// Restores the number of threads at the end of a test.
struct KeepThreads {
  int before = threads();
  ~KeepThreads() { set_threads(before); }
};

// Results large enough to be cut: products, sums, normalisation, attention, and their gradients.
Tensors much_work() {
  const Tensor a = variable(normal({600, 300}, 0, 1, Key(1)));
  const Tensor b = variable(normal({300, 200}, 0, 1, Key(2)));
  const Tensor gain = variable(ones({200})), bias = variable(zeros({200}));
  const Tensor product = matmul(a, b);
  const Tensor rows = layer_norm(product, gain, bias);
  const Tensor x = reshape(rows, {30, 20, 200});
  auto pattern = std::make_shared<AttentionPattern>(AttentionPattern::whole(30, 20, 20));
  const Tensor y = attention(x, x, x, pattern, {.heads = 4, .dropout = 0.1, .key = Key(3)});
  const Tensor z = dropout(gelu(y), 0.1, Key(4)) + softmax(x);
  const Tensor loss = sum(z, {0, 1}) * sum(z, {0, 1});
  Tensors results = grad(sum(loss), {a, b, gain, bias});
  results.insert(results.end(), {product, y, z, loss});
  return results;
}

BOOST_AUTO_TEST_SUITE(parallel)

BOOST_AUTO_TEST_CASE(every_piece_is_done_once) {
  const KeepThreads keep;
  for (const int count : {1, 2, 4, 7}) {
    set_threads(count);
    BOOST_TEST(threads() == count);
    for (const Index length : {0, 1, 9, 10, 11, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(length));
      parallel_for(length, 10, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) ++done[static_cast<std::size_t>(i)];
      });
      for (const auto& times : done) BOOST_REQUIRE(times == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(cuts_depend_on_count_and_grain_alone) {
  const KeepThreads keep;
  for (const int count : {1, 4}) {
    set_threads(count);
    std::vector<Index> ends(4, 0);
    parallel_for(10, 3,
                 [&](Index begin, Index end) { ends[static_cast<std::size_t>(begin / 3)] = end; });
    BOOST_TEST(ends == (std::vector<Index>{3, 6, 9, 10}));
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit) {
  const KeepThreads keep;
  set_threads(1);
  const Tensors expected = much_work();
  for (const int count : {2, 4}) {
    set_threads(count);
    const Tensors results = much_work();
    for (std::size_t i = 0; i < results.size(); ++i)
      BOOST_TEST(same_bits(results[i], expected[i]), "result " << i << ", " << count << " threads");
  }
}

BOOST_AUTO_TEST_CASE(exceptions_come_through) {
  const KeepThreads keep;
  for (const int count : {1, 4}) {
    set_threads(count);
    const auto loop = [] {
      parallel_tasks(100, [](Index i) { require(i != 42, "task ", i, " failed"); });
    };
    BOOST_CHECK_EXCEPTION(loop(), Error, says("task 42 failed"));
    std::atomic<int> done = 0;  // and the pool still works
    parallel_tasks(100, [&](Index) { ++done; });
    BOOST_TEST(done == 100);
  }
}

// If several pieces fail, the first in order is reported, and everything before it has been done,
// whichever thread failed first.
BOOST_AUTO_TEST_CASE(the_first_exception_in_order_comes_through) {
  const KeepThreads keep;
  for (const int count : {1, 2, 4, 7})
    for (const Index failing : {0, 3, 49, 50, 60, 97}) {
      const Index first = std::min<Index>(failing, 70);
      set_threads(count);
      std::vector<std::atomic<int>> done(100);
      const auto loop = [&] {
        parallel_tasks(100, [&](Index i) {
          require(i != failing && i != 70 && i != 98, "task ", i, " failed");
          ++done[static_cast<std::size_t>(i)];
        });
      };
      const std::string message = "task " + std::to_string(first) + " failed";
      BOOST_CHECK_EXCEPTION(loop(), Error, says(message));
      for (Index i = 0; i < first; ++i) BOOST_REQUIRE(done[static_cast<std::size_t>(i)] == 1);
    }
}

BOOST_AUTO_TEST_CASE(loops_within_loops_run_inline) {
  const KeepThreads keep;
  set_threads(4);
  std::atomic<int> done = 0, elsewhere = 0;
  parallel_tasks(20, [&](Index) {
    const std::thread::id own = std::this_thread::get_id();
    parallel_tasks(20, [&](Index) {
      ++done;
      if (std::this_thread::get_id() != own) ++elsewhere;
    });
  });
  BOOST_TEST(done == 400);
  BOOST_TEST(elsewhere == 0);
}

BOOST_AUTO_TEST_CASE(two_users_at_once) {
  const KeepThreads keep;
  set_threads(2);
  const Tensors expected = much_work();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> users;
  for (int user = 0; user < 2; ++user)
    users.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        const Tensors results = much_work();
        for (std::size_t i = 0; i < results.size(); ++i)
          if (!same_bits(results[i], expected[i])) ++wrong;
      }
    });
  for (std::thread& user : users) user.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(workers_inherit_the_ambient_state) {
  const KeepThreads keep;
  set_threads(4);
  const NoRecording no_recording;
  const Composed composed_guard;
  const NameScope scope("outer");
  std::atomic<int> wrong = 0;
  parallel_tasks(200, [&](Index) {
    const NameScope inner("inner");
    if (recording() || !composed() || *ambient().scope != "outer.inner") ++wrong;
  });
  BOOST_TEST(wrong == 0);
  BOOST_TEST(*ambient().scope == "outer");
}

// ---- Processes with fewer threads ---------------------------------------------------------------

// fork() copies only the calling thread. The child must compute the same results, and exit.
BOOST_AUTO_TEST_CASE(a_forked_child_computes_and_exits) {
  const KeepThreads keep;
  set_threads(4);
  const Tensors expected = much_work();
  const auto same = [&] {
    const Tensors results = much_work();
    for (std::size_t i = 0; i < results.size(); ++i)
      if (!same_bits(results[i], expected[i])) return false;
    return true;
  };
  const auto works = [&] { return threads() == 4 && (sanitized || same()) ? 0 : 1; };
  for (int round = 0; round < 5; ++round) BOOST_TEST(in_child(works).status == 0);
  BOOST_TEST(in_child([] { return 0; }).status == 0);  // without any work
  if (!sanitized) {                                    // a sanitizer forbids threads in a child
    BOOST_TEST(in_child([&] {
                 set_threads(2);
                 return same() ? 0 : 1;
               }).status == 0);
    BOOST_TEST(in_child([&] { return in_child(works).status; }).status == 0);  // a grandchild
  }
  BOOST_TEST(same());
}

// Another thread that takes or gives back memory may hold its lock during fork().
BOOST_AUTO_TEST_CASE(a_child_can_allocate_whatever_other_threads_do) {
  std::atomic<bool> done = false;
  std::vector<std::thread> users;
  for (int i = 0; i < 3; ++i)
    users.emplace_back([&] {
      while (!done) zeros({20'000});
    });
  for (int round = 0; round < 15; ++round)
    BOOST_REQUIRE(in_child([] { return zeros({20'000}).numel() == 20'000 ? 0 : 1; }).status == 0);
  done = true;
  for (std::thread& user : users) user.join();
}

BOOST_AUTO_TEST_CASE(more_threads_than_the_system_allows_are_an_error) {
  if (sanitized) return;
  const auto [status, output] = in_child([] {
    set_threads(3);
    rlimit limit{1u << 30, 1u << 30};  // each thread takes 8 MB of address space for its stack
    setrlimit(RLIMIT_AS, &limit);
    try {
      set_threads(1024);
    } catch (const Error& error) {
      std::puts(error.what());
    }
    std::atomic<int> count = 0;
    parallel_tasks(100, [&](Index) { ++count; });
    return count == 100 && threads() == 3 ? 0 : 1;  // as before
  });
  BOOST_TEST(status == 0);
  BOOST_TEST(output.starts_with("set_threads: the system allows no more than "), output);
  BOOST_TEST(output.ends_with(" of 1024 threads; ask for fewer, or raise its limit (ulimit -u)\n"),
             output);
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_must_make_sense) {
  BOOST_CHECK_EXCEPTION(set_threads(0), Error,
                        says("set_threads: needs at least one thread, got 0"));
  BOOST_CHECK_EXCEPTION(parallel_tasks(2, [](Index) { set_threads(3); }), Error,
                        says("set_threads: called from within a parallel loop"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
