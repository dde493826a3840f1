// Running an operation: apply() computes the outputs and, when recording is on and an input is
// tracked, leaves a node on the tape.
#pragma once

#include <array>
#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "autograd/observer.h"
#include "autograd/operation.h"
#include "autograd/pullback.h"

namespace adjoint {

/// The names of all operations linked into the program, in alphabetical order.
std::vector<std::string> registered_operations();
/// What the operation of that name states as its rule; empty if it states none. Error if there is
/// no such operation.
Rule rule_of_operation(const std::string& name);

namespace detail {

bool register_operation(const char* name, Rule rule);

// A static member is set before main() if anything in the program mentions it. apply() mentions
// this one, so every operation for which apply() is compiled is known, even if it never runs.
template <class Op>
struct Registration {
  static inline const bool done = register_operation(Op::name, rule_of<Op>);
};

/// Whether an input is tracked. Error when one is empty.
inline bool any_tracked(const char* operation, Inputs in) {
  bool tracked = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    require(in[i].defined(), operation, ": input ", i, " is empty: no value was assigned to it");
    tracked |= in[i].tracked();
  }
  return tracked;
}

/// Records in each untracked output why it is untracked. `tracked`: whether an input is tracked.
inline void note_cause(bool tracked, Inputs in, Outputs out) {
  Untracked cause = Untracked::constant;
  if (tracked)
    cause = recording() ? Untracked::no_derivative : Untracked::not_recorded;
  else
    for (std::size_t i = 0; i < in.size(); ++i)
      if (in[i].history().cause != Untracked::constant) cause = in[i].history().cause;
  if (cause == Untracked::constant) return;
  for (Tensor& y : out)
    if (!y.tracked()) y.exchange_history({nullptr, 0, cause});
}

/// The element type that forward is called with: that of the inputs, or of the output where all
/// inputs are constants. Error when the inputs, constants aside, differ in type.
DType working_type(const char* operation, Inputs in, Outputs out, Operands constants);

/// Throws the current exception again. Errors of sizes and of memory get the operation's name.
[[noreturn]] void rethrow_naming(const char* operation, Inputs in);

/// {make(0), make(1), …} as an array or a vector, each element constructed in its place.
template <class List, class Make>
List list_of(std::size_t count, const Make& make) {
  if constexpr (requires(List list) { list.reserve(count); }) {
    List list;
    list.reserve(count);
    for (std::size_t i = 0; i < count; ++i) list.push_back(make(i));
    return list;
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return List{make(I)...}; }
    (std::make_index_sequence<std::tuple_size_v<List>>());
  }
}

// ---- The node that apply() leaves --------------------------------------------------------------

/// SavedInputs is an array, or a vector if the number of inputs is known only at run time.
template <class Op, class SavedInputs>
class Recorded final : public Node {
 public:
  Recorded(const Op& op, Inputs in, Outputs out)
      : Node(Op::name),
        op_(op),
        inputs_(list_of<SavedInputs>(
            in.size(),
            [&](std::size_t i) { return save_input(in[i], keeps(Op::reads.input(i))); })),
        outputs_(list_of<SavedOutputs>(out.size(), [&](std::size_t i) {
          return save_output(out[i], keeps(Op::reads.output(i)));
        })) {
    keep(inputs_, outputs_);
  }
  ~Recorded() override { release_inputs(); }

  Rule rule() const override { return rule_of<Op>; }
  Attributes attributes() const override {
    if constexpr (HasAttributes<Op>)
      return op_.attributes();
    else
      return {};
  }
  Tensors vjp(const Pullback& back) const override { return op_.vjp(back); }
  Tensors replay(const Tensors& inputs) const override;
  const Op& operation() const { return op_; }

 private:
  using SavedOutputs = std::array<SavedOutput, output_count<Op>>;

  static bool keeps(bool read) { return read || ambient().keeping_values; }

  Op op_;
  SavedInputs inputs_;
  SavedOutputs outputs_;
};

