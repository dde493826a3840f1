#include "nn/layers/recurrent.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "nn/checks/gradcheck.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;

constexpr double exact = 1e-12;
const Context inference = Context::inference();
const std::vector<Cell> kinds = {Cell::gru, Cell::lstm};

template <class M>
M in_f64(const M& module) {
  return nn::cast(module, DType::f64);
}

Recurrent some_stack(Cell kind, Index layers, double drop = 0) {
  return in_f64(Recurrent(kind, 3, 4, layers, drop, Key(1)));
}

States some_states(const Recurrent& stack, Dice& dice, Index examples) {
  return mapped(stack.begin(examples, DType::f64),
                [&](const Tensor& x) { return dice.tensor(x.shape()); });
}

Tensors tensors_of(const States& states) {
  Tensors list;
  for (const CellState& state : states) {
    list.push_back(state.hidden);
    if (state.memory.defined()) list.push_back(state.memory);
  }
  return list;
}

States of_example(const States& states, Index example) {
  return mapped(states, [=](const Tensor& x) { return slice(x, 0, example, example + 1); });
}

// ---- Cells by plain loops ----------------------------------------------------------------------

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// All gates of one example, W x + b or U h + d.
std::vector<double> product(const Linear& layer, const std::vector<double>& x) {
  const Grid weight(layer.weight), bias(layer.bias);
  std::vector<double> y = bias.values;
  for (std::size_t i = 0; i < y.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j) y[i] += weight.values[i * x.size() + j] * x[j];
  return y;
}

struct PlainState {
  std::vector<double> h, c;
};

PlainState plain_step(const RecurrentCell& cell, const std::vector<double>& x,
                      const PlainState& before) {
  const std::vector<double> a = product(cell.input, x), u = product(cell.hidden, before.h);
  const std::size_t width = before.h.size();
  PlainState after = before;
  for (std::size_t i = 0; i < width; ++i) {
    const auto both = [&](std::size_t gate) { return a[gate * width + i] + u[gate * width + i]; };
    if (cell.kind == Cell::gru) {
      const double r = logistic(both(0)), z = logistic(both(1));
      const double n = std::tanh(a[2 * width + i] + r * u[2 * width + i]);
      after.h[i] = (1 - z) * n + z * before.h[i];
    } else {
      after.c[i] = logistic(both(1)) * before.c[i] + logistic(both(0)) * std::tanh(both(2));
      after.h[i] = logistic(both(3)) * std::tanh(after.c[i]);
    }
  }
  return after;
}

std::vector<double> row(const Tensor& x, Index i) { return numbers(slice(x, 0, i, i + 1)); }

BOOST_AUTO_TEST_SUITE(recurrent)

BOOST_AUTO_TEST_CASE(a_cell_has_its_formula) {
  Dice dice(Key(2));
  for (int round = 0; round < 20; ++round)
    for (const Cell kind : kinds) {
      const Index batch = dice.between(1, 4), inputs = dice.between(1, 5),
                  width = dice.between(1, 5);
      const RecurrentCell cell = in_f64(RecurrentCell(kind, inputs, width, dice.key()));
      const Tensor x = dice.tensor({batch, inputs});
      CellState state{dice.tensor({batch, width}), {}};
      if (kind == Cell::lstm) state.memory = dice.tensor({batch, width});
      const CellState next = cell.step(cell.input(x), state);
      BOOST_TEST(next.memory.defined() == (kind == Cell::lstm));
      for (Index b = 0; b < batch; ++b) {
        PlainState plain{row(state.hidden, b), {}};
        if (kind == Cell::lstm) plain.c = row(state.memory, b);
        plain = plain_step(cell, row(x, b), plain);
        BOOST_TEST(distance(slice(next.hidden, 0, b, b + 1), from(plain.h, {1, width})) < exact);
        if (kind == Cell::lstm)
          BOOST_TEST(distance(slice(next.memory, 0, b, b + 1), from(plain.c, {1, width})) < exact);
      }
    }
}

