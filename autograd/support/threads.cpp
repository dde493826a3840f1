#include "autograd/support/threads.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "autograd/support/ambient.h"
#include "autograd/support/error.h"

namespace adjoint {
namespace {

thread_local bool inside_task = false;

struct Job;

/// One for each thread, and a line of the cache for itself: the job it is called to, and its own
/// part of the pieces. The same piece of a loop that comes again, with its part of the weights, so
/// mostly falls to the same core, whose cache still has it.
struct alignas(64) Desk {
  std::atomic<Job*> job{nullptr};  // taken away by the thread, or by the caller when it is too late
  std::atomic<int> calls{0};       // goes up with each job: a sleeping thread waits for that
  std::atomic<Index> next{0};      // of its pieces
  Index end = 0;

  void call(Job& to) {
    job.store(&to, std::memory_order_release);
    ++calls;
    calls.notify_one();
  }
};

/// One loop that the pool is working on.
struct Job {
  Job(Index count, void (*f)(void*, Index), void* with)
      : pieces(count), task(f), context(with), inherited(ambient()), stop(count) {}

  const Index pieces;
  void (*const task)(void*, Index);
  void* const context;
  const Ambient inherited;
  std::span<Desk> desks;    // of those who are called, the caller's first
  std::atomic<Index> stop;  // the first piece that failed: none after it has to begin
  std::exception_ptr error;
  std::mutex error_mutex;

  /// No more threads are called than there are pieces.
  void share_out(std::span<Desk> all) {
    desks = all.first(std::min(all.size(), static_cast<std::size_t>(pieces)));
    const Index threads = std::ssize(desks);
    for (Index i = 0; Desk & desk : desks) {
      desk.next.store(pieces * i / threads, std::memory_order_relaxed);  // seen with the job
      desk.end = pieces * ++i / threads;
    }
  }

  /// A thread's own part, one piece after the other, then what is left of the others'.
  void work(std::size_t thread) {
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
// a thread that has nothing to do looks out for a while before it goes to sleep, between 3 and 50
// microseconds, since processors differ in how long they pause.
template <class T>
void wait_while(const std::atomic<T>& value, T is) {
  constexpr int looks = 1000;
  for (int i = 0; i < looks && value == is; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
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
    desks_ = std::vector<Desk>(static_cast<std::size_t>(count));
    size_ = count;
    try {
      for (std::size_t i = 1; i < desks_.size(); ++i)
        workers_.emplace_back([this, i] { serve(i); });
    } catch (...) {  // so many threads are not to be had
      stop();
      desks_ = std::vector<Desk>(1);
      size_ = 1;
      throw;
    }
  }

  /// False when another thread is using the pool.
  bool run(Job& job) {
    const std::unique_lock use(use_mutex_, std::try_to_lock);
    if (!use) return false;
    job.share_out(desks_);
    const std::span<Desk> others = job.desks.subspan(1);
    for (Desk& desk : others) desk.call(job);
    job.work(0);
    int working = 0;  // those who have taken the job; the others come too late for it
    for (Desk& desk : others)
      if (desk.job.exchange(nullptr) != &job) ++working;
    for (int done = done_; done < working; done = done_) wait_while(done_, done);
    done_.store(0, std::memory_order_relaxed);
    return true;
  }

 private:
  void serve(std::size_t thread) {
    Desk& desk = desks_[thread];
    for (int seen = 0;;) {
      wait_while(desk.calls, seen);
      seen = desk.calls;
      Job* const job = desk.job.exchange(nullptr);
      if (job == &closing_time_) return;
      if (!job) continue;
      {
        const AmbientGuard guard(job->inherited);
        job->work(thread);
      }
      ++done_;  // from here on there may be no job
      done_.notify_one();
    }
  }

  void stop() {
    for (Desk& desk : desks_) desk.call(closing_time_);
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  std::mutex use_mutex_;  // held by whoever runs a job or changes the size
  std::vector<std::thread> workers_;
  std::vector<Desk> desks_;  // the first is the caller's
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
