#include "autograd/tools/broadcast.h"

#include <boost/test/unit_test.hpp>

#include "autograd/grad.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(detect_broadcast)

BOOST_AUTO_TEST_CASE(a_result_larger_than_every_operand_is_an_error) {
  const Tensor predictions = variable(ones({3, 1})), targets = ones({3});
  BOOST_TEST((predictions - targets).numel() == 9);  // without the guard
  const DetectBroadcast guard;
  const NameScope scope("loss");
  BOOST_CHECK_EXCEPTION(
      predictions - targets, Error,
      says("broadcast: sub: shapes [3, 1] and [3] broadcast to [3, 3], which is larger than each "
           "of them; reshape() one of them if this is not meant, or put a DeliberateBroadcast "
           "guard around it\n  in loss"));
  for (const auto f : {add, sub, mul, div, maximum, minimum, equal, greater, less})
    BOOST_CHECK_THROW(f(predictions, targets), Error);
  BOOST_CHECK_THROW(pow(predictions, targets), Error);
  const Tensor condition = zeros({3, 1}, DType::b8);
  BOOST_CHECK_EXCEPTION(where(condition, targets, scalar(0)), Error, [](const Error& error) {
    return std::string(error.what())
        .starts_with("broadcast: where: shapes [3, 1], [3] and [] broadcast to [3, 3]");
  });
}

BOOST_AUTO_TEST_CASE(an_operand_may_be_repeated_to_the_size_of_another) {
  const DetectBroadcast guard;
  const Tensor rows = variable(ones({4, 3})), bias = variable(ones({3}));
  const Tensor y = rows + bias - ones({4, 1}) * ones({}) / scalar(2);
  BOOST_TEST((y.shape() == Shape{4, 3}));
  BOOST_TEST((add(ones({1, 1}), ones({5})).shape() == Shape{1, 5}));
  BOOST_TEST((add(ones({0, 3}), ones({1, 3})).shape() == Shape{0, 3}));
  grad(sum(y * y), {rows, bias});
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_broadcast_keep_their_own_error) {
  const DetectBroadcast guard;
  BOOST_CHECK_EXCEPTION(ones({2}) + ones({3}), Error, [](const Error& error) {
    return std::string(error.what()).starts_with("add: shapes [2] and [3] do not broadcast");
  });
}

BOOST_AUTO_TEST_CASE(a_deliberate_broadcast_passes) {
  const DetectBroadcast guard;
  const Tensor x = variable(ones({3, 1}));
  const Tensor all = [&] {
    const DeliberateBroadcast meant;
    return x - ones({1, 3});
  }();
  BOOST_TEST(numbers(grad(sum(all), {x})[0]) == (std::vector<double>{3, 3, 3}));
  BOOST_CHECK_THROW(x - ones({1, 3}), Error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
