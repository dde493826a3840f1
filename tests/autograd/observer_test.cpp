#include "autograd/observer.h"

#include <boost/test/unit_test.hpp>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "autograd/pullback.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

// Writes down what it is told.
struct Diary : Observer {
  std::string text;
  void before_forward(const char* operation, const Inputs&) override {
    text += std::string("[") + operation + " ";
  }
  void after_forward(const char*, const Inputs& in, std::span<const Tensor> out) override {
    text += std::to_string(in.size()) + ">" + std::to_string(out.size()) + "] ";
  }
  void before_vjp(const Node& node, const Pullback&) override {
    text += std::string("{") + node.name() + " ";
  }
  void after_vjp(const Node&, const Pullback&, Tensors& gradients) override {
    text += std::to_string(gradients.size()) + "} ";
  }
};

// Turns the gradients of every operation round.
struct Negating : Observer {
  void after_vjp(const Node&, const Pullback&, Tensors& gradients) override {
    for (Tensor& gradient : gradients)
      if (gradient.defined()) gradient = neg(gradient);
  }
};

const Tensor x = variable(tensor({1, 2}, DType::f64), "x");

BOOST_AUTO_TEST_SUITE(observer)

BOOST_AUTO_TEST_CASE(is_told_of_forwards_and_of_vjps_with_what_runs_inside) {
  Diary diary;
  const Observing guard(diary);
  grad(sum(exp(x)), {x});
  BOOST_TEST(diary.text ==
             "[exp 1>1] [sum 1>1] {sum [reshape 1>1] [broadcast_to 1>1] 1} {exp [mul 2>1] 1} ");
}

// Plants a value before anything is recorded, so the tape keeps it.
BOOST_AUTO_TEST_CASE(may_change_values_before_they_are_recorded) {
  struct : Observer {
    void after_compute(const char* operation, const Inputs&, std::span<Tensor> out) override {
      if (std::string(operation) == "exp") out[0].edit<double>()[1] = 7;
    }
  } planting;
  const Observing guard(planting);
  const Tensor y = exp(x);
  BOOST_TEST(y.at({1}) == 7);
  BOOST_TEST(grad(sum(y), {x})[0].at({1}) == 7);  // exp's vjp reads its output
}

BOOST_AUTO_TEST_CASE(sees_what_was_recorded) {
  struct : Observer {
    const Node* node = nullptr;
    void after_forward(const char*, const Inputs&, std::span<const Tensor> out) override {
      node = out[0].history().node.get();
    }
  } last;
  const Observing guard(last);
  const Tensor y = exp(x);
  BOOST_TEST(last.node == y.history().node.get());
  const NoRecording nothing;
  exp(x);
  BOOST_TEST(last.node == nullptr);
}

BOOST_AUTO_TEST_CASE(is_told_nothing_outside_of_its_guard) {
  Diary diary;
  { const Observing guard(diary); }
  exp(x);
  BOOST_TEST(diary.text.empty());
}

BOOST_AUTO_TEST_CASE(several_may_look_on) {
  Diary outer, inner;
  const Observing first(outer);
  {
    const Observing second(inner);
    exp(x);
  }
  sin(x);
  BOOST_TEST(inner.text == "[exp 1>1] ");
  BOOST_TEST(outer.text == "[exp 1>1] [sin 1>1] ");
}

BOOST_AUTO_TEST_CASE(one_under_two_guards_is_told_twice) {
  Diary diary;
  const Observing first(diary);
  const Observing second(diary);
  exp(x);
  BOOST_TEST(diary.text == "[exp [exp 1>1] 1>1] ");
}

BOOST_AUTO_TEST_CASE(what_is_unobserved_is_told_to_nobody) {
  Diary diary;
  const Observing guard(diary);
  {
    const Unobserved nobody;
    exp(x);
  }
  sin(x);
  BOOST_TEST(diary.text == "[sin 1>1] ");
}

BOOST_AUTO_TEST_CASE(may_change_gradients) {
  Negating negating;
  const Observing guard(negating);
  BOOST_TEST(distance(grad(sum(2 * x), {x})[0], tensor({2, 2}, DType::f64)) == 0);  // twice negated
  BOOST_TEST(distance(grad(sum(exp(2 * x)), {x})[0], neg(2 * exp(2 * detach(x)))) < 1e-12);
}

BOOST_AUTO_TEST_CASE(a_node_can_be_replayed_with_its_attributes) {
  const Tensor y = slice(x, 0, 1, 2);
  const Tensors again = y.history().node->replay({tensor({5, 7}, DType::f64)});
  BOOST_TEST(again.size() == 1u);
  BOOST_TEST(distance(again[0], tensor({7}, DType::f64)) == 0);
  BOOST_CHECK_THROW(x.history().node->replay({}), Error);
}

BOOST_AUTO_TEST_CASE(a_replay_stands_in_the_scope_of_the_original) {
  const NodePtr node = [] {
    const NameScope scope("block.attention");
    return exp(x).history().node;
  }();
  BOOST_TEST(node->replay({x})[0].history().node->scope() == "block.attention");
}

// a reaches its leaf along two paths: d(a·a)/da is a + a.
BOOST_AUTO_TEST_CASE(is_told_of_every_term_of_a_sum_and_of_what_reaches_a_leaf) {
  struct : Observer {
    std::string text;
    void after_arrival(const Node* from, const Node& to, int output, const Tensor& term,
                       const Tensor& sum) override {
      text += std::string(from ? from->name() : "seed") + " sends " +
              std::to_string(static_cast<int>(term.item())) + " to " + to.name() + "." +
              std::to_string(output) + ", now " + std::to_string(static_cast<int>(sum.item())) +
              "; ";
    }
    void at_leaf(const Leaf& leaf, const Tensor& gradient) override {
      text += leaf.label() + " gets " + std::to_string(static_cast<int>(gradient.item()));
    }
  } teller;
  const Tensor a = variable(scalar(3, DType::f64), "a");
  const Tensor y = a * a;
  const Observing guard(teller);
  grad(y, {a});
  BOOST_TEST(teller.text ==
             "seed sends 1 to mul.0, now 1; mul sends 3 to leaf.0, now 3; "
             "mul sends 3 to leaf.0, now 6; a gets 6");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
