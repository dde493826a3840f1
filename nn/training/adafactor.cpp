// Adafactor: Adam's second moment, remembered by row and by column instead of by element.
#include <cmath>
#include <numeric>

#include "nn/training/optimizer.h"

namespace adjoint::nn {
namespace {

/// A tensor as a matrix.
struct MatrixShape {
  Index rows, columns;

  explicit MatrixShape(const Shape& shape)
      : rows(shape.numel()), columns(shape.rank() < 2 ? 1 : shape[shape.rank() - 1]) {
    if (columns > 0) rows /= columns;
  }
};

template <Real T>
double root_mean_square(std::span<const T> x) {
  const auto count = std::ssize(x);
  return std::sqrt(sum_of_squares(x.data(), count) / static_cast<double>(count));
}

// R ← β R + (1−β) Σⱼ (G² + ε₁),  C ← β C + (1−β) Σᵢ (G² + ε₁)
template <Real T>
void update_moments(T* r, T* c, const T* gradient, double scale, const MatrixShape& shape,
                    double beta, double epsilon) {
  const auto mix = [beta](T& moment, double now) {
    moment = static_cast<T>(beta * static_cast<double>(moment) + (1 - beta) * now);
  };
  std::vector<double> sums(static_cast<std::size_t>(shape.columns), 0);
  double* const of_columns = sums.data();
  for (Index i = 0; i < shape.rows; ++i) {
    const T* const g = gradient + i * shape.columns;
    double of_row = 0;
#pragma omp simd reduction(+ : of_row)
    for (Index j = 0; j < shape.columns; ++j) {
      const double scaled = scale * static_cast<double>(g[j]);
      const double square = scaled * scaled + epsilon;
      of_row += square;
      of_columns[j] += square;
    }
    mix(r[i], of_row);
  }
  for (Index j = 0; j < shape.columns; ++j) mix(c[j], of_columns[j]);
}

// U = G / √V, computed as G √(Σ R / R) / √C: products of squares may be too small for f32.
template <Real T>
std::vector<T> direction(const T* r, const T* c, const T* gradient, double scale,
                         const MatrixShape& shape) {
  const double total = std::accumulate(r, r + shape.rows, 0.0);
  std::vector<T> factors(static_cast<std::size_t>(shape.columns));
  T* const of_columns = factors.data();
  for (Index j = 0; j < shape.columns; ++j)
    of_columns[j] = static_cast<T>(scale / std::sqrt(static_cast<double>(c[j])));

  std::vector<T> result(static_cast<std::size_t>(shape.rows * shape.columns));
  for (Index i = 0; i < shape.rows; ++i) {
    const T of_row = static_cast<T>(std::sqrt(total / static_cast<double>(r[i])));
    const T* const g = gradient + i * shape.columns;
    T* const u = result.data() + i * shape.columns;
#pragma omp simd
    for (Index j = 0; j < shape.columns; ++j) u[j] = g[j] * of_row * of_columns[j];
  }
  return result;
}

}  // namespace

Adafactor::Adafactor(const Tensors& parameters, const AdafactorOptions& options)
    : Optimizer(parameters, "adafactor", options.learning_rate,
                {{"decay", options.decay},
                 {"epsilon", options.epsilon},
                 {"smallest", options.smallest},
                 {"clip", options.clip}},
                {"row_moments", "column_moments"}),
      options_(options) {
  for (const auto& [what, value] : {std::pair("adafactor's decay", options.decay),
                                    std::pair("adafactor's epsilon", options.epsilon),
                                    std::pair("adafactor's smallest size", options.smallest),
                                    std::pair("adafactor's clip", options.clip)})
    require_positive(what, value);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const MatrixShape shape(parameters[i].shape());
    buffers_[0][i] = zeros({shape.rows}, parameters[i].dtype());
    buffers_[1][i] = zeros({shape.columns}, parameters[i].dtype());
  }
}

void Adafactor::update(const Tensors& gradients, double scale) {
  const double beta = 1 - std::pow(static_cast<double>(steps()), -options_.decay);
  const std::vector<Elements> parameters = edit_all(parameters_);
  const std::vector<Elements> rows = edit_all(buffers_[0]), columns = edit_all(buffers_[1]);

  const auto update_one = [&]<class T>(std::size_t p, std::span<T> x) {
    if (x.empty()) return;
    const MatrixShape shape(gradients[p].shape());
    const T* const g = gradients[p].values<T>().data();
    T* const r = std::get<std::span<T>>(rows[p]).data();
    T* const c = std::get<std::span<T>>(columns[p]).data();
    update_moments(r, c, g, scale, shape, beta, options_.epsilon);
    const std::vector<T> u = direction(r, c, g, scale, shape);
    const double size = std::max(options_.smallest, root_mean_square<T>(x));
    const double excess = root_mean_square<T>(u) / options_.clip;
    const T step = static_cast<T>(learning_rate() * size / std::max(1.0, excess));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= step * u[i];
  };
  parallel_tasks(std::ssize(parameters), [&](Index i) {
    const auto p = static_cast<std::size_t>(i);
    std::visit([&](auto x) { update_one(p, x); }, parameters[p]);
  });
}

}  // namespace adjoint::nn
