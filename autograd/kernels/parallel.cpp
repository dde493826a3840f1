#include "autograd/kernels/parallel.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "autograd/ambient.h"
#include "autograd/error.h"

namespace adjoint {
namespace {

thread_local bool inside_task = false;

struct Job;

/// One for each thread, and a line of the cache for itself: the job it is called to, and its own
/// part of the pieces. The same piece of a loop that comes again, with its part of the weights, so
/// mostly falls to the same core, whose cache still has it.
struct alignas(64) Desk {
  std::atomic<Job*> job{nullptr};  // taken away by the thread, or by the caller when it is too late
  std::atomic<Index> next{0};
  Index end = 0;
};

/// One loop that the pool is working on.
struct Job {
  Job(Index count, void (*f)(void*, Index), void* with)
      : pieces(count), task(f), context(with), inherited(ambient()), stop(count) {}

  const Index pieces;
  void (*const task)(void*, Index);
  void* const context;
  const Ambient inherited;
  std::atomic<Index> stop;  // the first piece that failed: none after it has to begin
  std::exception_ptr error;
  std::mutex error_mutex;

  void share_out(std::vector<Desk>& desks) const {
    const auto threads = static_cast<Index>(desks.size());
    const auto begin = [&](Index i) { return (pieces * i + threads - 1) / threads; };
    for (Index i = 0; i < threads; ++i) {
      Desk& desk = desks[static_cast<std::size_t>(i)];
      desk.next.store(begin(i), std::memory_order_relaxed);  // seen with the job
      desk.end = begin(i + 1);
    }
  }

  /// A thread's own part, one piece after the other, then what is left of the others'.
  void work(std::vector<Desk>& desks, std::size_t thread) {
    inside_task = true;
    for (std::size_t i = 0; i < desks.size(); ++i) work_on(desks[(thread + i) % desks.size()]);
    inside_task = false;
  }

 private:
  void work_on(Desk& desk) {
    for (Index i = desk.next++; i < desk.end && i < stop; i = desk.next++) {
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
template <class T>
void wait_while(const std::atomic<T>& value, T is) {
  constexpr int looks = 1000;
  for (int i = 0; i < looks && value == is; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();  // tens of nanoseconds
#endif
  }
  if (value == is) value.wait(is);
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
    size_ = count;
    desks_ = std::vector<Desk>(static_cast<std::size_t>(count));
    for (std::size_t i = 1; i < desks_.size(); ++i) workers_.emplace_back([this, i] { serve(i); });
  }

  /// False when another thread is using the pool.
  bool run(Job& job) {
    const std::unique_lock use(use_mutex_, std::try_to_lock);
    if (!use) return false;
    job.share_out(desks_);
    call(job);
    job.work(desks_, 0);
    const int helpers = workers_at(job);
    for (int done = done_; done < helpers; done = done_) wait_while(done_, done);
    done_.store(0, std::memory_order_relaxed);
    return true;
  }

 private:
  void call(Job& job) {
    for (std::size_t i = 1; i < desks_.size(); ++i) {
      desks_[i].job.store(&job, std::memory_order_release);
      desks_[i].job.notify_one();
    }
  }
  // How many have taken it. The others come too late.
  int workers_at(Job& job) {
    int count = 0;
    for (std::size_t i = 1; i < desks_.size(); ++i)
      if (desks_[i].job.exchange(nullptr) != &job) ++count;
    return count;
  }

  void serve(std::size_t thread) {
    while (true) {
      wait_while(desks_[thread].job, static_cast<Job*>(nullptr));
      Job* const job = desks_[thread].job.exchange(nullptr);
      if (job == &closing_time_) return;
      if (!job) continue;
      {
        const AmbientGuard guard(job->inherited);
        job->work(desks_, thread);
      }
      ++done_;  // from here on there may be no job
      done_.notify_one();
    }
  }

  void stop() {
    call(closing_time_);
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  std::mutex use_mutex_;  // held by whoever runs a job or changes the size
  std::vector<std::thread> workers_;
  std::vector<Desk> desks_;
  Job closing_time_{0, nullptr, nullptr};
  alignas(64) std::atomic<int> done_{0};  // workers that have taken the job and left it
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
