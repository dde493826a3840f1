#include "autograd/storage.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace adjoint {
namespace {

constexpr std::size_t line_bits = 6;
constexpr std::size_t line = 1 << line_bits;  // a cache line, and the widest vector register
constexpr std::align_val_t alignment{line};

// Size classes: a line for the Storage itself, then the elements. Four sizes to each power of two,
// so at most a fifth of a block is unused, except in the smallest.
struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};
SizeClass size_class(std::size_t bytes) {
  bytes = std::max(bytes, 2 * line) - line;
  const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes
  const std::size_t step_bits = std::max(line_bits, power - 2);
  const std::size_t rounded = (((bytes - 1) >> step_bits) + 1) << step_bits;
  return {power * 4 + ((rounded - (std::size_t{1} << power)) >> (power - 2)), line + rounded};
}

std::size_t bytes_of_class(std::size_t index) {
  const std::size_t power = (index - 1) / 4, quarters = (index - 1) % 4 + 1;
  return line + (std::size_t{1} << power) + (quarters << power >> 2);
}
constexpr std::size_t class_count = 64 * 4 + 8;

void release(void* block) { ::operator delete(block, alignment); }

// One thread may take a block and another give it back (a worker's gradients), so blocks are
// shared, under a lock. Small blocks come and go by the million. So each thread keeps its own lists
// of them, which need no lock, and exchanges many blocks at a time with the shared lists.
constexpr std::size_t small_limit = line + 4096;
// The most that a thread keeps of each size; about 10 MB over all sizes. When a list is full, half
// of it goes to the shared one.
constexpr std::size_t most_own_blocks = 1024, most_own_bytes = std::size_t{1} << 19;
std::size_t most_own(const SizeClass& size) {
  return std::min(most_own_blocks, most_own_bytes / size.bytes);
}

// ---- What all threads share ---------------------------------------------------------------------

// A free block, described in its own memory. It is in two lists: of all blocks, and of its size.
// When a thread gives back many small blocks at once, they stay together as one entry.
struct FreeBlock {
  struct Links {
    FreeBlock *older = nullptr, *newer = nullptr;
  };
  SizeClass size;
  std::vector<void*> others;
  Links among_all = {}, of_size = {};

  std::size_t bytes() const { return (1 + others.size()) * size.bytes; }
};
static_assert(sizeof(FreeBlock) <= 2 * line);  // the smallest block

// Free blocks, ordered by when they were given back, the oldest first.
template <FreeBlock::Links FreeBlock::*links>
class ByAge {
 public:
  FreeBlock* oldest() const { return oldest_; }
  FreeBlock* newest() const { return newest_; }
  void push(FreeBlock* block) {
    (block->*links).older = newest_;
    (newest_ ? (newest_->*links).newer : oldest_) = block;
    newest_ = block;
  }
  void remove(FreeBlock* block) {
    const auto [older, newer] = block->*links;
    (older ? (older->*links).newer : oldest_) = newer;
    (newer ? (newer->*links).older : newest_) = older;
  }

 private:
  FreeBlock *oldest_ = nullptr, *newest_ = nullptr;
};

// The free blocks, and the bytes in use. What threads keep in their own lists counts as in use.
class SharedBlocks {
 public:
  std::mutex mutex;  // the caller of any function below holds it

  /// Takes a free block of this size; the blocks together with it go to `others`. Null if there is
  /// none, and then the caller allocates one.
  void* take(const SizeClass& size, std::vector<void*>& others) {
    FreeBlock* const block = of_size_[size.index].newest();
    const std::size_t bytes = block ? block->bytes() : size.bytes;
    if (block) {
      remove(block);
      others = std::move(block->others);
      std::destroy_at(block);
    }
    in_use_ += bytes;
    follow_peak(bytes);
    return block;
  }
  void not_taken(const SizeClass& size) { in_use_ -= size.bytes; }

  void give_back(void* memory, const SizeClass& size, std::vector<void*> others = {}) {
    in_use_ -= (1 + others.size()) * size.bytes;
    if (size.bytes > always_kept && size.bytes / 4 > in_use_) {  // most of what was in use
      release(memory);
      forget_peak(in_use_);
    } else {
      auto* const block = new (memory) FreeBlock{size, std::move(others)};
      all_.push(block);
      of_size_[size.index].push(block);
      kept_ += block->bytes();
    }
    trim(peak_ - in_use_ + std::max(always_kept, peak_));
  }

