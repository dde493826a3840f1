#include "nn/training/gradients.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "autograd/support/threads.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

// Some share a piece, some fill several.
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
    BOOST_TEST(clip_by_global_norm(shards[0], 1) == norm);
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

// Every element once, in order; pieces differ in size only at the end.
BOOST_AUTO_TEST_CASE(pieces_cover_tensors_of_any_sizes) {
  Dice dice(Key(5));
  for (int round = 0; round < 50; ++round) {
    Tensors xs;
    const Index count = dice.between(0, 8);
    for (Index i = 0; i < count; ++i)
      xs.push_back(zeros({dice.between(0, 3) == 0 ? 0 : dice.between(0, 90000)}));
    const Pieces pieces(xs);
    std::vector<Index> reached(xs.size(), 0);
    Index first_size = -1;
    for (Index piece = 0; piece < pieces.count(); ++piece) {
      Index size = 0;
      pieces.each_run(piece, [&](std::size_t i, Index begin, Index end) {
        BOOST_TEST(begin == reached.at(i));
        BOOST_TEST(begin < end);
        for (std::size_t earlier = 0; earlier < i; ++earlier)
          BOOST_TEST(reached[earlier] == xs[earlier].numel());
        reached[i] = end;
        size += end - begin;
      });
      if (piece == 0) first_size = size;
      BOOST_TEST((size == first_size || (size < first_size && piece == pieces.count() - 1)));
    }
    for (std::size_t i = 0; i < xs.size(); ++i) BOOST_TEST(reached[i] == xs[i].numel());
  }
}

BOOST_AUTO_TEST_CASE(clipping_scales_all_gradients_alike) {
  const Tensors given = {tensor({3, 0}, DType::f64), tensor({{4}}, DType::f64)};
  const auto clipped = [&](double limit) {
    Tensors gradients = {copy(given[0]), copy(given[1])};
    BOOST_TEST(clip_by_global_norm(gradients, limit) == 5);
    return gradients;
  };
  BOOST_TEST(same_bits(clipped(6), given));
  const Tensors small = clipped(1);
  BOOST_TEST(global_norm(small) <= 1);
  BOOST_TEST(distance(small, {tensor({0.6, 0}, DType::f64), tensor({{0.8}}, DType::f64)}) < 1e-6);
  Tensors nothing = {zeros({3})};
  BOOST_TEST(clip_by_global_norm(nothing, 1) == 0);
  BOOST_TEST(same_bits(nothing, {zeros({3})}));
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_a_number_is_an_error) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = HUGE_VAL;
  for (const auto& [value, printed] : {std::pair(nan, "nan"), std::pair(infinity, "inf")}) {
    Tensors gradients = {ones({2}), tensor({1, value})};
    const Tensors before = {copy(gradients[0]), copy(gradients[1])};
    BOOST_CHECK_EXCEPTION(
        clip_by_global_norm(gradients, 1), NotFinite,
        says("clip_by_global_norm: the gradients' norm is " + std::string(printed) +
             "; the loss or a value before it is NaN or has overflowed; DetectAnomaly "
             "(autograd/tools/anomaly.h) says where"));
    BOOST_TEST(same_bits(gradients, before));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
