// Wrong sweeps: each mistake makes the numbers that it must make, and no others.
#include "autograd/tools/explorer/what_if.h"

#include <boost/test/unit_test.hpp>

#include "autograd/grad.h"
#include "autograd/gradcheck.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/tools/explorer/kept_broadcasts.h"
#include "autograd/tools/explorer/tiled_lengths.h"
#include "autograd/tools/inspect.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Story = TapeStory;

Tensor ones_like(const Tensor& y) { return ones(y.shape(), y.dtype()); }
Tensor gradient_with(Mistake mistake, const Tensor& y, const Tensor& x) {
  return gradients_with(mistake, y, ones_like(y), {x})[0];
}
WhatIf what_if(Mistake mistake, const Tensor& y) {
  for (const WhatIf& each : what_ifs(y, tape_story(y)))
    if (each.mistake == mistake) return each;
  return {.mistake = mistake, .why_not = "missing"};
}
bool tells(const WhatIf& what_if, const std::string& words) {
  return std::ranges::any_of(
      what_if.steps, [&](const std::string& step) { return step.find(words) != step.npos; });
}
Tensor leaf(const Shape& shape, int seed, const char* name) {
  return variable(normal(shape, 0, 1, Key(static_cast<std::uint64_t>(seed)), DType::f64), name);
}
// Whether one gradient equals the other to rounding.
bool close(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && max(abs(a - b)).item() < 1e-12;
}

struct Diamond {
  Tensor a = variable(scalar(1, DType::f64), "a");
  Tensor b = a + a;
  Tensor c = b + b;
};

BOOST_AUTO_TEST_SUITE(what_if_engine)

BOOST_AUTO_TEST_CASE(a_diamond_shows_the_wrong_orders) {
  const Diamond d;
  BOOST_TEST(gradient_with(Mistake::depth_first, d.c, d.a).item() == 2);
  BOOST_TEST(gradient_with(Mistake::assignment, d.c, d.a).item() == 1);
  BOOST_TEST(gradient_with(Mistake::second_backward, d.c, d.a).item() == 8);
  const WhatIf first = what_if(Mistake::depth_first, d.c);
  BOOST_TEST(tells(first, "Only 1 of 2 consumers has arrived"));
  BOOST_TEST(tells(first, "Too late: %2 has run"));
  BOOST_TEST(tells(first, "The gradient of %1 'a' is 2, where 4 is right."));
  BOOST_TEST(first.steps.size() == first.events.size());
  BOOST_TEST(tells(what_if(Mistake::assignment, d.c), "1 is replaced by 1"));
  BOOST_TEST(tells(what_if(Mistake::second_backward, d.c), "held 4, and 4 is added"));
}

BOOST_AUTO_TEST_CASE(what_changes_nothing_says_why) {
  const Tensor x = leaf({3}, 1, "x");
  const Tensor y = sum(tanh(x));
  for (const Mistake mistake : mistakes)
    if (mistake != Mistake::second_backward) {
      const WhatIf found = what_if(mistake, y);
      BOOST_TEST(!found.why_not.empty(), name_of(mistake));
      BOOST_TEST(found.events.empty(), name_of(mistake));
    }
  BOOST_TEST(what_if(Mistake::second_backward, y).why_not == "");
  BOOST_TEST(what_if(Mistake::second_backward, sum(x * 0)).why_not.find("zero") !=
             std::string::npos);
  // Only a leaf is used twice: any order is right, but = for += is not.
  const Tensor square = sum(x * x);
  BOOST_TEST(what_if(Mistake::depth_first, square).why_not != "");
  BOOST_TEST(what_if(Mistake::assignment, square).why_not == "");
}

// The first of the two passes is without a mistake: it must be the engine's own sweep.
BOOST_AUTO_TEST_CASE(without_its_mistake_a_sweep_is_that_of_the_engine) {
  const Tensor x = leaf({2, 3}, 1, "x"), w = leaf({3, 2}, 2, "w"), b = leaf({2}, 3, "b");
  const Tensor h = tanh(matmul(x, w) + b);
  const Tensor y = sum(h * h + softmax(h));
  const Story story = tape_story(y);
  const std::vector<Story::Event> events = what_if(Mistake::second_backward, y).events;
  BOOST_TEST_REQUIRE(events.size() == 2 * story.events.size());
  for (std::size_t i = 0; i < story.events.size(); ++i) {
    BOOST_TEST_REQUIRE(events[i].index() == story.events[i].index());
    if (const auto* const arrival = std::get_if<Story::Arrival>(&events[i])) {
      const auto& right = std::get<Story::Arrival>(story.events[i]);
      BOOST_TEST((arrival->node == right.node && arrival->from == right.from &&
                  arrival->input == right.input && arrival->arrived == right.arrived));
      BOOST_TEST(close(arrival->after, right.after));
    }
    if (const auto* const gradient = std::get_if<Story::LeafGradient>(&events[i]))
      BOOST_TEST(
          close(gradient->gradient, std::get<Story::LeafGradient>(story.events[i]).gradient));
  }
}

