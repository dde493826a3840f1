#include "nn/batch/context.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "autograd/tools/inspect.h"
#include "nn/batch/sequences.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(context)

BOOST_AUTO_TEST_CASE(training_or_not) {
  BOOST_TEST(!Context::inference().training());
  BOOST_TEST(!Context::inference().child("a").training());
  BOOST_TEST(Context::training(Key(1)).training());
  BOOST_TEST(Context::training(Key(1)).child("a").training());
}

BOOST_AUTO_TEST_CASE(paths_are_dotted) {
  const Context top = Context::training(Key(1));
  BOOST_TEST((top.path() == nullptr));
  const Context block = top.child("encoder").child("blocks", 3);
  BOOST_TEST(*block.path() == "encoder.blocks.3");
  BOOST_TEST(*Context::inference().child("a").child("b").path() == "a.b");
}

BOOST_AUTO_TEST_CASE(each_place_and_each_step_has_a_key_of_its_own) {
  std::set<std::uint64_t> keys;
  for (std::uint64_t step = 0; step < 3; ++step) {
    const Context top = Context::training(Key(step));
    for (const char* side : {"encoder", "decoder"})
      for (std::size_t block = 0; block < 3; ++block)
        for (const char* place : {"attention", "norm1", "norm2"})
          keys.insert(top.child(side).child("blocks", block).child(place).take_key().value());
  }
  BOOST_TEST(keys.size() == 3u * 2 * 3 * 3);
}

BOOST_AUTO_TEST_CASE(a_key_is_a_function_of_the_place) {
  const auto key = [] { return Context::training(Key(5)).child("a").child("b").take_key(); };
  BOOST_TEST((key() == key()));
}

BOOST_AUTO_TEST_CASE(a_key_may_be_used_once_in_a_step) {
  const Context top = Context::training(Key(1));
  const Context place = top.child("encoder").child("norm1");
  place.take_key();
  BOOST_CHECK_EXCEPTION(place.take_key(), Error,
                        says("context: the key of 'encoder.norm1' is used twice in one step; "
                             "derive a child for each use"));
  // Whichever path leads to it.
  BOOST_CHECK_THROW(top.child("encoder").child("norm1").take_key(), Error);
  BOOST_CHECK_NO_THROW(top.child("encoder").child("norm2").take_key());
  BOOST_CHECK_NO_THROW(top.take_key());
  BOOST_CHECK_EXCEPTION(top.take_key(), Error,
                        says("context: the key of '(top)' is used twice in one step; derive a "
                             "child for each use"));
}

BOOST_AUTO_TEST_CASE(a_layer_that_is_called_twice_in_a_step_needs_two_places) {
  const MultiHeadAttention layer(4, 2, 0.5, Key(1));
  const Tensor x = normal({1, 3, 4}, 0, 1, Key(2));
  const Mask mask = Mask::full(1, 3, 3);
  const Context top = Context::training(Key(3)), place = top.child("attention");
  layer(x, x, x, mask, place);
  BOOST_CHECK_EXCEPTION(layer(x, x, x, mask, place), Error,
                        says("context: the key of 'attention' is used twice in one step; derive "
                             "a child for each use"));
  BOOST_CHECK_NO_THROW(layer(x, x, x, mask, top.child("again")));
}

BOOST_AUTO_TEST_CASE(what_runs_again_takes_the_same_keys_again) {
  const Context context = Context::training(Key(3)).child("block");
  const Key key = context.take_key();
  for (int run = 0; run < 2; ++run) {
    const Context again = context.again();
    BOOST_TEST(again.take_key().value() == key.value());
    BOOST_CHECK_THROW(again.take_key(), Error);
  }
  BOOST_CHECK_THROW(context.take_key(), Error);
  BOOST_TEST(!Context::inference().again().training());
}

BOOST_AUTO_TEST_CASE(there_is_no_key_outside_of_training) {
  BOOST_CHECK_THROW(Context::inference().child("dropout").take_key(), Error);
}

BOOST_AUTO_TEST_CASE(operations_carry_the_path) {
  const Transformer model(small_config(), Key(1));
  const std::vector<Ids> source = {{3, 4}}, target = {{1, 5}};
  const Tensor logits = model.logits(Sequences::padded(source, 0), Sequences::padded(target, 0),
                                     Context::inference());
  std::set<std::string> scopes;
  for (const NodePtr& node : tape(logits)) scopes.insert(node->scope());
  for (const char* expected :
       {"encoder.positions", "encoder.blocks.0.attention", "encoder.blocks.1.norm2",
        "decoder.blocks.0.cross_attention", "decoder.blocks.1.feed_forward"})
    BOOST_TEST(scopes.contains(expected), expected);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
