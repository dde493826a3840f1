// The server of explore without its sockets. tests/e2e/explore.sh has the sockets.

#include "examples/explore/service.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "examples/explore/question.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::explore;

constexpr int port = 8000;

Answer answered(const std::string& body, const std::string& host = "127.0.0.1:8000",
                const std::string& origin = "http://127.0.0.1:8000") {
  static Service service(port);
  return service.answer(
      {.method = "POST",
       .path = "/tape",
       .headers = {{"host", host}, {"Origin", origin}, {"Content-Type", "application/json"}},
       .body = body});
}

BOOST_AUTO_TEST_SUITE(explore_service)

BOOST_AUTO_TEST_CASE(a_problem_has_its_place) {
  const auto answer = answered(R"({"expression": "x + y", "inputs": ["x=[1,2]", "y=[1,"]})");
  BOOST_TEST(answer.status == 200);
  const auto problem = nlohmann::json::parse(answer.body)["problem"];
  BOOST_TEST(problem["input"] == 1);
  BOOST_TEST(problem["message"].get<std::string>().starts_with("input y, column "));
}

BOOST_AUTO_TEST_CASE(only_this_machine_and_its_page_are_answered) {
  const std::string neuron = R"({"example": "none"})";
  BOOST_TEST(answered(neuron).status == 400);
  BOOST_TEST(answered(neuron, "localhost:8000", "http://localhost:8000").status == 400);
  BOOST_TEST(answered(neuron, "127.0.0.1:8000", "http://localhost:8000").status == 403);
  BOOST_TEST(answered(neuron, "example.org").status == 421);
  BOOST_TEST(answered(std::string(most_bytes + 1, ' ')).status == 413);
}

BOOST_AUTO_TEST_CASE(a_weight_of_the_transformer_can_be_changed) {
  const auto loss = [](const std::vector<Change>& changes) {
    return transformer_loss(changes).item();
  };
  const double before = loss({});
  BOOST_TEST(before == loss({}));
  BOOST_TEST(before != loss({{"decoder.output.weight", 3, 0.5}}));
  BOOST_CHECK_THROW(loss({{"decoder.output.weight", 1000, 0.5}}), Error);
  BOOST_CHECK_THROW(loss({{"no.weight", 0, 0.5}}), Error);
}

BOOST_AUTO_TEST_CASE(questions_that_are_none_are_refused) {
  for (const char* body :
       {"", "[]", "{}", R"({"expression": 1})", R"({"expression": "x", "inputs": {"x": 2}})",
        R"({"example": "transformer", "changes": [{"leaf": "a", "element": -1, "value": 1}]})",
        R"({"example": "transformer", "changes": [{"leaf": "a", "element": 1e9, "value": 1}]})"})
    BOOST_CHECK_THROW(read_question(body), Error);
  const Question question = read_question(R"({"expression": "x*x", "inputs": ["x=2"]})");
  BOOST_TEST(question.expression == "x*x");
  BOOST_TEST(question.inputs.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_takes_long_is_refused) {
  std::string chain = "h0 = x";
  for (int i = 1; i < 2100; ++i)
    chain += "; h" + std::to_string(i) + " = sin(h" + std::to_string(i - 1) + ")";
  chain += "; h2099";
  for (const std::string& expression :
       {chain, std::string("sum(x * zeros([200, 200]))"), std::string("x + normal(9, seed=y)")})
    BOOST_CHECK_THROW(tape_of({.expression = expression, .inputs = {"x=2"}}), Trouble);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
