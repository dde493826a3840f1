#include "examples/experiments/frame/experiment.h"

#include <unistd.h>

#include <iostream>
#include <mutex>

#include "autograd/support/threads.h"

namespace adjoint::experiments {
namespace {

// "37 of 120 runs" on a terminal's standard error, and nothing elsewhere.
class Progress {
 public:
  explicit Progress(Index all) : all_(all), shown_(isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void one_more() {
    const std::lock_guard lock(mutex_);
    if (shown_) std::cerr << '\r' << ++done_ << " of " << all_ << " runs" << std::flush;
  }

 private:
  std::mutex mutex_;
  Index done_ = 0, all_;
  bool shown_;
};

}  // namespace

void run_all(Results& results, const std::vector<std::string>& arms, std::int64_t seeds,
             const std::function<std::vector<Measured>(std::size_t, std::int64_t)>& run) {
  const Index count = std::ssize(arms) * seeds;
  std::vector<std::vector<Measured>> found(static_cast<std::size_t>(count));
  Progress progress(count);
  parallel_tasks(count, [&](Index i) {
    found[static_cast<std::size_t>(i)] = run(static_cast<std::size_t>(i / seeds), 1 + i % seeds);
    progress.one_more();
  });
  for (Index i = 0; i < count; ++i)
    for (const Measured& one : found[static_cast<std::size_t>(i)])
      results.add({one.quantity,
                   one.arm.empty() ? arms[static_cast<std::size_t>(i / seeds)] : one.arm, one.x,
                   1 + i % seeds, one.value});
}

}  // namespace adjoint::experiments
