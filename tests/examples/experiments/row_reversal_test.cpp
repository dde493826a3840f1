// The model that reverses strings row by row: it learns its task, and what it gets right depends on
// the rest of its batch in the wrong order alone.
#include "examples/experiments/questions/row_reversal.h"

#include <boost/test/unit_test.hpp>

#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::experiments;

constexpr Orders repeated, tiled{HeadOrder::batch_major, LengthOrder::tile};

struct ShortStrings {
  Task task = reversal({.max_length = 3, .train_count = 200, .held_out_count = 30}, Key(1));
};

BOOST_AUTO_TEST_SUITE(row_reversal)

BOOST_FIXTURE_TEST_CASE(it_learns_to_reverse, ShortStrings) {
  const Reverser model(task, repeated, Key(2));
  BOOST_TEST(quality(model, task.train, 64).right < 50);
  train(model, task.train, {.steps = 100}, Key(3));
  BOOST_TEST(quality(model, task.train, 64).right > 90);
}

BOOST_FIXTURE_TEST_CASE(other_strings_of_the_batch_count_in_the_wrong_order_alone, ShortStrings) {
  const auto differs = [&](const Orders& orders) {
    const Reverser model(task, orders, Key(2));
    return quality(model, task.train, 50).right != quality(model, task.train, 1).right;
  };
  BOOST_TEST(!differs(repeated));
  BOOST_TEST(differs(tiled));
}

BOOST_FIXTURE_TEST_CASE(attention_reaches_padding_in_the_wrong_order_alone, ShortStrings) {
  const auto on_padding = [&](const Orders& orders) {
    return quality(Reverser(task, orders, Key(2)), task.held_out, 30).on_padding;
  };
  BOOST_TEST(on_padding(repeated) == 0);
  BOOST_TEST(on_padding(tiled) > 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
