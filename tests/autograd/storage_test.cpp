#include "autograd/storage.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "autograd/support/error.h"
#include "autograd/tensor.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(storage)

BOOST_AUTO_TEST_CASE(buffers_are_aligned_and_large_enough) {
  for (std::size_t bytes = 0; bytes < 3000; bytes += bytes < 300 ? 1 : 97) {
    const StoragePtr buffer = Storage::make(bytes);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(buffer->data()) % 64 == 0u);
    BOOST_TEST(buffer->bytes() == bytes);
    std::memset(buffer->data(), 1, bytes);
  }
}

// Sizes on both sides of every boundary between size classes: a reused buffer must be large enough.
BOOST_AUTO_TEST_CASE(reused_buffers_are_large_enough) {
  for (int round = 0; round < 3; ++round)
    for (std::size_t power = 64; power <= 1u << 20; power *= 2)
      for (std::size_t quarter = 0; quarter < 4; ++quarter)
        for (const std::size_t step : {0u, 1u, 2u}) {
          const std::size_t bytes = power + quarter * power / 4 + step - 1;
          const StoragePtr buffer = Storage::make(bytes);
          std::memset(buffer->data(), round, bytes);
        }
}

BOOST_AUTO_TEST_CASE(each_thread_counts_the_buffers_it_makes) {
  const std::size_t before = memory::buffers_made();
  const Tensor x = zeros({3});
  const Tensor same = x;
  std::thread([] { zeros({3}); }).join();
  BOOST_TEST(memory::buffers_made() == before + 1);
}

