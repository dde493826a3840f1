// Operations and the tape. An operation is one aggregate struct:
//
//   // softmax over the last axis:  y = exp(x) / Σ exp(x)
//   // vjp:                         x̄ = y ⊙ (ȳ − ⟨ȳ, y⟩)
//   struct Softmax {
//     static constexpr auto name = "softmax";
//     static constexpr Reads reads = {output(0)};                    // what the vjp looks at
//     Form form(Inputs in) const;                                    // shape rule, with its errors
//     template <Real T> void forward(Inputs in, Outputs out) const;  // the values
//     Tensors vjp(const Pullback& back) const;                       // ȳ to x̄, in operations
//   };
//
// An input of another type than the rest, without a gradient (indices, a mask), is listed likewise:
// `static constexpr Reads constants = {input(1)};`.
//
// `apply` runs it and, when recording is on and some input is tracked, leaves a Node behind.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/observer.h"

namespace adjoint {

// ---- What a vjp reads --------------------------------------------------------------------------

struct Read {
  bool is_output;
  int index;
};
constexpr Read input(int index) { return {false, index}; }
constexpr Read output(int index) { return {true, index}; }

/// A set of operands: above all those whose values a vjp looks at. Of all others only shape and
/// history are kept, so that their memory is free as soon as the caller drops them.
class Reads {
 public:
  constexpr Reads(std::initializer_list<Read> reads) {
    for (const Read read : reads) (read.is_output ? outputs_ : inputs_) |= 1u << read.index;
  }
  constexpr bool input(std::size_t index) const { return index < 32 && (inputs_ >> index & 1u); }
  constexpr bool output(std::size_t index) const { return index < 32 && (outputs_ >> index & 1u); }

 private:
  std::uint32_t inputs_ = 0;
  std::uint32_t outputs_ = 0;
};

// ---- Operands ----------------------------------------------------------------------------------

/// The inputs of one application: a view, so that no handle is copied on the way in.
class Inputs {
 public:
  explicit Inputs(std::span<const Tensor* const> tensors) : tensors_(tensors) {}
  const Tensor& operator[](std::size_t i) const { return *tensors_[i]; }
  std::size_t size() const { return tensors_.size(); }

 private:
  std::span<const Tensor* const> tensors_;
};
using Outputs = std::span<Tensor>;

/// An input as a node keeps it. Unless the vjp reads it, its storage has been left out.
struct Operand {
  Tensor value;
  std::uint64_t version = 0;
};
/// An output as its own node keeps it: never with its history, which would be a cycle.
struct Result {
  Form form;
  StoragePtr storage;
  std::uint64_t version = 0;
};

// ---- The tape ----------------------------------------------------------------------------------

class Pullback;

/// One entry of the tape: what was applied, to what, and how a gradient goes back through it. The
/// tape is no list of its own: each node holds its inputs' nodes, each tensor the node it is from.
class Node {
 public:
  Node() : number_(next_number()), scope_(ambient().scope) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  virtual const char* name() const = 0;
  virtual std::span<Operand> operands() = 0;
  virtual std::span<Result> results() = 0;
  virtual Tensors vjp(const Pullback& back) const = 0;
  /// The same operation, with the same attributes, applied to other inputs. Error of a leaf.
  virtual Tensors replay(const Tensors& inputs) const = 0;

  /// Counts up over all nodes of all threads: a node is younger than everything it depends on.
  std::uint64_t number() const { return number_; }
  /// The name scope it was made in; empty outside of any.
  const ScopePath& scope_path() const { return scope_; }
  std::string scope() const { return scope_ ? *scope_ : std::string(); }
  bool is_leaf() { return operands().empty(); }

  /// Drops the saved values and the history, after a consuming sweep has passed.
  void consume();
  bool consumed() const { return consumed_; }

 protected:
  /// Lets go of the nodes behind these operands without recursion, however deep the graph.
  static void release(std::span<Operand> operands);

 private:
  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed);
  }

  std::uint64_t number_;
  ScopePath scope_;
  bool consumed_ = false;
};

/// Where differentiation ends: what variable() makes.
class Leaf final : public Node {
 public:
  Leaf(const Form& form, std::string label) : label_(std::move(label)), result_{form, {}, 0} {}

  const char* name() const override { return "leaf"; }
  std::span<Operand> operands() override { return {}; }
  std::span<Result> results() override { return {&result_, 1}; }
  Tensors vjp(const Pullback&) const override { return {}; }
  Tensors replay(const Tensors&) const override { fail("replay: a leaf was not computed"); }

