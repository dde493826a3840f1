// What the check of a wrong operation must say. Separate from handmade.h because it needs
// Boost.Test.
#pragma once

#include <boost/test/unit_test.hpp>

#include "tests/autograd/gradcheck/handmade.h"

namespace adjoint::testing {

// The report has this one diagnosis and prints it.
inline void expect(const GradcheckReport& report, const std::string& name, Diagnosis::Kind kind,
                   const std::string& text) {
  BOOST_TEST(!report);
  BOOST_TEST_REQUIRE(report.diagnoses.size() == 1u, report);
  const Diagnosis& diagnosis = report.diagnoses[0];
  BOOST_TEST(diagnosis.name == name);
  BOOST_TEST(name_of(diagnosis.kind) == name_of(kind));
  BOOST_TEST(diagnosis.text.starts_with(text), diagnosis.text);
  BOOST_TEST(printed(report).find("\n  " + name + ": " + diagnosis.text) != std::string::npos);
}

}  // namespace adjoint::testing
