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
constexpr std::size_t smallest = 64;
struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};
SizeClass size_class(std::size_t bytes) {
  bytes = std::max(bytes, smallest);
  const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes
  const std::size_t step = std::max(smallest, (std::size_t{1} << power) / 4);
  const std::size_t rounded = (bytes + step - 1) / step * step;
  const std::size_t base = std::size_t{1} << power;
  return {power * 4 + (rounded - base) / std::max<std::size_t>(1, base / 4), rounded};
}

class FreeList {
 public:
  ~FreeList() { clear(); }

  void* take(const SizeClass& size) {
    auto& buffers = buffers_[size.index];
    if (buffers.empty()) return nullptr;
    void* buffer = buffers.back();
    buffers.pop_back();
    return buffer;
  }
  void put(void* buffer, const SizeClass& size) { buffers_[size.index].push_back(buffer); }
  std::size_t count(const SizeClass& size) const { return buffers_[size.index].size(); }
  void clear() {
    for (auto& buffers : buffers_) {
      for (void* buffer : buffers) ::operator delete(buffer, alignment);
      buffers.clear();
    }
  }

 private:
  std::array<std::vector<void*>, 64 * 4 + 8> buffers_;
};

// Small buffers come and go by the million: each thread keeps some of its own, without a lock. All
// others are shared: a buffer may be made by one thread and dropped by another (a worker's
// gradients), and has to find its way back.
constexpr std::size_t small_limit = 4096;
constexpr std::size_t kept_by_thread = 256;  // buffers of each size

struct SharedFreeList {
  std::mutex mutex;
  FreeList list;
};
// Never destroyed: tensors in static storage may be dropped after every other destructor has run.
SharedFreeList& shared_list() {
  static auto* const list = new SharedFreeList;
  return *list;
}

// Buffers dropped while the thread is ending, after its list is gone, go straight to the system.
thread_local bool thread_list_alive = false;
struct ThreadFreeList {
  FreeList list;
  ThreadFreeList() { thread_list_alive = true; }
  ~ThreadFreeList() { thread_list_alive = false; }
};
FreeList* thread_list() {
  thread_local ThreadFreeList owner;
  return thread_list_alive ? &owner.list : nullptr;
}

std::atomic<std::size_t> bytes_in_use{0};
std::atomic<std::size_t> bytes_peak{0};

void count(std::size_t bytes) {
  const std::size_t now = bytes_in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t peak = bytes_peak.load(std::memory_order_relaxed);
  while (now > peak && !bytes_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void* take_unused(const SizeClass& size) {
  if (size.bytes <= small_limit)
    if (FreeList* list = thread_list())
      if (void* buffer = list->take(size)) return buffer;
  const std::lock_guard lock(shared_list().mutex);
  return shared_list().list.take(size);
}

void* allocate(std::size_t bytes) {
  if (void* buffer = ::operator new(bytes, alignment, std::nothrow)) return buffer;
  memory::release_unused();
  void* const buffer = ::operator new(bytes, alignment, std::nothrow);
  require(buffer != nullptr, "tensor: no memory for ", bytes, " bytes");
  return buffer;
}

}  // namespace

Storage::Storage(std::size_t bytes) : bytes_(bytes) {
  const SizeClass size = size_class(bytes);
  data_ = take_unused(size);
  if (!data_) data_ = allocate(size.bytes);
  count(size.bytes);
}

Storage::~Storage() {
  const SizeClass size = size_class(bytes_);
  bytes_in_use.fetch_sub(size.bytes, std::memory_order_relaxed);
  FreeList* const own = size.bytes <= small_limit ? thread_list() : nullptr;
  if (own && own->count(size) < kept_by_thread) {
    own->put(data_, size);
  } else {
    const std::lock_guard lock(shared_list().mutex);
    shared_list().list.put(data_, size);
  }
}

namespace memory {

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
