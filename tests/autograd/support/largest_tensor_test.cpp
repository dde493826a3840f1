#include "autograd/support/largest_tensor.h"

#include <boost/test/unit_test.hpp>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(largest_tensor_suite)

BOOST_AUTO_TEST_CASE(a_larger_tensor_is_refused_within_the_block_only) {
  const Tensor x = ones({100, 1}, DType::f64), y = ones({1, 101}, DType::f64);
  {
    const LargestTensor guard(10'000 * sizeof(double));
    BOOST_TEST((x + ones({1, 100}, DType::f64)).numel() == 10'000);
    BOOST_CHECK_EXCEPTION(
        x + y, SizeError,
        says("add: too large: f64 [100, 101] needs 80800 bytes; at most 80000 are "
             "allowed here"));
    {
      const LargestTensor wider(100'000);
      BOOST_TEST((x + y).numel() == 10'100);
    }
    BOOST_CHECK_THROW(zeros({10'001}, DType::f64), SizeError);
  }
  BOOST_TEST((x + y).numel() == 10'100);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
