// Where the time goes: what each kind of operation takes, forward and backward.
//
//   Profile profile;
//   {
//     const Observing guard(profile);
//     trainer.step(sources, targets);
//   }
//   std::cout << profile;
#pragma once

#include <chrono>
#include <iosfwd>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "autograd/observer.h"

namespace adjoint {

/// Adds up times while it observes. An operation's time is its own, without that of the operations
/// inside of it (of a recomputed function); the time of a vjp is that of all it consists of. What
/// is no operation is not in it: the sweep that adds up gradients, an optimizer, the program. Times
/// of several threads are added, so two that work for a second make two.
///
/// Each operation costs a tenth of a microsecond or two more while it stands.
class Profile : public Observer {
 public:
  struct Row {
    std::string operation;
    Index forwards = 0, vjps = 0;  ///< how many
    double forward_seconds = 0, vjp_seconds = 0;

    double seconds() const { return forward_seconds + vjp_seconds; }
  };
  /// A row for each operation that ran, those that took longest first.
  std::vector<Row> rows() const;

 private:
  using Clock = std::chrono::steady_clock;
  // An operation that has begun.
  struct Open {
    const char* operation;
    Clock::time_point begin;
    Clock::duration inside{};  // of operations within it
  };

  void before_forward(const char* operation, const Inputs& in) override;
  void after_forward(const char* operation, const Inputs& in, std::span<const Tensor> out) override;
  void before_vjp(const Node& node, const Pullback& back) override;
  void after_vjp(const Node& node, const Pullback& back, Tensors& gradients) override;
  void begin(const char* operation);
  void end(const char* operation, Index Row::*count, double Row::*seconds);

  mutable std::mutex mutex_;
  std::map<std::thread::id, std::vector<Open>> open_;
  std::map<std::string, Row> rows_;
};

/// A table with times in milliseconds and each operation's share of their sum.
std::ostream& operator<<(std::ostream& stream, const Profile& profile);

}  // namespace adjoint
