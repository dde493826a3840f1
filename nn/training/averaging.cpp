#include "nn/training/averaging.h"

#include <algorithm>
#include <cmath>

#include "nn/training/elements.h"

namespace adjoint::nn {

MovingAverage::MovingAverage(Tensors parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  require(decay >= 0 && decay < 1, "moving average: the decay must be at least 0 and below 1, got ",
          decay);
  for (const Tensor& parameter : parameters_)
    average_.push_back(zeros(parameter.shape(), parameter.dtype()));
}

void MovingAverage::update() {
  ++updates_;
  const double share = (1 - decay_) / (1 - std::pow(decay_, static_cast<double>(updates_)));
  each_element<0>(average_, parameters_, 1, {}, [=]<Real T>() {
    return [alpha = T(share)](T& average, T w) { average += alpha * (w - average); };
  });
}

void MovingAverage::swap() {
  require(updates_ > 0, "moving average: there is no average before the first update");
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    dispatch(average_[i].dtype(), [&]<class T>() {
      std::ranges::swap_ranges(parameters_[i].edit<T>(), average_[i].edit<T>());
    });
}

void MovingAverage::state(State& visit) {
  visit.fixed("decay", decay_);
  visit("updates", updates_)("average", average_, parameters_);
}

SafeTensors average_checkpoints(std::span<const std::filesystem::path> paths) {
  require(!paths.empty(), "average_checkpoints: needs at least one checkpoint");
  const std::string first = paths.front().string();
  SafeTensors result = read_safetensors(paths.front());
  std::map<std::string, Tensor> sums;  // f64
  for (const auto& [name, tensor] : result.tensors) {
    require(is_real(tensor.dtype()), first, ": ", name, " is ", tensor.dtype(),
            "; only f32 and f64 can be averaged");
    sums[name] = copy(cast(tensor, DType::f64));
  }
  const VisitState tensors = [&](State& visit) {
    for (auto& [name, tensor] : result.tensors) visit(name, tensor);
  };
  for (const std::filesystem::path& path : paths.subspan(1)) {
    SafeTensors file = read_safetensors(path);
    result.metadata = std::exchange(file.metadata, {});
    restore(tensors, file, first, path.string() + ": differs from " + first + ": ");
    for (const auto& [name, tensor] : result.tensors)
      sums[name] = sums[name] + cast(tensor, DType::f64);
  }
  const Tensor count = scalar(static_cast<double>(paths.size()), DType::f64);
  for (auto& [name, tensor] : result.tensors) tensor = cast(sums[name] / count, tensor.dtype());
  return result;
}

}  // namespace adjoint::nn
