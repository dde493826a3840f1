// What an operation is: a struct with a name, a shape rule, the values, and the derivative rule.
//
//   // softmax over the last axis:  y = exp(x) / Σ exp(x)
//   // vjp:                         x̄ = y ⊙ (ȳ − ⟨ȳ, y⟩)
//   struct Softmax {
//     static constexpr auto name = "softmax";
//     static constexpr Operands reads = {output(0)};                 // what the vjp reads
//     Form form(Inputs in) const;                                    // shape rule, with its errors
//     template <Real T> void forward(Inputs in, Outputs out) const;  // the values
//     Tensors vjp(const Pullback& back) const;                       // ȳ to x̄, in operations
//   };
//   Tensor softmax(const Tensor& x) { return apply(Softmax{}, x); }
//
// Data members are the operation's attributes (an axis, a flag). The compiler checks the struct: a
// missing or misspelt member is an error with a sentence (`Operation` below).
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "autograd/tensor.h"

namespace adjoint {

class Pullback;

// ---- Operands ----------------------------------------------------------------------------------

/// The inputs of one application.
class Inputs {
 public:
  explicit Inputs(std::span<const Tensor* const> tensors) : tensors_(tensors) {}
  const Tensor& operator[](std::size_t i) const { return *tensors_[i]; }
  std::size_t size() const { return tensors_.size(); }

 private:
  std::span<const Tensor* const> tensors_;
};
using Outputs = std::span<Tensor>;

struct Operand {
  bool is_output;
  int index;
};
constexpr Operand input(int index) { return {false, index}; }
constexpr Operand output(int index) { return {true, index}; }

/// A set of operands. As `reads` it names those whose values the tape keeps for the vjp; the memory
/// of the others is free as soon as the caller drops them.
class Operands {
 public:
  constexpr Operands(std::initializer_list<Operand> operands) {
    for (const Operand x : operands) (x.is_output ? outputs_ : inputs_) |= 1u << x.index;
  }
  constexpr bool input(std::size_t index) const { return index < 32 && (inputs_ >> index & 1u); }
  constexpr bool output(std::size_t index) const { return index < 32 && (outputs_ >> index & 1u); }

 private:
  std::uint32_t inputs_ = 0;
  std::uint32_t outputs_ = 0;
};

// ---- What the compiler checks ------------------------------------------------------------------

/// `static constexpr NoDerivative vjp = {};` says that an operation is not differentiable. Its
/// outputs are constants.
struct NoDerivative {};

template <class Op>
concept HasName = requires {
  { Op::name } -> std::convertible_to<const char*>;
};

template <class T>
constexpr std::size_t form_count = 0;
template <>
inline constexpr std::size_t form_count<Form> = 1;
template <std::size_t Count>
inline constexpr std::size_t form_count<std::array<Form, Count>> = Count;
/// How many outputs: `form` returns one Form, or an array with one for each output.
template <class Op>
constexpr std::size_t output_count = 1;  // without a form, which HasForm reports
template <class Op>
requires requires(const Op& op, Inputs in) { op.form(in); }
constexpr std::size_t output_count<Op> =
    form_count<decltype(std::declval<const Op&>().form(std::declval<Inputs>()))>;
template <class Op>
concept HasForm = requires(const Op& op, Inputs in) {
  op.form(in);
}
&&output_count<Op> > 0;

/// An operation may take some element types only.
template <class Op, class T>
concept Takes = requires(const Op& op, Inputs in, Outputs out) {
  op.template forward<T>(in, out);
};
/// `static constexpr bool is_view = true;` instead of a forward: the output shares the storage of
/// the input.
template <class Op>
concept IsView = requires {
  requires Op::is_view;
};
template <class Op>
concept HasForward =
    Takes<Op, float> || Takes<Op, double> || Takes<Op, Index> || Takes<Op, bool> || IsView<Op>;

template <class Op>
concept HasVjp = requires(const Op& op, const Pullback& back) {
  { op.vjp(back) } -> std::same_as<Tensors>;
};
template <class Op>
concept HasReads = requires {
  { Op::reads } -> std::convertible_to<Operands>;
};
template <class Op>
concept SaysNoDerivative = requires {
  { Op::vjp } -> std::convertible_to<NoDerivative>;
};

template <class Op>
concept Operation = HasName<Op> && HasForm<Op> && HasForward<Op> &&
    ((HasVjp<Op> && HasReads<Op>) || SaysNoDerivative<Op>);

/// Says in a sentence what keeps a struct from being an Operation.
template <class Op>
constexpr void check_operation() {
  static_assert(HasName<Op>, "an operation has a name: static constexpr auto name = \"softmax\";");
  static_assert(HasForm<Op>,
                "an operation has a shape rule: Form form(Inputs in) const; it returns "
                "std::array<Form, N> where there are N outputs");
  static_assert(HasForward<Op>,
                "an operation computes values: template <Real T> void forward(Inputs in, Outputs "
                "out) const; check its spelling and its signature");
  static_assert(HasVjp<Op> || SaysNoDerivative<Op>,
                "an operation has a derivative rule: Tensors vjp(const Pullback& back) const; or "
                "it says that it has none: static constexpr NoDerivative vjp = {};");
  static_assert(HasReads<Op> || !HasVjp<Op>,
                "an operation lists the operands whose values its vjp reads: static constexpr "
                "Operands reads = {input(0), output(0)}; or {} for none");
}

/// Inputs without a gradient that may differ in type from the others, such as indices and masks:
/// `static constexpr Operands constants = {input(1)};`.
template <class Op>
constexpr Operands constants_of = {};
template <class Op>
requires requires { Op::constants; }
constexpr Operands constants_of<Op> = Op::constants;

}  // namespace adjoint
