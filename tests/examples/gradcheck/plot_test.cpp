// The picture of the Taylor test: what gnuplot is asked to draw, and what is said without it.
#include "examples/gradcheck/plot.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "autograd/support/files.h"
#include "tests/autograd/gradcheck/support.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using checking::plot;
using checking::plot_script;

GradcheckReport report(int directions, Tensor (*f)(const Tensor&) = exp) {
  return gradcheck(of_one(f), {random({4}, 1)}, {.taylor = directions});
}

// Without programs on the path, until the end of the test.
struct NoPrograms {
  NoPrograms() { ::setenv("PATH", "/nowhere", 1); }
  ~NoPrograms() { ::setenv("PATH", before.c_str(), 1); }
  NoPrograms(const NoPrograms&) = delete;
  NoPrograms& operator=(const NoPrograms&) = delete;
  std::string before = std::getenv("PATH");
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

BOOST_AUTO_TEST_SUITE(gradcheck_plot)

BOOST_AUTO_TEST_CASE(each_direction_has_a_panel_with_both_slopes) {
  const std::string script = plot_script(report(3), "rates.svg");
  BOOST_TEST(count(script, "set title") == 3u);
  BOOST_TEST(count(script, "the remainder falls with h^{2.00}: the gradient is right") == 3u);
  BOOST_TEST(count(script, "title 'slope 1'") == 3u);
  BOOST_TEST(count(script, "title 'slope 2'") == 3u);
  BOOST_TEST(count(script, "set terminal svg") == 1u);
  BOOST_TEST(count(script, "layout 2,2") == 1u);
  BOOST_TEST(count(plot_script(report(1), "rates.png"), "set terminal pngcairo") == 1u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_drawn_is_an_error) {
  BOOST_CHECK_EXCEPTION(plot_script(report(1), "rates.pdf"), Error,
                        says("plot: 'rates.pdf' must end in .svg or .png"));
  const auto nothing = says("plot: the report has no Taylor rate to draw");
  BOOST_CHECK_EXCEPTION(plot_script(report(0), "rates.svg"), Error, nothing);
  BOOST_CHECK_EXCEPTION(plot_script(report(1, sign), "rates.svg"), Error, nothing);  // constant
}

BOOST_AUTO_TEST_CASE(a_quote_in_the_path_is_part_of_it) {
  BOOST_TEST(count(plot_script(report(1), "it's.svg"), "set output 'it''s.svg'") == 1u);
}

BOOST_AUTO_TEST_CASE(without_gnuplot_the_error_says_what_to_install) {
  const Folder folder;
  const NoPrograms guard;
  BOOST_CHECK_EXCEPTION(
      plot(report(1), folder / "rates.svg"), Error,
      says("plot: gnuplot is not installed; install it with apt-get install gnuplot-nox"));
  BOOST_TEST(folder.files() == 0);
}

BOOST_AUTO_TEST_CASE(gnuplot_draws_it) {
  if (std::system("command -v gnuplot >/dev/null") != 0) {
    BOOST_TEST_MESSAGE("gnuplot is not installed");
    return;
  }
  const Folder folder;
  for (const char* name : {"rates.svg", "it's.png"}) {
    plot(report(2), folder / name);
    BOOST_TEST(std::filesystem::file_size(folder / name) > 5000u);
  }
  plot(report(1, neg), folder / "straight.svg");
  BOOST_TEST(read_file(folder / "straight.svg").find("only rounding") == std::string::npos);
  BOOST_CHECK_THROW(plot(report(1), folder / "no such folder/rates.svg"), Error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
