// For tests of subwords: sentencepiece is optional, and they are skipped without it.
#pragma once

#include <boost/test/unit_test.hpp>

#include "data/text/subwords.h"

namespace adjoint::testing {

/// The precondition of such a test or suite.
inline boost::test_tools::assertion_result with_sentencepiece(boost::unit_test::test_unit_id) {
  return data::Subwords::available();
}

}  // namespace adjoint::testing
