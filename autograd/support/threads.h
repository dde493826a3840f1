// Threads: one pool, and loops cut into fixed pieces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace adjoint {

using Index = std::int64_t;  // as in shape.h, which this room must not include

/// The number of threads that share a loop, the calling thread included. Initially the number of
/// cores. Error if count < 1, within a loop, or if the system does not allow that many; then the
/// number does not change. The threads start with the first loop that needs them. The child of a
/// fork() has none of its parent's threads and starts its own in the same way.
void set_threads(int count);
int threads();

namespace detail {
/// Calls task(context, i) once for each i < count, and rethrows the exception of the smallest i
/// that failed. Runs inline within another task and while another thread uses the pool.
void run_tasks(Index count, void (*task)(void*, Index), void* context);
}  // namespace detail

/// Calls f(i) for each i < count, each on some thread of the pool with the caller's ambient state.
/// Which thread varies, so different pieces must write to different places.
template <class F>
void parallel_tasks(Index count, F&& f) {
  detail::run_tasks(
      count,
      [](void* context, Index i) { (*static_cast<std::remove_reference_t<F>*>(context))(i); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

/// Calls f(begin, end) over [0, count) in pieces of `grain`. The cuts depend on count and grain
/// only, so f computes the same bits with any number of threads.
template <class F>
void parallel_for(Index count, Index grain, F&& f) {
  if (count <= grain) {
    if (count > 0) f(Index{0}, count);
    return;
  }
  parallel_tasks((count + grain - 1) / grain,
                 [&](Index piece) { f(piece * grain, std::min(count, (piece + 1) * grain)); });
}

}  // namespace adjoint
