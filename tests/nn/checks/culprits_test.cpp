// A sample of the mistakes planted inside a Transformer. checks/mutations.cpp plants all of them.
#include "tests/nn/checks/culprits.h"

#include <boost/test/unit_test.hpp>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(culprits)

BOOST_AUTO_TEST_CASE(a_wrong_operation_deep_inside_a_transformer_is_named) {
  const std::vector<PlantedCulprit> all = planted_culprits();
  BOOST_TEST(all.size() >= 40u);
  for (std::size_t i = 3; i < all.size(); i += 10) {
    const GradcheckReport report = all[i].check();
    BOOST_TEST(!report, all[i].name());
    BOOST_TEST(all[i].named_by(report), all[i].name() << ": " << report);
    BOOST_TEST(all[i].diagnosed_by(report), all[i].name() << ": " << report);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