  const std::string& label() const { return label_; }
  Tensor grad() const;
  void add_grad(const Tensor& gradient);
  void clear_grad();

 private:
  std::string label_;
  Result result_;
  mutable std::mutex mutex_;  // several threads may call backward() over shared parameters
  Tensor grad_;
};

/// What a vjp is given: the node's inputs and outputs, and the cotangents ȳ of its outputs.
class Pullback {
 public:
  Pullback(const NodePtr& node, std::span<const Tensor> cotangents, std::uint32_t needed)
      : node_(node), cotangents_(cotangents), needed_(needed) {}

  /// An input with its history. Error when it was changed since it was recorded.
  const Tensor& input(int index) const;
  /// An output with its history. Error likewise.
  Tensor output(int index) const;
  const Shape& shape(int input_index) const { return operand(input_index).value.shape(); }
  Form form(int input_index) const { return operand(input_index).value.form(); }
  std::size_t inputs() const { return node_->operands().size(); }
  std::size_t outputs() const { return cotangents_.size(); }

  /// ȳ of one output. Not defined when nothing depends on that output: it means zero.
  const Tensor& cotangent(int output_index = 0) const {
    return cotangents_[static_cast<std::size_t>(output_index)];
  }
  /// The same, with zero written out.
  Tensor cotangent_or_zeros(int output_index) const;
  /// Whether anybody asks for the gradient of this input.
  bool needs(std::size_t input_index) const {
    return input_index >= 32 || (needed_ >> input_index & 1u);
  }

  /// One rule for each input, a callable that returns its gradient; those not needed don't run.
  ///   return back.gradients([&] { return ȳ * b; }, [&] { return ȳ * a; });
  template <class... Rules>
  Tensors gradients(const Rules&... rules) const {
    Tensors result;
    result.reserve(sizeof...(rules));
    (result.push_back(needs(result.size()) ? rules() : Tensor()), ...);
    return result;
  }

 private:
  const Operand& operand(int index) const {
    return node_->operands()[static_cast<std::size_t>(index)];
  }

  const NodePtr& node_;
  std::span<const Tensor> cotangents_;
  std::uint32_t needed_;
};

// ---- Applying ----------------------------------------------------------------------------------

/// The names of all operations linked into the program, in alphabetical order.
std::vector<std::string> registered_operations();

namespace detail {

bool register_operation(const char* name);

// A static member is set before main() if anything in the program mentions it. apply() does, for
// each operation it is compiled for: so all of them are known, whether or not they are ever
// applied.
template <class Op>
struct Registration {
  static inline const bool done = register_operation(Op::name);
};

/// The element type a forward is called with: that of the inputs, or of the result where all inputs
/// are constants. Error when inputs that are no constants differ.
DType working_type(const char* name, Inputs in, Outputs out, Reads constants);

template <class Op>
constexpr Reads constants_of = {};
template <class Op>
requires requires { Op::constants; }
constexpr Reads constants_of<Op> = Op::constants;

template <class Op>
constexpr std::size_t output_count = 1;
template <class Op>
requires requires { Op::outputs; }
constexpr std::size_t output_count<Op> = Op::outputs;

/// An array, or a vector where the count is known only at run time.
template <class T, std::size_t Count>
using Few = std::conditional_t<Count == std::dynamic_extent, std::vector<T>, std::array<T, Count>>;

/// {make(0), make(1), ...}, each made in its place.
template <std::size_t Count, class Make>
auto few(std::size_t count, const Make& make) {
  using T = decltype(make(count));
  if constexpr (Count == std::dynamic_extent) {
    std::vector<T> result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(make(i));
    return result;
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<T, Count>{make(I)...};
    }
    (std::make_index_sequence<Count>());
  }
}

template <std::size_t InputCount, class Op>
std::array<Tensor, output_count<Op>> apply(const Op& op, Inputs in);

template <class Op, std::size_t InputCount>
class Recorded final : public Node {
 public:
  Recorded(const Op& op, Inputs in, std::span<const Tensor> out)
      : op_(op),
        operands_(few<InputCount>(in.size(), [&](std::size_t i) { return operand(i, in[i]); })),
        results_(
            few<output_count<Op>>(out.size(), [&](std::size_t i) { return result(i, out[i]); })) {}
  ~Recorded() override { release(operands_); }

