#include "nn/layers/recurrent.h"

#include <cmath>

namespace adjoint::nn {
namespace {

Index gates_of(Cell kind) { return kind == Cell::gru ? 3 : 4; }

// Weight and bias uniform in ±1/√width.
Linear uniform_linear(Index inputs, Index outputs, Index width, Key key) {
  Linear result(inputs, outputs, key);
  const double bound = 1 / std::sqrt(static_cast<double>(width));
  result.weight = variable(uniform({outputs, inputs}, -bound, bound, key.child("weight")));
  result.bias = variable(uniform({outputs}, -bound, bound, key.child("bias")));
  return result;
}

// h' = (1 − z) ⊙ n + z ⊙ h = n + z ⊙ (h − n)
Tensor gru(const Tensor& from_input, const Tensor& from_hidden, const Tensor& h) {
  const Index width = h.size(1);
  const Tensors x = split(from_input, 1, {2 * width, width});  // r and z, n
  const Tensors u = split(from_hidden, 1, {2 * width, width});
  const Tensors gates = split(sigmoid(x[0] + u[0]), 1, {width, width});
  const Tensor &r = gates[0], &z = gates[1];
  const Tensor n = tanh(x[1] + r * u[1]);
  return n + z * (h - n);
}

CellState lstm(const Tensor& sums, const Tensor& c) {
  const Index width = c.size(1);
  const Tensors parts = split(sums, 1, {width, width, width, width});
  const Tensor i = sigmoid(parts[0]), f = sigmoid(parts[1]), g = tanh(parts[2]),
               o = sigmoid(parts[3]);
  const Tensor next = f * c + i * g;
  return {o * tanh(next), next};
}

void require_states(const Recurrent& stack, const States& states, Index examples) {
  require(states.size() == stack.layers.size(), "recurrent: ", states.size(), " states for ",
          stack.layers.size(), " layers");
  for (std::size_t i = 0; i < states.size(); ++i) {
    const Shape expected{examples, stack.width()};
    const auto require_shape = [&](const char* what, const Tensor& x) {
      require(x.defined(), "recurrent: layer ", i, " has no ", what);
      require(x.shape() == expected, "recurrent: the ", what, " of layer ", i, " must be ",
              expected, ", is ", x.shape());
    };
    require_shape("state h", states[i].hidden);
    if (stack.layers[i].kind == Cell::lstm) require_shape("memory c", states[i].memory);
  }
}

// Restores the order of the batch: finished examples were set aside from its end.
CellState joined(const std::vector<CellState>& parts) {
  const auto join = [&](Tensor CellState::*tensor) {
    Tensors pieces;
    for (auto state = parts.rbegin(); state != parts.rend(); ++state)
      pieces.push_back(*state.*tensor);
    return concat(pieces, 0);  // [examples, hidden]
  };
  return {join(&CellState::hidden),
          parts[0].memory.defined() ? join(&CellState::memory) : Tensor()};
}

// A cell over all steps: x [real rows, inputs] to h [real rows, hidden]. One product projects the
// inputs of all steps. The batch shrinks as its examples finish, and `state` becomes each example's
// last one.
Tensor run_cell(const RecurrentCell& layer, const Tensor& x, const TimeOrder& order,
                CellState& state) {
  const Tensors projected = split(layer.input(x), 0, order.counts());  // [count, gates · hidden]
  const auto part = [](const CellState& of, Index begin, Index end) {
    return mapped({of}, [=](const Tensor& all) { return slice(all, 0, begin, end); })[0];
  };
  std::vector<CellState> finished;
  Tensors outputs = {zeros({0, layer.width()}, x.dtype())};  // in case there is no step
  for (const Tensor& step : projected) {
    const Index count = step.size(0), all = state.hidden.size(0);
    if (count < all) {
      finished.push_back(part(state, count, all));
      state = part(state, 0, count);
    }
    state = layer.step(step, state);
    outputs.push_back(state.hidden);
  }
  if (!finished.empty()) {
    finished.push_back(state);
    state = joined(finished);
  }
  return concat(outputs, 0);
}

// The features from `begin` to `end` of a state.
CellState features(const CellState& state, Index begin, Index end) {
  return mapped({state}, [=](const Tensor& x) { return slice(x, 1, begin, end); })[0];
}

// A layer in its direction, or in both: x [real rows, inputs] to [real rows, width].
Tensor run_layer(const Recurrent& stack, std::size_t i, const Tensor& x, const TimeOrder& order,
                 CellState& state) {
  if (stack.backward.empty()) return run_cell(stack.layers[i], x, order, state);
  const Index half = stack.layers[i].width();
  CellState ahead = features(state, 0, half), back = features(state, half, 2 * half);
  const Tensor from_begin = run_cell(stack.layers[i], x, order, ahead);
  const Tensor from_end = run_cell(stack.backward[i], order.mirror(x), order, back);
  state.hidden = concat({ahead.hidden, back.hidden}, 1);
  if (state.memory.defined()) state.memory = concat({ahead.memory, back.memory}, 1);
  return concat({from_begin, order.mirror(from_end)}, 1);
}

}  // namespace

// ---- Cells -------------------------------------------------------------------------------------

RecurrentCell::RecurrentCell(Cell cell, Index inputs, Index width, Key key)
    : input(uniform_linear(inputs, gates_of(cell) * width, width, key.child("input"))),
      hidden(uniform_linear(width, gates_of(cell) * width, width, key.child("hidden"))),
      kind(cell) {}

CellState RecurrentCell::step(const Tensor& projected, const CellState& state) const {
  const Tensor from_hidden = hidden(state.hidden);  // [examples, gates · hidden]
  if (kind == Cell::gru) return {gru(projected, from_hidden, state.hidden), {}};
  return lstm(projected + from_hidden, state.memory);
}

States mapped(States states, const std::function<Tensor(const Tensor&)>& f) {
  for (CellState& state : states) {
    state.hidden = f(state.hidden);
    if (state.memory.defined()) state.memory = f(state.memory);
  }
  return states;
}

// ---- Layers ------------------------------------------------------------------------------------

Recurrent::Recurrent(Cell kind, Index inputs, Index hidden, Index layer_count, double p, Key key,
                     Directions directions)
    : drop(p) {
  require(inputs > 0 && hidden > 0 && layer_count > 0,
          "recurrent: sizes must be positive, are: inputs ", inputs, ", hidden ", hidden,
          ", layers ", layer_count);
  require(p >= 0 && p < 1, "recurrent: dropout must lie in [0, 1), is ", p);
  const bool both = directions == Directions::both;
  require(!both || hidden % 2 == 0, "recurrent: two directions share a width of ", hidden,
          ", which must be even");
  const auto add = [&](std::vector<RecurrentCell>& cells, Index width, Key of_cells) {
    for (Index i = 0; i < layer_count; ++i)
      cells.emplace_back(kind, i == 0 ? inputs : hidden, width,
                         of_cells.child(static_cast<std::uint64_t>(i)));
  };
  add(layers, both ? hidden / 2 : hidden, key.child("layers"));
  if (both) add(backward, hidden / 2, key.child("backward"));
}

States Recurrent::begin(Index examples, DType dtype) const {
  States states;
  for (const RecurrentCell& layer : layers) {
    const Tensor nothing = zeros({examples, width()}, dtype);
    states.push_back({nothing, layer.kind == Cell::lstm ? nothing : Tensor()});
  }
  return states;
}

std::vector<StepDropout> Recurrent::dropouts(const Context& context) const {
  std::vector<StepDropout> between;
  for (std::size_t i = 0; i + 1 < layers.size(); ++i)
    between.emplace_back(drop, context.child("layers", i));
  return between;
}

Recurrent::Result Recurrent::in_order(const Tensor& x, const TimeOrder& order,
                                      const Context& context, States states) const {
  const NameScope scope(context.path());
  if (states.empty()) states = begin(order.examples(), x.dtype());
  require_states(*this, states, order.examples());
  states = mapped(states, [&](const Tensor& state) { return order.sort(state); });
  const std::vector<StepDropout> between = dropouts(context);

  Tensor output = x;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i > 0) output = between[i - 1](output, order.row_numbers());
    output = run_layer(*this, i, output, order, states[i]);  // [real rows, hidden]
  }
  return {output, mapped(states, [&](const Tensor& state) { return order.unsort(state); })};
}

Recurrent::Result Recurrent::operator()(const Tensor& x, const Layout& layout,
                                        const Context& context, States states) const {
  const TimeOrder order(layout);
  Result result = in_order(order.arrange(x), order, context, std::move(states));
  result.output = order.restore(result.output);  // […, hidden]
  return result;
}

Tensor Recurrent::step(const Tensor& x, States& states, std::span<const StepDropout> between,
                       const Tensor& row_numbers) const {
  require(backward.empty(), "recurrent: a step in two directions needs the whole sequence");
  require_states(*this, states, x.size(0));
  Tensor output = x;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i > 0 && !between.empty()) output = between[i - 1](output, row_numbers);
    states[i] = layers[i].step(layers[i].input(output), states[i]);
    output = states[i].hidden;  // [examples, hidden]
  }
  return output;
}

}  // namespace adjoint::nn
