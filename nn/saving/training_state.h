// All that a training run has to remember to go on where it stopped, in one file.
//
// Whatever changes during a run has a function `void state(State& visit)`, which lists what it
// remembers once; writing and reading follow from it, as they follow from fields() for a model:
//
//   void MovingAverage::state(State& visit) {
//     visit.fixed("decay", decay_);        // a setting: reading demands the same
//     visit("updates", updates_)("average", average_, parameters_);
//   }
//
// A program lists its parts in the same way, by names of its own choice:
//
//   struct Run {
//     void state(State& visit) {
//       visit("model", model)("optimizer", *optimizer)("schedule", schedule)("data", batches);
//     }
//   };
//   save_state(run, path);   // after any step
//   load_state(run, path);   // into a run that was made anew from the same settings
//
// On disk it is a safetensors file with a checksum (checkpoint.h): the tensors, and the numbers as
// its metadata.
#pragma once

#include <concepts>
#include <filesystem>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "autograd/random.h"
#include "nn/module.h"

namespace adjoint::nn {

/// Goes through what a run remembers. Tensors are written and restored in place and keep their
/// form; counts are whole numbers from 0; numbers keep every bit, infinities included.
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
  /// A tensor for each parameter, under the parameters' names, or numbers where they have none.
  State& operator()(const std::string& name, Tensors& tensors, const Tensors& parameters);
  /// The parameters of a model, tied ones once.
  State& operator()(const std::string& name, Module& module);
  /// Anything with a function state(State&).
  template <class Part>
  requires requires(Part& part, State& state) { part.state(state); }
  State& operator()(const std::string& name, Part& part) {
    const std::string outer = std::exchange(prefix_, prefix_ + name + ".");
    part.state(*this);
    prefix_ = outer;
    return *this;
  }

  /// What does not change during a run, but would change it: settings, the data, random keys.
  /// Stored, and compared on reading.
  State& fixed(const std::string& name, const std::string& value) {
    on_fixed(prefix_ + name, value);
    return *this;
  }
  State& fixed(const std::string& name, const char* value) {
    return fixed(name, std::string(value));
  }
  State& fixed(const std::string& name, Key key) {
    return fixed(name, std::to_string(key.value()));
  }
  template <class Number>
  requires std::is_arithmetic_v<Number> State& fixed(const std::string& name, Number value) {
    return fixed(name, text_of(static_cast<double>(value)));
  }

 protected:
  /// The shortest text that reads as exactly this number.
  static std::string text_of(double number);

  virtual void on_tensor(const std::string& path, Tensor& tensor) = 0;
  virtual void on_count(const std::string& path, Index& count) = 0;
  virtual void on_number(const std::string& path, double& number) = 0;
  virtual void on_fixed(const std::string& path, const std::string& value) = 0;

 private:
  std::string prefix_;
};

using VisitState = std::function<void(State&)>;
void save_state(const VisitState& parts, const std::filesystem::path& path);
void load_state(const VisitState& parts, const std::filesystem::path& path);

/// Writes all that `part` remembers. The file is replaced in one step (write_file): a run that is
/// stopped while it writes leaves the state from before, and what it left beside it is removed the
/// next time.
template <class Part>
requires requires(Part& part, State& state) { part.state(state); }
void save_state(Part& part, const std::filesystem::path& path) {
  save_state(VisitState([&](State& state) { part.state(state); }), path);
}

/// Restores it. When the state is that of another run (another model, optimizer, schedule, data,
/// setting) one Error says in what they differ, and nothing is changed.
template <class Part>
requires requires(Part& part, State& state) { part.state(state); }
void load_state(Part& part, const std::filesystem::path& path) {
  load_state(VisitState([&](State& state) { part.state(state); }), path);
}

}  // namespace adjoint::nn