// Each sequence alone, step by step: its rows in order for one cell, and from the last row on for
// the other. What stands in the padding after it has no influence.
BOOST_AUTO_TEST_CASE(both_directions_begin_at_the_ends_of_each_sequence) {
  const std::vector<Index> lengths = {2, 4, 0, 3};
  for (const Cell kind : kinds) {
    const Recurrent stack = in_f64(Recurrent(kind, 3, 6, 2, 0, Key(1), Directions::both));
    const Layout packed = Layout::packed(lengths), padded = Layout::padded(lengths, 5);
    const Tensor rows = normal({packed.rows(), 3}, 0, 1, Key(2), DType::f64);
    const Recurrent::Result result = stack(rows, packed, inference);
    const Recurrent::Result with_padding = stack(in_layout(rows, padded, 7), padded, inference);
    BOOST_TEST(distance(real_rows(with_padding.output, padded), result.output) < exact);
    BOOST_TEST(distance(tensors_of(with_padding.states), tensors_of(result.states)) < exact);

    for (Index example = 0; example < packed.examples(); ++example) {
      const Index length = packed.length(example);
      Tensor x = rows_of(rows, packed, example);  // [length, inputs]
      for (std::size_t layer = 0; layer < 2; ++layer) {
        const auto run = [&](const RecurrentCell& cell, bool forward) {
          CellState state{zeros({1, 3}, DType::f64), zeros({1, 3}, DType::f64)};
          Tensors outputs(static_cast<std::size_t>(length));
          for (Index i = 0; i < length; ++i) {
            const Index step = forward ? i : length - 1 - i;
            state = cell.step(cell.input(slice(x, 0, step, step + 1)), state);
            outputs[static_cast<std::size_t>(step)] = state.hidden;
          }
          return std::pair(length > 0 ? concat(outputs, 0) : zeros({0, 3}, DType::f64), state);
        };
        const auto [ahead, last] = run(stack.layers[layer], true);
        const auto [back, first] = run(stack.backward[layer], false);
        const CellState state = of_example(result.states, example)[layer];
        BOOST_TEST(distance(state.hidden, concat({last.hidden, first.hidden}, 1)) < exact);
        if (kind == Cell::lstm)
          BOOST_TEST(distance(state.memory, concat({last.memory, first.memory}, 1)) < exact);
        x = concat({ahead, back}, 1);
      }
      BOOST_TEST(distance(rows_of(result.output, packed, example), x) < exact);
    }
  }
}

