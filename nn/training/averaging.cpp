#include "nn/training/averaging.h"

#include <algorithm>
#include <cmath>

#include "autograd/support/error.h"
#include "nn/training/gradients.h"

namespace adjoint::nn {

// ---- Along a run --------------------------------------------------------------------------------

namespace {

template <Real T>
void move_towards(T* average, const T* w, T share, Index count) {
#pragma omp simd
  for (Index i = 0; i < count; ++i) average[i] += share * (w[i] - average[i]);
}

}  // namespace

MovingAverage::MovingAverage(Tensors parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  require(decay >= 0 && decay < 1, "moving average: the decay must be from 0 to below 1, got ",
          decay);
  for (const Tensor& parameter : parameters_)
    average_.push_back(zeros(parameter.shape(), parameter.dtype()));
}

void MovingAverage::update() {
  ++updates_;
  const double share = (1 - decay_) / (1 - std::pow(decay_, static_cast<double>(updates_)));
  const std::vector<Elements> averages = edit_all(average_);
  Pieces(parameters_).each_run([&](std::size_t i, Index begin, Index end) {
    std::visit(
        [&]<class T>(std::span<T> average) {
          move_towards(average.data() + begin, parameters_[i].values<T>().data() + begin,
                       static_cast<T>(share), end - begin);
        },
        averages[i]);
  });
}

void MovingAverage::swap() {
  require(updates_ > 0, "moving average: there is none before the first update");
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    dispatch(average_[i].dtype(), [&]<class T>() {
      std::ranges::swap_ranges(parameters_[i].edit<T>(), average_[i].edit<T>());
    });
}

void MovingAverage::state(State& visit) {
  visit.fixed("decay", decay_);
  visit("updates", updates_)("average", average_, parameters_);
}

// ---- Of checkpoints -----------------------------------------------------------------------------

namespace {

using NamedTensors = std::map<std::string, Tensor>;

// The sums of all files so far, in f64.
void add(std::vector<std::vector<double>>& sums, const NamedTensors& tensors) {
  auto sum = sums.begin();
  for (const auto& [name, tensor] : tensors) {
    dispatch(tensor.dtype(), [&]<class T>() {
      std::ranges::transform(tensor.values<T>(), *sum, sum->begin(), [](T value, double total) {
        return total + static_cast<double>(value);
      });
    });
    ++sum;
  }
}

// That a file has the names and forms of the first.
void require_like(const NamedTensors& first, const NamedTensors& other, const std::string& file,
                  const std::string& first_file) {
  for (const auto& [name, tensor] : other)
    require(first.contains(name), file, ": has ", name, ", which ", first_file, " has not");
  for (const auto& [name, tensor] : first) {
    const auto found = other.find(name);
    require(found != other.end(), file, ": has no ", name, ", which ", first_file, " has");
    require(found->second.form() == tensor.form(), file, ": ", name, " is ", found->second.dtype(),
            ' ', found->second.shape(), ", in ", first_file, " it is ", tensor.dtype(), ' ',
            tensor.shape());
  }
}

}  // namespace

SafeTensors average_checkpoints(std::span<const std::filesystem::path> paths) {
  require(!paths.empty(), "average_checkpoints: needs at least one checkpoint");
  SafeTensors result = read_safetensors(paths.front());
  std::vector<std::vector<double>> sums;
  for (const auto& [name, tensor] : result.tensors) {
    require(is_real(tensor.dtype()), paths.front().string(), ": ", name, " is ", tensor.dtype(),
            ", of which there is no average");
    sums.emplace_back(static_cast<std::size_t>(tensor.numel()));
  }
  add(sums, result.tensors);
  for (const std::filesystem::path& path : paths.subspan(1)) {
    SafeTensors next = read_safetensors(path);
    require_like(result.tensors, next.tensors, path.string(), paths.front().string());
    add(sums, next.tensors);
    result.metadata = std::move(next.metadata);
  }

  auto sum = sums.begin();
  for (auto& [name, tensor] : result.tensors) {
    dispatch(tensor.dtype(), [&]<class T>() {
      std::ranges::transform(*sum, tensor.edit<T>().begin(), [&](double total) {
        return static_cast<T>(total / static_cast<double>(paths.size()));
      });
    });
    ++sum;
  }
  return result;
}

}  // namespace adjoint::nn
