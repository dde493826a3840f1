// Loops over the elements of many tensors, shared out evenly among threads.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "autograd/support/threads.h"
#include "autograd/tensor.h"

namespace adjoint::nn {

/// The elements of a tensor of either real dtype.
using Elements = std::variant<std::span<float>, std::span<double>>;

/// The elements of each tensor, for writing. Call it before other threads start: it counts as an
/// edit of every tensor.
inline std::vector<Elements> edit_all(Tensors& xs) {
  std::vector<Elements> all;
  for (Tensor& x : xs)
    all.push_back(x.dtype() == DType::f32 ? Elements(x.edit<float>()) : Elements(x.edit<double>()));
  return all;
}

/// Tensors laid end to end and cut into chunks of equal size, so that threads share the work evenly
/// whatever the number and sizes of the tensors. The cuts do not depend on the number of threads.
class Chunks {
 public:
  explicit Chunks(const Tensors& xs) : starts_{0} {
    for (const Tensor& x : xs) starts_.push_back(starts_.back() + x.numel());
  }

  Index count() const { return (starts_.back() + size - 1) / size; }

  /// Calls f(i, begin, end) for each tensor i that has elements [begin, end) in the chunk.
  template <class F>
  void each(Index chunk, F f) const {
    const Index first = chunk * size, last = std::min(first + size, starts_.back());
    // Begin at the last tensor that starts no later than the chunk. Empty tensors are skipped.
    auto start = std::ranges::upper_bound(starts_, first) - 1;
    for (; *start < last; ++start) {
      const Index begin = std::max(first, start[0]), end = std::min(last, start[1]);
      if (begin < end)
        f(static_cast<std::size_t>(start - starts_.begin()), begin - *start, end - *start);
    }
  }

 private:
  static constexpr Index size = 32768;  // elements: about ten microseconds of work
  std::vector<Index> starts_;           // of each tensor, then the end of the last
};

/// Σ x². It is computed in f64: squares of f32 may overflow f32, and there are many of them.
template <Real T>
double sum_of_squares(const T* x, Index count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (Index i = 0; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

/// Calls rule(w, g, b…) for `count` parameter elements w, their gradients g times `scale`, and
/// their elements in each buffer.
template <Real T, class Rule, class... Buffer>
void each_element(const Rule rule, Index count, T* w, const T* g, T scale, Buffer* const... b) {
#pragma omp simd
  for (Index i = 0; i < count; ++i) rule(w[i], scale * g[i], b[i]...);
}

/// The same for all elements of the parameters, with `count` buffers like them. make_rule<T>()
/// returns the rule for dtype T.
template <std::size_t count, class MakeRule>
void each_element(Tensors& parameters, const Tensors& gradients, double scale,
                  std::span<Tensors> buffers, const MakeRule& make_rule) {
  const std::vector<Elements> w = edit_all(parameters);
  std::vector<std::vector<Elements>> b;
  for (Tensors& buffer : buffers) b.push_back(edit_all(buffer));

  const Chunks chunks(parameters);
  const auto update_part = [&](std::size_t i, Index begin, Index end) {
    const auto update = [&]<class T, std::size_t... n>(std::span<T> own,
                                                       std::index_sequence<n...>) {
      each_element(make_rule.template operator()<T>(), end - begin, own.data() + begin,
                   gradients[i].values<T>().data() + begin, static_cast<T>(scale),
                   (std::get<std::span<T>>(b[n][i]).data() + begin)...);
    };
    std::visit([&](auto own) { update(own, std::make_index_sequence<count>()); }, w[i]);
  };
  parallel_tasks(chunks.count(), [&](Index chunk) { chunks.each(chunk, update_part); });
}

}  // namespace adjoint::nn
