#include "nn/schedule.h"

#include <boost/test/unit_test.hpp>
#include <vector>

namespace {

using namespace adjoint;
using namespace adjoint::nn;

std::vector<double> first_steps(const LinearSchedule& schedule, Index count) {
  std::vector<double> factors;
  for (Index step = 0; step < count; ++step) factors.push_back(schedule(step));
  return factors;
}

BOOST_AUTO_TEST_SUITE(schedule)

BOOST_AUTO_TEST_CASE(it_rises_and_then_falls) {
  BOOST_TEST(first_steps({.warm_up = 4, .total = 8}, 10) ==
                 (std::vector<double>{0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25, 0, 0}),
             boost::test_tools::per_element());
  BOOST_TEST(
      first_steps({.warm_up = 0, .total = 4}, 6) == (std::vector<double>{1, 0.75, 0.5, 0.25, 0, 0}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_an_end_it_stays) {
  BOOST_TEST(first_steps({}, 3) == (std::vector<double>{1, 1, 1}),
             boost::test_tools::per_element());
  BOOST_TEST(first_steps({.warm_up = 2}, 4) == (std::vector<double>{0.5, 1, 1, 1}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
