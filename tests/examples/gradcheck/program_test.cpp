#include "examples/gradcheck/program.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>

#include "autograd/ops.h"
#include "examples/gradcheck/inputs.h"
#include "nn/saving/safetensors.h"
#include "tests/autograd/gradcheck/only.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

using namespace adjoint;
using namespace adjoint::program;
using testing::only;
using testing::printed;
using Kind = Finding::Kind;

namespace {

// A right program: y = x for three elements. It is a stream editor that turns requests into
// answers, and needs nothing but sed.
const std::string describes = R"(-e '/describe/s/.*/{"inputs":[{"name":"x","shape":[3]}]}/' )";
const std::string forwards = R"(-e 's/.*"forward","inputs":{"x":\(.*\)}}/{"outputs":{"y":\1}}/' )";
const std::string pulls_back = R"(-e 's/.*"cotangents":{"y":\(.*\)}}/{"gradients":{"x":\1}}/' )";
const std::string identity = "sed -u " + describes + forwards + pulls_back;

// The same, but the answers are edited by another one: "4s/.*/garbage/" spoils the fourth.
std::string spoilt(const std::string& edit) { return identity + " | sed -u '" + edit + "'"; }

GradcheckReport check(const std::string& command, double seconds = 5) {
  return check_program({.command = command, .inputs = "", .seconds = seconds});
}

// What is said of a program that goes wrong after some right answers.
std::string fate(const std::string& command, double seconds = 5) {
  return only(check(command, seconds), Kind::error);
}
std::string refusal(const std::string& command, const std::string& inputs = "") {
  return testing::error_of(
      [&] { check_program({.command = command, .inputs = inputs, .seconds = 5}); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(program_suite)

// ---- Right and wrong derivatives ----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_right_program_passes) {
  const GradcheckReport report = check(identity);
  BOOST_TEST(report, printed(report));
  BOOST_TEST(report.coverage.at(0).measured == 3);
  BOOST_TEST(report.coverage.at(0).jacobian);
}

BOOST_AUTO_TEST_CASE(a_wrong_vjp_is_found_with_the_names_of_the_program) {
  const std::string reverses =
      R"(-e 's/.*"cotangents":{"y":\[\(.*\),\(.*\),\(.*\)\]}}/{"gradients":{"x":[\3,\2,\1]}}/')";
  const GradcheckReport report = check("sed -u " + describes + forwards + reverses);
  BOOST_TEST(report.count(Kind::mismatch) == 2u, printed(report));
  BOOST_TEST(report.findings.at(0).where.starts_with("x["));
  BOOST_TEST(report.diagnoses.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_vjp_that_ignores_its_cotangent_is_not_linear) {
  const std::string returns_x =
      R"(-e 's/.*"vjp","inputs":{"x":\(.*\)},"cotangents".*/{"gradients":{"x":\1}}/')";
  const GradcheckReport report = check("sed -u " + describes + forwards + returns_x);
  BOOST_TEST(report.count(Kind::not_linear) == 1u, printed(report));
}

BOOST_AUTO_TEST_CASE(the_option_gives_the_shapes_that_the_program_leaves_open) {
  const std::string silent = R"(sed -u -e '/describe/s/.*/{"id":1}/' )" + forwards + pulls_back;
  BOOST_TEST(refusal(silent).find("which inputs there are is not known") != std::string::npos);
  const GradcheckReport report =
      check_program({.command = silent, .inputs = "x=[2,2]", .seconds = 5});
  BOOST_TEST(report, printed(report));
  BOOST_TEST(report.coverage.at(0).inputs == 4);
}

BOOST_AUTO_TEST_CASE(large_arrays_go_through_files) {
  // The value is copied from the request's file, under a name that is byte for byte as long.
  const std::string program = R"sh(
    part() { echo "$line" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
    while read -r line; do
      case "$line" in
        *describe*) echo '{"inputs":[{"name":"x"}]}' ;;
        *forward*)
          LC_ALL=C sed '1s/"inputs.x"/"y"       /' "$(part file)" >"$(part answer_file)"
          echo "{\"outputs_file\":\"$(part answer_file)\"}" ;;
        *) echo '{"error":"no vjp here"}' ;;
      esac
    done)sh";
  const GradcheckReport report =
      check_program({.command = program, .inputs = "x=[10001]", .seconds = 5});
  BOOST_TEST(only(report, Kind::error) == "vjp: it says: no vjp here");
}

// ---- Programs that fail to answer ---------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_program_that_cannot_be_asked_is_an_error) {
  BOOST_TEST(refusal("exec /no/such/program").find("it ended with exit code 127") !=
             std::string::npos);
  BOOST_TEST(refusal("echo hello there; cat >/dev/null") ==
             "echo hello there; cat >/dev/null: describe: its answer is not a JSON object: hello "
             "there; other text belongs on standard error");
  BOOST_TEST(refusal("echo 'no module named mine' >&2; exit 3") ==
             "echo 'no module named mine' >&2; exit 3: describe: it ended with exit code 3; its "
             "last words: no module named mine");
  BOOST_TEST(
      refusal(R"(echo '{"error":"no license"}'; cat >/dev/null)").ends_with("it says: no license"));
}

