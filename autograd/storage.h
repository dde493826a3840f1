// Buffers: 64-byte aligned memory that tensors share. Freed blocks are kept by size and reused, for
// the elements of tensors and for the nodes of the tape, because both come and go with every
// operation.
//
// In use and kept together are at most twice the recent peak in use: a training step, which rises
// to its peak and falls again, finds its blocks at the next step, and other blocks do not pile up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace adjoint {

namespace memory {
/// A block of at least `bytes`, a free one if possible. std::bad_alloc when the system has no
/// memory left.
void* take(std::size_t bytes);
/// Returns a block to the free list, from any thread. `bytes` is the size that was asked for.
void give_back(void* block, std::size_t bytes);
}  // namespace memory

/// An allocator over these blocks, for std::allocate_shared and for containers.
template <class T>
struct Recycling {
  using value_type = T;

  Recycling() = default;
  template <class U>
  Recycling(const Recycling<U>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(memory::take(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) { memory::give_back(block, count * sizeof(T)); }
  friend bool operator==(Recycling, Recycling) { return true; }
};

class Storage;
using StoragePtr = std::shared_ptr<Storage>;

/// One buffer, which tensors hold by shared pointer. The version counts writes, so that a sweep can
/// tell that a recorded value has changed.
class Storage {
  struct InBlock {};  // keeps the constructor to make()

 public:
  /// A new buffer. The Storage and its elements, from the next cache line on, are one block.
  static StoragePtr make(std::size_t bytes);
  Storage(InBlock, std::size_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  std::uint64_t version() const { return version_; }
  void bump_version() { ++version_; }

 private:
  void* data_;
  std::size_t bytes_;
  std::uint64_t version_ = 0;
};

/// Memory in the buffers of all tensors, in bytes asked for. It may be off by up to 64 KB for each
/// other running thread.
namespace memory {
std::size_t in_use();
/// The highest in_use() since the start or the last reset.
std::size_t peak();
void reset_peak();
/// Bytes in free blocks that are kept. In use and kept together are at most twice the recent peak
/// in use, or this peak and 64 MB. A peak is recent until 32 times what has been in use since then
/// was handed out. The blocks that were free for the longest time go first; one of over 64 MB that
/// was most of what was in use goes at once. What other threads keep for themselves is not counted:
/// small blocks, at most 10 MB in each.
std::size_t kept();
/// Returns free blocks to the system: the small ones of the calling thread, the others of all.
void release_unused();
}  // namespace memory

}  // namespace adjoint
