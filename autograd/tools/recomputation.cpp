#include "autograd/tools/recomputation.h"

#include <algorithm>

#include "autograd/grad.h"
#include "autograd/observer.h"
#include "autograd/operation.h"
#include "autograd/pullback.h"

namespace adjoint {
namespace {

constexpr auto operation_name = "recomputed";

// While f runs, refuses tracked tensors that are older than the run: they come from outside.
class RefuseOutsiders final : public Observer {
 public:
  void before_forward(const char* operation, const Inputs& in) override {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!in[i].tracked() || in[i].history().node->number() > start_.number()) continue;
      const std::string& name = in[i].name();
      fail("recomputed: ", operation, " reads a tracked tensor ",
           name.empty() ? "" : "'" + name + "' ", "of shape ", in[i].shape(),
           " that is not among the inputs: its gradient would be lost; pass it, or detach() it");
    }
  }

 private:
  const Leaf start_{{Shape{}, DType::f32}, ""};  // its number separates before from after
};

// f at leaves of its own, where sweeps inside f end.
Tensors run_apart(const Function& f, const Tensors& inputs) {
  RefuseOutsiders outsiders;
  const Observing guard(outsiders);
  const NoRecording unrecorded;
  Tensors leaves;
  for (const Tensor& x : inputs) leaves.push_back(x.tracked() ? variable(x, x.name()) : x);
  return f(leaves);
}

class Recomputed final : public Node {
 public:
  Recomputed(const Function& f, const Tensors& inputs, const Tensors& outputs)
      : Node(operation_name), f_(f) {
    for (const Tensor& x : inputs) inputs_.push_back(save_input(x, true));
    for (const Tensor& y : outputs) outputs_.push_back(save_output(y, false));
    keep(inputs_, outputs_);
  }
  ~Recomputed() override { release_inputs(); }

  std::span<const char* const> rule() const override {
    static constexpr const char* formulas[] = {"y = f(x₀, x₁, …), run again during the sweep",
                                               "x̄ᵢ = ∂⟨ȳ, f(x)⟩/∂xᵢ, by a sweep through f"};
    return formulas;
  }
  Tensors replay(const Tensors& inputs) const override { return recomputed(f_, inputs); }

  // (x, ȳ) ↦ x̄ is itself a recomputed function, so derivatives of any order are.
  Tensors vjp(const Pullback& back) const override {
    const std::size_t count = inputs_.size();
    std::vector<std::size_t> asked, arrived;  // the x that need an x̄, the y that have a ȳ
    Tensors given;                            // x…, ȳ…
    for (std::size_t i = 0; i < count; ++i) {
      given.push_back(back.input(i));
      if (given[i].tracked() && back.needs(i)) asked.push_back(i);
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (back.cotangent(i).defined()) arrived.push_back(i);
    for (const std::size_t i : arrived) given.push_back(back.cotangent(i));
    const auto pull_back = [f = f_, count, asked, arrived](const Tensors& all) {
      const bool differentiated = recording();
      const FlagGuard record(&Ambient::recording, true);
      const auto cotangents = all.begin() + static_cast<std::ptrdiff_t>(count);
      const Tensors ys = f(Tensors(all.begin(), cotangents));
      Tensors reached, wanted;
      for (const std::size_t i : arrived) reached.push_back(ys.at(i));
      for (const std::size_t i : asked) wanted.push_back(all[i]);
      return grad(reached, wanted, Tensors(cotangents, all.end()),
                  {.create_graph = differentiated,
                   .consume = !differentiated,
                   .zeros_if_independent = true});
    };
    Tensors found = recomputed(pull_back, given), gradients(count);
    for (std::size_t i = 0; i < asked.size(); ++i) gradients[asked[i]] = std::move(found[i]);
    return gradients;
  }

 private:
  Function f_;
  std::vector<SavedInput> inputs_;
  std::vector<SavedOutput> outputs_;
};

}  // namespace

Tensors recomputed(const Function& f, const Tensors& inputs) {
  std::vector<const Tensor*> pointers;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require(inputs[i].defined(), "recomputed: input ", i, " is empty");
    pointers.push_back(&inputs[i]);
  }
  tell_observers([&](Observer& o) { o.before_forward(operation_name, Inputs(pointers)); });
  Tensors outputs = run_apart(f, inputs);
  NodePtr node;
  if (recording() && std::ranges::any_of(inputs, &Tensor::tracked))
    node = std::make_shared<Recomputed>(f, inputs, outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    require(outputs[i].defined(), "recomputed: output ", i, " of the function is empty");
    const bool linked = node && is_real(outputs[i].dtype());
    outputs[i] = Tensor(outputs[i].form(), outputs[i].storage(),
                        linked ? History{node, static_cast<int>(i)} : History{});
  }
  tell_observers([&](Observer& o) { o.after_forward(operation_name, Inputs(pointers), outputs); });
  return outputs;
}

Tensor recomputed(const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
  return recomputed([f](const Tensors& xs) { return Tensors{f(xs[0])}; }, Tensors{x})[0];
}

}  // namespace adjoint
