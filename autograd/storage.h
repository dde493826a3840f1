// Buffers: 64-byte aligned memory that tensors share. Freed blocks are kept by size and reused, for
// the elements of tensors and for the nodes of the tape, because both come and go with every
// operation.
//
// The memory in use and the memory kept together are at most twice the recent peak in use, or that
// peak and 64 MB. A training step rises to its peak and falls again, and the next step finds its
// blocks; other blocks do not pile up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace adjoint {

namespace memory {
/// A block of at least `bytes`, reusing a free one if possible. std::bad_alloc if the system has no
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
/// How many buffers the calling thread has made so far.
std::size_t buffers_made();
/// The highest in_use() since the start or the last reset.
std::size_t peak();
void reset_peak();
/// Bytes in free blocks that are kept. The memory in use and the memory kept together are at most
/// twice the recent peak in use, or that peak and 64 MB, whichever is larger. A peak stays recent
/// until 32 times the highest use since then has been handed out. The blocks that have been free
/// the longest are released first; a block of over 64 MB that was most of the memory in use is
/// released at once. The small blocks that other threads keep for themselves, at most 10 MB each,
/// are not counted.
std::size_t kept();
/// Returns free blocks to the system: all shared ones, and the calling thread's own.
void release_unused();
}  // namespace memory

}  // namespace adjoint
