// How a run trains it.
#pragma once

#include <cstdint>
#include <string>

#include "autograd/shape.h"

namespace CLI {
class App;
}

namespace adjoint::seq2seq {

struct TrainingSettings {
  Index epochs = 30, batch = 128, shards = 2;
  double learning_rate = 1e-3, clip = 1, smoothing = 0;
  std::string schedule = "constant";
  Index warm_up = 0;
  std::uint64_t seed = 1;
};

void add_options(CLI::App& app, TrainingSettings& settings);

}  // namespace adjoint::seq2seq