  std::size_t kept() const { return kept_; }
  /// Releases the blocks that have been free the longest until at most `most` bytes are left.
  void trim(std::size_t most) {
    while (kept_ > most) {
      FreeBlock* const block = all_.oldest();
      remove(block);
      for (void* const other : block->others) release(other);
      std::destroy_at(block);
      release(block);
    }
  }

 private:
  static constexpr std::size_t always_kept = std::size_t{64} << 20;

  void remove(FreeBlock* block) {
    all_.remove(block);
    of_size_[block->size.index].remove(block);
    kept_ -= block->bytes();
  }

  // A peak stays recent until 32 times the highest use since then has been handed out. A training
  // step hands out only a few times that much from one peak to the next.
  void follow_peak(std::size_t bytes) {
    if (in_use_ >= peak_) return forget_peak(in_use_);
    taken_since_ += bytes;
    in_use_since_ = std::max(in_use_since_, in_use_);
    if (taken_since_ / 32 > in_use_since_) forget_peak(in_use_since_);
  }
  void forget_peak(std::size_t new_peak) {
    peak_ = new_peak;
    taken_since_ = in_use_since_ = 0;
  }

  ByAge<&FreeBlock::among_all> all_;
  std::array<ByAge<&FreeBlock::of_size>, class_count> of_size_;
  std::size_t kept_ = 0, in_use_ = 0;
  std::size_t peak_ = 0;                            // the recent peak of in_use_
  std::size_t taken_since_ = 0, in_use_since_ = 0;  // bytes handed out since, highest in_use_ since
};

// Never destroyed: tensors in static storage may be dropped after every other destructor has run.
SharedBlocks& shared() {
  static auto* const blocks = [] {
    // fork() may happen while another thread holds the lock, and the child does not have that
    // thread to release it.
    pthread_atfork([] { shared().mutex.lock(); }, [] { shared().mutex.unlock(); },
                   [] { shared().mutex.unlock(); });
    return new SharedBlocks;
  }();
  return *blocks;
}

// ---- What belongs to one thread -----------------------------------------------------------------

// Bytes in use by all threads. One counter would make all threads wait for each other, so each
// keeps a count of its own and adds it to the shared one when it is large.
std::atomic<std::ptrdiff_t> bytes_in_use{0};
std::atomic<std::ptrdiff_t> bytes_peak{0};
class Book {
 public:
  void enter(std::ptrdiff_t bytes) {
    change_ += bytes;
    highest_ = std::max(highest_, change_);
    if (std::max(highest_, -change_) > longest) carry_over();
  }
  void carry_over() {
    const std::ptrdiff_t highest = highest_ + bytes_in_use.fetch_add(change_);
    std::ptrdiff_t peak = bytes_peak.load();
    while (highest > peak && !bytes_peak.compare_exchange_weak(peak, highest)) {
    }
    change_ = highest_ = 0;
  }

 private:
  static constexpr std::ptrdiff_t longest = 1 << 16;
  std::ptrdiff_t change_ = 0;
  std::ptrdiff_t highest_ = 0;  // change_ at its highest since then
};

// The pointer is null before the first use and while the thread ends. Reading a plain pointer costs
// nothing, whereas a thread_local object with a constructor is checked at each access.
struct OwnMemory {
  std::array<std::vector<void*>, class_count> free;
  Book book;

  OwnMemory();
  ~OwnMemory();
  void* take(const SizeClass& size) {
    auto& blocks = free[size.index];
    if (blocks.empty()) return nullptr;
    void* const block = blocks.back();
    blocks.pop_back();
    return block;
  }
  /// Moves up to `most` blocks to the shared list, which the caller has locked.
  void pass_on(const SizeClass& size, std::size_t most) {
    auto& blocks = free[size.index];
    const auto first = blocks.end() - static_cast<std::ptrdiff_t>(std::min(most, blocks.size()));
    if (first == blocks.end()) return;
    shared().give_back(*first, size, {first + 1, blocks.end()});
    blocks.erase(first, blocks.end());
  }
  void pass_on_all() {
    for (std::size_t i = 1; i < class_count; ++i)
      if (!free[i].empty()) pass_on({i, bytes_of_class(i)}, free[i].size());
  }
  std::size_t kept() const {
    std::size_t bytes = 0;
    for (std::size_t i = 1; i < class_count; ++i)
      if (!free[i].empty()) bytes += free[i].size() * bytes_of_class(i);
    return bytes;
  }
};
thread_local OwnMemory* current = nullptr;
thread_local std::size_t made = 0;  // buffers
OwnMemory::OwnMemory() { current = this; }
OwnMemory::~OwnMemory() {
  current = nullptr;
  book.carry_over();
  const std::lock_guard lock(shared().mutex);
  pass_on_all();
}
OwnMemory* own_memory() {
  if (!current) {
    thread_local OwnMemory owner;
  }
  return current;
}

