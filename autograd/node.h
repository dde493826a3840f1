// The tape. It is not a list: each tensor holds the node that computed it, and each node holds the
// nodes of its inputs.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "autograd/support/ambient.h"
#include "autograd/tensor.h"

namespace adjoint {

class Pullback;

/// An input as a node keeps it: shape and history, and the values if the vjp reads them.
struct SavedInput {
  Tensor value;
  std::uint64_t version = 0;  // of the storage, when it was saved
};
/// An output as its own node keeps it: without the history, which would be a cycle.
struct SavedOutput {
  Form form{};
  StoragePtr storage;  // null unless the vjp reads it
  std::uint64_t version = 0;
};

/// Whether versions also depend on the bytes, as they do in a library built with DEBUG=1.
extern const bool versions_depend_on_bytes;
std::uint64_t version_with_bytes(const Storage& storage);

/// What an operation was given beside its inputs: an exponent, axes, whether to transpose, a type.
struct Attribute {
  const char* name;
  std::variant<double, Index, bool, std::vector<Index>, DType> value;
};
using Attributes = std::vector<Attribute>;

/// Tells whether the storage has changed. With DEBUG=1 it also reflects writes to a span that
/// edit() returned earlier.
inline std::uint64_t version_of(const Storage& storage) {
  return versions_depend_on_bytes ? version_with_bytes(storage) : storage.version();
}

inline SavedInput save_input(const Tensor& x, bool with_values) {
  if (with_values) return {x, version_of(*x.storage())};
  return {Tensor(x.form(), nullptr, x.history()), 0};
}
inline SavedOutput save_output(const Tensor& y, bool with_values) {
  if (with_values) return {y.form(), y.storage(), version_of(*y.storage())};
  return {y.form(), nullptr, 0};
}

/// One entry of the tape: which operation ran, on what, and how a gradient goes back through it.
class Node {
 public:
  explicit Node(const char* name) : name_(name), number_(next_number()), scope_(ambient().scope) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Maps the cotangents of the outputs to those of the inputs: one for each input, empty for zero.
  virtual Tensors vjp(const Pullback& back) const = 0;
  /// The same operation with the same attributes on other inputs. Error for a leaf.
  virtual Tensors replay(const Tensors& inputs) const = 0;

  const char* name() const { return name_; }
  /// The formulas of the values and of each input's gradient; empty if the operation states none.
  virtual std::span<const char* const> rule() const { return {}; }
  /// What those formulas name beside the operands; empty if the operation states nothing.
  virtual Attributes attributes() const { return {}; }
  std::span<const SavedInput> inputs() const { return inputs_; }
  std::span<const SavedOutput> outputs() const { return outputs_; }
  bool is_leaf() const { return inputs_.empty(); }
  /// Counts up over all nodes of all threads: a node is younger than everything it depends on.
  std::uint64_t number() const { return number_; }
  /// The name scope it was recorded in, "encoder.blocks.1.attention"; empty outside of any.
  std::string scope() const { return scope_ ? *scope_ : std::string(); }
  const ScopePath& scope_path() const { return scope_; }

  /// Drops the saved values and the history, after a consuming sweep has passed.
  void consume();
  bool consumed() const { return consumed_; }

 protected:
  /// Tells the base where the derived class keeps its operands.
  void keep(std::span<SavedInput> inputs, std::span<SavedOutput> outputs) {
    inputs_ = inputs;
    outputs_ = outputs;
  }
  /// Lets go of the nodes behind the inputs without recursion, however deep the graph. For the
  /// destructors of derived classes.
  void release_inputs();

 private:
  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed);
  }

  const char* name_;
  std::uint64_t number_;
  ScopePath scope_;
  std::span<SavedInput> inputs_;
  std::span<SavedOutput> outputs_;
  bool consumed_ = false;
};

/// Where differentiation ends: what variable() makes.
class Leaf final : public Node {
 public:
  /// `of_result`: variable() was given the result of an operation, whose history ends here.
  Leaf(const Form& form, std::string label, bool of_result = false);

  Tensors vjp(const Pullback&) const override;
  Tensors replay(const Tensors&) const override;

  const std::string& label() const { return label_; }
  bool of_result() const { return of_result_; }
  /// What backward() has added up. Several threads may add to one leaf.
  Tensor grad() const;
  void add_grad(const Tensor& gradient);
  void clear_grad();

 private:
  std::string label_;
  bool of_result_;
  SavedOutput output_;
  mutable std::mutex mutex_;  // guards grad_
  Tensor grad_;
};

}  // namespace adjoint