BOOST_AUTO_TEST_CASE(what_the_program_refuses_is_a_finding_in_its_own_words) {
  BOOST_TEST(fate(spoilt(R"(2s/.*/{"error":"x must be\\tpositive"}/)")) ==
             "forward: it says: x must be\\tpositive");
}

BOOST_AUTO_TEST_CASE(a_crash_is_a_finding_with_the_last_words) {
  const std::string text =
      fate("exec 3>&2; " + identity + "| (sed -u 8q; echo 'assertion failed' >&3; kill -SEGV $$)");
  BOOST_TEST(text.find("it crashed (signal 11, Segmentation fault)") != std::string::npos, text);
  BOOST_TEST(text.find("its last words: assertion failed") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(what_was_measured_before_a_crash_is_kept) {
  const std::string reverses =
      R"(-e 's/.*"cotangents":{"y":\[\(.*\),\(.*\),\(.*\)\]}}/{"gradients":{"x":[\3,\2,\1]}}/')";
  const std::string wrong = "sed -u " + describes + forwards + reverses;
  const testing::Folder folder;
  const std::string file = (folder / "answers").string();
  check(wrong + " | tee " + file);
  std::ifstream answers(file);
  const auto count = std::count(std::istreambuf_iterator<char>(answers), {}, '\n');
  // Near the end of the check the program is gone.
  const GradcheckReport report =
      check(wrong + " | sed -u " + std::to_string(count - count / 8) + "q", 0.5);
  BOOST_TEST(report.count(Kind::error) == 1u, printed(report));
  BOOST_TEST(report.count(Kind::mismatch) >= 1u, printed(report));
  BOOST_TEST(report.count(Kind::not_finite) == 0u);
  BOOST_TEST(std::isfinite(report.worst_error));
}

BOOST_AUTO_TEST_CASE(each_kind_of_wrong_answer_is_named) {
  const auto says_of = [](const std::string& json, const std::string& end) {
    const std::string text = fate(spoilt("/gradients/s/.*/" + json + "/"));
    BOOST_TEST(text.find(end) != std::string::npos, text);
  };
  says_of("garbage", "not a JSON object: garbage; other text belongs on standard error");
  says_of("", "its answer is not a JSON object: ;");
  says_of(R"({"id":1})", "its answer has the id 1, the request had ");
  says_of(R"({"results":[1]})", "its answer has no gradients, but results");
  says_of(R"({"gradients":[1,2,3]})", "gradients is not an object of arrays by name");
  says_of(R"({"gradients":{"x":[1,2]}})", "gradients: x has the shape [2], expected [3]");
  says_of(R"({"gradients":{"x":[1,[2],3]}})", "gradients: x: [2] is not a number");
  says_of(R"({"gradients":{"x":[[1],[2,3]]}})", "gradients: x: its rows differ in length");
  says_of(R"({"gradients":{"x":"NaN"}})", "gradients: x has the shape [], expected [3]");
  says_of(R"({"gradients":{"z":[1,2,3]}})", "gradients has no x, but z");
  says_of(R"({"gradients":{"x":[1,2,3],"z":1}})", "gradients has z, which is not one of its names");
  says_of(R"({"gradients":{"x":[1,2,3],"x":[1,2,3]}})", "its answer has the key x twice");
  says_of(R"({"gradients":{"x":[1,2,1e999]}})", "its answer has a number that is out of range");
  says_of(R"({"gradients_file":"\/no\/such"})", "no/such");
}

BOOST_AUTO_TEST_CASE(numbers_may_be_flat_and_not_finite_as_python_writes_them) {
  const NamedTensors arrays = read_arrays(R"({"outputs":{"y":[NaN,-Infinity,Infinity,1]}})", 1,
                                          "outputs", {{.name = "y", .shape = Shape{2, 2}}});
  BOOST_TEST(arrays[0].second.shape() == Shape({2, 2}));
  BOOST_TEST(std::isnan(arrays[0].second.at({0, 0})));
  BOOST_TEST(arrays[0].second.at({0, 1}) == -testing::infinity);
  BOOST_TEST(arrays[0].second.at({1, 0}) == testing::infinity);
  const NamedTensors text =
      read_arrays(R"({"n":"NaN \" NaN","outputs":{"NaN":2}})", 1, "outputs", {});
  BOOST_TEST(text[0].first == "NaN");
}

BOOST_AUTO_TEST_CASE(the_conversation_in_the_readme_follows_the_protocol) {
  std::ifstream readme("examples/gradcheck/adapters/README.md");
  std::vector<std::string> asked, answered;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("→ ")) asked.push_back(line.substr(4));
    if (line.starts_with("← ")) answered.push_back(line.substr(4));
  }
  BOOST_REQUIRE(asked.size() == 4u);
  BOOST_REQUIRE(answered.size() == 4u);
  const auto x = [](double first) { return NamedTensors{{"x", testing::wide({first, -1})}}; };
  const NamedTensors cotangents = {{"y", testing::wide({1, 0})}};
  BOOST_TEST(asked[0] == request("describe", 1, {}));
  BOOST_TEST(asked[1] == request("forward", 2, {{"inputs", x(0.5)}}));
  BOOST_TEST(asked[2] == request("vjp", 3, {{"inputs", x(0.5)}, {"cotangents", cotangents}}));
  BOOST_TEST(asked[3] == request("forward", 4, {{"inputs", x(0.375)}}));
  const Description description = read_description(answered[0], 1);
  BOOST_TEST((description.inputs.at(0).shape == Shape{2}));
  const std::vector<ArrayDescription> y = {{.name = "y", .shape = Shape{2}}};
  BOOST_TEST(read_arrays(answered[1], 2, "outputs", y)[0].second.at({0}) == 0.25);
  BOOST_TEST(read_arrays(answered[2], 3, "gradients", description.inputs)[0].second.at({0}) == 1);
  BOOST_CHECK_THROW(read_arrays(answered[3], 4, "outputs", y), Refused);
}

