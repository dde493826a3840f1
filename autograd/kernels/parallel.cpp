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
      workers_.emplace_back([this, seen = generation_]() mutable { serve(seen); });
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
    done_.wait(lock, [&] { return busy_ == 0; });
    return true;
  }

 private:
  void serve(std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
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
  std::uint64_t generation_ = 0;
  int busy_ = 0;
  bool stopping_ = false;
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
