// Optimizers: update rules that turn gradients into better parameters.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "nn/saving/checkpoint.h"
#include "nn/training/elements.h"
#include "nn/training/gradients.h"

namespace adjoint::nn {

/// Holds the parameters that it was made for and edits them in place.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Takes one step. Gradients come in the order of the parameters, and each is multiplied by
  /// `scale` on the way (clipping_factor). Error if one differs in shape or dtype from its
  /// parameter.
  void step(const Tensors& gradients, double scale = 1);
  /// Steps taken so far.
  Index steps() const { return steps_; }
  /// The current rate. A schedule sets it to a multiple of the initial one.
  double learning_rate() const { return rate_; }
  double initial_learning_rate() const { return initial_rate_; }
  /// Error unless it is finite and at least 0, and finite after rounding to the parameters' dtypes.
  void set_learning_rate(double rate);

  /// What a resumed run needs (checkpoint.h). The parameters belong to the model's state.
  void state(State& visit);

 protected:
  using Settings = std::vector<std::pair<std::string, double>>;
  /// The rule's name and settings are stored with a run. A buffer is what the rule remembers from
  /// step to step: a tensor like each parameter, initially zeros. Error unless the learning rate is
  /// finite and at least 0, and, if it is not 0, finite and above 0 after rounding to the
  /// parameters' dtypes.
  Optimizer(const Tensors& parameters, std::string rule, double learning_rate, Settings settings,
            std::vector<std::string> buffers);

  /// Updates the parameters with gradients that match them. steps() already counts this step.
  virtual void update(const Tensors& gradients, double scale) = 0;

  // Check a setting of the rule, in f64 and rounded to the parameters' dtypes. In this order it
  // must be: at least 0 and below 1; above 0 and finite; finite.
  void require_decay(const char* what, double value) const;
  void require_positive(const char* what, double value) const;
  void require_fits(const char* what, double value) const;

  Tensors parameters_;
  std::vector<Tensors> buffers_;

 private:
  bool in_f32() const;

  std::vector<std::string> buffer_names_;
  std::string rule_;
  Settings settings_;
  double initial_rate_, rate_;
  Index steps_ = 0;
};

/// Where Sgd takes the gradient: at the weights, or ahead of them (Nesterov).
enum class Momentum { classical, nesterov };

/// w ← w − η v with v ← μ v + g; without momentum (μ = 0) w ← w − η g. (Sutskever et al. 2013,
/// equation 1, with the learning rate outside of v, as in most software.) Nesterov's momentum takes
/// the gradient at the point where v is about to lead: w ← w − η (g + μ v) with the same v, where w
/// is that point (Sutskever et al. 2013, equation 3; Bengio et al. 2013, equation 7). Error unless
/// 0 ≤ μ < 1, and 0 < μ for Nesterov's.
class Sgd : public Optimizer {
 public:
  Sgd(const Tensors& parameters, double learning_rate, double momentum = 0,
      Momentum kind = Momentum::classical);

 private:
  void update(const Tensors& gradients, double scale) override;

  double momentum_;
  Momentum kind_;
};

/// The settings of Adam and AdamW.
struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  /// AdamW's, decoupled from the gradient; plain Adam has none. (The option of this name in
  /// torch.optim.Adam does something else: it adds λ w to the gradient.)
  double weight_decay = 0;
};

/// m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  w ← w − η m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ) and
/// v̂ = v/(1−β₂ᵗ) (Kingma and Ba 2015, algorithm 1). With weight decay λ, w ← (1 − ηλ) w first:
/// AdamW (Loshchilov and Hutter 2019, algorithm 2). Error unless 0 ≤ β₁, β₂ < 1, 0 < ε and 0 ≤ λ,
/// also after rounding to the parameters' dtypes: with ε = 0, weights without gradients would
/// become 0/0.
class Adam : public Optimizer {
 public:
  explicit Adam(const Tensors& parameters, const AdamOptions& options = {});

 private:
  void update(const Tensors& gradients, double scale) override;

  AdamOptions options_;
};

/// Adam with decoupled weight decay, by default 0.01 as in the paper's software.
class AdamW : public Adam {
 public:
  explicit AdamW(const Tensors& parameters, const AdamOptions& options = {.weight_decay = 0.01})
      : Adam(parameters, options) {}
};

/// The settings of Lion.
struct LionOptions {
  double learning_rate = 1e-4;
  double beta1 = 0.9, beta2 = 0.99;
  double weight_decay = 0;
};

/// w ← (1 − ηλ) w − η sign(β₁m + (1−β₁)g), then m ← β₂m + (1−β₂)g. Every weight moves by η, and the
/// rule needs half of Adam's memory. (Chen et al. 2023, "Symbolic discovery of optimization
/// algorithms", algorithm 2. They advise a third to a tenth of Adam's learning rate, and a weight
/// decay that is larger by the same factor.) Error unless 0 ≤ β₁, β₂ < 1 and 0 ≤ λ.
class Lion : public Optimizer {
 public:
  explicit Lion(const Tensors& parameters, const LionOptions& options = {});

 private:
  void update(const Tensors& gradients, double scale) override;

  LionOptions options_;
};

/// The settings of Adafactor.
struct AdafactorOptions {
  double learning_rate = 0.01;  ///< ρ: how far a parameter moves, relative to its own size
  double decay = 0.8;           ///< c: at step t the past has weight β = 1 − t⁻ᶜ
  double epsilon = 1e-30;       ///< ε₁: added to the squared gradients
  double smallest = 1e-3;       ///< ε₂: lower bound for a parameter's size
  double clip = 1;              ///< d: limit on an update's root mean square
};

/// For a parameter X [n, m] with gradient G, where rms is the root mean square of all elements:
///
///   R ← β R + (1−β) Σⱼ (G² + ε₁)    C ← β C + (1−β) Σᵢ (G² + ε₁)    V = R C / Σ R
///   U = G / √V                       X ← X − ρ max(ε₂, rms X) U / max(1, rms U / d)
///
/// V is what Adam's second moment would be if it were a column times a row, so the rule remembers
/// n + m numbers instead of n m. (Shazeer and Stern 2018, algorithm 4 with the settings of
/// algorithm 6, without momentum. Their ρ = min(10⁻², 1/√t) equals the default for the first 10⁴
/// steps.) A vector counts as a single column, which makes V = R, their algorithm 5; a tensor of
/// more axes counts as a matrix whose columns are its last axis. Error unless ε₁, ε₂, c, d > 0.
class Adafactor : public Optimizer {
 public:
  explicit Adafactor(const Tensors& parameters, const AdafactorOptions& options = {});

 private:
  void update(const Tensors& gradients, double scale) override;

  AdafactorOptions options_;
};

// ---- By name ------------------------------------------------------------------------------------

/// Settings for a rule chosen by name; the rule's own defaults replace missing ones.
struct OptimizerOptions {
  std::optional<double> learning_rate = {}, momentum = {}, beta1 = {}, beta2 = {}, epsilon = {},
                        weight_decay = {};
};

/// sgd, momentum, nesterov, adam, adamw, lion, adafactor.
const std::vector<std::string>& optimizer_names();

/// Makes the optimizer of this name. The momentum defaults to 0.9, and the learning rate of sgd,
/// momentum and nesterov to 0.1. Error for an unknown name, and for a setting that the rule lacks.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const Tensors& parameters,
                                          OptimizerOptions options = {});

}  // namespace adjoint::nn
