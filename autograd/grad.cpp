#include "autograd/grad.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "autograd/kernels/elementwise.h"
#include "autograd/ops.h"

namespace adjoint {
namespace {

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

// Lets an observer tell what a vjp computes from what the program does.
class VjpGuard {
 public:
  explicit VjpGuard(const Node& node) : former_(ambient().vjp_of) {
    if (!former_) ambient().vjp_of = &node;
  }
  ~VjpGuard() { ambient().vjp_of = former_; }
  VjpGuard(const VjpGuard&) = delete;
  VjpGuard& operator=(const VjpGuard&) = delete;

 private:
  const Node* former_;
};

// Walks the tape backwards. A node is fed only by younger nodes, so the youngest one pending has
// received everything it ever will: taking the youngest first needs neither recursion nor sorting.
class Sweep {
 public:
  explicit Sweep(const GradOptions& options) : options_(options) {}

  /// Gradients of this tensor are to be kept.
  void want(const Tensor& x) {
    const History& history = x.history();
    Place& place = at(history);
    place.wanted.resize(place.cotangents.size());
    ++place.wanted[static_cast<std::size_t>(history.output)];
    oldest_wanted_ = std::min(oldest_wanted_, history.node->number());
  }
  /// Gradients of all leaves are to be given to `receive`.
  void want_leaves() {
    all_leaves_ = true;
    oldest_wanted_ = 0;
  }

  void seed(const Tensor& y, Tensor cotangent) { add(y.history(), std::move(cotangent)); }

  template <class OnLeaf>
  void run(const OnLeaf& on_leaf) {
    // What a step adds is older: it comes later in the map.
    for (auto youngest = places_.begin(); youngest != places_.end();) {
      Place& place = youngest->second;
      if (place.reached && place.node->is_leaf())
        on_leaf(static_cast<Leaf&>(*place.node), place.cotangents[0]);
      else if (place.reached)
        step(place);
      const auto done = youngest++;
      if (place.wanted.empty()) clear(done);
    }
  }

  /// What has arrived at a wanted tensor; not defined when nothing has.
  Tensor take(const Tensor& x) {
    Place& place = at(x.history());
    const auto output = static_cast<std::size_t>(x.history().output);
    const bool wanted_again = --place.wanted[output] > 0;
    return wanted_again ? place.cotangents[output] : std::move(place.cotangents[output]);
  }

 private:
  /// What has arrived at a node so far.
  struct Place {
    NodePtr node;
    Tensors cotangents;       // one an output
    std::vector<int> wanted;  // how often each is asked for; empty where none is
    bool reached = false;     // whether anything has arrived
  };
  using Places = std::map<std::uint64_t, Place, std::greater<>>;

  Place& at(const History& history) {
    const std::uint64_t number = history.node->number();
    const auto next = places_.lower_bound(number);
    if (next != places_.end() && next->first == number) return next->second;
    Place& place = insert(next, number)->second;
    place.node = history.node;
    place.cotangents.resize(history.node->results().size());
    return place;
  }

  // An entry comes and goes with every node: the memory of the one that went is used again.
  Places::iterator insert(Places::iterator next, std::uint64_t number) {
    if (spare_.empty()) return places_.emplace_hint(next, number, Place());
    spare_.key() = number;
    return places_.insert(next, std::move(spare_));
  }
  void clear(Places::iterator place) {
    spare_ = places_.extract(place);
    Place& old = spare_.mapped();
    for (Tensor& cotangent : old.cotangents) cotangent = Tensor();
    old.node = nullptr;
    old.reached = false;
  }

  void add(const History& history, Tensor&& cotangent) {
    Place& place = at(history);
    place.reached = true;
    accumulate(place.cotangents[static_cast<std::size_t>(history.output)], std::move(cotangent));
  }

  // An older node cannot depend on any wanted one.
  bool leads_to_wanted(const Tensor& x) const {
    if (!x.tracked() || x.history().node->number() < oldest_wanted_) return false;
    Node& node = *x.history().node;
    return !node.is_leaf() || all_leaves_ || places_.contains(node.number());
  }

