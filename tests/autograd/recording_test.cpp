// What is recorded and what is not, and the scope that nodes are made in.
#include <boost/test/unit_test.hpp>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/node.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

constexpr GradOptions graph = {.create_graph = true};

Tensor real(double value) { return scalar(value, DType::f64); }

BOOST_AUTO_TEST_SUITE(recording_or_not)

BOOST_AUTO_TEST_CASE(detach_stops_the_gradient) {
  const Tensor x = variable(real(3));
  BOOST_TEST(grad(x * detach(x * x), {x})[0].item() == 9);
  BOOST_CHECK_THROW(grad(detach(x) * 2, {x}), Error);
}

BOOST_AUTO_TEST_CASE(no_recording_leaves_no_history) {
  const Tensor x = variable(real(3));
  {
    const NoRecording guard;
    BOOST_TEST(!recording());
    BOOST_TEST(!(x * x).tracked());
    BOOST_TEST(x.tracked());
  }
  BOOST_TEST(recording());
  BOOST_TEST((x * x).tracked());
  BOOST_TEST(!(real(1) * real(2)).tracked());
}

BOOST_AUTO_TEST_CASE(without_create_graph_a_gradient_has_no_history) {
  const Tensor x = variable(real(3));
  BOOST_TEST(!grad(x * x, {x})[0].tracked());
  BOOST_TEST(grad(x * x, {x}, graph)[0].tracked());
  const NoRecording guard;  // a sweep that is asked to record itself does so
  const Tensor y = [&] {
    const FlagGuard record(&Ambient::recording, true);
    return x * x;
  }();
  BOOST_TEST(grad(y, {x}, graph)[0].tracked());
}

BOOST_AUTO_TEST_CASE(nodes_know_the_scope_they_were_made_in) {
  const Tensor x = variable(real(3));
  const auto scope = [](const Tensor& y) { return y.history().node->scope(); };
  BOOST_TEST(scope(x * x) == "");
  const NameScope encoder("encoder");
  BOOST_TEST(scope(x * x) == "encoder");
  Tensor y;
  {
    const NameScope attention("attention");
    y = exp(x);
    BOOST_TEST(scope(y) == "encoder.attention");
  }
  BOOST_TEST(scope(x * x) == "encoder");
  // What the sweep records of a node belongs to that node's scope.
  BOOST_TEST(scope(grad(y, {x}, graph)[0]) == "encoder.attention");
  BOOST_TEST(scope(x * x) == "encoder");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
