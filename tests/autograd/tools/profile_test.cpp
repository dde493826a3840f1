#include "autograd/tools/profile.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/support/threads.h"
#include "autograd/tools/recomputation.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

Profile::Row row_of(const Profile& profile, const std::string& operation) {
  for (const Profile::Row& row : profile.rows())
    if (row.operation == operation) return row;
  return {};
}

double sum_of(const Profile& profile) {
  double sum = 0;
  for (const Profile::Row& row : profile.rows()) sum += row.seconds();
  return sum;
}

BOOST_AUTO_TEST_SUITE(profile_suite)

BOOST_AUTO_TEST_CASE(forwards_and_vjps_are_counted_by_operation) {
  const Tensor x = variable(normal({50, 40}, 0, 1, Key(1)));
  Profile profile;
  {
    const Observing guard(profile);
    grad(sum(exp(exp(x)) * x), {x});
  }
  exp(x);  // no longer observed
  BOOST_TEST(row_of(profile, "exp").forwards == 2);
  BOOST_TEST(row_of(profile, "exp").vjps == 2);
  BOOST_TEST(row_of(profile, "mul").forwards == 1);  // those within vjps count as part of the vjp
  BOOST_TEST(row_of(profile, "mul").vjps == 1);
  BOOST_TEST(row_of(profile, "broadcast_to").forwards == 0);
  for (const Profile::Row& row : profile.rows())
    BOOST_TEST((row.forward_seconds > 0 && row.vjp_seconds > 0), row.operation);
}

BOOST_AUTO_TEST_CASE(no_time_is_counted_twice) {
  const Tensor x = variable(normal({100, 100}, 0, 1, Key(1)));
  Profile profile;
  const auto begin = std::chrono::steady_clock::now();
  {
    const Observing guard(profile);
    const auto f = [](const Tensors& in) { return Tensors{tanh(matmul(in[0], exp(in[0])))}; };
    const Tensors g = grad(sum(recomputed(f, {x})[0]), {x}, {.create_graph = true});
    grad(sum(g[0] * g[0]), {x});
  }
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - begin;
  BOOST_TEST(sum_of(profile) > 0);
  BOOST_TEST(sum_of(profile) <= whole.count());
}

BOOST_AUTO_TEST_CASE(the_slowest_comes_first) {
  const Tensor x = normal({400, 400}, 0, 1, Key(1));
  Profile profile;
  const Observing guard(profile);
  neg(x);
  for (int i = 0; i < 5; ++i) matmul(x, x);
  const std::vector<Profile::Row> rows = profile.rows();
  BOOST_REQUIRE(rows.size() == 2);
  BOOST_TEST(rows[0].operation == "matmul");
  BOOST_TEST(rows[0].seconds() >= rows[1].seconds());
}

BOOST_AUTO_TEST_CASE(a_failed_operation_does_not_disturb_others) {
  struct : Observer {
    void after_forward(const char*, const Inputs&, std::span<const Tensor>) override {
      fail("enough");
    }
  } stopping;
  const Tensor x = normal({3}, 0, 1, Key(1));
  Profile profile;
  const Observing guard(profile);
  {
    const Observing inner(stopping);  // called first, so the profile never sees the end
    BOOST_CHECK_THROW(exp(x), Error);
  }
  const auto begin = std::chrono::steady_clock::now();
  neg(x);
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begin;
  BOOST_TEST(row_of(profile, "exp").forwards == 0);
  BOOST_TEST(row_of(profile, "neg").forwards == 1);
  BOOST_TEST(sum_of(profile) <= since.count());
}

BOOST_AUTO_TEST_CASE(workers_are_observed_too) {
  const Tensor x = normal({10}, 0, 1, Key(1));
  Profile profile;
  {
    const Observing guard(profile);
    parallel_tasks(100, [&](Index) { exp(neg(x)); });
  }
  BOOST_TEST(row_of(profile, "exp").forwards == 100);
  BOOST_TEST(row_of(profile, "neg").forwards == 100);
}

BOOST_AUTO_TEST_CASE(it_prints_a_table) {
  const Tensor x = variable(normal({10}, 0, 1, Key(1)));
  Profile profile;
  {
    const Observing guard(profile);
    grad(sum(exp(x)), {x});
  }
  std::ostringstream text;
  text << profile << 0.125;
  BOOST_TEST(text.str().starts_with("operation                 forwards"));
  BOOST_TEST(text.str().find("\nexp  ") != std::string::npos);
  BOOST_TEST(text.str().ends_with("\n0.125"));  // the stream's format is unchanged
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
