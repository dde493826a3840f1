#include "nn/training/gradients.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autograd/ops.h"
#include "autograd/support/threads.h"
#include "nn/training/elements.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// Some share a chunk, some fill several.
Tensors of_many_sizes(Key key, DType dtype = DType::f32) {
  Tensors gradients;
  for (const Shape& shape : {Shape{300, 401}, Shape{7}, Shape{0, 3}, Shape{}, Shape{40000}})
    gradients.push_back(normal(shape, 0, 1, key.child(gradients.size()), dtype));
  return gradients;
}

BOOST_AUTO_TEST_SUITE(gradients)

BOOST_AUTO_TEST_CASE(the_global_norm_is_that_of_all_numbers_together) {
  BOOST_TEST(global_norm({tensor({3, 0}), tensor({{4}})}) == 5);
  BOOST_TEST(global_norm({}) == 0);
  BOOST_TEST(global_norm({full({10}, 1e30)}) == 1e30 * std::sqrt(10.0),
             boost::test_tools::tolerance(1e-6));  // whose squares f32 cannot hold
}

BOOST_AUTO_TEST_CASE(shards_are_added_up_in_order_together_with_their_norm) {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const std::size_t count : {1u, 2u, 3u}) {
      std::vector<Tensors> shards;
      for (std::size_t s = 0; s < count; ++s) shards.push_back(of_many_sizes(Key(s), dtype));
      Tensors expected = shards[0];
      for (std::size_t s = 1; s < count; ++s)
        for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = expected[i] + shards[s][i];
      Tensors first;
      for (const Tensor& gradient : shards[0]) first.push_back(copy(gradient));
      shards[0] = first;
      const double norm = add_up(shards);
      BOOST_TEST(same_bits(shards[0], expected));
      BOOST_TEST(norm == global_norm(expected));
    }
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_changes_no_bit) {
  const int before = threads();
  const auto computed = [](int count) {
    set_threads(count);
    std::vector<Tensors> shards = {of_many_sizes(Key(1)), of_many_sizes(Key(2))};
    const double norm = add_up(shards);
    BOOST_TEST(global_norm(shards[0]) == norm);
    return std::pair(norm, shards[0]);
  };
  const auto [norm, sum] = computed(1);
  for (const int count : {2, 4}) {
    const auto [other_norm, other_sum] = computed(count);
    BOOST_TEST(other_norm == norm);
    BOOST_TEST(same_bits(other_sum, sum));
  }
  set_threads(before);
}

// Every element once, in order; only the last chunk may be smaller.
BOOST_AUTO_TEST_CASE(chunks_cover_tensors_of_any_sizes) {
  Dice dice(Key(5));
  for (int round = 0; round < 50; ++round) {
    Tensors xs;
    const Index count = dice.between(0, 8);
    for (Index i = 0; i < count; ++i)
      xs.push_back(zeros({dice.between(0, 3) == 0 ? 0 : dice.between(0, 90000)}));
    const Chunks chunks(xs);
    std::vector<Index> reached(xs.size(), 0);
    Index first_size = -1;
    for (Index chunk = 0; chunk < chunks.count(); ++chunk) {
      Index size = 0;
      chunks.each(chunk, [&](std::size_t i, Index begin, Index end) {
        BOOST_TEST(begin == reached.at(i));
        BOOST_TEST(begin < end);
        for (std::size_t earlier = 0; earlier < i; ++earlier)
          BOOST_TEST(reached[earlier] == xs[earlier].numel());
        reached[i] = end;
        size += end - begin;
      });
      if (chunk == 0) first_size = size;
      BOOST_TEST((size == first_size || (size < first_size && chunk == chunks.count() - 1)));
    }
    for (std::size_t i = 0; i < xs.size(); ++i) BOOST_TEST(reached[i] == xs[i].numel());
  }
}

BOOST_AUTO_TEST_CASE(clipping_limits_the_norm_and_nothing_else) {
  BOOST_TEST(clipping_factor(5, 6) == 1);
  BOOST_TEST(clipping_factor(0, 1) == 1);
  BOOST_TEST(5 * clipping_factor(5, 1) <= 1);
  BOOST_TEST(clipping_factor(5, 1) == 0.2, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
