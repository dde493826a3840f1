// The matrix products of a training step, without anything between them.
#pragma once

#include <memory>
#include <vector>

#include "tests/benchmarks/configurations.h"

namespace adjoint::benchmarks {

/// What no step can beat that leaves its products to BLAS. Each layer has buffers of its own, and a
/// product reads what the one before it wrote, as in a real step; padding is computed. The values
/// are no model's, but stay of the order of one: a processor is slow with denormal ones.
class StepProducts {
 public:
  explicit StepProducts(const Configuration& configuration);

  /// All of them once, forward and then backward, on the calling thread.
  void run() const;
  double flops() const { return flops_; }
  Index calls() const { return calls_; }

 private:
  // A value and its gradient: [rows, width] each. It may be one part of wider rows.
  struct Activation {
    float *value, *gradient;
    Index rows, width;
  };
  // A matrix inside of a buffer. Of a batch of matrices, the first.
  struct Operand {
    float* data;
    Index stride;                           // from row to row
    Index next_example = 0, next_head = 0;  // from matrix to matrix
    bool transposed = false;
    Operand t() const { return {data, stride, next_example, next_head, !transposed}; }
  };
  // C ← A B + keep C for each example and head.
  struct Product {
    Index rows, columns, inner;
    Operand a, b, c;
    float keep = 0;
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
  std::vector<Product> forward_, backward_;  // the latter is run from its end
  double flops_ = 0;
  Index calls_ = 0;
};

}  // namespace adjoint::benchmarks
