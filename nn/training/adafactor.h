// Adafactor: Adam's second moment, remembered by row and by column instead of by element.
#pragma once

#include "nn/training/optimizer.h"

namespace adjoint::nn {

struct AdafactorOptions {
  double learning_rate = 0.01;  ///< ρ: how far a parameter moves, relative to its own size
  double decay = 0.8;           ///< c: at step t the past has weight β = 1 − t⁻ᶜ
  double epsilon = 1e-30;       ///< ε₁: added to the squared gradients
  double smallest = 1e-3;       ///< ε₂: the least size that a parameter counts as
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
/// more axes as a matrix whose columns are its last axis. Error unless ε₁, ε₂, c and d are above 0.
class Adafactor : public Optimizer {
 public:
  explicit Adafactor(const Tensors& parameters, const AdafactorOptions& options = {});

 private:
  void update(const Tensors& gradients, double scale) override;

  AdafactorOptions options_;
};

}  // namespace adjoint::nn
