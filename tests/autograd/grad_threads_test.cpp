// Several threads record and sweep at once.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "autograd/grad.h"
#include "autograd/support/threads.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr GradOptions consuming = {.consume = true};

BOOST_AUTO_TEST_SUITE(grad_threads)

// A small model on shared parameters; data that differ from shard to shard.
struct Model {
  Tensors parameters = {variable(normal({16, 24}, 0, 0.3, Key(1)), "first"),
                        variable(normal({24}, 0, 0.3, Key(2)), "bias"),
                        variable(normal({24, 24}, 0, 0.3, Key(3)), "second"),
                        variable(ones({24}), "gain")};

  Tensor loss(std::uint64_t shard) const {
    const Tensor x = normal({2, 10, 16}, 0, 1, Key(100).child(shard));
    const Tensor h = linear(x, transpose(parameters[0]), parameters[1]);
    auto pattern = std::make_shared<AttentionPattern>(AttentionPattern::whole(2, 10, 10));
    const Tensor y = attention(h, h, matmul(h, parameters[2]), pattern,
                               {.heads = 2, .dropout = 0.1, .key = Key(shard)});
    return sum(pow(layer_norm(gelu(y), parameters[3], parameters[1]), 2));
  }
};

// Whichever thread comes last has to free what both held: deep, and without recursion.
BOOST_AUTO_TEST_CASE(a_shared_graph_is_dropped_by_two_threads_at_once) {
  const Tensor x = variable(ones({4}));
  const std::size_t before = memory::in_use();
  for (int round = 0; round < 5; ++round) {
    Tensor y = x;
    for (int i = 0; i < 100'000; ++i) y = y * 1;
    Tensor ends[] = {y + 1, y * 2};
    y = Tensor();
    std::atomic<int> ready = 0;
    std::vector<std::thread> threads;
    for (Tensor& end : ends)
      threads.emplace_back([&] {
        for (++ready; ready < 2;) std::this_thread::yield();
        end = Tensor();
      });
    for (std::thread& thread : threads) thread.join();
    BOOST_TEST(memory::in_use() == before);
  }
}

BOOST_AUTO_TEST_CASE(several_threads_record_and_sweep_at_once) {
  const Model model;
  constexpr std::uint64_t shards = 8;
  constexpr int rounds = 20;
  std::vector<Tensors> expected;
  for (std::uint64_t shard = 0; shard < shards; ++shard)
    expected.push_back(grad(model.loss(shard), model.parameters));

  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t shard = 0; shard < shards; ++shard)
    threads.emplace_back([&, shard] {
      for (int round = 0; round < rounds; ++round) {
        const bool twice = round % 5 == 4;
        const Tensors gradients =
            grad(model.loss(shard), model.parameters, {.create_graph = twice, .consume = !twice});
        for (std::size_t i = 0; i < gradients.size(); ++i)
          if (!same_bits(gradients[i], expected[shard][i])) ++wrong;
        if (twice) grad(sum(gradients[0] * gradients[0]), model.parameters);
      }
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(wrong == 0);
}

// Of whole numbers, whose sum does not depend on the order.
BOOST_AUTO_TEST_CASE(several_threads_add_to_the_same_leaves) {
  const Tensor x = variable(ones({50}, DType::f64)), z = variable(ones({50}, DType::f64));
  std::vector<std::thread> threads;
  for (int id = 1; id <= 8; ++id)
    threads.emplace_back([&, id] {
      for (int round = 0; round < 100; ++round) backward(sum(x * z * static_cast<double>(id)));
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(distance(x.grad(), Grid({50}, 3600)) == 0);
  BOOST_TEST(distance(z.grad(), Grid({50}, 3600)) == 0);
}

BOOST_AUTO_TEST_CASE(graphs_recorded_by_workers) {
  const int before = threads();
  set_threads(4);
  const Model model;
  std::vector<Tensors> results(8);
  {
    const NameScope scope("shards");
    parallel_tasks(8, [&](Index shard) {
      const auto own = static_cast<std::uint64_t>(shard);
      results[own] = grad(model.loss(own), model.parameters, consuming);
    });
  }
  for (std::uint64_t shard = 0; shard < 8; ++shard) {
    const Tensors alone = grad(model.loss(shard), model.parameters);
    for (std::size_t i = 0; i < alone.size(); ++i)
      BOOST_TEST(same_bits(results[shard][i], alone[i]));
  }
  set_threads(before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
