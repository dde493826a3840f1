// A report as JSON: whatever it holds, another program can read it.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "autograd/gradcheck.h"
#include "tests/autograd/gradcheck/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using nlohmann::json;

json parsed(const GradcheckReport& report, bool full = false) {
  const std::string text = to_json(report, full);
  BOOST_TEST(text.find('\n') == std::string::npos);
  return json::parse(text);
}

// y = x² elementwise with x̄ = 3 x ȳ, inside a function with a second operation.
struct WrongSquare {
  static constexpr auto name = "test_wrong_square";
  static constexpr Operands reads = {input(0)};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const auto x = in[0].values<T>();
    const auto y = out[0].edit<T>();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i];
  }
  Tensors vjp(const Pullback& back) const { return {3 * back.input(0) * back.cotangent()}; }
};

GradcheckReport failing() {
  const auto f = [](const Tensors& x) {
    const NameScope scope("layer");
    return Tensors{sin(apply(WrongSquare{}, x[0]))};
  };
  return gradcheck(f, {random({2, 2}, 1)}, {.names = {"weight"}});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_json_suite)

BOOST_AUTO_TEST_CASE(a_right_function_is_ok_with_its_coverage) {
  const json report = parsed(gradcheck(of_one(exp), {random({3}, 1)}, {.order = 2}));
  BOOST_TEST(report["schema"] == 1);
  BOOST_TEST(report["verdict"] == "ok");
  BOOST_TEST(report["findings"].empty());
  BOOST_TEST(report["walk"].is_null());
  BOOST_TEST_REQUIRE(report["coverage"].size() == 2u);
  BOOST_TEST(report["coverage"][0]["inputs"] == 3);
  BOOST_TEST(report["coverage"][0]["jacobian"] == true);
  BOOST_TEST(report["coverage"][1]["order"] == 2);
  BOOST_TEST(report["worst_error"].is_number());
}

BOOST_AUTO_TEST_CASE(a_failing_report_keeps_every_part_the_walk_nested) {
  const GradcheckReport report = failing();
  const json object = parsed(report);
  BOOST_TEST(object["verdict"] == "failed");
  BOOST_TEST_REQUIRE(object["findings"].size() == report.findings.size());
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const Finding& finding = report.findings[i];
    const json& copy = object["findings"][i];
    BOOST_TEST(copy["where"] == finding.where);
    BOOST_TEST(copy["failed"] == finding.failed());
    BOOST_TEST(copy["element"] == finding.element);
    BOOST_TEST(copy["analytic"].get<double>() == finding.analytic);  // to the last bit
    BOOST_TEST(copy["numeric"].get<double>() == finding.numeric);
  }
  BOOST_TEST(object["findings"][0]["kind"] == "mismatch");
  BOOST_TEST_REQUIRE(object["diagnoses"].size() == report.diagnoses.size());
  const json& culprit = object["walk"]["culprit"];
  BOOST_TEST(culprit["operation"] == "test_wrong_square");
  BOOST_TEST(culprit["scope"] == "layer");
  BOOST_TEST(culprit["inputs"] == json({{2, 2}}));
  BOOST_TEST(culprit["report"]["verdict"] == "failed");
  BOOST_TEST(culprit["report"]["diagnoses"][0]["kind"] == "factor");
  BOOST_TEST(culprit["report"]["diagnoses"][0]["factor"].get<double>() == 1.5,
             boost::test_tools::tolerance(1e-9));
  BOOST_TEST(object["text"] == printed(report));
}

BOOST_AUTO_TEST_CASE(measurements_are_summarised_unless_all_are_asked_for) {
  const GradcheckReport report = failing();
  const json brief = parsed(report)["measurements"][0],
             full = parsed(report, true)["measurements"][0];
  BOOST_TEST(brief["name"] == "weight");
  BOOST_TEST(brief["measured"] == 6 * 4);  // two random cotangents and four outputs
  BOOST_TEST(brief["largest_difference"].get<double>() > 0);
  BOOST_TEST(!brief.contains("numeric"));
  const Measurement& measured = report.measurements[0];
  for (const auto& [name, matrix] :
       {std::pair("analytic", measured.analytic), std::pair("numeric", measured.numeric)}) {
    BOOST_TEST_REQUIRE(full[name].size() == 6u);
    for (Index row = 0; row < 6; ++row)
      for (Index column = 0; column < 4; ++column)
        BOOST_TEST(full[name][static_cast<std::size_t>(row)][static_cast<std::size_t>(column)]
                       .get<double>() ==
                   matrix.values<double>()[static_cast<std::size_t>(4 * row + column)]);
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_json_does_not_have_are_words) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  GradcheckReport report;
  report.add({.kind = Finding::Kind::not_finite,
              .analytic = std::nan(""),
              .numeric = -infinity,
              .relative = infinity});
  const json object = parsed(report);
  BOOST_TEST(object["worst_error"] == "Infinity");
  const json& finding = object["findings"][0];
  BOOST_TEST(finding["kind"] == "not_finite");
  BOOST_TEST(finding["analytic"] == "NaN");
  BOOST_TEST(finding["numeric"] == "-Infinity");
  BOOST_TEST(finding["input"].is_null());
  BOOST_TEST(finding["element"].is_null());
}

BOOST_AUTO_TEST_CASE(any_bytes_in_a_name_give_valid_json) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  GradcheckReport report;
  report.add({.where = bytes, .note = "naïve \"quoted\" \\ back\nline\ttab"});
  const json finding = parsed(report)["findings"][0];
  BOOST_TEST(finding["note"] == "naïve \"quoted\" \\ back\nline\ttab");
  const auto where = finding["where"].get<std::string>();
  BOOST_TEST(where.find("\\u0000") == 0u);
  BOOST_TEST(where.find("\\xff") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_undecidable_report_says_so) {
  GradcheckReport report;
  report.add({.kind = Finding::Kind::undecidable, .where = "x[0]"});
  const json object = parsed(report);
  BOOST_TEST(object["verdict"] == "undecidable");
  BOOST_TEST(object["findings"][0]["failed"] == false);
}

BOOST_AUTO_TEST_SUITE_END()
