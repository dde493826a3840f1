// A sample of the mutation test for every build. checks/mutations.cpp runs all of it.
#include "tests/autograd/gradcheck/mutations.h"

#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

const std::vector<Mutant>& all_mutants() {
  static const std::vector<Mutant> all = mutants();
  return all;
}

BOOST_AUTO_TEST_SUITE(mutations)

// Every operation with a derivative is mutated in several ways, and every kind of mistake occurs.
BOOST_AUTO_TEST_CASE(all_operations_and_kinds_are_covered_and_a_sample_is_named) {
  std::map<std::string, std::set<Diagnosis::Kind>> kinds_of;
  std::set<std::string> names;
  std::size_t number = 0;
  int tried = 0, named = 0;
  for (const Mutant& mutant : all_mutants()) {
    kinds_of[mutant.operation].insert(mutant.kind);
    kinds_of["any"].insert(mutant.kind);
    BOOST_TEST(names.insert(mutant.name).second, "twice: " << mutant.name);
    if (number++ % 90 != 0) continue;
    const GradcheckReport report = mutant.check();
    const auto verdict = judge(mutant, report);
    BOOST_TEST(verdict.found, mutant.name);
    ++tried;
    named += verdict.named;
  }
  for (const Sample& sample : samples())
    if (sample.smooth && sample.operation != "sign")  // its derivative is zero
      BOOST_TEST(kinds_of[sample.operation].size() >= 3u, sample.operation);
  BOOST_TEST(kinds_of["any"].size() == static_cast<std::size_t>(Diagnosis::Kind::unknown));
  BOOST_TEST(tried >= 200);
  BOOST_TEST(named >= 0.95 * tried);
}

// A mutant is only wrong while its mistake is planted.
BOOST_AUTO_TEST_CASE(a_mutant_without_its_mistake_is_right) {
  std::size_t number = 0;
  for (const Mutant& mutant : all_mutants())
    if (number++ % 400 == 0) BOOST_TEST(gradcheck(mutant.f, mutant.inputs), mutant.name);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
