#include "examples/experiments/frame/results.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using experiments::Measurement, experiments::Results;

Results three_arms() {
  Results results;
  results.quick = true;
  results.seconds = 1.5;
  results.processor = "some processor, 2 threads";
  results.add({"right", "learned", {}, 2, 80});
  results.add({"right", "learned", {}, 1, 90});
  results.add({"right", "none", {}, 1, 5});
  results.add({"cosine", "theory", 16, {}, 0.2});
  results.add({"cosine", "theory", 8, {}, 0.3});
  return results;
}

BOOST_AUTO_TEST_SUITE(experiment_results)

BOOST_AUTO_TEST_CASE(values_come_in_the_order_of_their_seeds) {
  const Results results = three_arms();
  BOOST_TEST(results.values("right", "learned") == (std::vector<double>{90, 80}));
  BOOST_TEST(results.value("cosine", "theory", 8) == 0.3);
}

BOOST_AUTO_TEST_CASE(names_and_places_come_in_the_order_of_adding) {
  const Results results = three_arms();
  BOOST_TEST(results.quantities() == (std::vector<std::string>{"right", "cosine"}));
  BOOST_TEST(results.arms("right") == (std::vector<std::string>{"learned", "none"}));
  BOOST_TEST(results.places("cosine", "theory") == (std::vector<double>{16, 8}));
  BOOST_TEST(results.places("right", "none").empty());
}

BOOST_AUTO_TEST_CASE(what_was_not_measured_is_an_error) {
  const Results results = three_arms();
  BOOST_TEST(error_of([&] { results.values("right", "rotary"); }) ==
             "the results have no 'right' of 'rotary'");
  BOOST_TEST(error_of([&] { results.value("cosine", "theory", 9); }) ==
             "the results have no 'cosine' of 'theory' at 9");
  BOOST_TEST(error_of([&] { results.value("right", "learned"); }) ==
             "the results have 2 values of 'right' of 'learned', where there should be one");
}

BOOST_AUTO_TEST_CASE(a_file_holds_every_bit) {
  Results results = three_arms();
  std::mt19937_64 bits(1);
  for (int i = 0; i < 1000; ++i) {
    const auto number = std::bit_cast<double>(bits());
    if (std::isfinite(number)) results.add({"any", "arm", number, i, number});
  }
  const Results again = Results::from_csv(results.csv(), "r.csv");
  BOOST_TEST((again.measurements() == results.measurements()));
  BOOST_TEST(again.quick);
  BOOST_TEST(again.seconds == 1.5);
  BOOST_TEST(again.processor == "some processor, 2 threads");
  BOOST_TEST(again.csv() == results.csv());
}

BOOST_AUTO_TEST_CASE(a_name_that_a_file_cannot_hold_is_an_error) {
  for (const char* name : {"", "a,b", "a\"b", "a\nb"}) {
    Results results;
    BOOST_TEST(error_of([&] { results.add({name, "arm"}); }).starts_with("a name in results"));
    BOOST_TEST(error_of([&] { results.add({"quantity", name}); }).starts_with("a name in results"));
  }
}

BOOST_AUTO_TEST_CASE(errors_name_the_file_and_the_line) {
  const auto error = [](const std::string& text) {
    return error_of([&] { Results::from_csv(text, "r.csv"); });
  };
  const std::string head = "quantity,arm,x,seed,value\n";
  BOOST_TEST(error("") == "'r.csv' holds no results");
  BOOST_TEST(error("a,b,,1,2\n") ==
             "'r.csv', line 1: expected 'quantity,arm,x,seed,value' before any numbers");
  BOOST_TEST(error(head + "a,b,1,2\n") == "'r.csv', line 2: expected 5 columns, found 4");
  BOOST_TEST(error(head + "a,b,,1,\n") == "'r.csv', line 2: '' is not a number");
  BOOST_TEST(error(head + "a,b,,1,2x\n") == "'r.csv', line 2: '2x' is not a number");
  BOOST_TEST(error(head + "a,b,,1.5,2\n") == "'r.csv', line 2: '1.5' is not a number");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
