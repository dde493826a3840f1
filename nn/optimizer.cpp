#include "nn/optimizer.h"

#include <cmath>

#include "autograd/kernels/elementwise.h"
#include "autograd/kernels/reduce.h"

namespace adjoint::nn {
namespace {

// f(T) for the real type of x.
template <class F>
void for_real(const Tensor& x, F f) {
  dispatch(x.dtype(), [&]<class T>() {
    if constexpr (Real<T>) f.template operator()<T>();
  });
}

}  // namespace

double global_norm(const Tensors& gradients) {
  double squares = 0;
  for (const Tensor& gradient : gradients)
    for_real(gradient, [&]<class T>() {
      // Pieces of fixed size, summed in order: the same bits on any number of threads.
      const std::span<const T> g = gradient.values<T>();
      const auto count = static_cast<Index>(g.size());
      const Index pieces = (count + kernels::reduction_grain - 1) / kernels::reduction_grain;
      std::vector<double> partial(static_cast<std::size_t>(pieces), 0);
      parallel_for(count, kernels::reduction_grain, [&](Index begin, Index end) {
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (Index i = begin; i < end; ++i) {
          const auto value = static_cast<double>(g[static_cast<std::size_t>(i)]);
          total += value * value;
        }
        partial[static_cast<std::size_t>(begin / kernels::reduction_grain)] = total;
      });
      for (const double total : partial) squares += total;
    });
  return std::sqrt(squares);
}

void require_finite(const char* function, double norm) {
  if (std::isfinite(norm)) return;
  std::ostringstream text;
  text << function << ": the gradients' norm is " << norm
       << "; the loss or a value before it is NaN or has overflowed; DetectAnomaly "
          "(autograd/anomaly.h) says where";
  throw NotFinite(text.str());
}

double clip_by_global_norm(Tensors& gradients, double limit) {
  const double norm = global_norm(gradients);
  require_finite("clip_by_global_norm", norm);
  // The small term keeps the factor finite; other frameworks have it, and the same value.
  const double factor = limit / (norm + 1e-6);
  if (factor < 1)
    for (Tensor& gradient : gradients)
      for_real(gradient, [&]<class T>() {
        const T scale = static_cast<T>(factor);
        const std::span<T> g = gradient.edit<T>();
        kernels::map(std::span<const T>(g), g, [=](T x) { return x * scale; });
      });
  return norm;
}

void Optimizer::step(const Tensors& gradients) {
  require(gradients.size() == parameters_.size(), "optimizer: ", gradients.size(),
          " gradients for ", parameters_.size(), " parameters");
  for (std::size_t i = 0; i < gradients.size(); ++i)
    require(gradients[i].form() == parameters_[i].form(), "optimizer: parameter ",
            parameters_[i].name(), " is ", parameters_[i].dtype(), ' ', parameters_[i].shape(),
            ", its gradient ", gradients[i].dtype(), ' ', gradients[i].shape());
  ++steps_;
  for (std::size_t i = 0; i < gradients.size(); ++i) update(i, parameters_[i], gradients[i]);
}

Tensors Optimizer::zeros_like_parameters() const {
  Tensors result;
  for (const Tensor& parameter : parameters_)
    result.push_back(zeros(parameter.shape(), parameter.dtype()));
  return result;
}

Sgd::Sgd(Tensors parameters, double learning_rate, double momentum)
    : Optimizer(std::move(parameters)), momentum_(momentum) {
  rate_ = learning_rate;
  if (momentum_ != 0) velocities_ = zeros_like_parameters();
}

void Sgd::update(std::size_t i, Tensor& parameter, const Tensor& gradient) {
  for_real(parameter, [&]<class T>() {
    const T rate = static_cast<T>(rate_), momentum = static_cast<T>(momentum_);
    std::span<const T> direction = gradient.values<T>();
    if (momentum != 0) {
      const std::span<T> v = velocities_[i].edit<T>();
      kernels::zip(std::span<const T>(v), direction, v,
                   [=](T velocity, T g) { return momentum * velocity + g; });
      direction = v;
    }
    const std::span<T> w = parameter.edit<T>();
    kernels::zip(std::span<const T>(w), direction, w, [=](T x, T d) { return x - rate * d; });
  });
}

Adam::Adam(Tensors parameters, const AdamOptions& options)
    : Optimizer(std::move(parameters)),
      options_(options),
      first_moments_(zeros_like_parameters()),
      second_moments_(zeros_like_parameters()) {
  rate_ = options.learning_rate;
}

void Adam::update(std::size_t i, Tensor& parameter, const Tensor& gradient) {
  for_real(parameter, [&]<class T>() {
    const auto t = static_cast<double>(steps_);
    const T beta1 = static_cast<T>(options_.beta1), beta2 = static_cast<T>(options_.beta2);
    // Taken in f64: in f32, 1 − 0.999 would keep four digits.
    const T rest1 = static_cast<T>(1 - options_.beta1), rest2 = static_cast<T>(1 - options_.beta2);
    const T epsilon = static_cast<T>(options_.epsilon);
    const T step_size = static_cast<T>(rate_ / (1 - std::pow(options_.beta1, t)));
    const T scale = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
    const T kept = static_cast<T>(1 - rate_ * options_.weight_decay);
    T* const w = parameter.edit<T>().data();
    T* const m = first_moments_[i].edit<T>().data();
    T* const v = second_moments_[i].edit<T>().data();
    const T* const g = gradient.values<T>().data();
    parallel_for(parameter.numel(), kernels::elementwise_grain, [&](Index begin, Index end) {
      for (Index j = begin; j < end; ++j) {
        m[j] = beta1 * m[j] + rest1 * g[j];
        v[j] = beta2 * v[j] + rest2 * g[j] * g[j];
        w[j] = kept * w[j] - step_size * m[j] / (std::sqrt(v[j]) * scale + epsilon);
      }
    });
  });
}

}  // namespace adjoint::nn
