// f32: whether what is right in f64 stays right when it is computed in f32.
//
// Training runs in f32, so an operation may have a mistake in its f32 code alone: a branch, a
// constant, an unstable formula. f and its vjp are run in f32 and compared with f64 at the same
// inputs. The tolerance is measured: twenty times as far as the f64 results move when all
// operations on the way round to f32 at random (random_rounding.h), in several runs; and 32
// roundings of the largest element of the tensor.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autograd/gradcheck/tape_walk.h"

namespace adjoint::checking {

/// f in the types that it runs in, as a function of f64 tensors.
struct Runnable {
  Function f;
  Tensors xs;
  /// Why f does not run in f64, in its own words. Then `f` casts its inputs to f32, or to the types
  /// they were given in, and finite differences are as coarse as f32. Empty if it does.
  std::string only_single = {};
  Tensors own;  ///< the inputs in the types that the given f runs in
};
/// Runs f and its vjp once. Error, f's own, if it runs in no type.
Runnable make_runnable(const Function& f, const Tensors& inputs, Key key);

/// Compares f32 with f64 and adds findings and `report.single`. Inputs that were given in f64 are
/// rounded to f32 for both. What cannot be judged in f32 is a finding, undecidable, only if no
/// input was given in f64. Returns the inputs of the f32 run if it was wrong, for the walk over the
/// tape.
std::optional<Tensors> check_in_single(const Function& f, const Tensors& inputs,
                                       const std::vector<std::string>& names,
                                       const GradcheckOptions& options, GradcheckReport& report);

/// The first operation on the tape of the ys that computes in f32 although all xs are f64, "cast in
/// head"; empty if there is none.
std::string first_in_single(const Tensors& xs, const Tensors& ys);

/// If no operation on the tape is wrong and one runs in f32, though f was given f64: mismatches no
/// larger than f32's rounding become findings of precision that name it.
void blame_single_precision(const Walk& walk, GradcheckReport& report);

}  // namespace adjoint::checking
