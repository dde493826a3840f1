#include "nn/training/optimizer.h"

#include <cmath>

namespace adjoint::nn {

namespace {

void require_not_negative(const char* what, double value) {
  require(std::isfinite(value) && value >= 0, "optimizer: the ", what,
          " must be a number from 0, got ", value);
}

// Of what is kept from step to step.
void require_share(const char* what, double value) {
  require(value >= 0 && value < 1, "optimizer: ", what, " must be from 0 to below 1, got ", value);
}

}  // namespace

// ---- A step -------------------------------------------------------------------------------------

Optimizer::Optimizer(Tensors parameters, double learning_rate, std::vector<Memory> memories)
    : parameters_(std::move(parameters)),
      memories_(std::move(memories)),
      initial_rate_(learning_rate),
      rate_(learning_rate) {
  require_not_negative("learning rate", learning_rate);
}

void Optimizer::state(State& visit) {
  settings(visit);
  visit.fixed("learning_rate", initial_rate_);
  visit("current_rate", rate_)("steps", steps_);
  for (Memory& memory : memories_) visit(memory.name, memory.tensors, parameters_);
}

void Optimizer::step(const Tensors& gradients, double scale) {
  require(gradients.size() == parameters_.size(), "optimizer: ", gradients.size(),
          " gradients for ", parameters_.size(), " parameters");
  for (std::size_t i = 0; i < gradients.size(); ++i)
    require(gradients[i].form() == parameters_[i].form(), "optimizer: parameter ",
            parameters_[i].name(), " is ", parameters_[i].dtype(), ' ', parameters_[i].shape(),
            ", its gradient ", gradients[i].dtype(), ' ', gradients[i].shape());
  ++steps_;
  update_all(gradients, scale);
}

ElementwiseOptimizer::ElementwiseOptimizer(const Tensors& parameters, double learning_rate,
                                           const std::vector<std::string>& memories)
    : Optimizer(parameters, learning_rate, {}) {
  for (const std::string& name : memories) {
    Memory& memory = memories_.emplace_back(Memory{name, {}});
    for (const Tensor& parameter : parameters)
      memory.tensors.push_back(zeros(parameter.shape(), parameter.dtype()));
  }
}

void ElementwiseOptimizer::update_all(const Tensors& gradients, double scale) {
  const std::vector<Elements> parameters = edit_all(parameters_);
  std::vector<std::vector<Elements>> memories;
  for (Memory& memory : memories_) memories.push_back(edit_all(memory.tensors));

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

template <Real T>
void descend_with_nesterov(const Run<T>& run, T rate, T momentum) {
  T *const w = run.parameter, *const v = run.memory[0];
  const T* const gradient = run.gradient;
  const T scale = run.scale;
#pragma omp simd
  for (Index i = 0; i < run.count; ++i) {
    const T g = scale * gradient[i];
    v[i] = momentum * v[i] + g;
    w[i] -= rate * (g + momentum * v[i]);
  }
}

std::vector<std::string> velocity_unless_zero(double momentum) {
  return momentum == 0 ? std::vector<std::string>{} : std::vector<std::string>{"velocity"};
}

}  // namespace

Sgd::Sgd(const Tensors& parameters, double learning_rate, double momentum, Momentum kind)
    : ElementwiseOptimizer(parameters, learning_rate, velocity_unless_zero(momentum)),
      momentum_(momentum),
      kind_(kind) {
  require_share("momentum", momentum);
  require(kind == Momentum::classical || momentum > 0,
          "optimizer: Nesterov's momentum must be more than 0");
}

void Sgd::settings(State& visit) const {
  visit.fixed("rule", kind_ == Momentum::nesterov ? "nesterov" : "sgd");
  visit.fixed("momentum", momentum_);
}

void Sgd::update(const AnyRun& any) const {
  std::visit(
      [&]<class T>(const Run<T>& run) {
        const T rate = static_cast<T>(learning_rate());
        if (momentum_ == 0)
          descend(run, rate);
        else if (kind_ == Momentum::nesterov)
          descend_with_nesterov(run, rate, static_cast<T>(momentum_));
        else
          descend_with_momentum(run, rate, static_cast<T>(momentum_));
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

Adam::Adam(const Tensors& parameters, const AdamOptions& options)
    : ElementwiseOptimizer(parameters, options.learning_rate, {"first_moment", "second_moment"}),
      options_(options) {
  require_share("beta1", options.beta1);
  require_share("beta2", options.beta2);
  require_not_negative("epsilon", options.epsilon);
  require_not_negative("weight decay", options.weight_decay);
}

void Adam::settings(State& visit) const {
  visit.fixed("rule", "adam").fixed("beta1", options_.beta1).fixed("beta2", options_.beta2);
  visit.fixed("epsilon", options_.epsilon).fixed("weight_decay", options_.weight_decay);
}

void Adam::update(const AnyRun& any) const {
  std::visit(
      [&]<class T>(const Run<T>& run) {
        adam(run, AdamFactors<T>(options_, learning_rate(), static_cast<double>(steps())));
      },
      any);
}

// ---- Lion ---------------------------------------------------------------------------------------

namespace {

template <Real T>
struct LionFactors {
  T beta1, beta2, rest1, rest2, rate, kept;

  LionFactors(const LionOptions& o, double eta)
      : beta1(static_cast<T>(o.beta1)),
        beta2(static_cast<T>(o.beta2)),
        rest1(static_cast<T>(1 - o.beta1)),
        rest2(static_cast<T>(1 - o.beta2)),
        rate(static_cast<T>(eta)),
        kept(static_cast<T>(1 - eta * o.weight_decay)) {}
};

template <Real T>
void lion(const Run<T>& run, const LionFactors<T> f) {
  T *const w = run.parameter, *const m = run.memory[0];
  const T* const gradient = run.gradient;
  const T scale = run.scale;
#pragma omp simd
  for (Index i = 0; i < run.count; ++i) {
    const T g = scale * gradient[i];
    const T c = f.beta1 * m[i] + f.rest1 * g;
    const T sign = (c > 0 ? T{1} : T{0}) - (c < 0 ? T{1} : T{0});
    w[i] = f.kept * w[i] - f.rate * sign;
    m[i] = f.beta2 * m[i] + f.rest2 * g;
  }
}

}  // namespace

Lion::Lion(const Tensors& parameters, const LionOptions& options)
    : ElementwiseOptimizer(parameters, options.learning_rate, {"momentum"}), options_(options) {
  require_share("beta1", options.beta1);
  require_share("beta2", options.beta2);
  require_not_negative("weight decay", options.weight_decay);
}

void Lion::update(const AnyRun& any) const {
  std::visit(
      [&]<class T>(const Run<T>& run) { lion(run, LionFactors<T>(options_, learning_rate())); },
      any);
}

void Lion::settings(State& visit) const {
  visit.fixed("rule", "lion").fixed("beta1", options_.beta1).fixed("beta2", options_.beta2);
  visit.fixed("weight_decay", options_.weight_decay);
}

}  // namespace adjoint::nn
