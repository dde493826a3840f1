#include "autograd/grad.h"

#include <algorithm>
#include <limits>
#include <typeinfo>
#include <utility>

#include "autograd/independence.h"
#include "autograd/kernels/elementwise.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/pending.h"
#include "autograd/pullback.h"
#include "autograd/support/error.h"

namespace adjoint {
namespace {

// ---- The sweep ---------------------------------------------------------------------------------

// Walks the tape backwards. Every node sends cotangents to older nodes only, so the youngest one
// pending has received everything it ever will: taking the youngest first needs no recursion and no
// sorting.
class Sweep {
 public:
  explicit Sweep(bool consume) : consume_(consume) {}

  /// Asks for the gradient of x; gradient(x) has it after run().
  void want(const Tensor& x) {
    pending_.at(x.history().node).kept = true;
    oldest_wanted_ = std::min(oldest_wanted_, x.history().node->number());
  }
  /// Asks for the gradients of all leaves, to be added up in the leaves.
  void want_leaves() {
    all_leaves_ = true;
    oldest_wanted_ = 0;
  }

  /// x̄ ← x̄ + term. `from` is the node that sends it, null for the caller's cotangent of y.
  void send(const Node* from, const Tensor& x, Tensor term);

  void run() {
    while (const Pending::Entry* youngest = pending_.next()) {
      if (!youngest->arrived) continue;  // asked for, but y does not depend on it
      if (youngest->node->is_leaf()) {
        reach(static_cast<Leaf&>(*youngest->node), youngest->cotangents[0]);
        continue;
      }
      Node& node = *youngest->node;
      require_not_consumed(node);
      if (!find_needed(node)) continue;
      Tensors gradients = pull_back(youngest->node, youngest->cotangents);  // ȳ to x̄
      check(node, gradients);
      for (std::size_t i = 0; i < gradients.size(); ++i)
        if (needed_[i]) send(&node, node.inputs()[i].value, std::move(gradients[i]));
      if (consume_) node.consume();
    }
  }

  /// Empty when nothing has arrived at x.
  Tensor gradient(const Tensor& x) {
    return pending_.at(x.history().node).cotangents[static_cast<std::size_t>(x.history().output)];
  }

 private:
  bool may_lead_to_wanted(const Tensor& x) const;
  bool find_needed(const Node& node);
  Tensors pull_back(const NodePtr& node, const Tensors& cotangents) const;
  void check(const Node& node, const Tensors& gradients) const;
  void reach(Leaf& leaf, const Tensor& gradient) const;

  bool consume_;
  bool all_leaves_ = false;
  std::uint64_t oldest_wanted_ = std::numeric_limits<std::uint64_t>::max();
  Pending pending_;
  std::vector<char> needed_;  // which inputs of the current node need a gradient
};

// sum ← sum + term, in place when nobody else holds the buffer.
void accumulate(Tensor& sum, Tensor&& term) {
  if (!sum.defined()) {
    sum = std::move(term);
  } else if (!recording() && sum.storage().use_count() == 1) {
    dispatch(sum.dtype(), [&]<class T>() {
      if constexpr (Real<T>) kernels::add_to(sum.edit<T>(), term.values<T>());
    });
  } else {
    sum = add(sum, term);
  }
}

void Sweep::send(const Node* from, const Tensor& x, Tensor term) {
  if (!term.defined()) return;  // zero
  const NodePtr& node = x.history().node;
  const int output = x.history().output;
  Pending::Entry& entry = pending_.at(node);
  Tensor& sum = entry.cotangents[static_cast<std::size_t>(output)];
  entry.arrived = true;
  if (!ambient().observing) return accumulate(sum, std::move(term));
  const Tensor arrived = term;
  accumulate(sum, std::move(term));
  tell_observers([&](Observer& o) { o.after_arrival(from, *node, output, arrived, sum); });
}

// A node older than every wanted one cannot depend on any of them.
bool Sweep::may_lead_to_wanted(const Tensor& x) const {
  if (!x.tracked() || x.history().node->number() < oldest_wanted_) return false;
  const Node& node = *x.history().node;
  return !node.is_leaf() || all_leaves_ || pending_.contains(node);
}

bool Sweep::find_needed(const Node& node) {
  needed_.clear();
  for (const SavedInput& input : node.inputs()) needed_.push_back(may_lead_to_wanted(input.value));
  return std::ranges::find(needed_, 1) != needed_.end();
}

// An error inside a rule, with the name of the operation whose rule it is. An empty cotangent is
// the likeliest reason.
[[noreturn]] void rethrow_naming_rule(const Node& node, const Pullback& back) {
  const std::string name = node.name(), where = node.scope().empty() ? "" : " in " + node.scope();
  const std::string rule = "the vjp of " + name + where + ": ";
  const auto named = [&](std::string text) {
    if (text.starts_with(name + ": ") || text.starts_with("the vjp of ")) return text;
    for (std::size_t i = 0; i < back.output_count(); ++i)
      if (!back.cotangent(i).defined() && text.find("is empty") != std::string::npos)
        return text_from(rule, text, "; the cotangent of output ", i,
                         " is empty, which means zero: use cotangent_or_zeros(", i, ')');
    return rule + text;
  };
  try {
    throw;
  } catch (const SizeError& error) {
    throw SizeError(named(error.what()));
  } catch (const Error& error) {
    if (typeid(error) != typeid(Error)) throw;  // a type of its own, for those who catch it
    throw Error(named(error.what()));
  }
}

Tensors run_rule(const Node& node, const Pullback& back) try {
  return node.vjp(back);
} catch (const Error&) {
  rethrow_naming_rule(node, back);
}

// Runs the node's derivative rule.
Tensors Sweep::pull_back(const NodePtr& node, const Tensors& cotangents) const {
  const NameScope scope(node->scope_path());
  const Pullback back(node, cotangents, needed_);
  if (!ambient().observing) return run_rule(*node, back);

  const VjpGuard guard(*node);
  tell_observers([&](Observer& o) { o.before_vjp(*node, back); });
  Tensors gradients = run_rule(*node, back);
  tell_observers([&](Observer& o) { o.after_vjp(*node, back, gradients); });
  return gradients;
}

// Error unless the rule returned a gradient for each input, of the input's form.
void Sweep::check(const Node& node, const Tensors& gradients) const {
  const std::span<const SavedInput> inputs = node.inputs();
  require(gradients.size() == inputs.size(), node.name(), ": the vjp returned ", gradients.size(),
          " gradients for ", inputs.size(), " inputs");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor &x = inputs[i].value, &gradient = gradients[i];
    if (!gradient.defined() || !needed_[i]) continue;
    require(gradient.shape() == x.shape() && gradient.dtype() == x.dtype(), node.name(),
            ": the vjp's gradient of input ", i, " is ", gradient.dtype(), ' ', gradient.shape(),
            ", the input ", x.dtype(), ' ', x.shape());
  }
}

void Sweep::reach(Leaf& leaf, const Tensor& gradient) const {
  if (all_leaves_) leaf.add_grad(gradient);
  tell_observers([&](Observer& o) { o.at_leaf(leaf, gradient); });
}

// ---- What callers ask for ----------------------------------------------------------------------

// What arrives at each x; empty for nothing.
Tensors sweep_to(const Tensors& xs, const Tensors& ys, const Tensors& cotangents, bool consume) {
  Sweep sweep(consume);
  for (const Tensor& x : xs)
    if (x.tracked()) sweep.want(x);
  for (std::size_t i = 0; i < ys.size(); ++i)
    if (ys[i].tracked()) sweep.send(nullptr, ys[i], cotangents[i]);
  sweep.run();

  Tensors arrived;
  for (const Tensor& x : xs) arrived.push_back(x.tracked() ? sweep.gradient(x) : Tensor());
  return arrived;
}

void require_scalar(const Tensor& y, const char* function) {
  require(y.defined(), function, ": y is empty: no value was assigned to it");
  require(y.numel() == 1, function, ": y must have exactly one element, its shape is ", y.shape(),
          "; give a cotangent, or reduce it with sum() or mean()");
}

Tensor one_like(const Tensor& y) { return ones(y.shape(), y.dtype()); }

}  // namespace

