// For tests of reports that have one finding of a kind.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/autograd/gradcheck/support.h"

namespace adjoint::testing {

/// The only finding of that kind: "x[1]: its note".
inline std::string only(const GradcheckReport& report, Finding::Kind kind) {
  BOOST_TEST(report.count(kind) == 1u, printed(report));
  for (const Finding& finding : report.findings)
    if (finding.kind == kind) return finding.where + ": " + finding.note;
  return "none";
}

}  // namespace adjoint::testing