BOOST_AUTO_TEST_CASE(two_directions_have_rules_of_their_own) {
  BOOST_CHECK_EXCEPTION(Recurrent(Cell::gru, 3, 5, 1, 0, Key(1), Directions::both), Error,
                        says("recurrent: two directions share a width of 5, which must be even"));
  const Recurrent stack(Cell::gru, 3, 4, 1, 0, Key(1), Directions::both);
  BOOST_TEST(stack.width() == 4);
  States states = stack.begin(2, DType::f32);
  BOOST_CHECK_EXCEPTION(stack.step(zeros({2, 3}), states), Error,
                        says("recurrent: a step in two directions needs the whole sequence"));
  BOOST_TEST(names_of(stack) ==
                 (std::vector<std::string>{"layers.0.input.weight", "layers.0.input.bias",
                                           "layers.0.hidden.weight", "layers.0.hidden.bias",
                                           "backward.0.input.weight", "backward.0.input.bias",
                                           "backward.0.hidden.weight", "backward.0.hidden.bias"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(weights_begin_uniform) {
  for (const Cell kind : kinds) {
    const Recurrent stack(kind, 30, 25, 2, 0, Key(3));
    for (const NamedTensor& parameter : named_parameters(stack)) {
      double largest = 0, total = 0;
      for (const double value : numbers(parameter.tensor)) {
        largest = std::max(largest, std::abs(value));
        total += value * value;
      }
      BOOST_TEST((largest <= 0.2 && largest > 0.18), parameter.name << ": up to " << largest);
      const double variance = total / static_cast<double>(parameter.tensor.numel());
      BOOST_TEST(std::abs(variance / (0.04 / 3) - 1) < 0.3, parameter.name);
    }
  }
  BOOST_TEST(names_of(Recurrent(Cell::gru, 3, 4, 2, 0, Key(1))) ==
                 (std::vector<std::string>{"layers.0.input.weight", "layers.0.input.bias",
                                           "layers.0.hidden.weight", "layers.0.hidden.bias",
                                           "layers.1.input.weight", "layers.1.input.bias",
                                           "layers.1.hidden.weight", "layers.1.hidden.bias"}),
             boost::test_tools::per_element());
}

// ---- Batches -----------------------------------------------------------------------------------

// Output rows, states, and the gradients of all inputs and parameters.
struct Outcome {
  Tensors results, gradients;
};

Outcome run(const Recurrent& stack, const Tensor& rows, const Layout& layout, const States& states,
            const Context& context) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = in_layout(rows, layout, nan);  // padding must not be read, not even times zero
  const Recurrent::Result result = stack(x, layout, context, states);
  Outcome outcome{tensors_of(result.states), {}};
  outcome.results.push_back(real_rows(result.output, layout));
  Tensor score = zeros({}, DType::f64);
  for (const Tensor& each : outcome.results)
    score = score + weighed(each, Key(static_cast<std::uint64_t>(each.numel())));
  Tensors inputs = tensors_of(states);
  inputs.push_back(rows);
  for (const Tensor& parameter : parameters(stack)) inputs.push_back(parameter);
  outcome.gradients = grad(score, inputs);
  return outcome;
}

void check_same(const Outcome& a, const Outcome& b) {
  BOOST_TEST(distance(a.results, b.results) < exact);
  BOOST_TEST(distance(a.gradients, b.gradients) < exact);
}

States leaves(const States& states) {
  return mapped(states, [](const Tensor& x) { return variable(x); });
}

BOOST_AUTO_TEST_CASE(padded_equals_packed) {
  Dice dice(Key(4));
  const std::vector<Index> lengths = {2, 0, 5, 1, 5, 3};
  const Layout packed = Layout::packed(lengths);
  for (const Cell kind : kinds)
    for (const double drop : {0.0, 0.4}) {
      const Recurrent stack = some_stack(kind, 3, drop);
      const Tensor rows = variable(dice.tensor({packed.rows(), 3}));
      const States states = leaves(some_states(stack, dice, packed.examples()));
      const auto with = [&](const Layout& layout, const Context& context) {
        return run(stack, rows, layout, states, context);
      };
      const auto training = [] { return Context::training(Key(5)); };
      const Outcome outcome = with(packed, training());
      check_same(with(Layout::padded(lengths, 5), training()), outcome);
      check_same(with(Layout::padded(lengths, 7), training()), outcome);
      const double apart = distance(with(packed, inference).results, outcome.results);
      BOOST_TEST((apart > 0.01) == (drop > 0));
    }
}

// Other examples and their lengths have no influence, and the state of a finished example stays.
BOOST_AUTO_TEST_CASE(each_example_is_computed_as_if_alone) {
  Dice dice(Key(6));
  for (int round = 0; round < 10; ++round)
    for (const Cell kind : kinds) {
      const Recurrent stack = some_stack(kind, 2, 0.3);
      std::vector<Index> lengths;
      for (Index i = dice.between(1, 5); i > 0; --i) lengths.push_back(dice.between(0, 4));
      const Layout packed = Layout::packed(lengths);
      const Tensor x = dice.tensor({packed.rows(), 3});
      const States begin = some_states(stack, dice, packed.examples());
      const Recurrent::Result all = stack(x, packed, Context::training(Key(7)), begin);
      for (Index b = 0; b < packed.examples(); ++b) {
        const Layout own = Layout::packed({packed.length(b)}).placed(b);
        const Recurrent::Result alone =
            stack(rows_of(x, packed, b), own, Context::training(Key(7)), of_example(begin, b));
        BOOST_TEST(distance(alone.output, rows_of(all.output, packed, b)) < exact);
        BOOST_TEST(distance(tensors_of(alone.states), tensors_of(of_example(all.states, b))) <
                   exact);
        if (packed.length(b) == 0)
          BOOST_TEST(same_bits(tensors_of(alone.states), tensors_of(of_example(begin, b))));
      }
    }
}

BOOST_AUTO_TEST_CASE(stepping_equals_running) {
  Dice dice(Key(8));
  for (const Cell kind : kinds) {
    const Recurrent stack = some_stack(kind, 2, 0.3);
    const Tensor x = dice.tensor({3, 5, 3});
    const States begin = some_states(stack, dice, 3);
    const Recurrent::Result whole = stack(x, Layout::full(3, 5), inference, begin);
    States states = begin;
    for (Index t = 0; t < 5; ++t) {
      const Tensor h = stack.step(reshape(slice(x, 1, t, t + 1), {3, 3}), states);
      BOOST_TEST(distance(h, reshape(slice(whole.output, 1, t, t + 1), {3, 4})) < exact);
    }
    BOOST_TEST(distance(tensors_of(states), tensors_of(whole.states)) < exact);
  }
}

BOOST_AUTO_TEST_CASE(steps_and_runs_drop_the_same_elements) {
  Dice dice(Key(9));
  const Layout layout = Layout::full(3, 5);
  const Recurrent stack = some_stack(Cell::gru, 3, 0.5);
  const Tensor x = dice.tensor({3, 5, 3});
  const Recurrent::Result whole = stack(x, layout, Context::training(Key(10)));
  const auto between = stack.dropouts(Context::training(Key(10)));
  const Tensor row_numbers = reshape(layout.row_numbers(), {3, 5});
  States states = stack.begin(3, DType::f64);
  for (Index t = 0; t < 5; ++t) {
    const Tensor h = stack.step(reshape(slice(x, 1, t, t + 1), {3, 3}), states, between,
                                reshape(slice(row_numbers, 1, t, t + 1), {3}));
    BOOST_TEST(distance(h, reshape(slice(whole.output, 1, t, t + 1), {3, 4})) < exact);
  }
}

BOOST_AUTO_TEST_CASE(a_run_continues_where_another_stopped) {
  Dice dice(Key(11));
  for (const Cell kind : kinds) {
    const Recurrent stack = some_stack(kind, 2);
    const Tensor x = dice.tensor({2, 6, 3});
    const auto part = [&](Index begin, Index end, const States& states) {
      return stack(slice(x, 1, begin, end), Layout::full(2, end - begin), inference, states);
    };
    const Recurrent::Result whole = part(0, 6, {}), first = part(0, 2, {});
    const Recurrent::Result rest = part(2, 6, first.states);
    BOOST_TEST(distance(concat({first.output, rest.output}, 1), whole.output) < exact);
    BOOST_TEST(distance(tensors_of(rest.states), tensors_of(whole.states)) < exact);
    BOOST_TEST(distance(whole.output, part(0, 6, stack.begin(2, DType::f64)).output) ==
               0);  // zeros by default
  }
}

BOOST_AUTO_TEST_CASE(there_may_be_no_rows) {
  for (const Cell kind : kinds) {
    const Recurrent stack = some_stack(kind, 2);
    const Recurrent::Result result =
        stack(zeros({2, 3, 3}, DType::f64), Layout::padded({0, 0}, 3), inference);
    BOOST_TEST(distance(result.output, zeros({2, 3, 4}, DType::f64)) == 0);
    BOOST_TEST(distance(tensors_of(result.states), tensors_of(stack.begin(2, DType::f64))) == 0);
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_right) {
  Dice dice(Key(12));
  const Layout layout = Layout::packed({2, 3, 1});
  for (const Cell kind : kinds)
    BOOST_TEST(nn::gradcheck(
        some_stack(kind, 2),
        [&](const Recurrent& stack, const Tensors& x) {
          const Recurrent::Result result = stack(x[0], layout, inference);
          return Tensors{result.output, result.states[0].hidden, result.states[1].hidden};
        },
        {dice.tensor({6, 3})}));
}

// ---- Errors ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(wrong_use_is_an_error) {
  BOOST_CHECK_EXCEPTION(
      Recurrent(Cell::gru, 3, 4, 0, 0, Key(1)), Error,
      says("recurrent: sizes must be positive, are: inputs 3, hidden 4, layers 0"));
  BOOST_CHECK_EXCEPTION(Recurrent(Cell::gru, 3, 4, 1, 1, Key(1)), Error,
                        says("recurrent: dropout must lie in [0, 1), is 1"));
  const Recurrent gru(Cell::gru, 3, 4, 2, 0, Key(1)), lstm(Cell::lstm, 3, 4, 1, 0, Key(1));
  const Tensor x = zeros({2, 5, 3});
  const Layout layout = Layout::full(2, 5);
  const auto with = [&](const Recurrent& stack, const States& states) {
    return [=] { stack(x, layout, inference, states); };
  };
  BOOST_CHECK_EXCEPTION(with(gru, gru.begin(3, DType::f32))(), Error,
                        says("recurrent: the state h of layer 0 must be [2, 4], is [3, 4]"));
  BOOST_CHECK_EXCEPTION(with(gru, lstm.begin(2, DType::f32))(), Error,
                        says("recurrent: 1 states for 2 layers"));
  BOOST_CHECK_EXCEPTION(with(lstm, {gru.begin(2, DType::f32)[0]})(), Error,
                        says("recurrent: layer 0 has no memory c"));
  BOOST_CHECK_EXCEPTION(gru(zeros({2, 4, 3}), layout, inference), Error,
                        says("time order: the layout is [2, 5], x is [2, 4, 3]"));
  BOOST_CHECK_EXCEPTION(
      gru(zeros({2, 5, 2}), layout, inference), Error,
      says("linear: x must be […, inputs] and the weight [outputs, inputs]; x is [10, "
           "2], the weight [12, 3]"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
