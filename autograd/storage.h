// Buffers: 64-byte aligned memory that tensors share. It is reused by size, and so is the memory of
// what else comes and goes with every operation: the nodes of the tape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace adjoint {

namespace memory {
/// A block of at least so many bytes, an unused one if there is any. Error when there is no memory.
void* take(std::size_t bytes);
/// Gives it back, from whatever thread, with the size that was asked for.
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

/// One buffer. Tensors hold it through a shared pointer; the last one gives it back.
/// The version counts writes, so that a sweep can tell that a recorded value was changed since.
class Storage {
  struct InBlock {};  // what only make() can say

 public:
  /// A new one. It and, from the next cache line on, its elements are one block of memory.
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

/// Figures on the buffers of all tensors, in the bytes that were asked for. Of what other threads
/// that still run have taken and given back, up to 64 KB each may not show yet.
namespace memory {
std::size_t in_use();
/// The highest in_use() since the start or the last reset.
std::size_t peak();
void reset_peak();
/// Gives the calling thread's small and everybody's large unused buffers back to the system.
void release_unused();
}  // namespace memory

}  // namespace adjoint
