// Runs the tests and ends with a line that counts the test cases: "N passed, N failed".
#include <unistd.h>

#include <algorithm>
#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>

namespace {

namespace ut = boost::unit_test;

// Counts the test cases as they finish. One that never ran is skipped, neither passed nor failed: a
// fatal error came first, or its suite's fixture or a test that it depends on failed.
struct Tally : ut::test_observer {
  bool started = false;
  ut::counter_t planned = 0, passed = 0, failed = 0;

  void test_start(ut::counter_t cases, ut::test_unit_id /*suite*/) override {
    started = true;
    planned = cases;
  }

  void test_unit_finish(const ut::test_unit& unit, unsigned long /*microseconds*/) override {
    if (unit.p_type != ut::TUT_CASE) return;
    ++(ut::results_collector.results(unit.p_id).passed() ? passed : failed);
  }

  // Boost's own start-up observer has the default priority 0 and must be called first: until then
  // its "has failed" flag is uninitialised. With equal priorities the address would decide.
  int priority() override { return 10; }
};

Tally& tally() {
  static Tally instance;
  return instance;
}

bool initialise() {
  ut::framework::register_observer(tally());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (isatty(STDERR_FILENO) == 0) setenv("BOOST_TEST_COLOR_OUTPUT", "no", 0);
  int status = ut::unit_test_main(initialise, argc, argv);
  Tally& count = tally();
  if (status == EXIT_SUCCESS && !count.started) return status;  // --help, --list_content
  const auto skipped = static_cast<long>(count.planned) - static_cast<long>(count.passed) -
                       static_cast<long>(count.failed);
  // A failure outside all test cases (a fixture, a wrong option, nothing to run) counts as one.
  if (status != EXIT_SUCCESS) count.failed = std::max<ut::counter_t>(count.failed, 1);
  if (count.failed != 0 && status == EXIT_SUCCESS) status = EXIT_FAILURE;

  std::cerr << std::flush;
  std::cout << count.passed << " passed, " << count.failed << " failed";
  if (skipped > 0) std::cout << ", " << skipped << " skipped";
  std::cout << std::endl;
  return status;
}
