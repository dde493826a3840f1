// Fused loops over one row, the last axis of a tensor: softmax, normalisations, cross-entropy and
// their derivatives. Callers spread rows over threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/dtype.h"
#include "autograd/kernels/map_elements.h"
#include "autograd/kernels/sums.h"
#include "autograd/kernels/vector_math.h"

namespace adjoint::kernels {

template <Real T>
T largest(const T* x, Index width) {
  T best = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : best)
  for (Index i = 0; i < width; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

template <Real T>
T total(const T* x, Index width) {
  return sum_of_terms<T>(width, [=](auto at) { return at(x); });
}

template <Real T>
T inner_product(const T* a, const T* b, Index width) {
  return sum_of_terms<T>(width, [=](auto at) { return at(a) * at(b); });
}

/// y = exp(x − shift); returns Σ y.
template <Real T>
T exponentials(const T* x, T shift, T* y, Index width) {
  map_elements([shift](T v) { return kernels::exp(v - shift); }, width, y, x);
  return total(y, width);
}

/// How many of the elements are ∞; NaN if one is NaN.
template <Real T>
T infinite_elements(const T* x, Index width) {
  T count = 0;
  for (Index i = 0; i < width; ++i)
    count += x[i] == std::numeric_limits<T>::infinity() ? T{1} : x[i] != x[i] ? x[i] : T{0};
  return count;
}

/// y = exp(x) / Σ exp(x), with the largest x subtracted first so that nothing overflows. Zeros if
/// every x is −∞, as in a row of attention without a visible key. Elements that are ∞ share the
/// whole equally, the limit as they grow together. y may be x.
template <Real T>
void softmax(const T* x, T* y, Index width) {
  const T shift = largest(x, width);
  if (shift == std::numeric_limits<T>::infinity()) {
    const T share = 1 / infinite_elements(x, width);
    for (Index i = 0; i < width; ++i) y[i] = x[i] == shift || share != share ? share : T{0};
    return;
  }
  if (shift == -std::numeric_limits<T>::infinity()) {
    for (Index i = 0; i < width; ++i) y[i] = x[i] != x[i] ? x[i] : T{0};  // NaN stays NaN
    return;
  }
  const T sum = exponentials(x, shift, y, width);
  for (Index i = 0; i < width; ++i) y[i] /= sum;
}

/// x̄ = y ⊙ (ȳ − ⟨ȳ, y⟩). x̄ may be ȳ.
template <Real T>
void softmax_vjp(const T* y, const T* g, T* result, Index width) {
  const T along = inner_product(y, g, width);
  for (Index i = 0; i < width; ++i) result[i] = y[i] * (g[i] - along);
}

/// log Σ exp(x) as two terms, the largest x and log Σ exp(x − largest). Adding a large first term
/// would round away digits of the second, which a caller needs who subtracts a similar number.
template <Real T>
struct LogSumExp {
  T largest, rest;  // rest is NaN if every x is −∞
  /// `scratch` has room for a row.
  LogSumExp(const T* x, T* scratch, Index width)
      : largest(kernels::largest(x, width)), rest(std::numeric_limits<T>::quiet_NaN()) {
    if (!std::isinf(largest))
      rest = std::log(exponentials(x, largest, scratch, width));
    else if (largest > 0)
      rest = std::log(infinite_elements(x, width));
  }
  /// x − largest, and 0 for ∞ − ∞.
  T relative(T x) const { return x == largest ? T{0} : x - largest; }
};

/// Mean and 1/√(variance + ε), in two passes, because the one-pass formula cancels. The second pass
/// takes deviations d from a first mean m, which is rounded, and corrects both:
///   mean = m + mean(d),   variance = mean(d²) − mean(d)²
/// (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983, equation 1.7.)
/// If all x are equal, the mean is exactly x and the variance is 0.
template <Real T>
struct Moments {
  T mean, inverse_deviation;
  Moments(T first, T mean_d, T mean_of_squares, T epsilon)
      : mean(first + mean_d),
        inverse_deviation(1 /
                          std::sqrt(std::max(mean_of_squares - mean_d * mean_d, T{0}) + epsilon)) {}
};

template <Real T>
Moments<T> moments_of(const T* x, Index width, T epsilon) {
  const T n = static_cast<T>(width), first = total(x, width) / n;
  const auto [sum_d, squares] = sums_of_terms<T, 2>(width, [=](auto at) {
    const Register<T> d = at(x, first) - first;
    return std::array{d, d * d};
  });
  return {first, sum_d / n, squares / n, epsilon};
}

/// y = x̂ ⊙ gain + bias with x̂ = (x − mean) / √(variance + ε). y may be x.
template <Real T>
void layer_norm(const T* x, const T* gain, const T* bias, T epsilon, T* y, Index width) {
  const Moments<T> moments = moments_of(x, width, epsilon);
  const T mean = moments.mean, inverse_deviation = moments.inverse_deviation;
#pragma omp simd
  for (Index i = 0; i < width; ++i) y[i] = (x[i] - mean) * inverse_deviation * gain[i] + bias[i];
}

/// With h = ȳ ⊙ gain:  x̄ = (h − mean(h) − x̂ · mean(h ⊙ x̂)) / √(variance + ε), since the mean and
/// the variance depend on x too. Adds ȳ ⊙ x̂ to gain̅ and ȳ to bias̅. dx may be x. Both means of h are
/// taken in the loops of the moments, where several sums keep the adders busy. With the deviations
/// d = x − m of `Moments`, whose mean is c,
///   mean(h ⊙ x̂) = (mean(h ⊙ d) − c mean(h)) / √(variance + ε)
template <Real T>
void layer_norm_vjp(const T* x, const T* gain, const T* g, T epsilon, T* dx, T* dgain, T* dbias,
                    Index width) {
  const T n = static_cast<T>(width);
  const auto [sum, sum_h] = sums_of_terms<T, 2>(width, [=](auto at) {
    return std::array{at(x), at(g) * at(gain)};
  });
  const T first = sum / n, mean_h = sum_h / n;
  const auto [sum_d, squares, sum_hd] = sums_of_terms<T, 3>(width, [=](auto at) {
    const Register<T> d = at(x, first) - first;
    return std::array{d, d * d, at(g) * at(gain) * d};
  });
  const T mean_d = sum_d / n;
  const Moments<T> moments(first, mean_d, squares / n, epsilon);
  const T mean = moments.mean, inverse_deviation = moments.inverse_deviation;
  const T mean_hx = (sum_hd / n - mean_d * mean_h) * inverse_deviation;
#pragma omp simd
  for (Index i = 0; i < width; ++i) {
    const T normal = (x[i] - mean) * inverse_deviation;
    dx[i] = (g[i] * gain[i] - mean_h - normal * mean_hx) * inverse_deviation;
    dgain[i] += g[i] * normal;
    dbias[i] += g[i];
  }
}

/// 1/√(mean(x²) + ε), the factor that brings the root mean square of a row to 1.
template <Real T>
T inverse_root_mean_square(const T* x, Index width, T epsilon) {
  return 1 / std::sqrt(inner_product(x, x, width) / static_cast<T>(width) + epsilon);
}

/// y = x̂ ⊙ gain with x̂ = x / √(mean(x²) + ε).
template <Real T>
void rms_norm(const T* x, const T* gain, T epsilon, T* y, Index width) {
  const T scale = inverse_root_mean_square(x, width, epsilon);
#pragma omp simd
  for (Index i = 0; i < width; ++i) y[i] = x[i] * scale * gain[i];
}

/// With h = ȳ ⊙ gain:  x̄ = (h − x̂ · mean(h ⊙ x̂)) / √(mean(x²) + ε). Adds ȳ ⊙ x̂ to gain̅.
template <Real T>
void rms_norm_vjp(const T* x, const T* gain, const T* g, T epsilon, T* dx, T* dgain, Index width) {
  const T scale = inverse_root_mean_square(x, width, epsilon);
  const T sum_hx = sum_of_terms<T>(width, [=](auto at) { return at(g) * at(gain) * at(x); });
  const T mean_hx = sum_hx * scale / static_cast<T>(width);
#pragma omp simd
  for (Index i = 0; i < width; ++i) {
    const T normal = x[i] * scale;
    dx[i] = (g[i] * gain[i] - normal * mean_hx) * scale;
    dgain[i] += g[i] * normal;
  }
}

/// y = x ⊙ factors of dropout: 0 where a factor is 0, even if x is infinite or NaN there.
template <Real T>
void keep(const T* x, const T* factors, T* y, Index width) {
#pragma omp simd
  for (Index i = 0; i < width; ++i) y[i] = factors[i] == 0 ? T{0} : x[i] * factors[i];
}

/// sum = x + f ⊙ factors, with the same rule.
template <Real T>
void add_kept(const T* x, const T* f, const T* factors, T* sum, Index width) {
#pragma omp simd
  for (Index i = 0; i < width; ++i) sum[i] = x[i] + (factors[i] == 0 ? T{0} : f[i] * factors[i]);
}

}  // namespace adjoint::kernels
