// Watches what each vjp of a sweep does to memory that others hold.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "autograd/observer.h"

namespace adjoint::checking {

/// Reports, once for each operation:
/// - a vjp that changes its cotangent, or a value on the tape;
/// - a vjp that returns a buffer which it keeps, if the buffer changes later.
class VjpWatch final : public Observer {
 public:
  /// `operation` is "relu in layer.0".
  using Report = std::function<void(const std::string& operation, const std::string& what)>;
  explicit VjpWatch(Report report) : report_(std::move(report)) {}

  void before_vjp(const Node& node, const Pullback& back) override;
  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override;
  /// Call it after later sweeps.
  void look_at_kept_buffers();

 private:
  struct Held {
    StoragePtr storage;
    std::uint64_t version;  // with its bytes
    std::string what;
  };
  static Held hold(const Tensor& x, std::string what);
  void tell(const Node& node, const std::string& what);

  Report report_;
  std::mutex mutex_;                                   // a sweep may run in several threads
  std::map<std::uint64_t, std::vector<Held>> before_;  // by node
  std::vector<std::pair<std::string, Held>> kept_;     // by operation
  std::set<std::pair<std::string, std::string>> told_;
};

}  // namespace adjoint::checking
