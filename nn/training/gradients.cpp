#include "nn/training/gradients.h"

#include <cmath>
#include <numeric>

#include "nn/training/elements.h"

namespace adjoint::nn {
namespace {

// √ of the sum of squares(i, begin, count) over all chunks. The chunks' sums are added in order, so
// the number of threads does not change a bit.
template <class Squares>
double norm_by_chunks(const Tensors& xs, Squares squares) {
  const Chunks chunks(xs);
  std::vector<double> sums(static_cast<std::size_t>(chunks.count()), 0);
  parallel_tasks(chunks.count(), [&](Index chunk) {
    double& sum = sums[static_cast<std::size_t>(chunk)];
    chunks.each(chunk, [&](std::size_t i, Index begin, Index end) {
      sum += squares(i, begin, end - begin);
    });
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

}  // namespace

double global_norm(const Tensors& gradients) {
  return norm_by_chunks(gradients, [&](std::size_t i, Index begin, Index count) {
    const Tensor& g = gradients[i];
    return g.dtype() == DType::f32 ? sum_of_squares(g.values<float>().data() + begin, count)
                                   : sum_of_squares(g.values<double>().data() + begin, count);
  });
}

double add_up(std::span<Tensors> shards) {
  const std::vector<Elements> sums = edit_all(shards.front());
  return norm_by_chunks(shards.front(), [&](std::size_t i, Index begin, Index count) {
    return std::visit(
        [&]<class T>(std::span<T> elements) {
          T* const sum = elements.data() + begin;
          for (const Tensors& other : shards.subspan(1)) {
            const T* const term = other[i].values<T>().data() + begin;
#pragma omp simd
            for (Index j = 0; j < count; ++j) sum[j] += term[j];
          }
          return sum_of_squares(sum, count);  // while the chunk is in the cache
        },
        sums[i]);
  });
}

}  // namespace adjoint::nn
