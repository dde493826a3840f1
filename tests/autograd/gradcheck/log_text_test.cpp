// What BOOST_TEST prints of a report: it has to fit the log of a build.
#include <boost/test/tools/output_test_stream.hpp>
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "autograd/gradcheck.h"
#include "tests/autograd/gradcheck/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// What Boost prints in place of the value, by the same customization point.
std::string logged(const GradcheckReport& report) {
  std::ostringstream text;
  text << boost::test_tools::tt_detail::print_helper(report);
  return text.str();
}

std::size_t widest(const std::string& text) {
  std::size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto width = std::ranges::count_if(
        line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; });
    widest = std::max(widest, static_cast<std::size_t>(width));
  }
  return widest;
}

GradcheckReport forgetting(Index element, const Shape& shape, const std::string& name) {
  const auto f = [=](const Tensors& x) { return Tensors{apply(Forgetful{element}, tanh(x[0]))}; };
  return gradcheck(f, {random(shape, 1)}, {.names = {name}});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_log_text_suite)

BOOST_AUTO_TEST_CASE(a_failure_names_operation_and_element_in_a_few_lines) {
  const std::string text = logged(forgetting(1, {3}, "x"));
  BOOST_TEST(text.starts_with("\n  gradcheck: FAILED, 1 finding, worst relative error "));
  BOOST_TEST(text.find("first wrong operation: test_forgetful, [3] -> [3]") != std::string::npos);
  BOOST_TEST(text.find("mismatch: x[1] for ") != std::string::npos);
  BOOST_TEST(lines(text) <= 8);
  BOOST_TEST(widest(text) <= 100u);
}

BOOST_AUTO_TEST_CASE(a_right_function_has_one_line) {
  const std::string text = logged(forgetting(-1, {3}, "x"));
  BOOST_TEST(text.starts_with("\n  gradcheck: ok, worst relative error "));
  BOOST_TEST(lines(text) == 3);  // a line break before it, and one after it
}

BOOST_AUTO_TEST_CASE(long_names_and_notes_are_wrapped_and_many_findings_are_counted) {
  GradcheckReport report = forgetting(
      2, {2, 3}, "encoder.blocks.11.attention.with.a.long.name." + std::string(150, 'n'));
  for (int i = 0; i < 40; ++i)
    report.add(
        {.where = "x[" + std::to_string(i) + "]", .note = std::string(300, 'w') + " and so on"});
  const std::string text = logged(report);
  BOOST_TEST(widest(text) <= 100u);
  BOOST_TEST(lines(text) <= 14);
}

BOOST_AUTO_TEST_CASE(control_characters_do_not_reach_the_terminal) {
  GradcheckReport report;
  report.add({.where = "x\033[31m\x01", .note = "red\r\nline"});
  const std::string text = logged(report);
  BOOST_TEST(text.find('\033') == std::string::npos);
  BOOST_TEST(text.find('\r') == std::string::npos);
  BOOST_TEST(text.find("x\\u001b[31m\\u0001") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_undecidable_is_shown) {
  GradcheckReport report;
  report.add({.kind = Finding::Kind::undecidable, .where = "x[0]", .note = "f does not change"});
  const std::string text = logged(report);
  BOOST_TEST(text.find("gradcheck: undecidable, 1 undecidable") != std::string::npos);
  BOOST_TEST(text.find("undecidable: x[0]: f does not change") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_kink_is_no_line_of_its_own) {
  const std::string text = logged(gradcheck(of_one(relu), {tensor({0, 1}, DType::f64)}));
  BOOST_TEST(text.find("kink") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
