#include "nn/training/adafactor.h"

#include <cmath>
#include <numeric>

namespace adjoint::nn {
namespace {

/// A tensor as rows and columns.
struct MatrixShape {
  Index rows, columns;

  explicit MatrixShape(const Shape& shape)
      : rows(shape.numel()), columns(shape.rank() < 2 ? 1 : shape[shape.rank() - 1]) {
    if (columns > 0) rows /= columns;
  }
  Index count() const { return rows * columns; }
};

template <Real T>
double root_mean_square(const T* x, Index count) {
  double squares = 0;
#pragma omp simd reduction(+ : squares)
  for (Index i = 0; i < count; ++i)
    squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return std::sqrt(squares / static_cast<double>(count));
}

/// What is remembered of one parameter.
template <Real T>
struct Moments {
  T *rows, *columns;  // R and C

  void update(const T* gradient, double scale, const MatrixShape& shape, double beta,
              double epsilon) const {
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
      mix(rows[i], of_row, beta);
    }
    for (Index j = 0; j < shape.columns; ++j) mix(columns[j], of_columns[j], beta);
  }

  /// U = G / √V, taken as G √(Σ R / R) / √C: products of squares may be too small for f32.
  std::vector<T> direction(const T* gradient, double scale, const MatrixShape& shape) const {
    const double total = std::accumulate(rows, rows + shape.rows, 0.0);
    std::vector<T> factors(static_cast<std::size_t>(shape.columns));
    T* const of_columns = factors.data();
    for (Index j = 0; j < shape.columns; ++j)
      of_columns[j] = static_cast<T>(scale / std::sqrt(static_cast<double>(columns[j])));

    std::vector<T> result(static_cast<std::size_t>(shape.count()));
    for (Index i = 0; i < shape.rows; ++i) {
      const T of_row = static_cast<T>(std::sqrt(total / static_cast<double>(rows[i])));
      const T* const g = gradient + i * shape.columns;
      T* const u = result.data() + i * shape.columns;
#pragma omp simd
      for (Index j = 0; j < shape.columns; ++j) u[j] = g[j] * of_row * of_columns[j];
    }
    return result;
  }

 private:
  static void mix(T& moment, double now, double beta) {
    moment = static_cast<T>(beta * static_cast<double>(moment) + (1 - beta) * now);
  }
};

}  // namespace

Adafactor::Adafactor(const Tensors& parameters, const AdafactorOptions& options)
    : Optimizer(parameters, options.learning_rate, {{"row_moments", {}}, {"column_moments", {}}}),
      options_(options) {
  const auto require_positive = [](const char* what, double value) {
    require(std::isfinite(value) && value > 0, "optimizer: ", what,
            " must be a number above 0, got ", value);
  };
  require_positive("the decay", options.decay);
  require_positive("epsilon", options.epsilon);
  require_positive("the smallest size", options.smallest);
  require_positive("the clipping limit", options.clip);
  for (const Tensor& parameter : parameters) {
    const MatrixShape shape(parameter.shape());
    memories_[0].tensors.push_back(zeros({shape.rows}, parameter.dtype()));
    memories_[1].tensors.push_back(zeros({shape.columns}, parameter.dtype()));
  }
}

void Adafactor::update_all(const Tensors& gradients, double scale) {
  const double beta = 1 - std::pow(static_cast<double>(steps()), -options_.decay);
  const std::vector<Elements> parameters = edit_all(parameters_);
  const std::vector<Elements> rows = edit_all(memories_[0].tensors);
  const std::vector<Elements> columns = edit_all(memories_[1].tensors);

  parallel_tasks(static_cast<Index>(parameters.size()), [&](Index parameter) {
    const auto p = static_cast<std::size_t>(parameter);
    std::visit(
        [&]<class T>(std::span<T> x) {
          if (x.empty()) return;
          const T* const g = gradients[p].values<T>().data();
          const MatrixShape shape(gradients[p].shape());
          const Moments<T> moments = {std::get<std::span<T>>(rows[p]).data(),
                                      std::get<std::span<T>>(columns[p]).data()};
          moments.update(g, scale, shape, beta, options_.epsilon);
          const std::vector<T> u = moments.direction(g, scale, shape);
          const double size =
              std::max(options_.smallest, root_mean_square(x.data(), shape.count()));
          const double excess = root_mean_square(u.data(), shape.count()) / options_.clip;
          const T step = static_cast<T>(learning_rate() * size / std::max(1.0, excess));
          for (std::size_t i = 0; i < x.size(); ++i) x[i] -= step * u[i];
        },
        parameters[p]);
  });
}

void Adafactor::settings(State& visit) const {
  visit.fixed("rule", "adafactor").fixed("decay", options_.decay);
  visit.fixed("epsilon", options_.epsilon).fixed("smallest", options_.smallest);
  visit.fixed("clip", options_.clip);
}

}  // namespace adjoint::nn
