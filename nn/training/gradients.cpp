#include "nn/training/gradients.h"

#include <cmath>
#include <numeric>

namespace adjoint::nn {
namespace {

// Σ x². The squares of f32 may overflow f32, and there are many: in f64.
template <Real T>
double sum_of_squares(const T* x, Index count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (Index i = 0; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

template <Real T>
void add_to(T* sum, const T* term, Index count) {
#pragma omp simd
  for (Index i = 0; i < count; ++i) sum[i] += term[i];
}

template <Real T>
void multiply(T* x, T factor, Index count) {
#pragma omp simd
  for (Index i = 0; i < count; ++i) x[i] *= factor;
}

// √ of what `squares` returns for each run of elements. Added up by pieces and then in their order:
// the same bits on any number of threads.
template <class Squares>
double norm_by_pieces(const Tensors& xs, Squares squares) {
  const Pieces pieces(xs);
  std::vector<double> partial(static_cast<std::size_t>(pieces.count()), 0);
  parallel_tasks(pieces.count(), [&](Index piece) {
    double& total = partial[static_cast<std::size_t>(piece)];
    pieces.each_run(piece, [&](std::size_t i, Index begin, Index end) {
      total += squares(i, begin, end - begin);
    });
  });
  return std::sqrt(std::accumulate(partial.begin(), partial.end(), 0.0));
}

template <class F>
auto for_real(const Tensor& x, F f) {
  return x.dtype() == DType::f32 ? f.template operator()<float>() : f.template operator()<double>();
}

}  // namespace

void require_finite(const char* function, double norm) {
  if (std::isfinite(norm)) return;
  std::ostringstream text;
  text << function << ": the gradients' norm is " << norm
       << "; the loss or a value before it is NaN or has overflowed; DetectAnomaly "
          "(autograd/tools/anomaly.h) says where";
  throw NotFinite(text.str());
}

double global_norm(const Tensors& gradients) {
  return norm_by_pieces(gradients, [&](std::size_t i, Index begin, Index count) {
    return for_real(gradients[i], [&]<class T>() {
      return sum_of_squares(gradients[i].values<T>().data() + begin, count);
    });
  });
}

double add_up(std::span<Tensors> shards) {
  const std::vector<Elements> sums = edit_all(shards.front());
  return norm_by_pieces(shards.front(), [&](std::size_t i, Index begin, Index count) {
    return std::visit(
        [&]<class T>(std::span<T> elements) {
          T* const sum = elements.data() + begin;
          for (const Tensors& other : shards.subspan(1))
            add_to(sum, other[i].values<T>().data() + begin, count);
          return sum_of_squares(sum, count);  // while the piece is in the cache
        },
        sums[i]);
  });
}

double clipping_factor(double norm, double limit) {
  // The small term keeps the factor finite; other frameworks have it, and the same value.
  return std::min(1.0, limit / (norm + 1e-6));
}

double clip_by_global_norm(Tensors& gradients, double limit) {
  const double norm = global_norm(gradients);
  require_finite("clip_by_global_norm", norm);
  const double factor = clipping_factor(norm, limit);
  if (factor == 1) return norm;
  const std::vector<Elements> elements = edit_all(gradients);
  Pieces(gradients).each_run([&](std::size_t i, Index begin, Index end) {
    std::visit(
        [&]<class T>(std::span<T> g) {
          multiply(g.data() + begin, static_cast<T>(factor), end - begin);
        },
        elements[i]);
  });
  return norm;
}

std::vector<Elements> edit_all(Tensors& xs) {
  std::vector<Elements> all;
  for (Tensor& x : xs) all.push_back(for_real(x, [&]<class T>() { return Elements(x.edit<T>()); }));
  return all;
}

Pieces::Pieces(const Tensors& xs) : starts_{0} {
  for (const Tensor& x : xs) starts_.push_back(starts_.back() + x.numel());
}

}  // namespace adjoint::nn
