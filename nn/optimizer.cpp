#include "nn/optimizer.h"

#include <cmath>

namespace adjoint::nn {

// ---- A step -------------------------------------------------------------------------------------

Optimizer::Optimizer(Tensors parameters, double learning_rate, std::size_t memories)
    : parameters_(std::move(parameters)), memories_(memories), rate_(learning_rate) {
  for (Tensors& memory : memories_)
    for (const Tensor& parameter : parameters_)
      memory.push_back(zeros(parameter.shape(), parameter.dtype()));
}

void Optimizer::step(const Tensors& gradients, double scale) {
  require(gradients.size() == parameters_.size(), "optimizer: ", gradients.size(),
          " gradients for ", parameters_.size(), " parameters");
  for (std::size_t i = 0; i < gradients.size(); ++i)
    require(gradients[i].form() == parameters_[i].form(), "optimizer: parameter ",
            parameters_[i].name(), " is ", parameters_[i].dtype(), ' ', parameters_[i].shape(),
            ", its gradient ", gradients[i].dtype(), ' ', gradients[i].shape());
  ++steps_;
  const std::vector<Elements> parameters = edit_all(parameters_);
  std::vector<std::vector<Elements>> memories;
  for (Tensors& memory : memories_) memories.push_back(edit_all(memory));

  Pieces(parameters_).each_run([&](std::size_t i, Index begin, Index end) {
    std::visit(
        [&]<class T>(std::span<T> parameter) {
          Run<T> run{end - begin,
                     parameter.data() + begin,
                     gradients[i].values<T>().data() + begin,
                     static_cast<T>(scale),
                     {}};
          for (std::size_t m = 0; m < memories.size(); ++m)
            run.memory[m] = std::get<std::span<T>>(memories[m][i]).data() + begin;
          update(run);
        },
        parameters[i]);
  });
}

// ---- Gradient descent ---------------------------------------------------------------------------

namespace {

template <Real T>
void descend(const Run<T>& run, T rate) {
  T* const w = run.parameter;
  const T* const g = run.gradient;
  const T scale = run.scale;
#pragma omp simd
  for (Index i = 0; i < run.count; ++i) w[i] -= rate * (scale * g[i]);
}

template <Real T>
void descend_with_momentum(const Run<T>& run, T rate, T momentum) {
  T *const w = run.parameter, *const v = run.memory[0];
  const T* const g = run.gradient;
  const T scale = run.scale;
#pragma omp simd
  for (Index i = 0; i < run.count; ++i) {
    v[i] = momentum * v[i] + scale * g[i];
    w[i] -= rate * v[i];
  }
}

}  // namespace

Sgd::Sgd(Tensors parameters, double learning_rate, double momentum)
    : Optimizer(std::move(parameters), learning_rate, momentum != 0 ? 1 : 0), momentum_(momentum) {}

void Sgd::update(const AnyRun& any) const {
  std::visit(
      [&]<class T>(const Run<T>& run) {
        const T rate = static_cast<T>(learning_rate());
        if (momentum_ != 0)
          descend_with_momentum(run, rate, static_cast<T>(momentum_));
        else
          descend(run, rate);
      },
      any);
}

// ---- Adam ---------------------------------------------------------------------------------------

namespace {

// With the corrections of both moments taken into two factors:
//   w ← κ w − α m / (ς √v + ε),  α = η/(1−β₁ᵗ),  ς = 1/√(1−β₂ᵗ),  κ = 1 − ηλ
template <Real T>
struct AdamFactors {
  T beta1, beta2, rest1, rest2, epsilon, step_size, correction, kept;

  AdamFactors(const AdamOptions& o, double rate, double t)
      : beta1(static_cast<T>(o.beta1)),
        beta2(static_cast<T>(o.beta2)),
        // Taken in f64: in f32, 1 − 0.999 would keep four digits.
        rest1(static_cast<T>(1 - o.beta1)),
        rest2(static_cast<T>(1 - o.beta2)),
        epsilon(static_cast<T>(o.epsilon)),
        step_size(static_cast<T>(rate / (1 - std::pow(o.beta1, t)))),
        correction(static_cast<T>(1 / std::sqrt(1 - std::pow(o.beta2, t)))),
        kept(static_cast<T>(1 - rate * o.weight_decay)) {}
};

template <Real T>
void adam(const Run<T>& run, const AdamFactors<T> f) {
  T *const w = run.parameter, *const m = run.memory[0], *const v = run.memory[1];
  const T* const gradient = run.gradient;
  const T scale = run.scale;
#pragma omp simd
  for (Index i = 0; i < run.count; ++i) {
    const T g = scale * gradient[i];
    m[i] = f.beta1 * m[i] + f.rest1 * g;
    v[i] = f.beta2 * v[i] + f.rest2 * g * g;
    w[i] = f.kept * w[i] - f.step_size * m[i] / (std::sqrt(v[i]) * f.correction + f.epsilon);
  }
}

}  // namespace

Adam::Adam(Tensors parameters, const AdamOptions& options)
    : Optimizer(std::move(parameters), options.learning_rate, 2), options_(options) {}

void Adam::update(const AnyRun& any) const {
  std::visit(
      [&]<class T>(const Run<T>& run) {
        adam(run, AdamFactors<T>(options_, learning_rate(), static_cast<double>(steps())));
      },
      any);
}

}  // namespace adjoint::nn
