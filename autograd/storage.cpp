#include "autograd/storage.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <vector>

#include "autograd/support/error.h"

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

// Free blocks, by size.
class FreeList {
 public:
  ~FreeList() { clear(); }

  void* take(const SizeClass& size) {
    auto& blocks = blocks_[size.index];
    if (blocks.empty()) return nullptr;
    void* const block = blocks.back();
    blocks.pop_back();
    return block;
  }
  void put(void* block, const SizeClass& size) { blocks_[size.index].push_back(block); }
  std::size_t count(const SizeClass& size) const { return blocks_[size.index].size(); }
  /// Moves up to `most` blocks of one size to another list.
  void pass_on(FreeList& to, std::size_t index, std::size_t most) {
    auto& blocks = blocks_[index];
    const auto first = blocks.end() - static_cast<std::ptrdiff_t>(std::min(most, blocks.size()));
    to.blocks_[index].insert(to.blocks_[index].end(), first, blocks.end());
    blocks.erase(first, blocks.end());
  }
  void pass_on_all(FreeList& to) {
    for (std::size_t index = 0; index < blocks_.size(); ++index)
      pass_on(to, index, blocks_[index].size());
  }
  void clear() {
    for (auto& blocks : blocks_) {
      for (void* block : blocks) ::operator delete(block, alignment);
      blocks.clear();
    }
  }

 private:
  std::array<std::vector<void*>, 64 * 4 + 8> blocks_;
};

// One thread may take a block and another give it back (a worker's gradients), so blocks are
// shared, under a lock. Small blocks come and go by the million: each thread has its own list of
// them, needs no lock for it, and exchanges many at a time with the shared list.
constexpr std::size_t small_limit = line + 4096;
constexpr std::size_t traded_at_once = 256;  // so a thread has at most twice as many of each size

struct SharedFreeList {
  std::mutex mutex;
  FreeList list;
};
// Never destroyed: tensors in static storage may be dropped after every other destructor has run.
SharedFreeList& shared_list() {
  static auto* const list = new SharedFreeList;
  return *list;
}

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

// What belongs to one thread. The pointer is null before the first use and while the thread ends. A
// plain pointer costs nothing to read; a thread_local object with a constructor is checked each
// time.
struct OwnMemory {
  FreeList list;
  Book book;
  OwnMemory();
  ~OwnMemory();
};
thread_local OwnMemory* current = nullptr;
OwnMemory::OwnMemory() { current = this; }
OwnMemory::~OwnMemory() {
  current = nullptr;
  book.carry_over();
  const std::lock_guard lock(shared_list().mutex);
  list.pass_on_all(shared_list().list);
}
OwnMemory* own_memory() {
  if (!current) {
    thread_local OwnMemory owner;
  }
  return current;
}

FreeList* own_list_for(const SizeClass& size) {
  OwnMemory* const own = size.bytes <= small_limit ? own_memory() : nullptr;
  return own ? &own->list : nullptr;
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

void* take_unused(const SizeClass& size) {
  FreeList* const own = own_list_for(size);
  if (own)
    if (void* const block = own->take(size)) return block;
  const std::lock_guard lock(shared_list().mutex);
  if (!own) return shared_list().list.take(size);
  shared_list().list.pass_on(*own, size.index, traded_at_once);
  return own->take(size);
}

void put_unused(void* block, const SizeClass& size) {
  FreeList* const own = own_list_for(size);
  if (own) own->put(block, size);
  if (own && own->count(size) <= 2 * traded_at_once) return;
  const std::lock_guard lock(shared_list().mutex);
  if (own)
    own->pass_on(shared_list().list, size.index, traded_at_once);
  else
    shared_list().list.put(block, size);
}

void* allocate(std::size_t bytes) {
  if (void* const block = ::operator new(bytes, alignment, std::nothrow)) return block;
  memory::release_unused();
  void* const block = ::operator new(bytes, alignment, std::nothrow);
  require(block != nullptr, "tensor: out of memory: ", bytes, " bytes could not be allocated");
  return block;
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
}

Storage::~Storage() { count(-static_cast<std::ptrdiff_t>(bytes_)); }

namespace memory {

void* take(std::size_t bytes) {
  const SizeClass size = size_class(bytes);
  void* const unused = take_unused(size);
  return unused ? unused : allocate(size.bytes);
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
void reset_peak() {
  carry_over();
  bytes_peak.store(bytes_in_use.load());
}
void release_unused() {
  if (OwnMemory* const own = own_memory()) own->list.clear();
  const std::lock_guard lock(shared_list().mutex);
  shared_list().list.clear();
}

}  // namespace memory

}  // namespace adjoint