/// Makes the outputs remember how they were computed.
template <class SavedInputs, class Op>
void record(const Op& op, Inputs in, Outputs out) {
  using Entry = Recorded<Op, SavedInputs>;
  NodePtr node = std::allocate_shared<Entry>(Recycling<Entry>(), op, in, out);
  for (std::size_t i = out.size(); i-- > 0;)  // downwards: output 0 takes the pointer
    if (is_real(out[i].dtype()))
      out[i].exchange_history({i > 0 ? node : std::move(node), static_cast<int>(i)});
}

// ---- Computing and recording -------------------------------------------------------------------

template <class Op>
std::array<Tensor, output_count<Op>> allocate(const Op& op, Inputs in) {
  if constexpr (IsView<Op>) {
    return {Tensor(op.form(in), in[0].storage())};
  } else if constexpr (output_count<Op> == 1) {
    return {Tensor(op.form(in))};
  } else {
    const auto forms = op.form(in);
    return list_of<std::array<Tensor, output_count<Op>>>(
        forms.size(), [&](std::size_t i) { return Tensor(forms[i]); });
  }
}

template <class Op>
void compute(const Op& op, Inputs in, Outputs out) {
  dispatch(working_type(Op::name, in, out, constants_of<Op>), [&]<class T>() {
    if constexpr (Takes<Op, T>)
      op.template forward<T>(in, out);
    else
      fail(Op::name, ": does not take tensors of ", name_of(dtype_of<T>),
           "; cast() them to f32 or f64");
  });
}

template <class SavedInputs, class Op>
std::array<Tensor, output_count<Op>> apply(const Op& op, Inputs in) try {
  check_operation<Op>();
  (void)Registration<Op>::done;
  const bool observed = ambient().observing, tracked = any_tracked(Op::name, in);
  if (observed) tell_observers([&](Observer& o) { o.before_forward(Op::name, in); });
  std::array<Tensor, output_count<Op>> out = allocate(op, in);
  if constexpr (!IsView<Op>) {
    compute(op, in, out);
    if (observed) tell_observers([&](Observer& o) { o.after_compute(Op::name, in, out); });
  }
  if constexpr (HasVjp<Op>)
    if (tracked && recording()) record<SavedInputs>(op, in, out);
  if (!out[0].tracked()) note_cause(tracked, in, out);
  if (observed) tell_observers([&](Observer& o) { o.after_forward(Op::name, in, out); });
  return out;
} catch (...) {
  rethrow_naming(Op::name, in);
}

template <class Op, class SavedInputs>
Tensors Recorded<Op, SavedInputs>::replay(const Tensors& inputs) const {
  const NameScope scope(scope_path());
  std::vector<const Tensor*> pointers;
  for (const Tensor& x : inputs) pointers.push_back(&x);
  auto out = apply<SavedInputs>(op_, Inputs(pointers));
  return {out.begin(), out.end()};
}

}  // namespace detail

// ---- For those who write operations ------------------------------------------------------------

/// Applies an operation with several outputs.
template <class Op, std::same_as<Tensor>... Ts>
std::array<Tensor, output_count<Op>> apply_all(const Op& op, const Ts&... in) {
  const std::array<const Tensor*, sizeof...(Ts)> pointers = {&in...};
  return detail::apply<std::array<SavedInput, sizeof...(Ts)>>(op, Inputs(pointers));
}

/// Applies an operation with one output.
template <class Op, std::same_as<Tensor>... Ts>
Tensor apply(const Op& op, const Ts&... in) {
  static_assert(output_count<Op> == 1, "several outputs: use apply_all");
  return std::move(apply_all(op, in...)[0]);
}

/// Applies an operation with one output to as many inputs as the list has.
template <class Op>
Tensor apply_list(const Op& op, std::span<const Tensor> in) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& x : in) pointers.push_back(&x);
  return std::move(detail::apply<std::vector<SavedInput>>(op, Inputs(pointers))[0]);
}

/// Only checks the inputs, by the operation's shape rule. For a formula that replaces the
/// operation.
template <class Op, std::same_as<Tensor>... Ts>
void require_form(const Op& op, const Ts&... in) {
  const std::array<const Tensor*, sizeof...(Ts)> pointers = {&in...};
  op.form(Inputs(pointers));
}

}  // namespace adjoint
