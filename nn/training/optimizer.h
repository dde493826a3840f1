// Optimizers: from gradients to better parameters.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "nn/saving/training_state.h"
#include "nn/training/gradients.h"

namespace adjoint::nn {

/// Holds the parameters it is made for and edits them in place.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step; gradients in the order of the parameters, each multiplied with `scale` on the way
  /// (clipping_factor). Error when one has another shape or type than its parameter.
  void step(const Tensors& gradients, double scale = 1);
  /// Steps taken so far.
  Index steps() const { return steps_; }
  /// What it is at present. A schedule sets it to a multiple of the one that the run began with.
  double learning_rate() const { return rate_; }
  double initial_learning_rate() const { return initial_rate_; }
  void set_learning_rate(double rate) { rate_ = rate; }

  /// What a stopped run needs to go on (training_state.h); the parameters are the model's.
  void state(State& visit);

 protected:
  /// What the rule remembers from step to step: a tensor for each parameter, at first zeros.
  struct Memory {
    std::string name;
    Tensors tensors;
  };
  /// Error unless the rate is a number from 0.
  Optimizer(Tensors parameters, double learning_rate, std::vector<Memory> memories);

  /// Updates the parameters by gradients that fit them. The step is counted already.
  virtual void update_all(const Tensors& gradients, double scale) = 0;
  /// The rule's name and settings.
  virtual void settings(State& visit) const = 0;

  Tensors parameters_;
  std::vector<Memory> memories_;

 private:
  double initial_rate_, rate_;
  Index steps_ = 0;
};

// ---- Rules that see each element by itself ------------------------------------------------------

/// Some elements of a parameter, as an update rule sees them.
template <Real T>
struct Run {
  Index count;
  T* parameter;
  const T* gradient;
  T scale;  ///< what the gradient is to be multiplied with
  /// What the rule remembers of each element: so many numbers as it has asked for.
  std::array<T*, 2> memory;
};
using AnyRun = std::variant<Run<float>, Run<double>>;

class ElementwiseOptimizer : public Optimizer {
 protected:
  /// A memory like the parameters for each name.
  ElementwiseOptimizer(const Tensors& parameters, double learning_rate,
                       const std::vector<std::string>& memories);

  /// Updates some elements. Several threads do so at once.
  virtual void update(const AnyRun& run) const = 0;

 private:
  void update_all(const Tensors& gradients, double scale) final;
};

enum class Momentum { classical, nesterov };

/// w ← w − η v with v ← μ v + g; without momentum (μ = 0) w ← w − η g. (Sutskever et al. 2013,
/// equation 1, with the learning rate outside of v, as most software has it.) Nesterov's momentum
/// takes the gradient ahead, where v is about to lead: w ← w − η (g + μ v) with the same v, w being
/// the point ahead (Sutskever et al. 2013, equation 3; Bengio et al. 2013, equation 7). Error
/// unless 0 ≤ μ < 1, and 0 < μ for Nesterov's.
class Sgd : public ElementwiseOptimizer {
 public:
  Sgd(const Tensors& parameters, double learning_rate, double momentum = 0,
      Momentum kind = Momentum::classical);

 private:
  void update(const AnyRun& run) const override;
  void settings(State& visit) const override;

  double momentum_;
  Momentum kind_;
};

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  /// AdamW's, decoupled from the gradient; Adam has none. (What torch.optim.Adam calls by this name
  /// is another thing: it adds λ w to the gradient.)
  double weight_decay = 0;
};

/// m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  w ← w − η m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ =
/// v/(1−β₂ᵗ). (Kingma and Ba 2015, algorithm 1.) With weight decay λ, w ← (1 − ηλ) w first: AdamW
/// (Loshchilov and Hutter 2019, algorithm 2). Error unless 0 ≤ β₁, β₂ < 1 and 0 ≤ ε, λ.
class Adam : public ElementwiseOptimizer {
 public:
  explicit Adam(const Tensors& parameters, const AdamOptions& options = {});

 private:
  void update(const AnyRun& run) const override;
  void settings(State& visit) const override;

  AdamOptions options_;
};

/// Adam with decoupled weight decay, by default 0.01 as in the paper's software.
class AdamW : public Adam {
 public:
  explicit AdamW(const Tensors& parameters, AdamOptions options = {.weight_decay = 0.01})
      : Adam(parameters, options) {}
};

struct LionOptions {
  double learning_rate = 1e-4;
  double beta1 = 0.9, beta2 = 0.99;
  double weight_decay = 0;
};

/// w ← (1 − ηλ) w − η sign(β₁m + (1−β₁)g), then m ← β₂m + (1−β₂)g: every weight moves by η, and
/// half of Adam's memory is enough. (Chen et al. 2023, "Symbolic discovery of optimization
/// algorithms", algorithm 2, who advise a rate of a third to a tenth of Adam's, and a decay as much
/// larger.) Error unless 0 ≤ β₁, β₂ < 1 and 0 ≤ λ.
class Lion : public ElementwiseOptimizer {
 public:
  explicit Lion(const Tensors& parameters, const LionOptions& options = {});

 private:
  void update(const AnyRun& run) const override;
  void settings(State& visit) const override;

  LionOptions options_;
};

// ---- By name ------------------------------------------------------------------------------------

/// Settings of whichever rule; those not given are the rule's own.
struct OptimizerOptions {
  std::optional<double> learning_rate = {}, momentum = {}, beta1 = {}, beta2 = {}, epsilon = {},
                        weight_decay = {};
};

/// The names that make_optimizer knows: sgd, momentum, nesterov, adam, adamw, lion, adafactor.
const std::vector<std::string>& optimizer_names();

/// The optimizer of this name; momentum is 0.9 unless given, and sgd's and momentum's learning rate
/// 0.1. Error for another name, and for a setting that the rule does not have.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const Tensors& parameters,
                                          const OptimizerOptions& options = {});

}  // namespace adjoint::nn
