#include "autograd/tools/tape_story.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <set>

#include "autograd/functional.h"
#include "autograd/grad.h"
#include "autograd/ops.h"
#include "autograd/tools/anomaly.h"
#include "autograd/tools/inspect.h"
#include "autograd/tools/profile.h"
#include "autograd/tools/recomputation.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Story = TapeStory;

template <class Event>
std::vector<Event> events(const Story& story) {
  std::vector<Event> result;
  for (const Story::Event& event : story.events)
    if (const Event* const found = std::get_if<Event>(&event)) result.push_back(*found);
  return result;
}

const Story::Node& leaf(const Story& story, const std::string& label) {
  for (const Story::Node& node : story.nodes)
    if (node.is_leaf() && node.label == label) return node;
  BOOST_FAIL("no leaf " + label);
  return story.nodes.front();
}

Tensor gradient_of(const Story& story, const std::string& label) {
  return leaf(story, label).outputs[0].cotangent;
}

const Story::Node& operation(const Story& story, const std::string& name) {
  for (const Story::Node& node : story.nodes)
    if (node.operation == name) return node;
  BOOST_FAIL("no operation " + name);
  return story.nodes.front();
}

Tensor number(double value, const std::string& name) {
  return variable(scalar(value, DType::f64), name);
}

BOOST_AUTO_TEST_SUITE(tape_story)

// ---- What is told -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nodes_stand_in_the_order_of_computation_with_what_they_say) {
  const Tensor x = number(2, "x"), y = number(3, "y");
  const NameScope scope("layer");
  const Story story = adjoint::tape_story(pow(x * y, 2));
  BOOST_TEST_REQUIRE(story.nodes.size() == 4u);
  const Story::Node &product = story.node(3), &power = story.node(4);
  BOOST_TEST(story.node(1).label == "x");
  BOOST_TEST(story.node(2).label == "y");
  BOOST_TEST(product.operation == "mul");
  BOOST_TEST(product.scope == "layer");
  BOOST_TEST(product.rule == (std::vector<std::string>{"y = a b", "ā = ȳ b", "b̄ = ȳ a"}),
             boost::test_tools::per_element());
  BOOST_TEST(product.inputs[1].node == 2);
  BOOST_TEST(product.inputs[1].values.item() == 3);
  BOOST_TEST(power.attributes[0].name == "p");
  BOOST_TEST(std::get<double>(power.attributes[0].value) == 2);
  BOOST_TEST(story.result_node == 4);
  BOOST_TEST(story.ones);
}

BOOST_AUTO_TEST_CASE(each_accumulation_is_a_sum) {
  const Tensor a = number(1, "a");
  const Tensor b = a + a;
  const Story story = adjoint::tape_story(b + b);
  const auto arrivals = events<Story::Arrival>(story);
  BOOST_TEST_REQUIRE(arrivals.size() == 4u);
  const double expected[4][3] = {{0, 1, 1}, {1, 1, 2}, {0, 2, 2}, {2, 2, 4}};
  for (std::size_t i = 0; i < 4; ++i) {
    const Story::Arrival& arrival = arrivals[i];
    BOOST_TEST((arrival.before.defined() ? arrival.before.item() : 0) == expected[i][0]);
    BOOST_TEST(arrival.term.item() == expected[i][1]);
    BOOST_TEST(arrival.after.item() == expected[i][2]);
    BOOST_TEST(arrival.arrived == static_cast<int>(i % 2 + 1));
    BOOST_TEST(arrival.input == static_cast<int>(i % 2));
    BOOST_TEST(arrival.consumers == 2);
  }
  BOOST_TEST(gradient_of(story, "a").item() == 4);
}

BOOST_AUTO_TEST_CASE(an_operation_that_uses_a_value_twice_counts_as_two_consumers) {
  const Tensor d = number(3, "d");
  const Story story = adjoint::tape_story(d * d);
  BOOST_TEST(leaf(story, "d").outputs[0].consumers == 2);
  const auto arrivals = events<Story::Arrival>(story);
  BOOST_TEST_REQUIRE(arrivals.size() == 2u);
  BOOST_TEST(arrivals[0].from == arrivals[1].from);
  BOOST_TEST(gradient_of(story, "d").item() == 6);
}

