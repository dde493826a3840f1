// The state of a training run in one file, from which the run can be resumed.
//
// Whatever changes during a run has a function `void state(State& visit)` that lists once what must
// be remembered. Writing and reading follow from it, as they follow from fields() for a model:
//
//   void MovingAverage::state(State& visit) {
//     visit.fixed("decay", decay_);        // a setting: a resumed run must have the same
//     visit("updates", updates_)("average", average_, parameters_);
//   }
//
// README.md shows a whole run. The file is safetensors with a checksum (safetensors.h): the
// tensors, and the numbers as metadata.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "autograd/random.h"
#include "nn/module.h"

namespace adjoint::nn {

class State;

/// Anything with a function state(State&).
template <class T>
concept Stateful = requires(T& x, State& state) {
  x.state(state);
};

/// Visits what a run remembers. Tensors are restored in place and keep their shape and dtype;
/// counts are integers of at least 0; numbers keep every bit, infinities included.
class State {
 public:
  virtual ~State() = default;

  State& operator()(const std::string& name, Tensor& tensor) {
    on_tensor(prefix_ + name, tensor);
    return *this;
  }
  State& operator()(const std::string& name, Index& count) {
    on_count(prefix_ + name, count);
    return *this;
  }
  State& operator()(const std::string& name, double& number) {
    on_number(prefix_ + name, number);
    return *this;
  }
  /// One tensor for each parameter, under the parameters' names, or their indices if they have
  /// none.
  State& operator()(const std::string& name, Tensors& tensors, const Tensors& parameters);
  /// The parameters of a model, tied ones once.
  State& operator()(const std::string& name, Module& module);
  State& operator()(const std::string& name, Stateful auto& child) {
    const std::string outer = std::exchange(prefix_, prefix_ + name + ".");
    child.state(*this);
    prefix_ = outer;
    return *this;
  }

  /// A value that is fixed during a run but determines its course: a setting, the data, a random
  /// key. It is stored, and loading compares it.
  State& fixed(const std::string& name, const auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_arithmetic_v<Value>)
      on_fixed(prefix_ + name, text_of(static_cast<double>(value)));
    else if constexpr (std::is_same_v<Value, Key>)
      on_fixed(prefix_ + name, std::to_string(value.value()));
    else
      on_fixed(prefix_ + name, value);
    return *this;
  }

 protected:
  /// The shortest text that reads back as exactly this number.
  static std::string text_of(double number);

  virtual void on_tensor(const std::string& path, Tensor& tensor) = 0;
  virtual void on_count(const std::string& path, Index& count) = 0;
  virtual void on_number(const std::string& path, double& number) = 0;
  virtual void on_fixed(const std::string& path, const std::string& value) = 0;

 private:
  std::string prefix_;
};

/// Writes everything that `visit` visits. The file is replaced atomically (write_file): a run
/// killed while writing leaves the previous state, and the next save removes its unfinished file.
using VisitState = std::function<void(State&)>;
void save_state(const VisitState& visit, const std::filesystem::path& path);
void save_state(Stateful auto& run, const std::filesystem::path& path) {
  save_state(VisitState([&](State& state) { run.state(state); }), path);
}

/// Restores it. If the file was saved by a different run (another model, optimizer, schedule, data
/// or setting), one Error lists the differences, and nothing is changed.
void load_state(const VisitState& visit, const std::filesystem::path& path);
void load_state(Stateful auto& run, const std::filesystem::path& path) {
  load_state(VisitState([&](State& state) { run.state(state); }), path);
}

}  // namespace adjoint::nn
