#include "nn/training/schedule.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(patience)

BOOST_AUTO_TEST_CASE(it_ends_with_n_figures_in_a_row_that_are_no_best) {
  for (const Goal goal : {Goal::lowest, Goal::highest}) {
    const double sign = goal == Goal::lowest ? 1 : -1;
    Patience patience({.patience = 3, .goal = goal});
    const std::vector<double> figures = {5, 6, 4, 4, 4.5, 3, 3, NAN, 7};
    const std::vector<bool> best = {true, false, true, false, false, true, false, false, false};
    for (std::size_t i = 0; i < figures.size(); ++i) {
      BOOST_TEST(!patience.ended());
      BOOST_TEST(patience.observe(sign * figures[i]) == best[i], i);
    }
    BOOST_TEST(patience.ended());
    BOOST_TEST(patience.best() == sign * 3);
    patience.renew();
    BOOST_TEST(!patience.ended());
    BOOST_TEST(!patience.observe(sign * 4));
    BOOST_TEST(patience.since_best() == 1);
  }
}

BOOST_AUTO_TEST_CASE(the_margin_must_be_beaten) {
  Patience loss({.margin = 0.25});
  BOOST_TEST(loss.observe(1));
  BOOST_TEST(!loss.observe(0.75));
  BOOST_TEST(loss.observe(0.5));
  Patience bleu({.goal = Goal::highest, .margin = 0.25});
  BOOST_TEST(bleu.observe(1));
  BOOST_TEST(!bleu.observe(1.25));
  BOOST_TEST(bleu.observe(1.5));
}

BOOST_AUTO_TEST_CASE(before_the_first_figure_there_is_no_best) {
  BOOST_TEST(Patience().best() == std::numeric_limits<double>::infinity());
  BOOST_TEST(Patience({.goal = Goal::highest}).best() == -std::numeric_limits<double>::infinity());
  BOOST_TEST(!Patience().ended());
}

BOOST_AUTO_TEST_CASE(invalid_options_are_an_error) {
  BOOST_CHECK_EXCEPTION(Patience({.patience = 0}), Error,
                        says("patience: must be at least 1, got 0"));
  BOOST_CHECK_EXCEPTION(Patience({.margin = -1}), Error,
                        says("patience: the margin must be at least 0 and finite, got -1"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
