#include "data/metrics/nearest_name.h"

#include <boost/test/unit_test.hpp>

namespace {

using adjoint::data::nearest_name;

const std::vector<std::string> options = {"--width", "--validation", "--beam", "--seed"};
const std::vector<std::string> functions = {"sin", "sqrt", "softmax", "softplus", "tanh"};

BOOST_AUTO_TEST_SUITE(nearest_name_suite)

BOOST_AUTO_TEST_CASE(a_mistyped_name_is_recognised) {
  BOOST_TEST(nearest_name("--widht", options) == "--width");
  BOOST_TEST(nearest_name("--beams", options) == "--beam");
  BOOST_TEST(nearest_name("sofmax", functions) == "softmax");
  BOOST_TEST(nearest_name("sine", functions) == "sin");
}

BOOST_AUTO_TEST_CASE(two_letters_in_the_wrong_order_are_one_slip) {
  BOOST_TEST(nearest_name("adma", {"sgd", "adam"}) == "adam");
  BOOST_TEST(nearest_name("trian", {"look", "train"}) == "train");
  BOOST_TEST(nearest_name("mada", {"sgd", "adam"}) == "");
}

BOOST_AUTO_TEST_CASE(the_beginning_of_a_name_is_recognised_from_three_letters_on) {
  BOOST_TEST(nearest_name("--val", options) == "--validation");
  BOOST_TEST(nearest_name("--va", options) == "");
  BOOST_TEST(nearest_name("sof", functions) == "softmax");
}

BOOST_AUTO_TEST_CASE(another_name_is_not) {
  BOOST_TEST(nearest_name("cosh", functions) == "");
  BOOST_TEST(nearest_name("--", options) == "");
  BOOST_TEST(nearest_name("", functions) == "");
  BOOST_TEST(nearest_name("sin", {}) == "");
  BOOST_TEST(nearest_name(std::string(1'000'000, 's'), functions) == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
