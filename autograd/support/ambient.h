// State that applies to a stretch of code rather than to one call: whether operations are recorded,
// fused or composed kernels, the name scope. Each thread has its own; guards set it, and workers
// inherit it.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace adjoint {

class Node;
class Observing;
using ScopePath = std::shared_ptr<const std::string>;

/// What the guards below set, for one thread.
struct Ambient {
  bool recording = true;
  bool composed = false;
  bool keeping_values = false;
  bool deliberate_broadcast = false;     ///< see DetectBroadcast (tools/broadcast.h)
  ScopePath scope;                       ///< "encoder.blocks.1.attention"; null outside any scope
  const Observing* observing = nullptr;  ///< the innermost observer's guard (observer.h)
  const Node* vjp_of = nullptr;          ///< the node of the outermost running vjp, or null
};

/// The calling thread's state. Exported, so that a program that hides its symbols from shared
/// libraries still has only one.
[[gnu::visibility("default")]] inline Ambient& ambient() {
  thread_local Ambient current;
  return current;
}

/// Sets a variable for the enclosing block and restores its former value at the end.
template <class T>
class ScopedValue {
 public:
  ScopedValue(T& variable, T value)
      : variable_(variable), former_(std::exchange(variable, std::move(value))) {}
  ~ScopedValue() { variable_ = std::move(former_); }
  ScopedValue(const ScopedValue&) = delete;
  ScopedValue& operator=(const ScopedValue&) = delete;

 private:
  T& variable_;
  T former_;
};

/// `AmbientGuard guard(captured);`: a worker acts with the ambient state of another thread.
struct AmbientGuard : ScopedValue<Ambient> {
  explicit AmbientGuard(Ambient state) : ScopedValue(ambient(), std::move(state)) {}
};
/// Sets one flag of the ambient state.
struct FlagGuard : ScopedValue<bool> {
  FlagGuard(bool Ambient::*flag, bool value) : ScopedValue(ambient().*flag, value) {}
};
/// `NoRecording guard;`: operations compute, but nothing can be differentiated through them.
struct NoRecording : FlagGuard {
  NoRecording() : FlagGuard(&Ambient::recording, false) {}
};
/// `Composed guard;`: every fused operation runs as the composition of simple operations that it
/// stands for. Slower; for checking and for reading traces.
struct Composed : FlagGuard {
  Composed() : FlagGuard(&Ambient::composed, true) {}
};

/// `KeepValues guard;`: the tape keeps the values of all inputs and outputs, also of those that no
/// derivative rule reads, so that explain() can show them. Takes memory.
struct KeepValues : FlagGuard {
  KeepValues() : FlagGuard(&Ambient::keeping_values, true) {}
};

inline bool recording() { return ambient().recording; }
inline bool composed() { return ambient().composed; }

/// `NameScope scope("attention");`: operations recorded in the block carry the dotted path of all
/// enclosing scopes, so that errors, checks and traces can say where they happened.
struct NameScope : ScopedValue<ScopePath> {
  explicit NameScope(const std::string& name) : NameScope(inner_path(name)) {}
  /// Replaces the whole path, ignoring enclosing scopes.
  explicit NameScope(ScopePath path) : ScopedValue(ambient().scope, std::move(path)) {}

 private:
  static ScopePath inner_path(const std::string& name) {
    const ScopePath& outer = ambient().scope;
    return std::make_shared<const std::string>(outer ? *outer + "." + name : name);
  }
};

}  // namespace adjoint
