#include "examples/gradcheck/junit.h"

#include <algorithm>
#include <iomanip>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"

namespace adjoint {
namespace {

using Result = TestCase::Result;

std::string escaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    // U+FFFE and U+FFFF, the only other characters that XML 1.0 excludes.
    if (text.compare(i, 2, "\xEF\xBF") == 0 && (text[i + 2] == '\xBE' || text[i + 2] == '\xBF')) {
      result += text[i + 2] == '\xBE' ? "\\ufffe" : "\\uffff";
      i += 2;
      continue;
    }
    switch (text[i]) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += text[i];
    }
  }
  return result;
}

std::string attribute(const char* name, const std::string& text) {
  return text_from(' ', name, "=\"", escaped(printable_line(text, 0)), '"');
}
std::string seconds(double time) {
  return attribute("time", text_from(std::fixed, std::setprecision(6), time));
}

std::string element(const TestCase& test) {
  std::string xml = "  <testcase" + attribute("classname", test.group) +
                    attribute("name", test.name) + seconds(test.seconds);
  if (test.result == Result::passed) return xml + "/>\n";
  const char* tag = test.result == Result::error ? "error" : "failure";
  const char* type = test.result == Result::error         ? "error"
                     : test.result == Result::undecidable ? "undecidable"
                                                          : "failed";
  return xml + ">\n    <" + tag + attribute("type", type) + attribute("message", test.message) +
         ">" + escaped(printable(test.text, 0)) + "</" + tag + ">\n  </testcase>\n";
}

}  // namespace

std::string junit(const std::string& suite, const std::vector<TestCase>& cases) {
  const auto errors = std::ranges::count(cases, Result::error, &TestCase::result);
  const auto passed = std::ranges::count(cases, Result::passed, &TestCase::result);
  double time = 0;
  for (const TestCase& test : cases) time += test.seconds;
  const auto number = [](const char* name, auto count) {
    return attribute(name, std::to_string(count));
  };
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite" +
                    attribute("name", suite) + number("tests", cases.size()) +
                    number("failures", std::ssize(cases) - passed - errors) +
                    number("errors", errors) + number("skipped", 0) + seconds(time) + ">\n";
  for (const TestCase& test : cases) xml += element(test);
  return xml + " </testsuite>\n</testsuites>\n";
}

}  // namespace adjoint
