// Buffers: 64-byte aligned memory that tensors share, reused by size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace adjoint {

/// One buffer. Tensors hold it through a shared pointer; the last one gives it back to a free list.
/// The version counts writes, so that a sweep can tell that a recorded value was changed since.
class Storage {
 public:
  explicit Storage(std::size_t bytes);
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

using StoragePtr = std::shared_ptr<Storage>;

/// Figures on the buffers of all tensors, in bytes.
namespace memory {
std::size_t in_use();
/// The highest in_use() since the start or the last reset.
std::size_t peak();
void reset_peak();
/// Gives the calling thread's small and everybody's large unused buffers back to the system.
void release_unused();
}  // namespace memory

}  // namespace adjoint
