#include "examples/seq2seq/run/update_meter.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "autograd/support/threads.h"

namespace adjoint::seq2seq {
namespace {

// "encoder.blocks.0.attention.query.weight" belongs to "encoder.blocks.0".
std::string group_of(const std::string& path) {
  std::size_t end = path.find('.');
  if (end != std::string::npos) end = path.find('.', end + 1);
  const bool numbered = end != std::string::npos && std::isdigit(path[end + 1]);
  if (numbered) end = path.find('.', end + 1);
  return path.substr(0, end);
}

struct Squares {
  double moved = 0, own = 0;
};

template <class T>
Squares squares(const std::vector<T>& before, std::span<const T> now) {
  Squares sums;
  double moved = 0, own = 0;
  const T* const a = before.data();
  const T* const b = now.data();
#pragma omp simd reduction(+ : moved, own)
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double w = a[i], d = b[i] - a[i];
    own += w * w;
    moved += d * d;
  }
  return {moved, own};
}

}  // namespace

UpdateMeter::UpdateMeter(const nn::Module& module) {
  for (const nn::NamedTensor& parameter : nn::named_parameters(module)) {
    const std::string group = group_of(parameter.name);
    if (std::ranges::find(groups_, group) == groups_.end()) groups_.push_back(group);
    group_of_.push_back(
        static_cast<std::size_t>(std::ranges::find(groups_, group) - groups_.begin()));
    parameters_.push_back(parameter.tensor);
  }
  before32_.resize(parameters_.size());
  before64_.resize(parameters_.size());
}

void UpdateMeter::before_step() {
  parallel_tasks(std::ssize(parameters_), [&](Index task) {
    const auto i = static_cast<std::size_t>(task);
    const Tensor& w = parameters_[i];
    if (w.dtype() == DType::f32)
      before32_[i].assign(w.values<float>().begin(), w.values<float>().end());
    else
      before64_[i].assign(w.values<double>().begin(), w.values<double>().end());
  });
}

std::vector<double> UpdateMeter::ratios() const {
  std::vector<Squares> each(parameters_.size());
  parallel_tasks(std::ssize(parameters_), [&](Index task) {
    const auto i = static_cast<std::size_t>(task);
    const Tensor& w = parameters_[i];
    each[i] = w.dtype() == DType::f32 ? squares<float>(before32_[i], w.values<float>())
                                      : squares<double>(before64_[i], w.values<double>());
  });
  std::vector<Squares> sums(groups_.size() + 1);
  for (std::size_t i = 0; i < each.size(); ++i)
    for (Squares* sum : {&sums[group_of_[i]], &sums.back()}) {
      sum->moved += each[i].moved;
      sum->own += each[i].own;
    }
  std::vector<double> ratios;
  for (const Squares& sum : sums)
    ratios.push_back(sum.own > 0 ? std::sqrt(sum.moved / sum.own) : std::nan(""));
  return ratios;
}

}  // namespace adjoint::seq2seq
