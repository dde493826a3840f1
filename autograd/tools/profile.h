// Measures how much time each kind of operation takes, forward and backward.
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

/// Adds up times while it observes. An operation's forward time excludes operations that run inside
/// it (in a recomputed function); the time of a vjp includes everything it runs. Code outside
/// operations is not measured: summing gradients, the optimizer, the program. Times of different
/// threads are added: two threads that compute for a second count as two seconds.
/// Observing costs 0.1 to 0.2 microseconds per operation.
class Profile : public Observer {
 public:
  /// One operation, with all its calls.
  struct Row {
    std::string operation;
    Index forwards = 0, vjps = 0;  ///< number of calls
    double forward_seconds = 0, vjp_seconds = 0;
    double seconds() const { return forward_seconds + vjp_seconds; }
  };
  /// One row for each kind of operation, slowest first.
  std::vector<Row> rows() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Open {  // an operation that is running
    const char* operation;
    Clock::time_point begin;
    Clock::duration inside{};  // time of operations within it
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

/// Prints a table of times in milliseconds and each operation's share of their sum.
std::ostream& operator<<(std::ostream& stream, const Profile& profile);

}  // namespace adjoint