BOOST_AUTO_TEST_CASE(values_that_no_vjp_reads_are_there_under_keep_values_only) {
  const auto compute = [] {
    const Tensor x = number(2, "x");
    return sin(x + x) + x;
  };
  const double sine = sin(number(4, "")).item();
  const Story without = adjoint::tape_story(compute());
  BOOST_TEST(!without.node(1).outputs[0].values.defined());   // x: add reads no values
  BOOST_TEST(without.node(2).outputs[0].values.item() == 4);  // sin reads its input
  BOOST_TEST(!without.node(3).outputs[0].values.defined());
  BOOST_TEST(without.node(4).outputs[0].values.item() == sine + 2);  // y itself
  const KeepValues guard;
  const Story with = adjoint::tape_story(compute());
  for (const Story::Node& node : with.nodes) BOOST_TEST(node.outputs[0].values.defined());
  BOOST_TEST(with.node(3).outputs[0].values.item() == sine);
}

BOOST_AUTO_TEST_CASE(constants_are_inputs_without_a_node) {
  const Tensor x = variable(wide({1, 2}), "x");
  const Story story = adjoint::tape_story(sum(x * wide({3, 4})));
  const Story::Input& constant = operation(story, "mul").inputs[1];
  BOOST_TEST(constant.node == 0);
  BOOST_TEST(numbers(constant.values) == (std::vector<double>{3, 4}),
             boost::test_tools::per_element());
  const auto vjps = events<Story::Vjp>(story);
  BOOST_TEST(vjps.back().gradients[0].defined());
  BOOST_TEST(!vjps.back().gradients[1].defined());
}

