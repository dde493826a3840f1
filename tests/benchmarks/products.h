// The matrix products of a training step, and nothing between them.
#pragma once

#include <memory>
#include <vector>

#include "tests/benchmarks/configurations.h"

namespace adjoint::benchmarks {

/// No step that leaves its products to BLAS can be faster. Each layer has its own buffers, and a
/// product reads what the one before it wrote, as in a real step; padding is computed. The values
/// come from no model, but are of the order of one, since processors are slow with denormals.
class StepProducts {
 public:
  explicit StepProducts(const Configuration& configuration);

  /// Runs all of them once, forward and then backward, on the calling thread.
  void run() const;
  double flops() const { return flops_; }
  Index calls() const { return calls_; }

 private:
  // A value and its gradient, [rows, width] each.
  struct Activation {
    float *value, *gradient;
    Index rows, width;
  };
  // A matrix in a buffer, or the first of a batch of matrices.
  struct Operand {
    float* data;
    Index stride;                           // from row to row
    Index next_example = 0, next_head = 0;  // from matrix to matrix
    bool transposed = false;
    Operand t() const { return {data, stride, next_example, next_head, !transposed}; }
  };
  // C ← A B for each example and head, added to C with `add`.
  struct Product {
    Index rows, columns, inner;
    Operand a, b, c;
    bool add = false;
    Index examples = 1, heads = 1;
  };
  enum class Gradient { overwrite, add };  // what the backward does to the input's gradient

  float* buffer(Index rows, Index width, double bound);
  /// A value within ± bound.
  Activation activation(Index rows, Index width, double bound = 1) {
    return {buffer(rows, width, bound), buffer(rows, width, bound), rows, width};
  }
  Activation linear(const Activation& x, Index outputs, Gradient gradient = Gradient::overwrite);
  Activation attention(const Activation& q, const Activation& k, const Activation& v, Index batch,
                       Index heads);
  Activation multi_head(const Activation& x, const Activation& memory, Index batch, Index heads);
  Activation feed_forward(const Activation& x, Index hidden);

  std::vector<std::unique_ptr<float[]>> buffers_;
  std::vector<Product> forward_, backward_;  // backward_ runs from its end
  double flops_ = 0;
  Index calls_ = 0;
};

}  // namespace adjoint::benchmarks
