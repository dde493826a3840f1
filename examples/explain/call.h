// A call as a function sees it: its arguments, by the position of the parameter, as what the
// function needs them to be. An argument that cannot be that is a Problem in its own column.
#pragma once

#include <memory>
#include <vector>

#include "autograd/ops.h"
#include "examples/explain/functions.h"

namespace adjoint::expression {

/// The result of an expression.
struct Value {
  Tensor x;
  /// It depends on no input, so it takes the type of what it meets.
  bool constant = false;
};

/// Where the values of arguments come from.
class Values {
 public:
  virtual ~Values() = default;
  /// The value of a node. An input becomes a variable.
  virtual Value value(std::size_t node) = 0;
  /// The same, except that an input stays a constant.
  virtual Value fixed(std::size_t node) = 0;
  /// The type that value() will have; none if it is a constant.
  virtual std::optional<DType> type(std::size_t node) const = 0;
  virtual DType dtype() const = 0;          ///< of the inputs
  virtual Index most_elements() const = 0;  ///< of a tensor
};

class Call {
 public:
  Call(const Program& program, const Node& node, Values& values)
      : program_(program), node_(node), values_(values) {}

  bool given(std::size_t i) const { return operand(i) != Program::absent; }
  /// A tensor of any type. A constant takes the real type of the other operands.
  Tensor any(std::size_t i) const;
  /// The same, where no gradient will flow: an input stays a constant.
  Tensor fixed(std::size_t i) const { return values_.fixed(operand(i)).x; }
  /// The same, of a real type: whole numbers and truth values are converted.
  Tensor real(std::size_t i) const { return as_real(values_.value(operand(i))); }
  /// Empty if it is not given.
  Tensor real_or_empty(std::size_t i) const { return given(i) ? real(i) : Tensor(); }
  /// Two tensors of one type, whatever it is.
  std::pair<Tensor, Tensor> alike(std::size_t i, std::size_t j) const;
  /// The arguments for the parameter that takes any number of them, as tensors of one type.
  Tensors list() const;
  /// Whole numbers (i64), and conditions (b8).
  Tensor whole(std::size_t i) const;
  Tensor condition(std::size_t i) const;

  /// The value of a constant with a single element; none if the operand is anything else.
  std::optional<double> constant(std::size_t i) const;
  // The default counts if the argument is not given.
  double number(std::size_t i) const;
  Index integer(std::size_t i) const;
  bool flag(std::size_t i) const;  ///< 0, 1, true or false
  /// A whole number, or a list of them; empty if it is not given.
  std::vector<Index> integers(std::size_t i) const;
  /// The same as axes of x.
  std::vector<Index> axes(std::size_t i, const Tensor& x) const;
  Index axis(std::size_t i, const Tensor& x) const;
  /// The same as the sizes of a tensor that is not too large.
  Shape shape(std::size_t i) const;
  /// Problem if a tensor of these sizes is too large.
  void require_allowed(std::size_t i, const std::vector<Index>& sizes) const;
  Index size(std::size_t i) const { return shape(i).numel(); }
  Key key(std::size_t i) const { return Key(static_cast<std::uint64_t>(integer(i))); }
  /// Which of these words it is; the default is one of them.
  std::size_t word(std::size_t i, const std::vector<std::string>& words) const;

  /// The real type of the operands, for a result that is made from none of them.
  DType dtype() const;
  Place place() const { return node_.place; }
  Place place(std::size_t i) const { return given(i) ? program_.nodes[operand(i)].place : place(); }
  Place place_in_list(std::size_t item) const { return place(parameters().size() + item); }

 private:
  const std::vector<Parameter>& parameters() const { return parameters_of(*node_.function); }
  void require_axis(std::size_t i, Index axis, const Tensor& x) const;
  std::size_t operand(std::size_t i) const { return program_.operands[node_.first + i]; }
  Tensor as_real(const Value& value) const;
  Tensors of_one_type(const std::vector<std::size_t>& nodes) const;
  template <class... Parts>
  [[noreturn]] void refuse_argument(std::size_t i, const Parts&... parts) const {
    refuse(place(i), node_.function->name, ": ", parameters()[i].name, parts...);
  }

  const Program& program_;
  const Node& node_;
  Values& values_;
};

}  // namespace adjoint::expression
