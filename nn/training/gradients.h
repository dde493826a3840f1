// What is done to all gradients of a step together: adding up those of the shards, their norm,
// clipping.
#pragma once

#include <algorithm>
#include <variant>

#include "autograd/support/error.h"
#include "autograd/support/threads.h"
#include "autograd/tensor.h"

namespace adjoint::nn {

/// The error of gradients that are NaN or infinite: a step would destroy the parameters. The same
/// run under a DetectAnomaly guard (autograd/tools/anomaly.h) says where it went wrong.
class NotFinite : public Error {
  using Error::Error;
};
/// NotFinite, named after the function, unless the gradients' global norm is finite.
void require_finite(const char* function, double norm);

/// √Σ g² over all elements of all gradients.
double global_norm(const Tensors& gradients);
/// Adds the gradients of all shards to those of the first, in order, and returns the global norm of
/// the sums. At least one shard; all have the same shapes and types.
double add_up(std::span<Tensors> shards);

/// What gradients of this global norm have to be multiplied with for it to be at most `limit`; 1
/// when it is (Pascanu et al. 2013, algorithm 1).
double clipping_factor(double norm, double limit);
/// Multiplies all gradients with that factor, in place, and returns the norm from before. NotFinite
/// when that is not. (An optimizer takes the factor itself, which saves a pass.)
double clip_by_global_norm(Tensors& gradients, double limit);

/// The elements of a tensor of either real type.
using Elements = std::variant<std::span<float>, std::span<double>>;
/// Those of each tensor, to be written. By one thread before the others come: it counts as an edit.
std::vector<Elements> edit_all(Tensors& xs);

/// Tensors laid end to end and cut into pieces of one size: work is shared evenly among threads
/// however many tensors there are and however large each is. The cuts do not depend on the threads.
class Pieces {
 public:
  explicit Pieces(const Tensors& xs);

  Index count() const { return (starts_.back() + size - 1) / size; }

  /// f(i, begin, end) for each tensor i of which elements [begin, end) lie in the piece.
  template <class F>
  void each_run(Index piece, F f) const {
    const Index end = std::min((piece + 1) * size, starts_.back());
    Index begin = piece * size;
    // The last tensor that begins no later; those before it at the same place are empty.
    auto next = std::upper_bound(starts_.begin(), starts_.end(), begin);
    while (begin < end) {
      const Index start = *(next - 1), stop = std::min(end, *next);
      if (begin < stop)
        f(static_cast<std::size_t>(next - starts_.begin() - 1), begin - start, stop - start);
      begin = stop;
      ++next;
    }
  }
  /// The same for all pieces, on all threads.
  template <class F>
  void each_run(F f) const {
    parallel_tasks(count(), [&](Index piece) { each_run(piece, f); });
  }

 private:
  static constexpr Index size = 32768;  // elements: some ten microseconds of work
  std::vector<Index> starts_;           // of each tensor, and the end of the last
};

}  // namespace adjoint::nn