BOOST_AUTO_TEST_CASE(a_dropped_buffer_is_used_again) {
  for (const std::size_t bytes : {100u, 100'000u}) {
    void* first = nullptr;
    {
      const StoragePtr buffer = Storage::make(bytes);
      first = buffer->data();
    }
    const StoragePtr buffer = Storage::make(bytes);
    BOOST_TEST(buffer->data() == first);
    const StoragePtr other = Storage::make(bytes);
    BOOST_TEST(other->data() != first);
  }
}

BOOST_AUTO_TEST_CASE(figures_follow_what_is_in_use) {
  const std::size_t before = memory::in_use();
  memory::reset_peak();
  {
    const StoragePtr one = Storage::make(1'000'000);
    BOOST_TEST(memory::in_use() - before == 1'000'000u);
    Storage::make(2'000'000);
    BOOST_TEST(memory::in_use() - before == 1'000'000u);
    BOOST_TEST(memory::peak() - before == 3'000'000u);
  }
  BOOST_TEST(memory::in_use() == before);
  BOOST_TEST(memory::peak() - before == 3'000'000u);
  memory::reset_peak();
  BOOST_TEST(memory::peak() == before);
}

// Each thread keeps a book of its own, so a peak of small buffers must not be lost in it, nor what
// a thread that has ended took and another one gave back.
BOOST_AUTO_TEST_CASE(figures_of_small_buffers_are_exact) {
  const std::size_t before = memory::in_use();
  memory::reset_peak();
  std::size_t highest = 0;
  for (const std::size_t count : {3u, 5000u, 10u}) {
    highest = std::max(highest, 110 * count);
    std::vector<StoragePtr> buffers;
    std::thread([&] {
      for (std::size_t i = 0; i < count; ++i) buffers.push_back(Storage::make(100));
    }).join();
    BOOST_TEST(memory::in_use() - before == 100 * count);
    for (std::size_t i = 0; i < count; ++i) buffers.push_back(Storage::make(10));
    BOOST_TEST(memory::in_use() - before == 110 * count);
    buffers.clear();
    BOOST_TEST(memory::in_use() == before);
    BOOST_TEST(memory::peak() - before == highest);
  }
}

BOOST_AUTO_TEST_CASE(unused_buffers_can_be_given_back) {
  for (const std::size_t bytes : {10'000'000u, 100u}) Storage::make(bytes);
  memory::release_unused();
  const StoragePtr again = Storage::make(10'000'000);
  std::memset(again->data(), 1, again->bytes());
}

BOOST_AUTO_TEST_CASE(versions_count_writes) {
  const StoragePtr buffer = Storage::make(8);
  BOOST_TEST(buffer->version() == 0u);
  buffer->bump_version();
  BOOST_TEST(buffer->version() == 1u);
}

// Made by one thread and dropped by another, in all sizes, by many at once; also by threads that
// end while others still hold what they made.
BOOST_AUTO_TEST_CASE(threads_pass_buffers_on) {
  const std::size_t before = memory::in_use();
  std::mutex mutex;
  std::vector<StoragePtr> exchanged;
  bool intact = true;
  std::vector<std::thread> threads;
  for (unsigned id = 0; id < 8; ++id)
    threads.emplace_back([&, id] {
      for (std::size_t i = 0; i < 2000; ++i) {
        const std::size_t bytes = (i * 7919 + id * 104'729) % 9000 + 1;
        auto buffer = Storage::make(bytes);
        std::memset(buffer->data(), static_cast<int>(bytes % 251), bytes);
        const std::lock_guard lock(mutex);
        exchanged.push_back(std::move(buffer));
        if (exchanged.size() < 50) continue;
        StoragePtr& other = exchanged[(i * 31 + id) % exchanged.size()];
        const auto* content = static_cast<const unsigned char*>(other->data());
        intact &= content[0] == other->bytes() % 251 &&
                  content[other->bytes() - 1] == other->bytes() % 251;
        std::swap(other, exchanged.back());
        exchanged.pop_back();
      }
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(intact);
  exchanged.clear();
  BOOST_TEST(memory::in_use() == before);
}

// A worker makes a gradient and another thread drops it, at every step of a training: the buffers
// have to find their way back to the worker, or memory grows without bound.
BOOST_AUTO_TEST_CASE(buffers_dropped_by_another_thread_are_used_again) {
  std::set<void*> different;
  for (int step = 0; step < 200; ++step) {
    std::vector<StoragePtr> made(40);
    std::thread([&] {
      for (auto& buffer : made) buffer = Storage::make(1000);
    }).join();
    for (const auto& buffer : made) different.insert(buffer->data());
  }
  BOOST_TEST(different.size() < 1000u);
}

// As many of one size as several trades between threads take: none may be handed out twice.
BOOST_AUTO_TEST_CASE(a_block_has_one_owner) {
  std::vector<std::vector<std::size_t*>> blocks(4);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    for (std::size_t id = 0; id < blocks.size(); ++id)
      threads.emplace_back([&mine = blocks[id], id] {
        for (std::size_t i = 0; i < 1500; ++i)
          mine.push_back(new (memory::take(100)) std::size_t(id * 10'000 + i));
      });
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    for (std::size_t id = 0; id < blocks.size(); ++id)
      for (std::size_t i = 0; i < 1500; ++i) BOOST_REQUIRE(*blocks[id][i] == id * 10'000 + i);
    for (std::size_t id = 0; id < blocks.size(); ++id)  // another thread than the one that took it
      threads.emplace_back([&others = blocks[(id + 1) % blocks.size()]] {
        for (std::size_t* block : others) memory::give_back(block, 100);
        others.clear();
      });
    for (std::thread& thread : threads) thread.join();
  }
}

BOOST_AUTO_TEST_CASE(what_a_thread_leaves_behind_is_used_again) {
  std::set<void*> left;
  std::thread([&] {
    for (int i = 0; i < 100; ++i) left.insert(memory::take(3000));
    for (void* block : left) memory::give_back(block, 3000);
  }).join();
  std::set<void*> found;
  std::thread([&] {
    for (int i = 0; i < 100; ++i) found.insert(memory::take(3000));
    for (void* block : found) memory::give_back(block, 3000);
  }).join();
  BOOST_TEST((found == left));
}

BOOST_AUTO_TEST_CASE(containers_may_recycle) {
  std::vector<int, Recycling<int>> numbers;
  for (int i = 0; i < 5000; ++i) numbers.push_back(i);
  for (int i = 0; i < 5000; ++i) BOOST_REQUIRE(numbers[static_cast<std::size_t>(i)] == i);
  const auto shared = std::allocate_shared<std::string>(Recycling<std::string>(), "text");
  BOOST_TEST(*shared == "text");
}

// ---- What is kept -------------------------------------------------------------------------------

constexpr std::size_t megabyte = std::size_t{1} << 20;

// Makes buffers and drops them all at the end, like a training step.
void step(const std::vector<std::size_t>& sizes) {
  std::vector<StoragePtr> buffers;
  for (const std::size_t size : sizes) buffers.push_back(Storage::make(size));
}

BOOST_AUTO_TEST_CASE(what_is_released_is_not_kept) {
  memory::release_unused();
  const std::size_t before = memory::kept();
  step({30 * megabyte, 100, 5000});
  BOOST_TEST(memory::kept() - before >= 30 * megabyte);
  BOOST_TEST(memory::kept() - before < 40 * megabyte);
  memory::release_unused();
  BOOST_TEST(memory::kept() == before);
}

// Each buffer is larger than all before it, so no kept block fits it.
BOOST_AUTO_TEST_CASE(growing_buffers_do_not_pile_up) {
  memory::release_unused();
  for (std::size_t bytes = megabyte / 2; bytes < 200 * megabyte; bytes += bytes / 6) {
    step({bytes});
    BOOST_REQUIRE(memory::kept() <= 128 * megabyte);
  }
  for (std::size_t bytes = megabyte / 2; bytes < 50 * megabyte; bytes += bytes / 6) {
    step({bytes, bytes, bytes, bytes});
    BOOST_REQUIRE(memory::kept() <= 5 * bytes + std::max(64 * megabyte, 5 * bytes));
  }
  memory::release_unused();
}

BOOST_AUTO_TEST_CASE(a_single_huge_buffer_is_not_kept) {
  memory::release_unused();
  const StoragePtr parameters = Storage::make(10 * megabyte);
  Storage::make(300 * megabyte);
  BOOST_TEST(memory::kept() < megabyte);
}

// Every block of a step must still be there for the next one, however far the memory in use rises
// and falls.
BOOST_AUTO_TEST_CASE(equal_steps_take_no_memory_from_the_system) {
  memory::release_unused();
  const StoragePtr parameters = Storage::make(20 * megabyte);
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < 60; ++i) sizes.push_back((1 + i % 7) * megabyte);
  std::set<void*> blocks;
  for (int round = 0; round < 50; ++round) {
    const std::size_t known = blocks.size();
    std::vector<StoragePtr> buffers;
    for (const std::size_t size : sizes) {
      buffers.push_back(Storage::make(size));
      blocks.insert(buffers.back()->data());
      Storage::make(size / 2);  // a temporary
    }
    if (round > 0) BOOST_REQUIRE(blocks.size() == known);
  }
  memory::release_unused();
}

// A long sentence, then many short ones.
BOOST_AUTO_TEST_CASE(an_old_peak_is_forgotten) {
  memory::release_unused();
  step(std::vector<std::size_t>(40, 10 * megabyte));
  BOOST_TEST(memory::kept() >= 400 * megabyte);
  for (int i = 0; i < 100; ++i) step(std::vector<std::size_t>(20, megabyte));
  BOOST_TEST(memory::kept() <= 90 * megabyte);
  memory::release_unused();
}

// Small buffers too: those in the thread's own lists, and those that it has passed on.
BOOST_AUTO_TEST_CASE(small_buffers_do_not_pile_up) {
  memory::release_unused();
  for (const std::size_t bytes : {100, 1000, 4000}) {
    step(std::vector<std::size_t>(100 * megabyte / bytes, bytes));
    step({200 * megabyte, megabyte});  // then use that needs other sizes
    for (int i = 0; i < 40; ++i) step({40 * megabyte, 40 * megabyte});
    BOOST_TEST(memory::kept() <= 180 * megabyte);
  }
  memory::release_unused();
}

BOOST_AUTO_TEST_CASE(more_than_there_is_is_an_error) {
  BOOST_CHECK_THROW(Storage::make(std::size_t{1} << 58), std::bad_alloc);
  BOOST_CHECK_EXCEPTION(zeros({Index{1} << 50}), Error,
                        says("out of memory: f32 [1125899906842624] needs 4503599627370496 bytes"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
