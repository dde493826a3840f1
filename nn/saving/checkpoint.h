// Models and training runs in files.
#pragma once

#include <concepts>
#include <functional>

#include "autograd/random.h"
#include "nn/module.h"
#include "nn/saving/safetensors.h"

namespace adjoint::nn {

/// Writes the module's parameters under their paths, tied ones once, with a checksum.
void save_parameters(const Module& module, const std::filesystem::path& path,
                     const Metadata& metadata = {});

/// Copies the values of a file into the module's tensors, in place: tied weights stay tied, and an
/// optimizer keeps the tensors that it knows. Names, shapes and dtypes must match; if not, one
/// Error lists the differences and the module is unchanged. Elements of types that only files have,
/// such as F16, are converted first.
void load_parameters(Module& module, const std::filesystem::path& path);
void load_parameters(Module& module, const SafeTensorsFile& file);

// ---- The state of a training run, from which the run can be resumed -----------------------------
//
// Each object that changes in a run has a function `void state(State& visit)` listing what must
// be remembered. Writing and reading follow from it, as they follow from fields() for a model:
//
//   void MovingAverage::state(State& visit) {
//     visit.fixed("decay", decay_);        // a setting: a resumed run must have the same
//     visit("updates", updates_)("average", average_, parameters_);
//   }
//
// README.md shows a whole run. The files are safetensors with a checksum (safetensors.h): the
// tensors, and the numbers as metadata.

class State;

/// Anything with a function state(State&).
template <class T>
concept Stateful = requires(T& x, State& state) {
  x.state(state);
};

/// What a run remembers, besides children.
template <class T>
concept StateValue = std::same_as<T, Tensor> || std::same_as<T, Index> || std::same_as<T, double>;

/// Visits what a run remembers. Tensors are restored in place and keep their shape and dtype;
/// counts are integers of at least 0; numbers keep every bit, infinities included.
class State {
 public:
  virtual ~State() = default;

  State& operator()(const std::string& name, StateValue auto& value) {
    on_value(prefix_ + name, value);
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
    on_fixed(prefix_ + name, text_of(value), Absent::refused);
    return *this;
  }
  /// The same for a value that earlier versions did not store: a file may lack it.
  State& fixed_if_stored(const std::string& name, const auto& value) {
    on_fixed(prefix_ + name, text_of(value), Absent::accepted);
    return *this;
  }

 protected:
  /// Whether a file may lack a fixed value.
  enum class Absent { refused, accepted };

  /// The shortest text that reads back as exactly this number.
  static std::string text_of(double number);

  virtual void on_value(const std::string& path, Tensor& tensor) = 0;
  virtual void on_value(const std::string& path, Index& count) = 0;
  virtual void on_value(const std::string& path, double& number) = 0;
  virtual void on_fixed(const std::string& path, const std::string& value, Absent absent) = 0;

 private:
  static std::string text_of(const auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_arithmetic_v<Value>)
      return text_of(static_cast<double>(value));
    else if constexpr (std::is_same_v<Value, Key>)
      return std::to_string(value.value());
    else
      return value;
  }

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

/// The tensors that `visit` visits, and everything else as metadata.
SafeTensors collect(const VisitState& visit);

/// Copies the content of a file into what `visit` visits, all or nothing: if they differ, in
/// entries, shapes, dtypes or fixed values, one Error lists the differences after `complaint`.
/// `owner` is what it calls the other side: "this run".
void restore(const VisitState& visit, const SafeTensors& file, const std::string& owner,
             const std::string& complaint);

}  // namespace adjoint::nn