Tensors grad(const Tensors& ys, const Tensors& xs, const Tensors& cotangents,
             const GradOptions& options) {
  require(ys.size() == cotangents.size(), "grad: ", cotangents.size(), " cotangents for ",
          ys.size(), " results; give one for each, an empty one for zeros");
  for (std::size_t i = 0; i < ys.size(); ++i)
    require(ys[i].defined() || !cotangents[i].defined(), "grad: result ", i,
            " is empty: no value was assigned to it");
  for (std::size_t i = 0; i < xs.size(); ++i)
    require(xs[i].defined(), "grad: x ", i, " is empty: no value was assigned to it");
  require(!(options.create_graph && options.consume),
          "grad: a recorded sweep reads the graph again and cannot consume it; leave out "
          "create_graph or consume");
  for (std::size_t i = 0; i < xs.size(); ++i)
    if (!xs[i].tracked() && !options.zeros_if_independent)
      fail("grad: ", operand_text("x", i, xs[i]), " is not tracked: ",
           xs[i].history().cause != Untracked::constant ? cause_text(xs[i])
           : recording()                                ? "make it with variable()"
                         : "recording is off here; use vjp() of functional.h, which records by "
                           "itself");
  for (std::size_t i = 0; i < ys.size(); ++i)
    if (cotangents[i].defined() && ys[i].tracked())
      require(cotangents[i].form() == ys[i].form(), "grad: the cotangent of result ", i,
              " has shape ", cotangents[i].shape(), " and type ", cotangents[i].dtype(),
              ", the result ", ys[i].shape(), " and ", ys[i].dtype());

  const FlagGuard record(&Ambient::recording, options.create_graph);
  Tensors gradients = sweep_to(xs, ys, cotangents, options.consume);
  for (std::size_t i = 0; i < xs.size(); ++i) {
    Tensor& gradient = gradients[i];
    if (!gradient.defined()) {
      if (!options.zeros_if_independent)
        fail("grad: the result does not depend on ", operand_text("x", i, xs[i]), ": ",
             independence_text(ys, xs[i]));
      gradient = zeros(xs[i].shape(), xs[i].dtype());
    }
    // A vjp may send one buffer to several inputs. A caller who edits one gradient, to clip it say,
    // must not edit another.
    if (gradient.storage().use_count() > 1 && !gradient.tracked()) gradient = copy(gradient);
    if (!gradient.tracked())
      gradient.exchange_history(
          {nullptr, 0, options.create_graph ? Untracked::constant : Untracked::gradient});
  }
  return gradients;
}

Tensors grad(const Tensor& y, const Tensors& xs, const GradOptions& options) {
  require_scalar(y, "grad");
  return grad(Tensors{y}, xs, Tensors{one_like(y)}, options);
}

void backward(const Tensor& y) {
  require_scalar(y, "backward");
  if (!y.tracked()) fail("backward: y is not tracked: ", cause_text(y));
  const NoRecording guard;
  Sweep sweep(true);
  sweep.want_leaves();
  sweep.send(nullptr, y, one_like(y));
  sweep.run();
}

}  // namespace adjoint
