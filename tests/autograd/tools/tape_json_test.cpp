// The JSON of a tape, read back by another library and held against the story and against grad().
#include "autograd/tools/tape_json.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "autograd/grad.h"
#include "autograd/ops.h"
#include "autograd/tools/tape_story.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using nlohmann::json;

json parsed(const Tensor& y, const TapeJsonOptions& options = {}) {
  const std::string text = tape_as_json(y, options);
  BOOST_TEST(text.find('\n') == std::string::npos);
  return json::parse(text);
}

double number(const json& value) {
  if (value.is_number()) return value.get<double>();
  const std::string text = value.get<std::string>();
  return text == "NaN" ? std::nan("") : text == "Infinity" ? infinity : -infinity;
}

// The entry of the table that an index names.
const json& entry_at(const json& tape, const json& index) {
  return tape["tensors"].at(index.get<std::size_t>());
}

// The tensor that it holds, whole.
Tensor tensor_at(const json& tape, const json& index) {
  if (index.is_null()) return {};
  const json& entry = entry_at(tape, index);
  BOOST_TEST(entry["sampled"] == false);
  const Shape shape(entry["shape"].get<std::vector<Index>>());
  if (entry["dtype"] == "i64") return from(entry["values"].get<std::vector<Index>>(), shape);
  std::vector<double> values;
  for (const json& value : entry["values"]) values.push_back(number(value));
  const Tensor wide = from(values, shape);
  return entry["dtype"] == "f32" ? cast(wide, DType::f32) : wide;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || same_bits(a, b));
}

const json& leaf(const json& tape, const std::string& label) {
  for (const json& node : tape["nodes"])
    if (node["label"] == label) return node;
  BOOST_FAIL("no leaf " + label);
  return tape;
}

BOOST_AUTO_TEST_SUITE(tape_json)

BOOST_AUTO_TEST_CASE(a_small_tape_is_written_in_full) {
  const Tensor x = variable(scalar(3, DType::f64), "x");
  const NameScope scope("layer");
  BOOST_TEST(
      tape_as_json(x * x) ==
      R"({"schema":1,"result":{"node":2,"output":0},"ones":true,"nodes":[)"
      R"({"number":1,"operation":"leaf","label":"x","scope":"","leaf":true,"rule":[],"attributes":{},)"
      R"("inputs":[],"outputs":[{"shape":[],"dtype":"f64","values":0,"edited":false,"consumers":2,"cotangent":1}]},)"
      R"({"number":2,"operation":"mul","label":"","scope":"layer","leaf":false,)"
      R"("rule":["y = a b","ā = ȳ b","b̄ = ȳ a"],"attributes":{},"inputs":[)"
      R"({"node":1,"output":0,"shape":[],"dtype":"f64","values":0,"repeated":[]},)"
      R"({"node":1,"output":0,"shape":[],"dtype":"f64","values":0,"repeated":[]}],)"
      R"("outputs":[{"shape":[],"dtype":"f64","values":2,"edited":false,"consumers":0,"cotangent":3}]}],)"
      R"("events":[{"event":"seed","node":2,"output":0,"cotangent":3},)"
      R"({"event":"vjp","node":2,"cotangents":[3],"gradients":[4,5]},)"
      R"({"event":"accumulate","node":1,"output":0,"from":2,"input":0,"before":null,"term":4,"after":4,)"
      R"("arrived":1,"consumers":2},)"
      R"({"event":"accumulate","node":1,"output":0,"from":2,"input":1,"before":4,"term":5,"after":1,)"
      R"("arrived":2,"consumers":2},)"
      R"({"event":"leaf","node":1,"gradient":1}],"tensors":[)"
      R"({"shape":[],"dtype":"f64","values":[3],"sampled":false},)"
      R"({"shape":[],"dtype":"f64","values":[6],"sampled":false},)"
      R"({"shape":[],"dtype":"f64","values":[9],"sampled":false},)"
      R"({"shape":[],"dtype":"f64","values":[1],"sampled":false},)"
      R"({"shape":[],"dtype":"f64","values":[3],"sampled":false},)"
      R"({"shape":[],"dtype":"f64","values":[3],"sampled":false}]})");
}

