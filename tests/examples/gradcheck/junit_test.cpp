#include "examples/gradcheck/junit.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace {

using namespace adjoint;
using Result = TestCase::Result;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// Whether the document is well-formed is tested end to end, with an XML parser (tests/e2e).
BOOST_AUTO_TEST_SUITE(junit_suite)

BOOST_AUTO_TEST_CASE(every_check_is_a_test_case_and_the_totals_agree) {
  const std::string xml =
      junit("gradcheck", {{"operation.exp", "scalar", 0.25},
                          {"operation.sin", "rows", 0.5, Result::failed, "m", "t"},
                          {"layer.x", "a", 0, Result::undecidable, "m", "t"},
                          {"layer.x", "b", 0, Result::error, "m", "t"}});
  BOOST_TEST(contains(
      xml,
      R"(<testsuite name="gradcheck" tests="4" failures="2" errors="1" skipped="0" time="0.750000">)"));
  BOOST_TEST(
      contains(xml, R"(<testcase classname="operation.exp" name="scalar" time="0.250000"/>)"));
  BOOST_TEST(contains(xml, R"(<failure type="failed" message="m">t</failure>)"));
  BOOST_TEST(contains(xml, R"(<failure type="undecidable" message="m">t</failure>)"));
  BOOST_TEST(contains(xml, R"(<error type="error" message="m">t</error>)"));
}

BOOST_AUTO_TEST_CASE(what_xml_cannot_hold_is_escaped) {
  const std::string xml =
      junit("s", {{"g", "<a> & \"b\"\n\x01", 0, Result::failed, "x\xff", "\xEF\xBF\xBF é\n2 < 3"}});
  BOOST_TEST(contains(xml, R"(name="&lt;a&gt; &amp; &quot;b&quot;\n\u0001")"));
  BOOST_TEST(contains(xml, R"(message="x\xff")"));
  BOOST_TEST(contains(xml, "\\uffff é\n2 &lt; 3</failure>"));
  const auto is_control = [](char c) { return c >= 0 && c < ' ' && c != '\n'; };
  BOOST_TEST(std::ranges::none_of(xml, is_control));
}

BOOST_AUTO_TEST_SUITE_END()