BOOST_AUTO_TEST_CASE(a_result_of_several_elements_takes_ones_or_what_it_is_given) {
  const Tensor x = variable(wide({1, 2}), "x");
  const Tensor y = x * x;
  const Story ones = adjoint::tape_story(y), given = adjoint::tape_story(y, wide({1, 10}));
  BOOST_TEST(ones.ones);
  BOOST_TEST(!given.ones);
  BOOST_TEST(numbers(gradient_of(ones, "x")) == (std::vector<double>{2, 4}),
             boost::test_tools::per_element());
  BOOST_TEST(numbers(gradient_of(given, "x")) == (std::vector<double>{2, 40}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_outputs_of_one_node_have_cotangents_of_their_own) {
  const Tensor x = variable(wide({1, 2, 3}), "x");
  const Tensors parts = split(x, 0, {1, 2});
  const Story both = adjoint::tape_story(sum(parts[0]) * sum(parts[1]));
  const Story::Node& node = operation(both, "split");
  BOOST_TEST(node.outputs[0].cotangent.item() == 5);
  BOOST_TEST(numbers(node.outputs[1].cotangent) == (std::vector<double>{1, 1}),
             boost::test_tools::per_element());
  const Story second = adjoint::tape_story(parts[1]);
  BOOST_TEST(second.result_output == 1);
  BOOST_TEST(!events<Story::Vjp>(second)[0].cotangents[0].defined());
  BOOST_TEST(numbers(gradient_of(second, "x")) == (std::vector<double>{0, 1, 1}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_operand_that_was_broadcast_names_the_repeated_axes) {
  const Tensor x = variable(wide({{1, 2, 3}, {4, 5, 6}}), "x"), bias = variable(wide({1, 2, 3}));
  const Tensor factor = variable(wide({{2}, {3}})), one = number(1, "one");
  const auto repeated = [](const Tensor& y, std::size_t input) {
    return adjoint::tape_story(y).nodes.back().inputs[input].repeated;
  };
  using Axes = std::vector<Index>;
  BOOST_TEST(repeated(x + bias, 0) == Axes(), boost::test_tools::per_element());
  BOOST_TEST(repeated(x + bias, 1) == Axes{0}, boost::test_tools::per_element());
  BOOST_TEST(repeated(x * factor, 1) == Axes{1}, boost::test_tools::per_element());
  BOOST_TEST(repeated(x - one, 1) == (Axes{0, 1}), boost::test_tools::per_element());
  BOOST_TEST(repeated(broadcast_to(bias, {4, 3}), 0) == Axes{0}, boost::test_tools::per_element());
  BOOST_TEST(repeated(linear(x, variable(eye(3, DType::f64)), bias), 2) == Axes{0},
             boost::test_tools::per_element());
  BOOST_TEST(repeated(layer_norm(x, bias, bias), 1) == Axes{0}, boost::test_tools::per_element());
  const Tensor stacked = variable(zeros({4, 2, 3}, DType::f64));
  BOOST_TEST(repeated(matmul(x, stacked, Transposed::b), 0) == Axes{0},
             boost::test_tools::per_element());
  BOOST_TEST(repeated(sum(x), 0) == Axes(), boost::test_tools::per_element());
  BOOST_TEST(
      repeated(matmul(variable(zeros({1, 1}, DType::f64)), variable(zeros({1, 4}, DType::f64))),
               0) == Axes(),
      boost::test_tools::per_element());
}

// ---- Every graph --------------------------------------------------------------------------------

// A graph of some random operations on a few leaves; every value has two elements or one.
Tensor random_graph(Dice& dice, Tensors& leaves) {
  Tensors values;
  for (Index i = dice.between(1, 3); i > 0; --i) {
    leaves.push_back(variable(dice.tensor(dice.coin() ? Shape{2} : Shape{})));
    values.push_back(leaves.back());
  }
  const auto any = [&] {
    return values[static_cast<std::size_t>(dice.between(0, std::ssize(values) - 1))];
  };
  for (Index i = dice.between(1, 12); i > 0; --i) {
    const Index kind = dice.between(0, 5);
    const Tensor a = any(), b = any();
    if (kind == 5 && a.rank() == 1) {
      const Tensors parts = split(a, 0, {1, 1});
      values.push_back(dice.coin() ? parts[1] * parts[0] : parts[1] + parts[1]);
      values.back() = reshape(values.back(), {});
    } else {
      values.push_back(kind == 0   ? a + b
                       : kind == 1 ? a * b
                       : kind == 2 ? sin(a)
                       : kind == 3 ? a - b
                                   : 2 * a);
    }
  }
  return values.back();
}

BOOST_AUTO_TEST_CASE(in_any_graph_terms_add_up_and_the_youngest_goes_first) {
  for (std::uint64_t round = 0; round < 300; ++round) {
    Dice dice{Key(round)};
    Tensors leaves;
    const Tensor y = random_graph(dice, leaves);
    if (!y.tracked()) continue;
    const Tensor cotangent = dice.tensor(y.shape());
    const Story story = adjoint::tape_story(y, cotangent);

    std::map<std::pair<int, int>, Tensor> sums;
    std::map<std::pair<int, int>, int> arrived;
    std::set<std::pair<int, int>> consumers;
    int youngest = story.result_node + 1;
    for (const Story::Event& event : story.events) {
      if (const auto* const seed = std::get_if<Story::Seed>(&event)) {
        sums[{seed->node, seed->output}] = seed->cotangent;
      } else if (const auto* const arrival = std::get_if<Story::Arrival>(&event)) {
        const std::pair<int, int> at = {arrival->node, arrival->output};
        Tensor& sum = sums[at];
        BOOST_TEST(sum.defined() == arrival->before.defined());
        if (sum.defined()) BOOST_TEST(same_bits(sum, arrival->before));
        sum = sum.defined() ? sum + arrival->term : arrival->term;
        BOOST_TEST(same_bits(sum, arrival->after));
        BOOST_TEST(++arrived[at] == arrival->arrived);
        BOOST_TEST((consumers.emplace(arrival->from, arrival->input).second));
        const auto& input =
            story.node(arrival->from).inputs[static_cast<std::size_t>(arrival->input)];
        BOOST_TEST((std::pair(input.node, input.output) == at));
      } else if (const auto* const vjp = std::get_if<Story::Vjp>(&event)) {
        BOOST_TEST(vjp->node < youngest);
        youngest = vjp->node;
        const Story::Node& node = story.node(vjp->node);
        for (int i = 0; i < std::ssize(node.outputs); ++i) {
          const Tensor& received = vjp->cotangents[static_cast<std::size_t>(i)];
          const Tensor expected = sums[{vjp->node, i}];
          BOOST_TEST(received.defined() == expected.defined());
          if (received.defined()) BOOST_TEST(same_bits(received, expected));
          BOOST_TEST(
              (arrived[{vjp->node, i}] == node.outputs[static_cast<std::size_t>(i)].consumers));
        }
      } else {
        const auto& end = std::get<Story::LeafGradient>(event);
        BOOST_TEST(end.node < youngest);
        youngest = end.node;
        BOOST_TEST(same_bits(end.gradient, sums[{end.node, 0}]));
      }
    }
    // The gradients are those of grad(), for the leaves that y depends on.
    const Tensors gradients = grad({y}, leaves, {cotangent}, {.zeros_if_independent = true});
    std::size_t told = 0;
    const std::vector<NodePtr> nodes = tape(y);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      for (std::size_t n = 0; n < nodes.size(); ++n)
        if (nodes[n] == leaves[i].history().node) {
          ++told;
          const int number = static_cast<int>(nodes.size() - n);
          BOOST_TEST(same_bits(story.node(number).outputs[0].cotangent, gradients[i]));
        }
    BOOST_TEST(told == events<Story::LeafGradient>(story).size());
  }
}

BOOST_AUTO_TEST_CASE(a_chain_of_a_hundred_thousand_operations_is_told) {
  const Tensor x = number(1, "x");
  Tensor y = x;
  for (int i = 0; i < 100'000; ++i) y = y * 1.00001;
  const Story story = adjoint::tape_story(y);
  BOOST_TEST(story.nodes.size() == 100'001u);
  BOOST_TEST(events<Story::Vjp>(story).size() == 100'000u);
  BOOST_TEST(gradient_of(story, "x").item() == grad(y, {x})[0].item());
}

// ---- Unusual values -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_leaf_alone_has_the_gradient_one) {
  const Tensor x = number(2, "x");
  BOOST_TEST(gradient_of(adjoint::tape_story(x), "x").item() == 1);
}

BOOST_AUTO_TEST_CASE(nan_infinity_and_no_elements_are_values_like_others) {
  const Tensor x = variable(wide({0, -1}), "x");
  const Tensor nan = gradient_of(adjoint::tape_story(sum(log(x) * sqrt(x))), "x");
  BOOST_TEST(std::isnan(numbers(nan)[1]));
  const Tensor none = variable(zeros({0, 3}, DType::f64), "none");
  BOOST_TEST(gradient_of(adjoint::tape_story(sum(none * none)), "none").numel() == 0);
  BOOST_TEST(gradient_of(adjoint::tape_story(none * none), "none").numel() == 0);
}

BOOST_AUTO_TEST_CASE(inputs_that_are_not_real_are_constants) {
  const Tensor x = variable(wide({1, 2, 3}), "x");
  const Tensor y = sum(where(greater(x, wide({2})), x * x, x)) + sum(gather(x, ints({0, 0})));
  const Story story = adjoint::tape_story(y);
  BOOST_TEST(operation(story, "where").inputs[0].form.dtype == DType::b8);
  BOOST_TEST(operation(story, "gather").inputs[1].form.dtype == DType::i64);
  BOOST_TEST(numbers(gradient_of(story, "x")) == (std::vector<double>{3, 1, 6}),
             boost::test_tools::per_element());
}

// ---- The sweep is a real one, and changes nothing -----------------------------------------------

BOOST_AUTO_TEST_CASE(the_sweeps_inside_a_vjp_are_not_told) {
  const Tensor x = number(2, "x");
  const Function f = [](const Tensors& xs) { return Tensors{sin(xs[0] * xs[0]) * xs[0]}; };
  const Story story = adjoint::tape_story(recomputed(f, {x})[0]);
  BOOST_TEST(events<Story::Vjp>(story).size() == 1u);
  BOOST_TEST(same_bits(gradient_of(story, "x"), grad(f({x})[0], {x})[0]));
}

BOOST_AUTO_TEST_CASE(a_recorded_sweep_can_be_told_too) {
  const Tensor x = number(2, "x");
  const Tensor slope = grad(x * x * x, {x}, {.create_graph = true})[0];
  BOOST_TEST(gradient_of(adjoint::tape_story(slope), "x").item() == 12);
}

BOOST_AUTO_TEST_CASE(telling_changes_nothing_and_no_other_observer_hears_of_it) {
  const Tensor x = variable(wide({0, 4}), "x");
  const Tensor y = sum(sqrt(x));
  const DetectAnomaly guard;  // would throw at the infinite slope
  BOOST_TEST(std::isinf(numbers(gradient_of(adjoint::tape_story(y), "x"))[0]));
  BOOST_TEST(!x.grad().defined());
  BOOST_TEST(gradient_of(adjoint::tape_story(y), "x").numel() == 2);  // a second time
}

// ---- Errors -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_has_no_tape_is_an_error) {
  BOOST_CHECK_EXCEPTION(adjoint::tape_story(Tensor()), Error,
                        says("this tape cannot be told: y is empty: no value was assigned to it"));
  BOOST_TEST(error_of([] {
               adjoint::tape_story(wide({1, 2}));
             }).starts_with("this tape cannot be told: y is not tracked: "));
  const Tensor x = number(2, "x");
  BOOST_TEST(error_of([&] { adjoint::tape_story(detach(x * x)); }).find("detach") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_consumed_tape_is_an_error) {
  const Tensor x = number(2, "x");
  const Tensor part = exp(x), y = part * number(3, "z");
  backward(part);
  BOOST_TEST(error_of([&] { adjoint::tape_story(y); }).find("already swept by backward()") !=
             std::string::npos);
  BOOST_TEST(error_of([&] { adjoint::tape_story(part); }).find("already swept by backward()") !=
             std::string::npos);
  BOOST_TEST(tape_nodes(part)[0].consumed);
}

BOOST_AUTO_TEST_CASE(an_edited_value_is_an_error_where_a_vjp_reads_it_and_else_not_shown) {
  Tensor x = number(2, "x");
  const Tensor product = x * x;
  x.edit<double>()[0] = 5;
  BOOST_TEST(error_of([&] {
               adjoint::tape_story(product);
             }).find("('x') was changed after it was recorded") != std::string::npos);
  Tensor a = number(2, "a");
  const KeepValues guard;
  const Tensor sum_of_two = a + a;
  a.edit<double>()[0] = 5;
  const Story story = adjoint::tape_story(sum_of_two);
  BOOST_TEST(!leaf(story, "a").outputs[0].values.defined());
  BOOST_TEST(leaf(story, "a").outputs[0].edited);
  BOOST_TEST(!story.nodes.back().inputs[0].values.defined());
}

BOOST_AUTO_TEST_CASE(a_cotangent_of_another_form_is_an_error) {
  const Tensor x = variable(wide({1, 2}), "x");
  BOOST_CHECK_EXCEPTION(adjoint::tape_story(x * x, wide({1, 2, 3})), Error,
                        says("the cotangent must have the form of y, f64 [2]; it is "
                             "f64 [3]"));
  BOOST_CHECK_THROW(adjoint::tape_story(x * x, tensor({1, 2})), Error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
