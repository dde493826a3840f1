// Reading SQuAD's form: what a file holds, and one clear line with the place for each mistake.
#include "examples/experiments/squad/dataset.h"

#include <boost/test/unit_test.hpp>

#include "autograd/support/error.h"
#include "tests/files.h"

using namespace adjoint;
using namespace adjoint::squad;

namespace {

// A file with one passage and one question about it.
std::string file(const std::string& context, const std::string& answer, const std::string& start) {
  return R"({"version":"1.1","data":[{"title":"T","paragraphs":[{"context":")" + context +
         R"(","qas":[{"id":"q1","question":"Who?","answers":[{"text":")" + answer +
         R"(","answer_start":)" + start + "}]}]}]}]}";
}
const std::string good = file("Zoë met Otto.", "Otto", "8");
constexpr auto answer_way = "data[0].paragraphs[0].qas[0].answers[0]";

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  const std::size_t at = text.find(part);
  BOOST_REQUIRE(at != text.npos);
  return text.replace(at, part.size(), by);
}

// The one line that the reader answers a text with.
std::string refusal(const std::string& text) {
  try {
    dataset_from(text, "f.json");
  } catch (const Error& error) {
    const std::string what = error.what();
    BOOST_TEST(what.starts_with("f.json"));
    BOOST_TEST(what.find('\n') == what.npos);
    BOOST_TEST(what.size() < 400);
    return what;
  }
  return "no error";
}
void refuses(const std::string& text, const std::string& expected) {
  BOOST_TEST(refusal(text) == expected);
}
void refuses_with(const std::string& text, const std::vector<std::string>& parts) {
  const std::string said = refusal(text);
  for (const std::string& part : parts)
    BOOST_TEST((said.find(part) != said.npos), said << " lacks " << part);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(squad_dataset)

BOOST_AUTO_TEST_CASE(a_file_gives_its_articles) {
  const Dataset dataset = dataset_from(good, "f.json");
  const Dataset expected = {{"T", {{"Zoë met Otto.", {{"q1", "Who?", {{"Otto", 8}}}}}}}};
  BOOST_TEST((dataset == expected));
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
  const Dataset dataset = {
      {"Title “x”",
       {{"\U0001F600 Zoë\tsaw\n«the sea».\\", {{"1", "What?", {{"the sea", 11}, {"sea", 15}}}}},
        {"no question", {}}}},
      {"empty", {}}};
  const std::string json = to_json(dataset);
  BOOST_TEST((dataset_from(json, "f.json") == dataset));
  BOOST_TEST(std::ranges::all_of(json, [](char c) { return static_cast<signed char>(c) > 0; }));
}

BOOST_AUTO_TEST_CASE(unknown_fields_escapes_and_a_byte_order_mark_are_read) {
  BOOST_TEST(
      dataset_from("\xEF\xBB\xBF" + replaced(good, R"("id")", R"("more":[{}],"id")"), "f").size() ==
      1);
  const Dataset dataset = dataset_from(file(R"(Zo\u00eb, \ud83d\ude00 Otto)", "Otto", "7"), "f");
  BOOST_TEST(dataset[0].passages[0].text == "Zoë, \U0001F600 Otto");
}

BOOST_AUTO_TEST_CASE(broken_json_has_a_line_and_a_column) {
  refuses("", "f.json: the file is empty");
  refuses_with(" \n", {"f.json:2:1: not JSON: "});
  refuses_with("{\n  \"data\": [,]}", {"f.json:2:12: not JSON: ", "unexpected ','"});
  refuses_with("{\"ë\": x}", {"f.json:1:7: not JSON: "});
  refuses_with(good + "}", {"not JSON: "});
  refuses_with(good.substr(0, good.size() - 3), {"not JSON: ", "unexpected end of input"});
  refuses_with(file("Zoë", "Zoë", "NaN"), {"not JSON: ", "f.json:1:"});
  refuses_with(file("Zoë", "Zoë", "1e999"), {"not JSON: number overflow"});
  refuses_with(file(R"(\ud800)", "Zoë", "0"), {"f.json:1:", "surrogate"});
  refuses_with(good + '\0' + "x", {"not JSON: a NUL byte"});
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_have_a_line_and_a_column) {
  refuses(std::string("{\n\"ë\xFF"), "f.json:2:3: not UTF-8");
}

BOOST_AUTO_TEST_CASE(deep_nesting_and_double_keys_are_refused) {
  refuses_with(std::string(1'000'000, '['), {"nest deeper than 64"});
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  refuses_with(objects, {"nest deeper than 64"});
  refuses(replaced(good, R"("id":"q1")", R"("id":"q1","id":"q2")"),
          "f.json: data[0].paragraphs[0].qas[0]: has the key \"id\" twice");
}

BOOST_AUTO_TEST_CASE(another_form_is_refused_with_the_way_to_it) {
  refuses("[]", "f.json: the file is an array, not an object {…}");
  refuses("{}", "f.json: the file has no field \"data\"");
  refuses(R"({"data":[]})", "f.json: data is an empty list");
  refuses(R"({"data":{}})", "f.json: data is an object, not a list […]");
  refuses(R"({"data":[{"title":"T","paragraphs":[]}]})", "f.json: data has no question");
  refuses(R"({"data":[7]})", "f.json: data[0] is a number, not an object {…}");
  refuses(replaced(good, R"("context")", R"("text")"),
          "f.json: data[0].paragraphs[0] has no field \"context\"");
  refuses(replaced(good, R"("id":"q1")", R"("id":1)"),
          "f.json: data[0].paragraphs[0].qas[0].id is a number, not a string");
  refuses(replaced(good, R"("q1")", R"("")"), "f.json: data[0].paragraphs[0].qas[0].id is empty");
  refuses(replaced(good, R"("Who?")", "null"),
          "f.json: data[0].paragraphs[0].qas[0].question is null, not a string");
}

BOOST_AUTO_TEST_CASE(an_id_stands_once) {
  const std::string question =
      R"({"id":"q1","question":"?","answers":[{"text":"met","answer_start":4}]},)";
  refuses(replaced(good, R"({"id":"q1")", question + R"({"id":"q1")"),
          "f.json: data[0].paragraphs[0].qas[1].id is \"q1\", as that of "
          "data[0].paragraphs[0].qas[0]");
}

BOOST_AUTO_TEST_CASE(questions_without_an_answer_are_those_of_version_2) {
  const auto expected = {std::string("f.json: data[0].paragraphs[0].qas[0] has no answer"),
                         std::string("v1.1 is expected"), std::string("v2.0")};
  const std::string none = replaced(good, R"([{"text":"Otto","answer_start":8}])", "[]");
  refuses_with(none, expected);
  refuses_with(replaced(none, R"("id")", R"("is_impossible":true,"id")"), expected);
  BOOST_TEST(refusal(replaced(good, R"("id")", R"("is_impossible":false,"id")")) == "no error");
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_elsewhere_is_refused_with_the_right_number) {
  const std::string start = std::string("f.json: ") + answer_way + ".answer_start is ";
  refuses(file("Zoë met Otto.", "Otto", "9"),
          start + "9, which counts bytes of UTF-8; in Unicode code points \"Otto\" begins at 8");
  refuses(file("\U0001F600\U0001F600 met Otto.", "Otto", "9"),
          start + "9, which counts units of UTF-16; in Unicode code points \"Otto\" begins at 7");
  refuses(file("Zoë met Otto. Otto left.", "Otto", "12"),
          start + "12, where the passage reads \". Ot\"; \"Otto\" begins at 14");
  refuses(file("Zoë met Otto.", "Otto", "100"),
          start + "100, but the passage has 13 characters; \"Otto\" begins at 8");
  refuses(file("Zoë met Otto.", "Otto", "18446744073709551615"),
          start + "18446744073709551615, but the passage has 13 characters; \"Otto\" begins at 8");
  refuses(file("Zoë met Otto.", "Anna", "8"),
          std::string("f.json: ") + answer_way + " is \"Anna\", which is not in its passage");
  refuses(file("Zoë", "", "0"), std::string("f.json: ") + answer_way + ".text is empty");
}

BOOST_AUTO_TEST_CASE(an_offset_is_a_whole_number) {
  const std::string start = std::string("f.json: ") + answer_way + ".answer_start is ";
  refuses(file("Zoë met Otto.", "Otto", "-1"), start + "negative");
  refuses(file("Zoë met Otto.", "Otto", "8.0"), start + "8.0, not a whole number");
  refuses(file("Zoë met Otto.", "Otto", "\"8\""), start + "a string, not a whole number");
}

BOOST_AUTO_TEST_CASE(files_are_regular_files) {
  const testing::Folder folder;
  BOOST_CHECK_THROW(read_dataset(folder.path), Error);
  BOOST_CHECK_THROW(read_dataset(folder / "absent.json"), Error);
  testing::put(folder / "good.json", good);
  BOOST_TEST(read_dataset(folder / "good.json").size() == 1);
}

// Whatever is cut from a file or changed in it, the reader answers or throws an Error.
BOOST_AUTO_TEST_CASE(every_truncation_and_changed_byte_is_read_or_refused) {
  for (std::size_t i = 0; i < good.size(); ++i) {
    BOOST_TEST(refusal(good.substr(0, i)) != "no error");
    for (const char c : {'"', '}', '[', '\\', '0', '\xC3', '\x01'}) {
      std::string changed = good;
      changed[i] = c;
      refusal(changed);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