BOOST_AUTO_TEST_CASE(a_kept_broadcast_has_the_terms_of_the_right_sum) {
  const Tensor x = leaf({3, 4}, 1, "x"), w = leaf({2, 4}, 2, "w");
  const Tensor row = leaf({4}, 3, "row"), column = leaf({3, 1}, 4, "column"),
               one = leaf({}, 5, "one"), bias = leaf({2}, 6, "bias");
  const std::vector<std::pair<Tensor, Tensor>> cases = {{x * row, row},
                                                        {column / (x * x + 1), column},
                                                        {x + one, one},
                                                        {pow(x * x + 1, one), one},
                                                        {linear(x, w, bias), bias},
                                                        {layer_norm(x, row, row), row},
                                                        {broadcast_to(row, {3, 4}) * x, row}};
  for (const auto& [result, leaf] : cases) {
    const Tensor y = sum(result * result);
    const Tensor kept = gradient_with(Mistake::kept_broadcast, y, leaf);
    const Tensor right = grad(y, {leaf})[0];
    BOOST_TEST(kept.shape() == result.shape());
    BOOST_TEST(close(sum_to(kept, leaf.shape()), right));
    BOOST_TEST(part_that_fits(kept, leaf.shape()).shape() == leaf.shape());
  }
  BOOST_TEST(tells(what_if(Mistake::kept_broadcast, sum(x + row)),
                   "shape [3, 4], where the shape [4] is right"));
}

BOOST_AUTO_TEST_CASE(gradcheck_blames_the_operation_that_keeps_a_broadcast) {
  const Tensor x = leaf({3, 2}, 1, "x"), b = leaf({2}, 2, "b");
  exploring::KeptBroadcasts mistake;
  const Observing guard(mistake);
  const KeepValues keep;
  const GradcheckReport report =
      gradcheck([](const Tensors& xs) { return Tensors{sum(pow(xs[0] + xs[1], 2))}; }, {x, b});
  BOOST_TEST_REQUIRE(report.walk.has_value());
  BOOST_TEST_REQUIRE(report.walk->culprit.has_value());
  BOOST_TEST(report.walk->culprit->operation == "add");
  BOOST_TEST((report.walk->culprit->report->diagnoses.at(0).kind == Diagnosis::Kind::missing_sum));
}

BOOST_AUTO_TEST_CASE(long_tapes_are_not_swept_again) {
  Tensor x = variable(scalar(1, DType::f64), "x");
  for (int i = 0; i < 500; ++i) x = x + 1;
  BOOST_TEST(what_ifs(x, tape_story(x)).empty());
}

// ---- Attention
// ------------------------------------------------------------------------------------

struct Heads {
  Tensor q = leaf({2, 3, 4}, 1, "q"), k = leaf({2, 3, 4}, 2, "k"), v = leaf({2, 3, 6}, 3, "v");
  AttentionPattern pattern = AttentionPattern::whole(2, 3, 3);
  Tensor result(const AttentionOptions& options = {.heads = 2}) const {
    return attention(q, k, v, std::make_shared<AttentionPattern>(pattern), options);
  }
  Heads(Index first, Index second) {
    pattern.examples[0].keys = first;
    pattern.examples[1].keys = second;
  }
};

BOOST_AUTO_TEST_CASE(attention_tells_its_lengths_and_is_computed_again) {
  for (const bool causal : {false, true}) {
    Heads heads(1, 3);
    heads.pattern.causal = causal;
    const Tensor y = heads.result();
    const auto found = exploring::padded_attention(*y.history().node);
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST((found->lengths == std::vector<Index>{1, 3}));
    BOOST_TEST((found->causal == causal));
    BOOST_TEST(
        close(exploring::attention_by_lengths({heads.q, heads.k, heads.v}, *found, false), y));
  }
}

BOOST_AUTO_TEST_CASE(tiled_lengths_give_heads_the_lengths_of_others) {
  const Heads heads(1, 3);
  const Tensor y = sum(pow(heads.result(), 2));
  const WhatIf found = what_if(Mistake::tiled_lengths, y);
  BOOST_TEST(found.why_not == "");
  std::vector<Index> right, tiled;
  for (const HeadLength& head : found.heads) {
    right.push_back(head.right);
    tiled.push_back(head.tiled);
  }
  BOOST_TEST((right == std::vector<Index>{1, 1, 3, 3}));
  BOOST_TEST((tiled == std::vector<Index>{1, 3, 1, 3}));
  // Head 1 of example 0 sees keys 1 and 2, which are padding: columns 3 to 5 of their values.
  const Tensor wrong = gradient_with(Mistake::tiled_lengths, y, heads.v),
               good = grad(y, {heads.v})[0];
  BOOST_TEST(good.at({0, 1, 3}) == 0);
  BOOST_TEST(wrong.at({0, 1, 3}) != 0);
  BOOST_TEST(wrong.at({0, 1, 2}) == 0);
  BOOST_TEST(close(slice(wrong, 2, 0, 3), slice(good, 2, 0, 3)) == false);  // head 0 of example 1
  BOOST_TEST(found.nodes.size() == tape_story(y).nodes.size());
  BOOST_TEST(found.steps.size() == found.nodes.size() + found.events.size());
}

BOOST_AUTO_TEST_CASE(other_masks_than_lengths_are_left_alone) {
  const Heads same(2, 2);
  BOOST_TEST(what_if(Mistake::tiled_lengths, sum(same.result())).why_not != "");
  Heads heads(1, 3);
  BOOST_TEST(!exploring::padded_attention(
      *heads.result({.heads = 2, .linear_biases = true}).history().node));
  BOOST_TEST(!exploring::padded_attention(*heads.result({.heads = 1}).history().node));
  heads.pattern.allowed = zeros({6, 3}, DType::b8);
  heads.pattern.allowed.edit<bool>()[17] = true;  // the last query sees the last key only
  BOOST_TEST(!exploring::padded_attention(*heads.result().history().node));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