BOOST_AUTO_TEST_CASE(a_line_that_nobody_asked_for_is_named) {
  BOOST_TEST(fate(spoilt("5s/.*/&\\ndebug/")).find("debug") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_program_that_takes_too_long_does_not_hold_the_check_up) {
  const auto start = std::chrono::steady_clock::now();
  const std::string text = fate(identity + "| (sed -u 5q; sleep 100)", 0.3);
  BOOST_TEST(text.ends_with("it gave no answer within 0.3 s; does it flush its standard output?"),
             text);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  BOOST_TEST(taken.count() < 5);
}

BOOST_AUTO_TEST_CASE(a_program_that_ends_is_noticed_though_its_child_lives_on) {
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(refusal("sleep 100 & exit 4").ends_with("it ended with exit code 4"));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  BOOST_TEST(taken.count() < 4);
}

BOOST_AUTO_TEST_CASE(a_program_that_does_not_read_is_no_hang) {
  const std::string deaf =
      R"(read -r a; echo '{"inputs":[{"name":"x","shape":[9000]}]}'; exec sleep 100)";
  BOOST_TEST(fate(deaf, 0.3).find("it gave no answer within 0.3 s") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_flood_is_cut_off) {
  const std::string text = refusal("tr '\\0' 'a' </dev/zero");
  BOOST_TEST(text.ends_with("its answer has more than 16777216 bytes in one line"), text);
  BOOST_TEST(refusal("yes").find("its answer is not a JSON object: y;") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_that_the_program_started_outlives_the_check) {
  testing::Folder folder;
  const std::string pid = (folder / "pid").string();
  check("sleep 1000 & echo $! >" + pid + "; " + identity);
  pid_t child = 0;
  std::ifstream(pid) >> child;
  BOOST_REQUIRE(child > 0);
  for (int tries = 0; tries < 10 && ::kill(child, 0) == 0; ++tries) ::usleep(10'000);
  std::ifstream status("/proc/" + std::to_string(child) + "/stat");
  std::string number, name, state = "gone";
  status >> number >> name >> state;
  BOOST_TEST((state == "gone" || state == "Z"));        // whoever adopted it may not have waited
  BOOST_TEST((::waitpid(-1, nullptr, WNOHANG) == -1));  // and there is no zombie of ours
}

BOOST_AUTO_TEST_CASE(a_closed_pipe_does_not_end_this_process) {
  BOOST_TEST(
      fate(R"(read -r a; echo '{"inputs":[{"name":"x","shape":[9000]}]}'; exec <&-; sleep 100)")
          .find("it closed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_program_that_closes_its_output_is_named) {
  const std::string closes = R"(read -r a; echo '{"inputs":[{"name":"x","shape":[2]}]}';
                                exec >&-; echo bye >&2; exec sleep 100)";
  BOOST_TEST(fate(closes) == "forward: it closed its standard output; its last words: bye");
}

BOOST_AUTO_TEST_CASE(a_jvp_of_the_program_is_compared_with_its_vjp) {
  const auto jvp_of = [](const std::string& tangent) {
    return "sed -u " + forwards + pulls_back +
           R"(-e '/describe/s/.*/{"inputs":[{"name":"x","shape":[3]}],"jvp":true}/' )" +
           R"(-e 's/.*"tangents":{"x":\(.*\)}}/{"tangents":{"y":)" + tangent + "}}/'";
  };
  BOOST_TEST(check(jvp_of("\\1")));
  BOOST_TEST(!check(jvp_of("[1,2,3]")));
}

// ---- Inputs -------------------------------------------------------------------------------------

namespace {
std::string complaint(const std::string& text,
                      const std::vector<ArrayDescription>& described = {}) {
  return testing::error_of([&] { choose_point(text, described, Key(1)); });
}
}  // namespace

BOOST_AUTO_TEST_CASE(inputs_are_shapes_numbers_or_files) {
  testing::Folder folder;
  const std::string file = (folder / "a.safetensors").string();
  nn::write_safetensors(file, {.tensors = {{"f", tensor({{1, 2}})}}, .metadata = {}});
  const Point point =
      choose_point("a=[3, 4], b=[] c=0.5 d=1,-2.5 e:i64=3,4 g:f32=[2] f=" + file, {}, Key(1));
  BOOST_TEST(point.names == (std::vector<std::string>{"a", "b", "c", "d", "e", "g", "f"}),
             boost::test_tools::per_element());
  BOOST_TEST(point.values[0].shape() == Shape({3, 4}));
  BOOST_TEST(point.values[1].shape() == Shape());
  BOOST_TEST(point.values[2].item() == 0.5);
  BOOST_TEST(point.values[3].at({1}) == -2.5);
  BOOST_TEST(point.values[4].at<Index>({1}) == 4);
  BOOST_TEST((point.values[5].dtype() == DType::f32));
  BOOST_TEST((point.values[6].dtype() == DType::f32));
}

BOOST_AUTO_TEST_CASE(wrong_inputs_are_named) {
  BOOST_TEST(complaint("x") == "the input x: expected NAME=SHAPE, such as x=[3,4]");
  BOOST_TEST(complaint("x=[3,") ==
             "the input x=[3,: expected numbers, separated by commas without "
             "spaces");
  BOOST_TEST(complaint("x=[3] x=[4]") == "the input x=[4]: the name occurs twice");
  BOOST_TEST(complaint("x:f16=[3]") ==
             "the input x:f16=[3]: the type is f64, f32, i64 or b8, not "
             "f16");
  BOOST_TEST(complaint("x=[1000,100000]") ==
             "the input x: it has 100000000 elements, at most 10000000 can be checked");
  BOOST_TEST(complaint("z=[3]", {{.name = "x", .shape = Shape{2}}}) ==
             "the program has no input z");
  BOOST_TEST(complaint("ids:i64=[3]") ==
             "the input ids: the program must describe the low and the high of integers, or "
             "--inputs their values");
  BOOST_TEST(
      complaint("", {{.name = "x", .shape = Shape{2}, .domain = {.low = -1e308, .high = 1e308}}}) ==
      "the input x: low and high are too far apart");
  BOOST_TEST(complaint("x=2", {{.name = "x", .domain = {.low = 0, .high = 1}}}) ==
             "the input x: the value 2 is outside of what the program describes, 0 to 1");
}

BOOST_AUTO_TEST_CASE(random_inputs_are_within_their_domain) {
  const auto values = [](const Domain& domain, DType dtype = DType::f64) {
    const ArrayDescription x{.name = "x", .shape = Shape{50, 4}, .dtype = dtype, .domain = domain};
    return testing::numbers(cast(choose_point("", {x}, Key(3)).values[0], DType::f64));
  };
  for (const double x : values({.low = 2, .high = 3})) BOOST_TEST((x > 2 && x < 3));
  for (const double x : values({.low = 2})) BOOST_TEST(x > 2);
  for (const double x : values({.high = -2})) BOOST_TEST(x < -2);
  for (const double x : values({.away_from = 0.5})) BOOST_TEST(std::abs(x - 0.5) > 0.09);
  for (const double x : values({.low = 0, .high = 1, .away_from = 0.5}))
    BOOST_TEST((std::abs(x - 0.5) > 0.09 && x > 0 && x < 1));
  for (const double x : values({.low = 0, .high = 3}, DType::i64)) BOOST_TEST((x >= 0 && x <= 3));
  const std::vector<double> rows = values({.simplex = true});
  BOOST_TEST(rows[0] + rows[1] + rows[2] + rows[3] == 1, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
