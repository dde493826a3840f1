// What holds for a stretch of code rather than for one call: recording on or off, fused kernels or
// their formulas, the name scope. It is the thread's own, set by guards, and handed to workers.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace adjoint {

class Node;
class Observing;
using ScopePath = std::shared_ptr<const std::string>;

struct Ambient {
  bool recording = true;
  bool composed = false;
  ScopePath scope;  ///< "encoder.blocks.1.attention"; null outside of any scope
  const Observing* observing = nullptr;  ///< the innermost guard of an observer (observer.h)
  const Node* vjp_of = nullptr;          ///< the node whose vjp is running, the outermost; or null
};

/// The calling thread's. There is one of it even if a program hides its symbols from shared
/// libraries.
[[gnu::visibility("default")]] inline Ambient& ambient() {
  thread_local Ambient current;
  return current;
}

/// Sets the thread's ambient state and puts the former one back at the end of the block. A worker
/// that acts for another thread inherits that thread's state: `AmbientGuard guard(captured);`
class AmbientGuard {
 public:
  explicit AmbientGuard(Ambient state) : former_(std::exchange(ambient(), std::move(state))) {}
  ~AmbientGuard() { ambient() = std::move(former_); }
  AmbientGuard(const AmbientGuard&) = delete;
  AmbientGuard& operator=(const AmbientGuard&) = delete;

 private:
  Ambient former_;
};

/// Sets one flag of the ambient state for the block it stands in.
class FlagGuard {
 public:
  FlagGuard(bool Ambient::*flag, bool value)
      : flag_(flag), former_(std::exchange(ambient().*flag, value)) {}
  ~FlagGuard() { ambient().*flag_ = former_; }
  FlagGuard(const FlagGuard&) = delete;
  FlagGuard& operator=(const FlagGuard&) = delete;

 private:
  bool Ambient::*flag_;
  bool former_;
};

/// `NoRecording guard;`: operations compute, but nothing can be differentiated through them.
struct NoRecording : FlagGuard {
  NoRecording() : FlagGuard(&Ambient::recording, false) {}
};
/// `Composed guard;`: every fused operation is replaced by the formula it stands for, made of
/// simple operations. Slower; for checking and for reading traces.
struct Composed : FlagGuard {
  Composed() : FlagGuard(&Ambient::composed, true) {}
};

inline bool recording() { return ambient().recording; }
inline bool composed() { return ambient().composed; }

/// `NameScope scope("attention");`: operations recorded in the block carry the dotted path of all
/// scopes around them, so that errors, checks and traces can say where they stand.
class NameScope {
 public:
  explicit NameScope(const std::string& name) : former_(ambient().scope) {
    ambient().scope = std::make_shared<const std::string>(former_ ? *former_ + "." + name : name);
  }
  /// Sets the whole path at once, whatever stands around.
  explicit NameScope(ScopePath path) : former_(std::exchange(ambient().scope, std::move(path))) {}
  ~NameScope() { ambient().scope = std::move(former_); }
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

 private:
  ScopePath former_;
};

}  // namespace adjoint
