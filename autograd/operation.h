// What an operation is: a struct with a name, a shape rule, the values, and the derivative rule.
//
//   struct Softmax {
//     static constexpr auto name = "softmax";
//     static constexpr const char* rule[] = {"y = eˣ / Σ eˣ", "x̄ = y (ȳ − Σ ȳ y)"};
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
#include <vector>

#include "autograd/tensor.h"

namespace adjoint {

class Pullback;
struct Attribute;  // node.h
using Attributes = std::vector<Attribute>;

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

/// One input or output of an operation, by its number.
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

/// The operation in a reader's words, which explain() prints: the formula of the values, then one
/// entry for each input, in order. Where inputs outnumber them, the last one serves the rest.
///
///     static constexpr const char* rule[] = {"y = x m", "x̄ = ȳ m", "m: no gradient"};
///
/// - The output is y; of several, y₀, y₁ = …. A fused backward, whose inputs include the cotangent
///   g, calls its own output z.
/// - A gradient is the input's letter with a bar, alone on the left. An attribute goes by its name.
/// - a b is the elementwise product, A B that of matrices. Σ without bounds runs over the axes that
///   the formula of the values names. Where inputs broadcast, the sums that undo it are left out.
/// - Of an operand that is used for every row, as a bias is, the gradient is a sum "over the rows",
/// in
///   these words: by them explain() knows it.
/// - An operation without a derivative states its values only.
using Rule = std::span<const char* const>;

template <class Op>
constexpr Rule rule_of = {};
template <class Op>
requires requires {
  { Op::rule } -> std::convertible_to<Rule>;  // an attribute may have that name, too
}
constexpr Rule rule_of<Op> = Op::rule;

/// The data members that the rule names, for explain(). Optional:
///   Attributes attributes() const { return {{"p", exponent}}; }
template <class Op>
concept HasAttributes = requires(const Op& op) {
  { op.attributes() } -> std::convertible_to<Attributes>;
};

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
