// Recurrent layers: stacks of GRU or LSTM cells. Gates and their order are PyTorch's, so weights
// can be exchanged.
#pragma once

#include <functional>
#include <span>

#include "nn/batch/context.h"
#include "nn/batch/time_order.h"
#include "nn/layers/dropout.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

/// The kind of a recurrent layer.
enum class Cell { gru, lstm };

/// Whether a stack reads a sequence from its begin only, or also from its end (Schuster and Paliwal
/// 1997).
enum class Directions { forward, both };

/// What a cell passes on from step to step.
struct CellState {
  Tensor hidden;  // h [examples, hidden]
  Tensor memory;  // c [examples, hidden] of an LSTM, undefined for a GRU
};
/// One state per layer, from the first layer to the last.
using States = std::vector<CellState>;

/// One step of a recurrent layer.
///
/// GRU (Cho et al. 2014, in the form that applies the reset gate after the product), gates r, z, n:
///
///   r, z = σ(W x + b + U h + d)     n = tanh(W x + b + r ⊙ (U h + d))     h' = (1 − z) ⊙ n + z ⊙ h
///
/// LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000), gates i, f, g, o:
///
///   i, f, o = σ(W x + b + U h + d)  g = tanh(W x + b + U h + d)
///   c' = f ⊙ c + i ⊙ g              h' = o ⊙ tanh(c')
///
/// All weights and biases start uniform in ±1/√hidden, as in PyTorch.
struct RecurrentCell : Module {
  Linear input;   // W, b of all gates side by side: inputs to gates · hidden
  Linear hidden;  // U, d: hidden to gates · hidden
  Cell kind;

  RecurrentCell(Cell kind, Index inputs, Index hidden, Key key);
  void fields(Fields& visit) override { visit("input", input)("hidden", hidden); }

  Index width() const { return hidden.weight.size(1); }
  /// The next state, from projected = input(x) [examples, gates · hidden] and the previous state.
  CellState step(const Tensor& projected, const CellState& state) const;
};

/// Dropout in a loop over time: it takes the key once, and each row draws by its own number.
class StepDropout {
 public:
  /// The identity outside of training.
  StepDropout(double p, const Context& context) : p_(context.training() ? p : 0) {
    if (p_ > 0) key_ = context.take_key();
  }
  Tensor operator()(const Tensor& x, const Tensor& row_numbers) const {
    return p_ == 0 ? x : adjoint::dropout(x, p_, key_, row_numbers);
  }

 private:
  double p_;
  Key key_{};
};

/// A stack of cells. Each layer reads the output of the one below, after dropout in training.
///
/// In both directions a layer has two cells of half the width, and their h stand side by side: so
/// all shapes are those of one direction. The second cell begins at each sequence's own last row. A
/// state holds what each direction ends with.
struct Recurrent : Module {
  std::vector<RecurrentCell> layers;
  std::vector<RecurrentCell> backward;  // empty, or the second cell of each layer
  double drop;                          // between the layers

  /// Error unless all sizes are positive and 0 ≤ drop < 1; for an odd `hidden` in both directions.
  Recurrent(Cell kind, Index inputs, Index hidden, Index layer_count, double drop, Key key,
            Directions directions = Directions::forward);
  void fields(Fields& visit) override { visit("layers", layers)("backward", backward); }

  /// Features of the output.
  Index width() const { return layers.front().width() * (backward.empty() ? 1 : 2); }

  /// The last layer's h at each row, and each layer's state after the last row of each example.
  struct Result {
    Tensor output;  // like x, with `hidden` features; zeros for padding
    States states;  // an example without rows keeps its initial state
  };
  /// x […, inputs] in this layout. The initial states are zeros unless given.
  Result operator()(const Tensor& x, const Layout& layout, const Context& context,
                    States states = {}) const;
  /// The same for rows in time order: x [real rows, inputs], and so is the output.
  Result in_order(const Tensor& x, const TimeOrder& order, const Context& context,
                  States states = {}) const;

  /// States of zeros for a batch.
  States begin(Index examples, DType dtype) const;
  /// A single step of each example, in one direction only: x [examples, inputs] to the last layer's
  /// h. Updates the states. `between` is empty, or holds the dropout between layers, which needs
  /// the numbers of x's rows.
  Tensor step(const Tensor& x, States& states, std::span<const StepDropout> between = {},
              const Tensor& row_numbers = {}) const;
  /// The dropouts that step() takes in training.
  std::vector<StepDropout> dropouts(const Context& context) const;
};

/// The states with f applied to each tensor.
States mapped(States states, const std::function<Tensor(const Tensor&)>& f);

}  // namespace adjoint::nn
