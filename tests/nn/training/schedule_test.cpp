#include "nn/training/schedule.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <vector>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

std::vector<double> factors(const ScheduleOptions& options, Index count) {
  const Schedule schedule(options);
  std::vector<double> result;
  for (Index step = 0; step < count; ++step) result.push_back(schedule(step));
  return result;
}

BOOST_AUTO_TEST_SUITE(schedule)

BOOST_AUTO_TEST_CASE(linear_rises_and_then_falls) {
  BOOST_TEST(factors({.name = "linear", .warm_up = 4, .total = 8}, 10) ==
                 (std::vector<double>{0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25, 0, 0}),
             boost::test_tools::per_element());
  BOOST_TEST(
      factors({.name = "linear", .total = 4}, 6) == (std::vector<double>{1, 0.75, 0.5, 0.25, 0, 0}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(constant_stays) {
  BOOST_TEST(factors({}, 3) == (std::vector<double>{1, 1, 1}), boost::test_tools::per_element());
  BOOST_TEST(factors({.warm_up = 2}, 4) == (std::vector<double>{0.5, 1, 1, 1}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_schedule_warms_up_evenly_to_one) {
  for (const std::string& name : schedule_names()) {
    const std::vector<double> all = factors({.name = name, .warm_up = 4, .total = 20}, 5);
    BOOST_TEST(all == (std::vector<double>{0.25, 0.5, 0.75, 1, all[4]}),
               boost::test_tools::per_element());
    BOOST_TEST(all[4] <= 1);
    BOOST_TEST(all[4] > 0.85);
    BOOST_TEST(factors({.name = name, .total = 20}, 1)[0] == 1);
  }
}

BOOST_AUTO_TEST_CASE(linear_and_cosine_fall_to_the_floor_and_stay) {
  const std::vector<double> linear =
      factors({.name = "linear", .warm_up = 2, .total = 6, .floor = 0.2}, 9);
  const std::vector<double> expected = {0.5, 1, 1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2};
  BOOST_TEST(distance(from(linear, {9}), from(expected, {9})) < 1e-15);

  const std::vector<double> cosine =
      factors({.name = "cosine", .warm_up = 2, .total = 12, .floor = 0.2}, 15);
  for (std::size_t step = 2; step < 15; ++step) {
    const double p = std::min(1.0, (static_cast<double>(step) - 2) / 10);
    BOOST_TEST(cosine[step] == 0.2 + 0.8 * (1 + std::cos(std::numbers::pi * p)) / 2,
               boost::test_tools::tolerance(1e-14));
  }
}

// d^−½ · min(n^−½, n · W^−1.5) at the n-th step.
BOOST_AUTO_TEST_CASE(the_inverse_square_root_is_the_papers) {
  constexpr double width = 512;
  for (const Index warm_up : {1, 7, 4000}) {
    const Schedule schedule({.name = "inverse-sqrt", .warm_up = warm_up});
    const auto w = static_cast<double>(warm_up);
    for (const Index step : {0, 1, 5, 6, 7, 100, 3999, 4000, 100000}) {
      const double n = static_cast<double>(step) + 1;
      const double paper = std::min(1 / std::sqrt(n), n * std::pow(w, -1.5)) / std::sqrt(width);
      BOOST_TEST(schedule(step) / std::sqrt(width * w) == paper,
                 boost::test_tools::tolerance(1e-13));
    }
  }
}

BOOST_AUTO_TEST_CASE(plateau_falls_when_the_loss_does_not) {
  Schedule schedule({.name = "plateau", .floor = 0.2, .decay = 0.5, .patience = 2, .margin = 0.1});
  std::vector<double> scales;
  for (const double loss :
       {3.0, 2.0, 1.95, 1.5, 1.5, 1.5, 1.45, 9.0, 1.0, 1.0, double{NAN}, 1.0, 1.0}) {
    schedule.observe(loss);
    scales.push_back(schedule(0));
  }
  // One bad figure at 1.95; two at 1.5; two more; then two after the best, of which one is NaN.
  const std::vector<double> expected = {1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2};
  BOOST_TEST(scales == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_others_ignore_losses) {
  for (const std::string& name : schedule_names()) {
    Schedule schedule({.name = name, .total = 10, .patience = 1});
    const double before = schedule(3);
    for (int i = 0; i < 3; ++i) schedule.observe(1);
    BOOST_TEST((schedule(3) == before) == (name != "plateau"), name);
  }
}

BOOST_AUTO_TEST_CASE(an_invalid_schedule_is_an_error) {
  const auto check = [](const ScheduleOptions& options, const std::string& text) {
    BOOST_CHECK_EXCEPTION(Schedule{options}, Error, says("schedule: " + text));
  };
  check({.name = "step"},
        "'step' is not one of constant, linear, cosine, inverse-sqrt and plateau");
  check({.warm_up = -1}, "the warm-up must be at least 0 steps, got -1");
  check({.name = "cosine", .warm_up = 10, .total = 10},
        "cosine must end after the warm-up of 10 steps, got a total of 10");
  check({.floor = 2}, "the floor must be between 0 and 1, got 2");
  check({.decay = NAN}, "the decay must be between 0 and 1, got nan");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
