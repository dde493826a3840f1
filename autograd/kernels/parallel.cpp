#include "autograd/kernels/parallel.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "autograd/ambient.h"
#include "autograd/error.h"

namespace adjoint {
namespace {

thread_local bool inside_task = false;

/// One loop that the pool is working on.
struct Job {
  Index count;
  void (*task)(void*, Index);
  void* context;
  Ambient inherited;
  std::atomic<Index> next{0};
  std::exception_ptr error;  // of the first piece in order that failed
  Index error_piece = 0;
  std::mutex error_mutex;

  void work() {
    const AmbientGuard guard(inherited);
    inside_task = true;
    for (Index i = next++; i < count; i = next++) {
      try {
        task(context, i);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error || i < error_piece) {
          error = std::current_exception();
          error_piece = i;
        }
        next = count;  // pieces go out in order: all before this one have begun
      }
    }
    inside_task = false;
  }
};

// Loops follow each other closely, and waking a thread that sleeps takes longer than many of them:
// a thread that has nothing to do looks out for some ten microseconds before it goes to sleep.
template <class Condition>
void look_out_for(const Condition& condition) {
  constexpr int looks = 400;
  for (int i = 0; i < looks && !condition(); ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();  // tens of nanoseconds
#endif
  }
}

class Pool {
 public:
  Pool() { resize(static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))); }
  ~Pool() { stop(); }

  int size() const { return size_.load(std::memory_order_relaxed); }

  void resize(int count) {
    const std::lock_guard use(use_mutex_);
    if (count == size()) return;
    stop();
    stopping_ = false;
    size_ = count;
    for (int i = 1; i < count; ++i)
      workers_.emplace_back([this, seen = generation_.load()] { serve(seen); });
  }

  /// False when another thread is using the pool.
  bool run(Job& job) {
    const std::unique_lock use(use_mutex_, std::try_to_lock);
    if (!use) return false;
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      ++generation_;
    }
    wake_.notify_all();
    job.work();
    std::unique_lock lock(mutex_);
    job_ = nullptr;  // a worker that wakes only now finds nothing to do
    const auto finished = [&] { return busy_ == 0; };
    if (!finished()) {
      lock.unlock();
      look_out_for(finished);
      lock.lock();
    }
    done_.wait(lock, finished);
    return true;
  }

 private:
  void serve(std::uint64_t seen) {
    const auto called = [&] { return stopping_ || generation_ != seen; };
    while (true) {
      look_out_for(called);
      std::unique_lock lock(mutex_);
      wake_.wait(lock, called);
      if (stopping_) return;
      seen = generation_;
      if (!job_) continue;
      Job& job = *job_;
      ++busy_;
      lock.unlock();
      job.work();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  std::mutex use_mutex_;  // held by whoever runs a job or changes the size
  std::mutex mutex_;      // guards what follows
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  Job* job_ = nullptr;
  // These are looked at without the lock too, but changed only with it.
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<int> size_{0};
};

Pool& pool() {
  static Pool instance;
  return instance;
}

}  // namespace

void set_threads(int count) {
  require(count >= 1, "set_threads: needs at least one thread, got ", count);
  require(!inside_task, "set_threads: called from within a parallel loop");
  pool().resize(count);
}

int threads() { return pool().size(); }

void detail::run_tasks(Index count, void (*task)(void*, Index), void* context) {
  if (!inside_task && count > 1 && threads() > 1) {
    Job job{count, task, context, ambient(), {}, {}, {}, {}};
    if (pool().run(job)) {
      if (job.error) std::rethrow_exception(job.error);
      return;
    }
  }
  for (Index i = 0; i < count; ++i) task(context, i);
}

}  // namespace adjoint
