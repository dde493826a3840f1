// Derivatives that cannot be run together with the checker: a program records inputs, outputs,
// cotangents, gradients, and outputs near the inputs in a safetensors file, which is checked later.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace adjoint::recorded {

/// In the file, R cotangents, K directions u and S steps h per direction are recorded.
struct Input {
  std::string name;
  Tensor value;      ///< input.NAME; integers and booleans are constants, without the tensors below
  Tensor gradient;   ///< gradient.NAME [R, axes of the input]: x̄ for each cotangent
  Tensor direction;  ///< direction.NAME [K, axes of the input]: the part of u in this input
};
struct Output {
  std::string name;
  Tensor value;      ///< output.NAME; integers and booleans are not checked
  Tensor cotangent;  ///< cotangent.NAME [R, axes of the output]: ȳ
  Tensor up, down;   ///< up.NAME, down.NAME [K, S, axes of the output]: f(x + h u) and f(x − h u)
};
struct Recording {
  std::vector<Input> inputs;  ///< by name
  std::vector<Output> outputs;
  Tensor step;  ///< step [S] or [K, S]: the steps h, each half of the one before; here f64 [K, S]

  Index cotangents = 0, directions = 0;
  Index steps() const { return step.size(1); }
};

/// Error, naming the file and the tensor, if one is missing, does not fit the others, or has a name
/// that is none of the above, if steps do not halve, or if nothing is real. The axes after R, K or
/// K, S may also be joined into one, for tensors of more axes than a Tensor has.
Recording read(const std::filesystem::path& path);

/// The derivative of ⟨ȳ, f⟩ along each direction, extrapolated from the recorded steps, against
/// ⟨x̄, u⟩. A direction with one nonzero element checks that element by itself; a cotangent with one
/// nonzero element, that output; others check all that they mix. Elements that no direction moves,
/// and outputs whose cotangents are all zero, make the verdict undecidable.
GradcheckReport check(const Recording& recording);

}  // namespace adjoint::recorded
