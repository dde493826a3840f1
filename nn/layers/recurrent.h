// Recurrent layers: GRU and LSTM, one cell or several on top of each other. Gates and their order
// are PyTorch's, so that weights can be exchanged.
#pragma once

#include <functional>
#include <span>

#include "nn/batch/context.h"
#include "nn/batch/time_order.h"
#include "nn/layers/linear.h"

namespace adjoint::nn {

enum class Cell { gru, lstm };

/// What a cell hands on from step to step.
struct CellState {
  Tensor hidden;  // h [examples, hidden]
  Tensor memory;  // c [examples, hidden] of an LSTM, not defined for a GRU
};
/// One for each layer, the first layer first.
using States = std::vector<CellState>;

/// One step of a recurrent layer.
///
/// GRU (Cho et al. 2014, in the form with the reset gate after the product), gates r, z, n:
///   r, z = σ(W x + b + U h + d)     n = tanh(W x + b + r ⊙ (U h + d))     h' = (1 − z) ⊙ n + z ⊙ h
/// LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000), gates i, f, g, o:
///   i, f, o = σ(W x + b + U h + d)  g = tanh(W x + b + U h + d)
///   c' = f ⊙ c + i ⊙ g              h' = o ⊙ tanh(c')
///
/// All weights begin uniform in ±1/√hidden, biases too, as PyTorch's do.
struct RecurrentCell : Module {
  Linear input;   // W, b of all gates side by side: inputs to gates · hidden
  Linear hidden;  // U, d: hidden to gates · hidden
  Cell kind;

  RecurrentCell(Cell kind, Index inputs, Index hidden, Key key);
  void fields(Fields& visit) override { visit("input", input)("hidden", hidden); }

  Index width() const { return hidden.weight.size(1); }
  /// From projected = input(x), [examples, gates · hidden], and the state before.
  CellState step(const Tensor& projected, const CellState& state) const;
  /// Zeros.
  CellState begin(Index examples, DType dtype) const;
};

/// Dropout in a loop over time: the key is taken once, and each row draws by its own number.
class StepDropout {
 public:
  /// None outside of training.
  StepDropout(double p, const Context& context);
  Tensor operator()(const Tensor& x, const Tensor& row_numbers) const {
    return p_ == 0 ? x : adjoint::dropout(x, p_, key_, row_numbers);
  }

 private:
  double p_;
  Key key_{};
};

/// Cells on top of each other, each fed with what the one below gives, dropped out in training.
struct Recurrent : Module {
  std::vector<RecurrentCell> layers;
  double drop;  // between the layers

  /// Error unless there is a layer, sizes are positive and 0 ≤ drop < 1.
  Recurrent(Cell kind, Index inputs, Index hidden, Index layer_count, double drop, Key key);
  void fields(Fields& visit) override { visit("layers", layers); }

  /// The last layer's h after each row, and each layer's state after the last row of each example.
  struct Result {
    Tensor output;  // as x, with `hidden` features; zeros as padding
    States states;  // an example of no rows keeps the state that it began with
  };
  /// x […, inputs] in this layout. Begins with the given states, or with zeros.
  Result operator()(const Tensor& x, const Layout& layout, const Context& context,
                    States states = {}) const;
  /// The same where rows are in the order of time already: x and the output [real rows, width].
  Result in_order(const Tensor& x, const TimeOrder& order, const Context& context,
                  States states = {}) const;

  /// Zeros for so many examples.
  States begin(Index examples, DType dtype) const;
  /// A single step for each example: x [examples, inputs] to the last layer's h. The states move
  /// on. `between` is empty, or has a dropout for each two layers, with numbers for x's rows.
  Tensor step(const Tensor& x, States& states, std::span<const StepDropout> between = {},
              const Tensor& row_numbers = {}) const;
  /// What step() takes in training.
  std::vector<StepDropout> dropouts(const Context& context) const;
};

/// f of each tensor in the states.
States mapped(States states, const std::function<Tensor(const Tensor&)>& f);

/// The states of a batch in the order of time, whose examples end one after the other, those at the
/// end of the batch first. A state that has ended is put aside and does not move on.
class ShrinkingStates {
 public:
  explicit ShrinkingStates(States states) : running_(std::move(states)) {}

  /// Those of the examples that go on: the first so many of all. The others have ended.
  States& keep(Index count);
  /// Those of all examples, each as it ended.
  States finish();

 private:
  States running_;
  std::vector<States> ended_;
};

}  // namespace adjoint::nn
