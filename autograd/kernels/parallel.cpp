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

/// One loop that the pool is working on. Each thread has its own part of the pieces, one after the
/// other, and helps the others when it is done with it: the same piece of a loop that comes again,
/// with its part of the weights, mostly falls to the same core, whose cache still has it.
struct Job {
  struct alignas(64) Part {  // a line of the cache for itself
    std::atomic<Index> next{0};
    Index end = 0;
  };

  Job(Index count, void (*f)(void*, Index), void* with)
      : pieces(count), task(f), context(with), inherited(ambient()), stop(count) {}

  const Index pieces;
  void (*const task)(void*, Index);
  void* const context;
  const Ambient inherited;
  std::vector<Part>* parts = nullptr;  // one for each thread, the pool's
  std::atomic<Index> stop;             // the first piece that failed: none after it has to begin
  std::exception_ptr error;
  std::mutex error_mutex;

  void share_out(std::vector<Part>& among) {
    const auto threads = static_cast<Index>(among.size());
    const auto begin = [&](Index i) { return (pieces * i + threads - 1) / threads; };
    for (Index i = 0; i < threads; ++i) {
      Part& part = among[static_cast<std::size_t>(i)];
      part.next = begin(i);
      part.end = begin(i + 1);
    }
    parts = &among;
  }

  void work(std::size_t thread) {
    const AmbientGuard guard(inherited);
    inside_task = true;
    for (std::size_t i = 0; i < parts->size(); ++i) work_on((*parts)[(thread + i) % parts->size()]);
    inside_task = false;
  }

 private:
  void work_on(Part& part) {
    for (Index i = part.next++; i < part.end && i < stop; i = part.next++) {
      try {
        task(context, i);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (i >= stop) return;
        error = std::current_exception();
        stop = i;
      }
    }
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
    parts_ = std::vector<Job::Part>(static_cast<std::size_t>(count));
    for (int i = 1; i < count; ++i)
      workers_.emplace_back(
          [this, i, seen = generation_.load()] { serve(static_cast<std::size_t>(i), seen); });
  }

  /// False when another thread is using the pool.
  bool run(Job& job) {
    const std::unique_lock use(use_mutex_, std::try_to_lock);
    if (!use) return false;
    job.share_out(parts_);
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      ++generation_;
    }
    wake_.notify_all();
    job.work(0);
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
  void serve(std::size_t thread, std::uint64_t seen) {
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
      job.work(thread);
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
  std::vector<Job::Part> parts_;  // of the job
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
    Job job(count, task, context);
    if (pool().run(job)) {
      if (job.error) std::rethrow_exception(job.error);
      return;
    }
  }
  for (Index i = 0; i < count; ++i) task(context, i);
}

}  // namespace adjoint