  void step(const Place& place) {
    Node& node = *place.node;
    const std::span<Operand> operands = node.operands();
    require(!node.consumed(), node.name(),
            ": this graph was already swept by backward() or a consuming grad()");
    std::uint32_t needed = 0;
    for (std::size_t i = 0; i < operands.size() && i < 32; ++i)
      if (leads_to_wanted(operands[i].value)) needed |= 1u << i;
    if (needed == 0 && operands.size() <= 32) return;

    const NameScope scope(node.scope_path());
    Tensors gradients = pull_back(node, Pullback(place.node, place.cotangents, needed));
    require(gradients.size() == operands.size(), node.name(), ": the vjp returned ",
            gradients.size(), " gradients for ", operands.size(), " inputs");
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const Tensor& x = operands[i].value;
      Tensor& gradient = gradients[i];
      if (!gradient.defined() || !leads_to_wanted(x)) continue;
      require(gradient.shape() == x.shape() && gradient.dtype() == x.dtype(), node.name(),
              ": the vjp's gradient of input ", i, " is ", gradient.dtype(), ' ', gradient.shape(),
              ", the input ", x.dtype(), ' ', x.shape());
      add(x.history(), std::move(gradient));
    }
    if (options_.consume) node.consume();
  }

  static Tensors pull_back(const Node& node, const Pullback& back) {
    if (!ambient().observing) return node.vjp(back);
    const VjpGuard guard(node);
    tell_observers([&](Observer& o) { o.before_vjp(node, back); });
    Tensors gradients = node.vjp(back);
    tell_observers([&](Observer& o) { o.after_vjp(node, back, gradients); });
    return gradients;
  }

  GradOptions options_;
  Places places_;  // youngest first
  Places::node_type spare_;
  std::uint64_t oldest_wanted_ = std::numeric_limits<std::uint64_t>::max();
  bool all_leaves_ = false;
};

std::string described(const Tensor& x, std::size_t index) {
  return x.name().empty() ? "x " + std::to_string(index)
                          : "x " + std::to_string(index) + " ('" + x.name() + "')";
}

void require_scalar(const Tensor& y, const char* function) {
  require(y.defined() && y.numel() == 1, function,
          ": y must have exactly one element, its shape is ", y.shape(),
          "; give a cotangent, or reduce it with sum() or mean()");
}

Tensor one_like(const Tensor& y) { return ones(y.shape(), y.dtype()); }

}  // namespace

Tensors grad(const Tensors& ys, const Tensors& xs, const Tensors& cotangents,
             const GradOptions& options) {
  require(ys.size() == cotangents.size(), "grad: ", cotangents.size(), " cotangents for ",
          ys.size(), " results");
  require(!(options.create_graph && options.consume),
          "grad: a sweep that is recorded reads the graph again and cannot consume it");
  Sweep sweep(options);
  for (std::size_t i = 0; i < xs.size(); ++i) {
    require(xs[i].tracked() || options.zeros_if_independent, "grad: ", described(xs[i], i),
            " is not tracked: make it with variable()");
    if (xs[i].tracked()) sweep.want(xs[i]);
  }
  const FlagGuard record(&Ambient::recording, options.create_graph);
  for (std::size_t i = 0; i < ys.size(); ++i) {
    if (!cotangents[i].defined() || !ys[i].tracked()) continue;
    require(cotangents[i].form() == ys[i].form(), "grad: the cotangent of result ", i,
            " has shape ", cotangents[i].shape(), " and type ", cotangents[i].dtype(),
            ", the result ", ys[i].shape(), " and ", ys[i].dtype());
    sweep.seed(ys[i], cotangents[i]);
  }
  sweep.run([](Leaf&, const Tensor&) {});

  Tensors result;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    Tensor gradient = xs[i].tracked() ? sweep.take(xs[i]) : Tensor();
    require(gradient.defined() || options.zeros_if_independent,
            "grad: the result does not depend on ", described(xs[i], i));
    if (!gradient.defined()) gradient = zeros(xs[i].shape(), xs[i].dtype());
    // A vjp may pass one buffer on to several inputs. Whoever edits a gradient, clipping it say,
    // must not edit another one.
    const bool shared = gradient.storage().use_count() > 1;
    result.push_back(shared && !gradient.tracked() ? copy(gradient) : std::move(gradient));
  }
  return result;
}

Tensors grad(const Tensor& y, const Tensors& xs, const GradOptions& options) {
  require_scalar(y, "grad");
  return grad(Tensors{y}, xs, Tensors{one_like(y)}, options);
}

void backward(const Tensor& y) {
  require_scalar(y, "backward");
  require(y.tracked(), "backward: y is not tracked: nothing it was computed from is a variable()");
  Sweep sweep({.consume = true});
  sweep.want_leaves();
  const NoRecording guard;
  sweep.seed(y, one_like(y));
  sweep.run([](Leaf& leaf, const Tensor& gradient) { leaf.add_grad(gradient); });
}

}  // namespace adjoint
