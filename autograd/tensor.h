// Tensor: a value handle {shape, dtype, storage, history}. Copying a tensor copies the handle and
// shares the storage. Elements are contiguous, the last axis fastest: there are no strides.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograd/dtype.h"
#include "autograd/shape.h"
#include "autograd/storage.h"

namespace adjoint {

class Node;
using NodePtr = std::shared_ptr<Node>;

/// Shape and type. An operation derives those of its outputs before it computes anything.
struct Form {
  Shape shape;
  DType dtype;
  friend bool operator==(const Form&, const Form&) = default;
};

/// Why a tensor is not tracked, for the messages of grad(). Results computed from it inherit the
/// cause.
enum class Untracked : char {
  constant,       ///< it was computed from no variable
  detached,       ///< detach() dropped its history
  copied,         ///< copy() dropped its history
  not_recorded,   ///< it was computed while recording was off
  no_derivative,  ///< it was computed by an operation without a derivative
  gradient,       ///< it is a gradient, and the sweep was not recorded
};

/// Where a tracked tensor comes from: one output of a recorded operation, or a leaf.
struct History {
  NodePtr node;
  int output = 0;
  Untracked cause = Untracked::constant;  ///< if there is no node
};

/// An array of numbers with a shape, a type and a history: where it came from, if it is tracked.
class Tensor {
 public:
  /// The empty tensor, which is not defined(). As a cotangent or a gradient it means zero.
  Tensor() = default;
  /// A new tensor with uninitialised elements. SizeError when there is no memory for it.
  explicit Tensor(const Form& form);
  /// A handle on existing storage. Without storage it has a form and a history only (node.h).
  Tensor(const Form& form, StoragePtr storage, History history = {})
      : shape_(form.shape),
        dtype_(form.dtype),
        defined_(true),
        storage_(std::move(storage)),
        history_(std::move(history)) {}

  bool defined() const { return defined_; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  Form form() const { return {shape_, dtype_}; }
  Index rank() const { return shape_.rank(); }
  Index size(Index axis) const { return shape_[axis]; }
  Index numel() const { return shape_.numel(); }

  /// Read access to the elements. Error when T is not the dtype.
  template <Scalar T>
  std::span<const T> values() const {
    return {static_cast<const T*>(read(dtype_of<T>)), static_cast<std::size_t>(numel())};
  }
  /// Write access. A later sweep that needs the old values is an Error. Ask for the span anew each
  /// time you write: a write through a span from before an operation read the tensor goes
  /// unnoticed, and gradients are silently wrong. (Builds with DEBUG=1 notice: they compare
  /// checksums.)
  template <Scalar T>
  std::span<T> edit() {
    return {static_cast<T*>(write(dtype_of<T>)), static_cast<std::size_t>(numel())};
  }
  /// The only element, converted to T. Error if there are more or fewer elements, or if T cannot
  /// hold the value exactly: item() refuses whole numbers beyond 2⁵³ that item<Index>() reads.
  template <Scalar T = double>
  T item() const {
    return element<T>("item", only_position());
  }
  /// One element by its indices, negative ones from the end: x.at({0, -1}). Errors as for item().
  template <Scalar T = double>
  T at(std::initializer_list<Index> indices) const {
    return element<T>("at", position_of(indices));
  }

  /// Whether operations on this tensor are recorded, while recording is on.
  bool tracked() const { return history_.node != nullptr; }
  const History& history() const { return history_; }
  /// Replaces the history and returns the old one. For the tape.
  History exchange_history(History history) { return std::exchange(history_, std::move(history)); }
  const StoragePtr& storage() const { return storage_; }
  /// Drops the elements, keeps form and history. For the tape.
  void drop_storage() { storage_ = nullptr; }
  /// The name of a leaf; empty for others.
  const std::string& name() const;
  /// The sum of the gradients that backward() has sent here, empty before the first. Error unless a
  /// leaf.
  Tensor grad() const;
  /// Empties it.
  void clear_grad();

 private:
  const void* read(DType expected) const {
    if (!storage_ || dtype_ != expected) [[unlikely]]
      refuse(expected);
    return storage_->data();
  }
  void* write(DType expected) {
    read(expected);
    storage_->bump_version();
    return storage_->data();
  }
  [[noreturn]] void refuse(DType expected) const;  // to give elements of that type
  Index only_position() const;
  Index position_of(std::initializer_list<Index> indices) const;
  template <Scalar T>
  T element(const char* operation, Index position) const;

  Shape shape_;
  DType dtype_ = DType::f32;
  bool defined_ = false;
  StoragePtr storage_;
  History history_;
};

using Tensors = std::vector<Tensor>;

/// A leaf: a tensor to differentiate with respect to, such as a parameter. It shares the storage of
/// `value`. Error unless f32 or f64.
Tensor variable(const Tensor& value, std::string name = {});
/// The same value without a history.
Tensor detach(const Tensor& x);
/// A copy with its own storage and without a history.
Tensor copy(const Tensor& x);

// ---- Making tensors ----------------------------------------------------------------------------

// Numbers are converted to the element type as convert() in dtype.h says: exactly to i64, rounded
// to f32 and f64.

/// Nested lists of numbers: tensor({{1, 2}, {3, 4}}). Error when rows differ in length.
class NestedList {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> NestedList(T number) : number_(number) {}
  NestedList(std::initializer_list<NestedList> list) : list_(list), is_list_(true) {}

  Shape shape() const;
  void append_to(std::vector<Number>& numbers) const;

 private:
  Number number_ = 0;
  std::vector<NestedList> list_;
  bool is_list_ = false;
};

Tensor tensor(std::initializer_list<NestedList> list, DType dtype = DType::f32);
Tensor scalar(Number value, DType dtype = DType::f32);
Tensor full(const Shape& shape, Number value, DType dtype = DType::f32);
Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor ones(const Shape& shape, DType dtype = DType::f32);
/// 0, 1, ... count − 1.
Tensor arange(Index count, DType dtype = DType::f32);
/// The identity matrix.
Tensor eye(Index size, DType dtype = DType::f32);

/// A new tensor of f(0), f(1), … in row-major order.
template <class F>
Tensor generate(const Shape& shape, DType dtype, F f) {
  Tensor result(Form{shape, dtype});
  dispatch(dtype, [&]<class T>() {
    Index position = 0;
    for (T& value : result.edit<T>()) value = convert<T>("generate", f(position++));
  });
  return result;
}

/// Copies the values, in row-major order. Error unless there are as many as the shape has elements.
template <Scalar T>
Tensor from(std::span<const T> values, const Shape& shape);
template <Scalar T>
Tensor from(const std::vector<T>& values, const Shape& shape) {
  return from(std::span<const T>(values), shape);
}

// ---- Printing ----------------------------------------------------------------------------------

/// Nested brackets and aligned columns. Long axes are abridged.
std::ostream& operator<<(std::ostream& stream, const Tensor& x);

/// What messages call an operand: "input 0 ('weight')", or "input 0" if it has no name.
std::string operand_text(const char* role, std::size_t index, const Tensor& x = {});

}  // namespace adjoint