  const char* name() const override { return Op::name; }
  std::span<Operand> operands() override { return operands_; }
  std::span<Result> results() override { return results_; }
  Tensors vjp(const Pullback& back) const override { return op_.vjp(back); }
  Tensors replay(const Tensors& inputs) const override {
    const NameScope scope(scope_path());
    std::vector<const Tensor*> pointers;
    for (const Tensor& x : inputs) pointers.push_back(&x);
    auto out = apply<InputCount>(op_, Inputs(pointers));
    return {out.begin(), out.end()};
  }

 private:
  static Operand operand(std::size_t i, const Tensor& x) {
    if (Op::reads.input(i)) return {x, x.storage()->version()};
    return {Tensor(x.form(), nullptr, x.history()), 0};
  }
  static Result result(std::size_t i, const Tensor& y) {
    if (Op::reads.output(i)) return {y.form(), y.storage(), y.storage()->version()};
    return {y.form(), nullptr, 0};
  }

  Op op_;
  Few<Operand, InputCount> operands_;
  std::array<Result, output_count<Op>> results_;
};

template <class Op>
std::array<Tensor, output_count<Op>> allocate(const Op& op, Inputs in) {
  if constexpr (requires { op.share(in); }) {  // the output is the input's storage seen otherwise
    return {op.share(in)};
  } else if constexpr (output_count<Op> == 1) {
    return {Tensor(op.form(in))};
  } else {
    std::array<Tensor, output_count<Op>> out;
    const std::array<Form, output_count<Op>> forms = op.forms(in);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = Tensor(forms[i]);
    return out;
  }
}

template <class Op>
void run_forward(const Op& op, Inputs in, Outputs out) {
  dispatch(working_type(Op::name, in, out, constants_of<Op>), [&]<class T>() {
    if constexpr (requires { op.template forward<T>(in, out); })
      op.template forward<T>(in, out);
    else
      fail(Op::name, ": does not take tensors of ", name_of(dtype_of<T>));
  });
}

template <class Op>
std::array<Tensor, output_count<Op>> compute(const Op& op, Inputs in) {
  std::array<Tensor, output_count<Op>> out = allocate(op, in);
  if constexpr (!requires { op.share(in); }) run_forward(op, in, Outputs(out));
  return out;
}

template <std::size_t InputCount, class Op>
std::array<Tensor, output_count<Op>> apply(const Op& op, Inputs in) {
  (void)Registration<Op>::done;
  bool tracked = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    require(in[i].defined(), Op::name, ": input ", i, " is empty");
    tracked |= in[i].tracked();
  }
  const bool observed = ambient().observing != nullptr;
  if (observed) tell_observers([&](Observer& o) { o.before_forward(Op::name, in); });
  std::array<Tensor, output_count<Op>> out = compute(op, in);
  if constexpr (requires(const Pullback& back) { op.vjp(back); }) {
    if (tracked && recording()) {
      using Entry = Recorded<Op, InputCount>;
      NodePtr node = std::allocate_shared<Entry>(Recycling<Entry>(), op, in, out);
      for (std::size_t i = out.size(); i-- > 0;)  // the last one takes the handle itself
        if (is_real(out[i].dtype()))
          out[i].exchange_history({i > 0 ? node : std::move(node), static_cast<int>(i)});
    }
  }
  if (observed) tell_observers([&](Observer& o) { o.after_forward(Op::name, in, out); });
  return out;
}

}  // namespace detail

/// Only the operation's shape rule, with its errors: for a formula that takes the operation's
/// place.
template <class Op, std::same_as<Tensor>... Ts>
void require_form(const Op& op, const Ts&... in) {
  const std::array<const Tensor*, sizeof...(Ts)> pointers = {&in...};
  op.form(Inputs(pointers));
}

/// Applies an operation with several outputs.
template <class Op, std::same_as<Tensor>... Ts>
std::array<Tensor, detail::output_count<Op>> apply_all(const Op& op, const Ts&... in) {
  const std::array<const Tensor*, sizeof...(Ts)> pointers = {&in...};
  return detail::apply<sizeof...(Ts)>(op, Inputs(pointers));
}

/// Applies an operation with one output.
template <class Op, std::same_as<Tensor>... Ts>
Tensor apply(const Op& op, const Ts&... in) {
  static_assert(detail::output_count<Op> == 1, "several outputs: use apply_all");
  return std::move(apply_all(op, in...)[0]);
}

/// Applies an operation to a list of inputs whose length is known only at run time.
template <class Op>
Tensor apply_list(const Op& op, std::span<const Tensor> in) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& x : in) pointers.push_back(&x);
  return std::move(detail::apply<std::dynamic_extent>(op, Inputs(pointers))[0]);
}

}  // namespace adjoint
