// GRU and LSTM with given initial states, over sequences of different lengths, padded and packed.
#include "nn/layers/recurrent.h"

#include <boost/test/unit_test.hpp>

#include "tests/parity/vectors.h"

namespace adjoint::parity {
namespace {

using namespace nn;

template <Cell kind, Index layers>
void check_stack(Case& stored) {
  const Layout padded = Layout::padded(stored.lengths("lengths"), 5);
  for (const Layout& layout : {padded, Layout::packed(padded.lengths())}) {
    stored.again();
    const auto model = stored.module(Recurrent(kind, 3, 4, layers, 0, Key(1)));
    const Tensor x = arranged(stored.input("x"), layout, padded);
    const Index batch = layout.examples();
    // The states of all layers are in one tensor, [layers, batch, hidden].
    const auto begin = [&](const std::string& key) {
      return split(reshape(stored.input(key), {layers * batch, 4}), 0,
                   std::vector<Index>(static_cast<std::size_t>(layers), batch));
    };
    const Tensors hidden = begin("begin/hidden");
    const Tensors memory = kind == Cell::lstm ? begin("begin/memory") : Tensors(hidden.size());
    States states;
    for (std::size_t i = 0; i < hidden.size(); ++i) states.push_back({hidden[i], memory[i]});

    const Recurrent::Result result = model(x, layout, Context::inference(), states);
    stored.compare_rows("output", result.output, layout);
    const Tensor weights = arranged(stored.constant("cotangent/output"), layout, padded);
    Tensor loss = sum(result.output * weights);
    const auto end = [&](const std::string& name, Tensor CellState::*tensor) {
      Tensors each;
      for (const CellState& state : result.states) each.push_back(state.*tensor);
      stored.compare("end/" + name, stack(each));
      loss = loss + sum(stack(each) * stored.constant("cotangent/end/" + name));
    };
    end("hidden", &CellState::hidden);
    if (kind == Cell::lstm) end("memory", &CellState::memory);
    stored.compare_gradients_of(loss);
  }
}

}  // namespace

const Checks& recurrent_checks() {
  static const Checks checks = {
      {"gru_1", check_stack<Cell::gru, 1>},
      {"gru_2", check_stack<Cell::gru, 2>},
      {"lstm_1", check_stack<Cell::lstm, 1>},
      {"lstm_2", check_stack<Cell::lstm, 2>},
  };
  return checks;
}

}  // namespace adjoint::parity