BOOST_AUTO_TEST_CASE(every_number_is_that_of_the_story_and_every_gradient_that_of_grad) {
  const KeepValues guard;
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = variable(normal({4, 3}, 0, 1, Key(1), dtype), "x");
    const Tensor w = variable(normal({5, 3}, 0, 1, Key(2), dtype), "w");
    const Tensor b = variable(normal({5}, 0, 1, Key(3), dtype), "b");
    const Tensors parts = split(linear(x, w, b), 1, {2, 3});
    const Tensor y = mean(cross_entropy(parts[1] * 2 + sum(exp(parts[0])), ints({0, 1, 2, 1})));
    const TapeStory story = tape_story(y);
    const json tape = parsed(y);

    const Tensors gradients = grad(y, {x, w, b});
    const char* const labels[] = {"x", "w", "b"};
    for (std::size_t i = 0; i < 3; ++i)
      BOOST_TEST(
          same(tensor_at(tape, leaf(tape, labels[i])["outputs"][0]["cotangent"]), gradients[i]));

    BOOST_TEST_REQUIRE(tape["nodes"].size() == story.nodes.size());
    for (std::size_t n = 0; n < story.nodes.size(); ++n) {
      const TapeStory::Node& node = story.nodes[n];
      const json& told = tape["nodes"][n];
      BOOST_TEST(told["operation"] == node.operation);
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        BOOST_TEST(told["inputs"][i]["node"] == node.inputs[i].node);
        BOOST_TEST(same(tensor_at(tape, told["inputs"][i]["values"]), node.inputs[i].values));
      }
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        BOOST_TEST(same(tensor_at(tape, told["outputs"][i]["values"]), node.outputs[i].values));
        BOOST_TEST(
            same(tensor_at(tape, told["outputs"][i]["cotangent"]), node.outputs[i].cotangent));
      }
    }
    BOOST_TEST_REQUIRE(tape["events"].size() == story.events.size());
    for (std::size_t e = 0; e < story.events.size(); ++e) {
      const json& told = tape["events"][e];
      if (const auto* const vjp = std::get_if<TapeStory::Vjp>(&story.events[e])) {
        BOOST_TEST(told["event"] == "vjp");
        for (std::size_t i = 0; i < vjp->gradients.size(); ++i)
          BOOST_TEST(same(tensor_at(tape, told["gradients"][i]), vjp->gradients[i]));
      } else if (const auto* const sum = std::get_if<TapeStory::Arrival>(&story.events[e])) {
        BOOST_TEST(told["event"] == "accumulate");
        BOOST_TEST(same(tensor_at(tape, told["before"]), sum->before));
        BOOST_TEST(same(tensor_at(tape, told["term"]), sum->term));
        BOOST_TEST(same(tensor_at(tape, told["after"]), sum->after));
      } else if (const auto* const end = std::get_if<TapeStory::LeafGradient>(&story.events[e])) {
        BOOST_TEST(told["event"] == "leaf");
        BOOST_TEST(same(tensor_at(tape, told["gradient"]), end->gradient));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(attributes_are_numbers_or_types) {
  const Tensor x = variable(wide({1, 2}), "x");
  const json tape = parsed(sum(cast(2.5 * x - 1 / pow(x, 0.1), DType::f32)));
  std::map<std::string, json> attributes;
  for (const json& node : tape["nodes"]) attributes[node["operation"]] = node["attributes"];
  BOOST_TEST(attributes["affine"]["scale"] == 2.5);
  BOOST_TEST(attributes["power"]["p"] == 0.1);
  BOOST_TEST(attributes["reciprocal"]["c"] == 1);
  BOOST_TEST(attributes["cast"]["dtype"] == "f32");
}

BOOST_AUTO_TEST_CASE(numbers_that_json_cannot_hold_are_strings) {
  const Tensor x = variable(wide({0, -1}), "x");
  const json tape = parsed(sum(sqrt(x)));
  const json& gradient = entry_at(tape, leaf(tape, "x")["outputs"][0]["cotangent"])["values"];
  BOOST_TEST(gradient[0] == "Infinity");
  BOOST_TEST(gradient[1] == "NaN");
}

BOOST_AUTO_TEST_CASE(values_that_are_not_kept_are_null) {
  const Tensor x = variable(wide({1, 2}), "x");
  const json tape = parsed(sum(x + x));
  BOOST_TEST(leaf(tape, "x")["outputs"][0]["values"].is_null());
}

BOOST_AUTO_TEST_CASE(a_large_tensor_is_sampled_and_says_so) {
  const Tensor x = variable(arange(1000, DType::f64), "x");
  const json tape = parsed(sum(x * x), {.elements = 10});
  const json& values = entry_at(tape, leaf(tape, "x")["outputs"][0]["values"]);
  BOOST_TEST(values["sampled"] == true);
  BOOST_TEST(values["shape"][0] == 1000);
  BOOST_TEST(values["values"].size() == 10u);
  BOOST_TEST(values["positions"].size() == 10u);
  BOOST_TEST(values["positions"][0] == 0);
  BOOST_TEST(values["positions"][9] == 999);
  for (std::size_t i = 0; i < 10; ++i) BOOST_TEST(values["values"][i] == values["positions"][i]);
  BOOST_TEST(values["largest"] == 999);
  BOOST_TEST(values["norm"].get<double>() == std::sqrt(332833500.0),
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(any_label_and_scope_can_be_read_back) {
  const Tensor x = variable(scalar(1), "a \"quoted\" \\ name\nwith \x01 and \xff");
  const NameScope scope("ünï\"code");
  const json tape = parsed(x * x);
  BOOST_TEST(tape["nodes"][0]["label"].get<std::string>().starts_with("a \"quoted\" \\ name\n"));
  BOOST_TEST(tape["nodes"][1]["scope"] == "ünï\"code");
}

BOOST_AUTO_TEST_CASE(conditions_and_indices_keep_their_types) {
  const KeepValues guard;
  const Tensor x = variable(wide({1, 2, 3}), "x");
  const json tape = parsed(sum(where(greater(x, wide({2})), x, -x)) + sum(gather(x, ints({0, 2}))));
  for (const json& node : tape["nodes"])
    for (const json& input : node["inputs"]) {
      if (node["operation"] == "gather" && input["dtype"] == "i64")
        BOOST_TEST(entry_at(tape, input["values"])["values"] == json({0, 2}));
      if (input["dtype"] == "b8")
        BOOST_TEST(entry_at(tape, input["values"])["values"] == json({false, false, true}));
    }
}

BOOST_AUTO_TEST_CASE(what_has_no_tape_is_an_error) {
  BOOST_CHECK_THROW(tape_as_json(Tensor()), Error);
  BOOST_CHECK_THROW(tape_as_json(wide({1})), Error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
