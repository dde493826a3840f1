#include "examples/lesson.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <iostream>
#include <sstream>

#include "autograd/support/error.h"

namespace {

using namespace adjoint;

std::string printed(const std::function<void()>& f) {
  std::ostringstream result;
  std::streambuf* const former = std::cout.rdbuf(result.rdbuf());
  f();
  std::cout.rdbuf(former);
  return result.str();
}
std::string said(const std::string& text) {
  return printed([&] { lesson::say(text); });
}

std::string output_of(void (*lesson)()) {
  std::string name = "lesson";
  char* argv[] = {name.data(), nullptr};
  return printed([&] { lesson::run(1, argv, lesson); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lesson_suite)

BOOST_AUTO_TEST_CASE(a_long_line_is_broken_between_words) {
  const std::string forty(40, 'a'), twenty(20, 'b');
  BOOST_TEST(said(forty + ' ' + forty + ' ' + twenty + " c") ==
             forty + ' ' + forty + '\n' + twenty + " c\n");
  BOOST_TEST(said("  " + forty + ' ' + forty + ' ' + twenty) ==
             "  " + forty + ' ' + forty + "\n  " + twenty + '\n');
  const std::string word(150, 'a');
  BOOST_TEST(said(word + " b") == word + "\nb\n");
}

BOOST_AUTO_TEST_CASE(other_lines_keep_their_blanks_and_their_ends) {
  BOOST_TEST(said("\n  h      error\n\n  1e-1   2\n") == "\n  h      error\n\n  1e-1   2\n\n");
  BOOST_TEST(said("") == "\n");
}

BOOST_AUTO_TEST_CASE(a_letter_with_a_bar_takes_one_column) {
  std::string bars;  // 22 words of three columns with a blank between them: 87 columns
  for (int i = 0; i < 22; ++i) bars += (i == 0 ? "x̄āȳ" : " x̄āȳ");
  BOOST_TEST(said(bars + "...") == bars + "...\n");
  BOOST_TEST(said(bars + ".. a") == bars + "..\na\n");
}

BOOST_AUTO_TEST_CASE(prose_is_apart_from_the_claims_before_it) {
  const auto lesson = [] {
    lesson::part("Part");
    lesson::say("Before.");
    lesson::claim("one", true);
    lesson::claim("two", false);
    lesson::say("After.");
    lesson::claim("three", true);
    lesson::say("         of which more");
    lesson::say("\nEnd.");
  };
  BOOST_TEST(output_of(lesson) ==
             "---- Part ----\n\nBefore.\n  ok     one\n  WRONG  two\n\nAfter.\n  ok     three\n"
             "         of which more\n\n"
             "End.\n\n1 of 3 claims does not hold.\n");
}

BOOST_AUTO_TEST_CASE(a_question_stands_between_empty_lines) {
  const auto lesson = [] {
    lesson::say("Before.");
    lesson::predict("What?");
    lesson::say("\nIt is this:\n");
    lesson::predict("And now?");
    std::cout << "printed by itself\n";
    lesson::predict("And at last?");
  };
  BOOST_TEST(output_of(lesson) ==
             "Before.\n\nPredict: What?\n\nIt is this:\n\nPredict: And now?\n\nprinted by "
             "itself\n\nPredict: And at last?\n\nAll 0 claims hold.\n");
}

BOOST_AUTO_TEST_CASE(the_text_of_an_error_is_returned_or_nothing) {
  BOOST_TEST(lesson::error_of([] { fail("matmul: ", 3); }) == "matmul: 3");
  BOOST_TEST(lesson::error_of([] {}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
