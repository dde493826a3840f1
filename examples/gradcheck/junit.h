// Results as JUnit XML, which continuous integration systems show as tests.
#pragma once

#include <string>
#include <vector>

namespace adjoint {

/// One <testcase>.
struct TestCase {
  enum class Result { passed, failed, undecidable, error };
  std::string group;  ///< classname: "operation.softmax"
  std::string name;
  double seconds = 0;
  Result result = Result::passed;
  std::string message = {};  ///< in one line, unless passed
  std::string text = {};     ///< the whole report
};

/// The document: one <testsuite>. A wrong derivative is a <failure type="failed">. What could not
/// be decided is a <failure type="undecidable">, not a <skipped>: a skipped test counts as if all
/// were well. A check that threw is an <error>. Any bytes are allowed in texts: what XML cannot
/// hold is escaped as in reports, \u001b or \xff.
std::string junit(const std::string& suite, const std::vector<TestCase>& cases);

}  // namespace adjoint
