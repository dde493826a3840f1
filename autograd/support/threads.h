// Threads: one pool, and loops cut into fixed pieces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace adjoint {

using Index = std::int64_t;  // as in shape.h, which this room does not know

/// How many threads work on one loop, the calling one included. At first, as many as cores.
void set_threads(int count);
int threads();

namespace detail {
/// Calls task(context, i) once for each i < count, on the pool where that is possible. Rethrows the
/// first exception. Runs inline within a task, and when another thread is using the pool.
void run_tasks(Index count, void (*task)(void*, Index), void* context);
}  // namespace detail

/// f(i) for each i < count, each a piece of work for a thread of its own. Which thread does which
/// piece varies, so pieces write to different places. The ambient state is inherited.
template <class F>
void parallel_tasks(Index count, F&& f) {
  detail::run_tasks(
      count,
      [](void* context, Index i) { (*static_cast<std::remove_reference_t<F>*>(context))(i); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

/// f(begin, end) over [0, count) in pieces of `grain`. The cuts depend on count and grain alone,
/// never on the number of threads, so neither do the bits of what f computes.
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