// The calling thread's own lists, if they keep blocks of this size.
OwnMemory* own_memory_for(const SizeClass& size) {
  return size.bytes <= small_limit ? own_memory() : nullptr;
}

void carry_over() {
  if (OwnMemory* const own = own_memory()) own->book.carry_over();
}
void count(std::ptrdiff_t bytes) {
  if (OwnMemory* const own = own_memory())
    own->book.enter(bytes);
  else
    bytes_in_use += bytes;
}

[[gnu::noinline]] void* take_shared(OwnMemory* own, const SizeClass& size) {
  const std::lock_guard lock(shared().mutex);
  std::vector<void*> others;
  void* const block = shared().take(size, others);
  if (own)
    own->free[size.index].assign(others.begin(), others.end());  // it was empty, with capacity
  else
    for (void* const other : others) shared().give_back(other, size);
  return block;
}
void* take_unused(const SizeClass& size) {
  OwnMemory* const own = own_memory_for(size);
  if (own)
    if (void* const block = own->take(size)) return block;
  return take_shared(own, size);
}

[[gnu::noinline]] void share(OwnMemory* own, void* block, const SizeClass& size) {
  const std::lock_guard lock(shared().mutex);
  if (own)
    own->pass_on(size, most_own(size) / 2);
  else
    shared().give_back(block, size);
}
void put_unused(void* block, const SizeClass& size) {
  OwnMemory* const own = own_memory_for(size);
  if (own) {
    auto& blocks = own->free[size.index];
    blocks.push_back(block);
    // Compares with most_own() without its division.
    if (blocks.size() <= most_own_blocks && blocks.size() * size.bytes <= most_own_bytes) return;
  }
  share(own, block, size);
}

void* allocate(const SizeClass& size) {
  if (void* const block = ::operator new(size.bytes, alignment, std::nothrow)) return block;
  memory::release_unused();
  if (void* const block = ::operator new(size.bytes, alignment, std::nothrow)) return block;
  const std::lock_guard lock(shared().mutex);
  shared().not_taken(size);
  throw std::bad_alloc();
}

// Allocates a Storage with its reference count, and the elements behind them in the same block.
template <class T>
struct WithElements {
  using value_type = T;
  std::size_t bytes;

  explicit WithElements(std::size_t size) : bytes(size) {}
  template <class U>
  WithElements(const WithElements<U>& other) : bytes(other.bytes) {}

  T* allocate(std::size_t) {
    static_assert(sizeof(T) <= line);
    return static_cast<T*>(memory::take(line + bytes));
  }
  void deallocate(T* block, std::size_t) { memory::give_back(block, line + bytes); }
};

}  // namespace

StoragePtr Storage::make(std::size_t bytes) {
  return std::allocate_shared<Storage>(WithElements<Storage>(bytes), InBlock(), bytes);
}

Storage::Storage(InBlock, std::size_t bytes) : bytes_(bytes) {
  const auto end = reinterpret_cast<std::uintptr_t>(this + 1);
  data_ = reinterpret_cast<void*>((end + line - 1) / line * line);
  count(static_cast<std::ptrdiff_t>(bytes));
  ++made;
}

Storage::~Storage() { count(-static_cast<std::ptrdiff_t>(bytes_)); }

namespace memory {

void* take(std::size_t bytes) {
  const SizeClass size = size_class(bytes);
  void* const unused = take_unused(size);
  return unused ? unused : allocate(size);
}

void give_back(void* block, std::size_t bytes) { put_unused(block, size_class(bytes)); }

std::size_t in_use() {
  carry_over();
  return static_cast<std::size_t>(bytes_in_use.load());
}
std::size_t peak() {
  carry_over();
  return static_cast<std::size_t>(bytes_peak.load());
}
std::size_t buffers_made() { return made; }
void reset_peak() {
  carry_over();
  bytes_peak.store(bytes_in_use.load());
}
std::size_t kept() {
  const OwnMemory* const own = own_memory();
  const std::lock_guard lock(shared().mutex);
  return shared().kept() + (own ? own->kept() : 0);
}
void release_unused() {
  OwnMemory* const own = own_memory();
  const std::lock_guard lock(shared().mutex);
  if (own) own->pass_on_all();
  shared().trim(0);
}

}  // namespace memory

}  // namespace adjoint
