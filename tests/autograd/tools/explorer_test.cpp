// The page's data, read back by another library. tests/e2e/browser looks at the page itself.
#include "autograd/tools/explorer.h"

#include <zlib.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/ops.h"
#include "autograd/support/program.h"
#include "autograd/tools/explain.h"
#include "autograd/tools/explorer/packed.h"
#include "autograd/tools/tape_json.h"
#include "autograd/tools/tape_story.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using nlohmann::json;

bool has_dot(boost::unit_test::test_unit_id) {
  static const bool found = std::system("command -v dot >/dev/null") == 0;
  return found;
}
const auto needs_dot = boost::unit_test::precondition(has_dot);

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++count;
  return count;
}

// What unpacked() in data.js does.
std::string unpacked(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<unsigned>(digits.find(c));
    if ((held += 6) >= 8) bytes += static_cast<char>(bits >> (held -= 8) & 255u);
  }
  std::string result(20'000'000, '\0');
  uLongf size = result.size();
  BOOST_REQUIRE(uncompress(reinterpret_cast<Bytef*>(result.data()), &size,
                           reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) == Z_OK);
  result.resize(size);
  return result;
}

json data_of(const std::string& page) {
  const std::string begin = "<script id=\"data\" type=\"";
  const std::size_t at = page.find(begin) + begin.size();
  const std::size_t text = page.find('>', at) + 1;
  const std::string data = page.substr(text, page.find("</script>", text) - text);
  return json::parse(page.substr(at, 10) == "text/plain" ? unpacked(data) : data);
}

BOOST_AUTO_TEST_SUITE(explorer)

BOOST_AUTO_TEST_CASE(packing_can_be_undone) {
  std::string random;
  for (const Index byte : random_integers({3000}, 0, 256, Key(1)).values<Index>())
    random += static_cast<char>(byte);
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("abcdeabcdeabcde"), std::string(10'000, 'x'),
        std::string("ȳ = ȳ b, ȳ a"), random, random + random})
    BOOST_TEST((unpacked(exploring::packed(text)) == text));
  BOOST_TEST(exploring::packed(std::string(10'000, 'x')).size() < 60);
}

BOOST_AUTO_TEST_CASE(the_data_are_the_tape_its_words_and_a_place_for_each_node, *needs_dot) {
  const KeepValues keep;
  const Tensor x = variable(tensor({1, 2}, DType::f64), "x");
  const TapeStory story = tape_story(sum(x * x + x));
  const json data = data_of(explorer_page(story, {.title = "a <title> & more"}));
  BOOST_TEST(data["title"] == "a <title> & more");
  BOOST_TEST((data["tape"] == json::parse(tape_as_json(story))));
  BOOST_TEST((data["steps"] == json(explain_steps(story, {.elements = 6}))));
  BOOST_TEST(data["words"].size() == story.nodes.size());
  BOOST_TEST(data["words"][1]["gradients"] == json({"ā = ȳ b", "b̄ = ȳ a"}));
  BOOST_TEST(data["groups"].size() == 1);
  BOOST_TEST(data["groups"][0]["items"].size() == story.nodes.size());
  BOOST_TEST(data["groups"][0]["edges"].size() == 5);  // x twice in x * x
  for (const json& edge : data["groups"][0]["edges"]) BOOST_TEST(edge["points"].size() % 6 == 2);
}

BOOST_AUTO_TEST_CASE(each_operand_has_one_way_through_the_modules, *needs_dot) {
  const Tensor x = variable(ones({2}), "x"), w = variable(ones({2}), "w");
  Tensor h = x;
  {
    const NameScope block("block");
    {
      const NameScope layer("layer");
      h = w * h;
    }
    h = h + x;
  }
  const TapeStory story = tape_story(sum(h));
  const json data = data_of(explorer_page(story));
  std::map<std::string, std::set<std::string>> items;  // of each group
  std::map<std::pair<int, int>, std::size_t> edges;    // of each operand
  for (const json& group : data["groups"]) {
    for (const json& item : group["items"]) items[group["name"]].insert(item[0]);
    for (const json& edge : group["edges"])
      for (std::size_t i = 0; i < edge["operands"].size(); i += 2)
        ++edges[{edge["operands"][i].get<int>(), edge["operands"][i + 1].get<int>()}];
  }
  // x = %1, w = %2, mul = %3, add = %4, sum = %5, in the order of computation. w lies where it is
  // read; x is read in both modules, so it lies in the outer one.
  const int product = 3, last = static_cast<int>(story.nodes.size());
  BOOST_TEST(items["layer"].contains("n3"));
  BOOST_TEST(items["layer"].size() == 4);  // w, mul, a port in and a port out
  BOOST_TEST(items["block"].size() == 4);  // x, add, layer, a port out
  BOOST_TEST(items[""].size() == 2);       // block, sum
  const std::size_t crossings = edges[{product, 0}] + edges[{product, 1}];
  BOOST_TEST(crossings == 3);           // w → mul; x → layer, and in it to mul
  BOOST_TEST((edges[{last, 0}]) == 2);  // add → out, block → sum
}

BOOST_AUTO_TEST_CASE(names_never_become_html, *needs_dot) {
  const std::string name =
      "</script><script>alert(\"1\")</script>\u202e" + std::string(10'000, 'w');
  const Tensor x = variable(ones({2}), name);
  const NameScope scope("<b>'\"&");
  const std::string plain = explorer_page(tape_story(sum(variable(ones({2}), "x") * 2)));
  const std::string page = explorer_page(tape_story(sum(x * 2)), {.title = name});
  BOOST_TEST(occurrences(page, "</script>") == occurrences(plain, "</script>"));
  BOOST_TEST(occurrences(page, "<script>") == occurrences(plain, "<script>"));
  BOOST_TEST(occurrences(page, "<b>") == 0);
  BOOST_TEST(data_of(page)["groups"][1]["name"] == "<b>'\"&");
}

BOOST_AUTO_TEST_CASE(a_page_takes_at_most_a_megabyte, *needs_dot) {
  const KeepValues keep;
  Tensor x = variable(normal({64, 64}, 0, 1, Key(1)), "x");
  const Tensor first = x;
  for (int i = 0; i < 60; ++i) x = tanh(x) + first;
  const std::string page = explorer_page(tape_story(sum(x)));
  BOOST_TEST(page.size() <= 1'000'000);
  const json tensors = data_of(page)["tape"]["tensors"];
  BOOST_TEST(tensors[0]["sampled"] == true);
  BOOST_TEST(tensors[0]["values"].size() > 16);
}

BOOST_AUTO_TEST_CASE(a_tape_that_is_too_long_is_refused) {
  Tensor x = variable(scalar(1), "x");
  for (int i = 0; i < 6000; ++i) x = x + 1;
  BOOST_CHECK_EXCEPTION(explorer_page(tape_story(x)), Error, [](const Error& error) {
    return std::string(error.what()).starts_with("explorer: a tape of 6,001 nodes does not fit");
  });
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there_is_nothing) {
  BOOST_TEST(!run_program({"there-is-no-such-program"}).has_value());
  BOOST_TEST(run_program({"true"}).value() == 0);
  BOOST_TEST(run_program({"false"}).value() != 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
