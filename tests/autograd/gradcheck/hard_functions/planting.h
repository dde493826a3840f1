// How the functions of the test-bed are written: short ways to make functions and points, and
// operations whose vjp makes a mistake.
#pragma once

#include <functional>
#include <type_traits>

#include "autograd/apply.h"
#include "autograd/ops.h"
#include "tests/autograd/gradcheck/hard_functions.h"
#include "tests/autograd/support.h"

namespace adjoint::testing {

// ---- The lists, by what makes the functions hard ------------------------------------------------

struct RightAndWrong {
  HardFunctions right, wrong;
};
RightAndWrong with_kinks();
RightAndWrong with_saturation();
RightAndWrong with_scales();
RightAndWrong with_cancellation();
RightAndWrong with_borders();
RightAndWrong with_chains();
RightAndWrong with_many_inputs();
RightAndWrong with_types();
RightAndWrong with_orders();
RightAndWrong with_calls();
RightAndWrong with_everyday_code();

// ---- Functions and points -----------------------------------------------------------------------

/// The form that the checker takes, of a callable with one tensor or several as its argument and as
/// its result.
template <class F>
Function fn(F f) {
  const auto listed = [](auto result) {
    if constexpr (std::is_same_v<decltype(result), Tensor>)
      return Tensors{result};
    else
      return result;
  };
  if constexpr (std::is_invocable_v<F, const Tensor&>)
    return [=](const Tensors& x) { return listed(f(x[0])); };
  else
    return [=](const Tensors& x) { return listed(f(x)); };
}

/// Standard normal, in f64.
inline Tensor random64(const Shape& shape, std::uint64_t seed) {
  return normal(shape, 0, 1, Key(seed), DType::f64);
}
inline Tensor zeros64(const Shape& shape) { return zeros(shape, DType::f64); }
inline Tensor full64(const Shape& shape, double value) { return full(shape, value, DType::f64); }
/// low, low + step, low + 2 step, …
inline Tensor grid(double low, double step, Index count) {
  return affine(arange(count, DType::f64), step, low);
}
/// 1 / (i + j + 1), whose condition number is e^(3.5 n).
Tensor hilbert(Index n);
/// x with one element replaced.
Tensor with_element(const Tensor& x, Index position, double value);

// ---- Mistakes -----------------------------------------------------------------------------------

bool mistakes_are_made();

/// Maps the right cotangent of x, and x, to a wrong one.
using Mistake = std::function<Tensor(const Tensor& cotangent, const Tensor& x)>;

/// x, with a mistake in the vjp.
Tensor planted(const Tensor& x, Mistake mistake);
/// x with a right vjp; the derivative of that vjp has the mistake.
Tensor planted_in_second_order(const Tensor& x, Mistake mistake);
/// x, but the sweep doesn't see that it depends on anything.
Tensor unseen(const Tensor& x);
/// 0, but the sweep takes it for x.
Tensor ghost(const Tensor& x);
/// The value, with the derivatives of another function.
Tensor disguised(const Tensor& value, const Tensor& derivatives_of);
/// f, with the mistake in the derivative of one input.
Function mistaken(Function f, Mistake mistake, std::size_t input = 0);
/// f, with the mistake in the derivatives of one output.
Function mistaken_output(Function f, Mistake mistake, std::size_t output = 0);

/// c times the cotangent.
Mistake times(double c);
/// c times the cotangent of one element, or of those where the condition holds for x.
Mistake times_at(Index element, double c);
Mistake times_where(std::function<Tensor(const Tensor& x)> condition, double c);
/// The cotangent plus a constant.
Mistake plus(double c);
/// Cotangents beyond ± bound are cut off.
Mistake clipped(double bound);
/// The cotangents in reverse order, along the last axis.
Mistake reversed();
/// The cotangents of the next elements, along all axes; the last one gets that of the first.
Mistake shifted();
/// The mean of all cotangents for each.
Mistake averaged();

}  // namespace adjoint::testing
