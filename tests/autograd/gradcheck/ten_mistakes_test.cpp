// The ten mistakes as operations and as kernels on raw arrays. The program
// tests/checks/ten_mistakes also checks them as a NumPy program.
#include "tests/autograd/gradcheck/ten_mistakes.h"

#include <boost/test/unit_test.hpp>
#include <set>

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(ten_mistakes_in_two_forms)

BOOST_AUTO_TEST_CASE(each_is_found_and_named_alike) {
  std::set<Diagnosis::Kind> kinds;
  for (const PlantedMistake& planted : ten_mistakes()) {
    const GradcheckReport operation = planted.check_operation(), arrays = planted.check_arrays();
    BOOST_TEST(planted.named_by(operation), planted.name << ": " << operation);
    BOOST_TEST(planted.named_by(arrays), planted.name << ": " << arrays);
    BOOST_TEST(operation.diagnoses.at(0).text == arrays.diagnoses.at(0).text);
    kinds.insert(planted.kind);
  }
  BOOST_TEST(kinds.size() == 10u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
