#include "autograd/support/threads.h"

#include <pthread.h>

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

/// What each thread owns, on a cache line of its own: the job it is called to, and its share of the
/// pieces. The shares are fixed, so a repeated loop mostly gives a piece, with its part of the
/// weights, to the same core, whose cache still holds it.
struct alignas(64) Slot {
  std::atomic<Job*> job{nullptr};  // removed by the thread, or by the caller if it comes too late
  std::atomic<int> calls{0};       // incremented for each job; a sleeping thread waits for it
  std::atomic<Index> next{0};      // piece of its share
  Index end = 0;                   // of its share

  void call(Job& to) {
    job.store(&to, std::memory_order_release);
    ++calls;
    calls.notify_one();
  }
};

/// One loop that the pool is running.
struct Job {
  const Index pieces;
  void (*const task)(void*, Index);
  void* const context;
  const Ambient inherited = ambient();
  std::span<Slot> slots = {};        // of the threads that are called, the caller's first
  std::atomic<Index> stop = pieces;  // the first piece that failed: later ones need not begin
  std::exception_ptr error = {};
  std::mutex error_mutex = {};

  /// Calls no more threads than there are pieces.
  void share_out(std::span<Slot> all) {
    slots = all.first(std::min(all.size(), static_cast<std::size_t>(pieces)));
    const Index threads = std::ssize(slots);
    for (Index i = 0; Slot & slot : slots) {
      slot.next.store(pieces * i / threads, std::memory_order_relaxed);  // published with the job
      slot.end = pieces * ++i / threads;
    }
  }

  /// Runs a thread's own share, then whatever is left of the others'.
  void work(std::size_t thread) {
    inside_task = true;
    for (std::size_t i = 0; i < slots.size(); ++i) run_share(slots[(thread + i) % slots.size()]);
    inside_task = false;
  }

 private:
  void run_share(Slot& slot) {
    for (Index i = slot.next++; i < slot.end && i < stop; i = slot.next++) {
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

// Spins before it sleeps. Loops follow each other closely, and waking a thread takes longer than
// many of them. The spin lasts 3 to 50 microseconds, since processors pause for different times.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int i = 0; i < 1000 && value == old; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  if (value == old) value.wait(old);
}

class Pool {
 public:
  explicit Pool(int size, const Pool* of_parent = nullptr) : size_(size), of_parent_(of_parent) {}

  int size() const { return size_.load(std::memory_order_relaxed); }

  void resize(int count) {
    const std::lock_guard use(use_mutex_);
    if (count == size() && started_) return;
    if (start(count)) return;
    const std::size_t refused = workers_.size();
    start_if_allowed();  // with the former number
    fail("set_threads: the system allows no more than ", refused + 1, " of ", count,
         " threads; ask for fewer, or raise its limit (ulimit -u)");
  }

  void stop() {
    for (std::size_t i = 0; i < workers_.size(); ++i) slots_[i + 1].call(quit_);
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    started_ = false;
  }

  /// False if another thread is using the pool.
  bool run(Job& job) {
    const std::unique_lock use(use_mutex_, std::try_to_lock);
    if (!use) return false;
    if (!started_) start_if_allowed();
    job.share_out(slots_);
    const std::span<Slot> others = job.slots.subspan(1);
    for (Slot& slot : others) slot.call(job);
    job.work(0);
    int working = 0;  // threads that took the job; the others come too late for it
    for (Slot& slot : others)
      if (slot.job.exchange(nullptr) != &job) ++working;
    for (int done = done_; done < working; done = done_) wait_while(done_, done);
    done_.store(0, std::memory_order_relaxed);
    return true;
  }

 private:
  void serve(std::size_t thread) {
    Slot& slot = slots_[thread];
    for (int seen = 0;;) {
      wait_while(slot.calls, seen);
      seen = slot.calls;
      Job* const job = slot.job.exchange(nullptr);
      if (job == &quit_) return;
      if (!job) continue;
      {
        const AmbientGuard guard(job->inherited);
        job->work(thread);
      }
      ++done_;  // the caller may destroy the job from here on
      done_.notify_one();
    }
  }

  /// Starts that many threads. False if the system does not allow them all; those that did start
  /// keep running.
  bool start(int count) {
    stop();
    try {
      slots_ = std::vector<Slot>(static_cast<std::size_t>(count));
      for (std::size_t i = 1; i < slots_.size(); ++i)
        workers_.emplace_back([this, i] { serve(i); });
    } catch (const std::exception&) {  // std::system_error or std::bad_alloc
      return false;
    }
    size_ = count;
    return started_ = true;
  }

  /// The system may not allow even the default number, which the user did not ask for; then one
  /// thread must do.
  void start_if_allowed() {
    if (!start(size())) start(1);
  }

  std::mutex use_mutex_;  // held while a job runs or the size changes
  std::vector<std::thread> workers_;
  std::vector<Slot> slots_;               // the first is the caller's
  Job quit_{0, nullptr, nullptr};         // tells a worker to end
  alignas(64) std::atomic<int> done_{0};  // workers that have finished the current job
  std::atomic<int> size_;
  bool started_ = false;
  [[maybe_unused]] const Pool* const of_parent_;  // process; reachable, so not reported as a leak
};

// The pool of this process. It is stopped at exit but never destroyed.
Pool* current = nullptr;
struct StopAtExit {
  ~StopAtExit() { current->stop(); }
};
Pool& pool() {
  static const StopAtExit made = [] {
    current = new Pool(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
    // The child of a fork() inherits a copy of the pool but none of its threads. It must not use
    // that copy, so it makes its own.
    pthread_atfork(nullptr, nullptr, [] { current = new Pool(current->size(), current); });
    return StopAtExit();
  }();
  return *current;
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
    Job job{count, task, context};
    if (pool().run(job)) {
      if (job.error) std::rethrow_exception(job.error);
      return;
    }
  }
  for (Index i = 0; i < count; ++i) task(context, i);
}

}  // namespace adjoint
