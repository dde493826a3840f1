#include "autograd/storage.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <vector>

#include "autograd/error.h"

namespace adjoint {
namespace {

constexpr std::align_val_t alignment{64};  // a cache line, and the widest vector register

// Size classes: four to each power of two, so that of all but the smallest at most a fifth lies
// idle.
constexpr std::size_t smallest_bits = 6;
struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};
SizeClass size_class(std::size_t bytes) {
  bytes = std::max(bytes, std::size_t{1} << smallest_bits);
  const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes
  const std::size_t step_bits = std::max(smallest_bits, power - 2);
  const std::size_t rounded = (((bytes - 1) >> step_bits) + 1) << step_bits;
  return {power * 4 + ((rounded - (std::size_t{1} << power)) >> (power - 2)), rounded};
}

// Unused blocks, by size.
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
  /// Moves at most so many blocks of one size to another list.
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

// All blocks are shared: one may be taken by one thread and given back by another (a worker's
// gradients), and has to find its way back. But small ones come and go by the million: of these
// each thread has a list of its own, without a lock, and trades with the others many at a time.
constexpr std::size_t small_limit = 4096;
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

// The calling thread's list; null before its first use and when the thread is ending. (A plain
// pointer costs nothing to look at; an object with a constructor would be asked for it every time.)
thread_local FreeList* current_list = nullptr;
struct ThreadFreeList {
  FreeList list;
  ThreadFreeList() { current_list = &list; }
  ~ThreadFreeList() {
    current_list = nullptr;
    const std::lock_guard lock(shared_list().mutex);
    list.pass_on_all(shared_list().list);
  }
};
FreeList* thread_list() {
  if (!current_list) {
    thread_local ThreadFreeList owner;
  }
  return current_list;
}

FreeList* own_list_for(const SizeClass& size) {
  return size.bytes <= small_limit ? thread_list() : nullptr;
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
  require(block != nullptr, "tensor: no memory for ", bytes, " bytes");
  return block;
}

std::atomic<std::size_t> bytes_in_use{0};
std::atomic<std::size_t> bytes_peak{0};

void count(std::size_t bytes) {
  const std::size_t now = bytes_in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t peak = bytes_peak.load(std::memory_order_relaxed);
  while (now > peak && !bytes_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

}  // namespace

Storage::Storage(std::size_t bytes) : data_(memory::take(bytes)), bytes_(bytes) {
  count(size_class(bytes).bytes);
}

Storage::~Storage() {
  bytes_in_use.fetch_sub(size_class(bytes_).bytes, std::memory_order_relaxed);
  memory::give_back(data_, bytes_);
}

namespace memory {

void* take(std::size_t bytes) {
  const SizeClass size = size_class(bytes);
  void* const unused = take_unused(size);
  return unused ? unused : allocate(size.bytes);
}

void give_back(void* block, std::size_t bytes) { put_unused(block, size_class(bytes)); }

std::size_t in_use() { return bytes_in_use.load(); }
std::size_t peak() { return bytes_peak.load(); }
void reset_peak() { bytes_peak.store(bytes_in_use.load()); }
void release_unused() {
  if (FreeList* list = thread_list()) list->clear();
  const std::lock_guard lock(shared_list().mutex);
  shared_list().list.clear();
}

}  // namespace memory

}  // namespace adjoint
