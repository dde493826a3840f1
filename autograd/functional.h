// Derivatives of functions. grad() differentiates what was computed; these take the function
// itself, and the point.
//
//   const auto f = [](const Tensor& x) { return softmax(x); };
//   jacobian(f, x);     // [i, j]: ∂yᵢ/∂xⱼ
//   jvp(f, x, u);       // the value, and J u
//   vjp(f, x);          // the value, and the function ȳ ↦ Jᵀ ȳ
//
// f is evaluated once, at fresh copies of the inputs. Anything else that f uses is a constant, even
// if it is the same tensor as an x or was computed from one. Inputs and outputs of i64 and b8 have
// no derivative; theirs are empty tensors. NoRecording has no effect here.
#pragma once

#include <functional>
#include <vector>

#include "autograd/tensor.h"

namespace adjoint {

/// Several inputs, several outputs.
using Function = std::function<Tensors(const Tensors&)>;
/// One input, one output. Each function below takes either.
using TensorFunction = std::function<Tensor(const Tensor&)>;

/// How vjp(), jvp(), hvp(), jacobian() and hessian() treat the tape.
struct FunctionalOptions {
  /// Record the results, so that they can be differentiated again, with respect to the tracked xs
  /// and to anything else that f depends on.
  bool create_graph = false;
};

/// T is Tensors, or Tensor for functions of one.
template <class T>
struct Vjp {
  T value;  ///< f(x)
  /// ȳ ↦ Jᵀ ȳ, one gradient for each x. May be called any number of times. An empty cotangent means
  /// zero. Error when a cotangent does not have the form of its output.
  std::function<T(const T& cotangents)> pullback;
};
Vjp<Tensors> vjp(const Function& f, const Tensors& xs, const FunctionalOptions& options = {});
Vjp<Tensor> vjp(const TensorFunction& f, const Tensor& x, const FunctionalOptions& options = {});

/// What jvp() returns.
template <class T>
struct Jvp {
  T value;    ///< f(x)
  T tangent;  ///< J u: how f(x) changes when x moves along u
};
/// The derivative along the tangents u, which have the forms of the xs; an empty one means zero.
///
/// Made of two reverse sweeps: g(w) = Jᵀ w is linear in w and its own transpose is J, so J u is the
/// vjp of g with cotangent u, at any w. (Townsend, "A new trick for calculating Jacobian vector
/// products", 2017.) It costs about twice a vjp.
Jvp<Tensors> jvp(const Function& f, const Tensors& xs, const Tensors& tangents,
                 const FunctionalOptions& options = {});
Jvp<Tensor> jvp(const TensorFunction& f, const Tensor& x, const Tensor& tangent,
                const FunctionalOptions& options = {});

/// H v for the Hessian H of a function with one element as its result: ∂⟨∇f(x), v⟩/∂x, without
/// storing H. (Pearlmutter, "Fast exact multiplication by the Hessian", 1994.) An empty v means
/// zero. Error when f returns anything but one real number.
Tensors hvp(const Function& f, const Tensors& xs, const Tensors& vs,
            const FunctionalOptions& options = {});
Tensor hvp(const TensorFunction& f, const Tensor& x, const Tensor& v,
           const FunctionalOptions& options = {});

/// [output][input].
using Blocks = std::vector<Tensors>;

/// jacobian(f, xs)[i][j] is ∂yᵢ/∂xⱼ of shape [axes of yᵢ, axes of xⱼ]. One sweep for each element
/// of the ys. Error when yᵢ and xⱼ together have more than Shape::max_rank axes.
Blocks jacobian(const Function& f, const Tensors& xs, const FunctionalOptions& options = {});
Tensor jacobian(const TensorFunction& f, const Tensor& x, const FunctionalOptions& options = {});

/// hessian(f, xs)[i][j] is ∂²y/∂xᵢ∂xⱼ of shape [axes of xᵢ, axes of xⱼ], y having one element. One
/// sweep for each element of the xs. Errors as above.
Blocks hessian(const Function& f, const Tensors& xs, const FunctionalOptions& options = {});
Tensor hessian(const TensorFunction& f, const Tensor& x, const FunctionalOptions& options = {});

}  // namespace adjoint
