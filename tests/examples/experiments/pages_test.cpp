// Tables, pictures and pages, and that the stored results are what README.md says.
#include "examples/experiments/frame/pages.h"

#include <boost/test/unit_test.hpp>

#include "autograd/support/files.h"
#include "autograd/support/threads.h"
#include "examples/experiments/questions.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using namespace adjoint::experiments;

const std::filesystem::path folder = "examples/experiments/results";

BOOST_AUTO_TEST_SUITE(experiment_pages)

BOOST_AUTO_TEST_CASE(a_table_has_a_dash_where_nothing_was_measured) {
  Results results;
  results.add({"right %", "a", {}, 1, 90});
  results.add({"loss", "b", {}, 1, 1});
  BOOST_TEST(table_of(results, "arm").markdown() ==
             "| arm | right % | loss |\n| --- | --- | --- |\n| a | 90.0 | – |\n| b | – | 1.00 |\n");
  results.add({"cosine", "random", 8, {}, 0.3});
  results.add({"cosine", "theory", 16, {}, 0.2});
  BOOST_TEST(
      curves_of(results, "d", "cosine").markdown() ==
      "| d | random | theory |\n| --- | --- | --- |\n| 8 | 0.300 | – |\n| 16 | – | 0.200 |\n");
}

BOOST_AUTO_TEST_CASE(a_bar_in_a_name_does_not_end_its_cell) {
  BOOST_TEST((Table{{"mean |cos|"}, {}}.markdown() == "| mean \\|cos\\| |\n| --- |\n"));
}

BOOST_AUTO_TEST_CASE(runs_do_not_depend_on_the_number_of_threads) {
  const auto run = [](std::size_t arm, Index seed) {
    return std::vector<Measured>{
        {"number", static_cast<double>(10 * arm) + static_cast<double>(seed)}};
  };
  const int before = threads();
  Results one, three;
  set_threads(1);
  run_all(one, {"a", "b"}, 3, run);
  set_threads(3);
  run_all(three, {"a", "b"}, 3, run);
  set_threads(before);
  BOOST_TEST((one.measurements() == three.measurements()));
  BOOST_TEST(one.values("number", "b") == (std::vector<double>{11, 12, 13}));
}

BOOST_AUTO_TEST_CASE(names_are_text_in_a_picture_and_not_commands) {
  Results results;
  results.add({"it's_x^2", "{a}", {}, 1, 1});
  const std::string script =
      picture_script({bars_of(results, "50% @ \\n", "it's_x^2")}, "picture.svg");
  BOOST_TEST(script.find("'it''s\\_x\\^2'") != script.npos);
  BOOST_TEST(script.find("'\\{a\\}'") != script.npos);
  BOOST_TEST(script.find("'50% \\@ \\\\n'") != script.npos);
}

BOOST_AUTO_TEST_CASE(a_claim_for_the_full_form_does_not_count_in_the_quick_one) {
  const Report report{.answer = "", .claims = {{"a", false, true}, {"b", false}, {"c", true}}};
  BOOST_TEST(broken_claims(report, true) == (std::vector<std::string>{"b"}));
  BOOST_TEST(broken_claims(report, false) == (std::vector<std::string>{"a", "b"}));
}

BOOST_AUTO_TEST_CASE(a_readme_without_a_place_for_an_answer_is_an_error) {
  const std::vector<Experiment> one = {{.name = "positions"}};
  const auto error = [&](const char* readme) {
    return error_of([&] { with_answers(readme, one, folder); });
  };
  const char* text = "README.md has no '<!--positions-->' followed by '<!--end-->'";
  BOOST_TEST(error("") == text);
  BOOST_TEST(error("<!--positions-->\n") == text);
}

// Nothing there is typed by hand: after a change of the words, `build/experiments readme`.
BOOST_AUTO_TEST_CASE(readme_and_pages_say_what_the_stored_results_say) {
  const std::string readme = read_file(folder.parent_path() / "README.md");
  BOOST_TEST((with_answers(readme, all_experiments(), folder) == readme),
             "README.md and the stored results differ; run build/experiments readme");
  for (const Experiment& experiment : all_experiments())
    BOOST_TEST((page_of(experiment, stored(experiment, folder)) ==
                read_file(folder / (experiment.name + ".md"))),
               experiment.name << ".md and .csv differ; run build/experiments readme");
}

BOOST_AUTO_TEST_CASE(every_claim_holds_in_the_stored_results_of_the_full_form) {
  for (const Experiment& experiment : all_experiments()) {
    const Results results = stored(experiment, folder);
    BOOST_TEST(!results.quick, experiment.name);
    for (const std::string& claim : broken_claims(experiment.report(results), false))
      BOOST_ERROR(experiment.name << ": " << claim);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
