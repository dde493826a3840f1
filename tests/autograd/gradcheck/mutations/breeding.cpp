// Generates mutants from a sample.
#include "tests/autograd/gradcheck/mutations.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <sstream>

#include "autograd/apply.h"
#include "autograd/grad.h"
#include "autograd/observer.h"
#include "autograd/pullback.h"

namespace adjoint::testing {
namespace {

using Kind = Diagnosis::Kind;
using Formula = std::function<Tensor(const Tensors&)>;

constexpr Key key{20240301};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

Tensors variables(const Tensors& values) {
  Tensors result;
  for (const Tensor& value : values) result.push_back(variable(value));
  return result;
}

// The vjp of f, ignoring planted mistakes.
Tensors right_vjp(const Formula& f, const Tensors& inputs, const Tensor& cotangent) {
  const Unobserved quiet;
  const FlagGuard record(&Ambient::recording, true);
  const Tensors xs = variables(inputs);
  return grad(Tensors{f(xs)}, xs, {cotangent}, {.zeros_if_independent = true});
}

// A whole function as one operation, so that a mistake can be planted in its vjp.
struct Whole {
  static constexpr auto name = "test_whole";
  static constexpr Operands reads = {input(0), input(1), input(2), input(3)};
  Formula f;
  Shape result;

  Form form(Inputs in) const { return {result, in[0].dtype()}; }
  template <Real T>
  void forward(Inputs in, Outputs out) const {
    const NoRecording guard;
    Tensors xs;
    for (std::size_t i = 0; i < in.size(); ++i) xs.push_back(in[i]);
    const Tensor y = f(xs);
    std::ranges::copy(y.values<T>(), out[0].edit<T>().begin());
  }
  Tensors vjp(const Pullback& back) const {
    Tensors xs;
    for (std::size_t i = 0; i < back.input_count(); ++i) xs.push_back(detach(back.input(i)));
    return right_vjp(f, xs, back.cotangent());
  }
};

Function whole(const Sample& sample, const Tensors& inputs) {
  const Whole op{sample.f, sample.f(inputs).shape()};
  return [op](const Tensors& xs) { return Tensors{apply_list(op, xs)}; };
}

// x, zero except for some indices along an axis.
Tensor only(const Tensor& x, Index axis, Index begin, Index end) {
  std::vector<double> kept(at(x.size(axis)));
  std::fill(kept.begin() + begin, kept.begin() + end, 1);
  Shape along;
  for (Index i = 0; i < x.rank(); ++i)
    along = along.inserted(i, i == x.shape().resolve(axis) ? x.size(axis) : 1);
  return x * from(kept, along);
}

Tensor rolled(const Tensor& x, Index axis) {
  const Index n = x.size(axis);
  return concat({slice(x, axis, n - 1, n), slice(x, axis, 0, n - 1)}, axis);
}

Tensor pushed(const Tensor& x, Index axis) {
  const Index n = x.size(axis);
  return concat({slice(x, axis, 1, n), zeros(x.shape().with(axis, 1), x.dtype())}, axis);
}

Tensor reversed_along(const Tensor& x, Index axis) {
  std::vector<Index> order;
  for (Index i = x.size(axis); i-- > 0;) order.push_back(i);
  return gather(x, from(order, {x.size(axis)}), axis);
}
Tensor reversed(const Tensor& x) { return reversed_along(x, 0); }

// Examples 0 and 1 exchanged.
Tensor confused_pair(const Tensor& x) {
  std::vector<Index> order(at(x.size(0)));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[0], order[1]);
  return gather(x, from(order, {x.size(0)}));
}

// ---- Mistakes of one sample --------------------------------------------------------------------

class Breeding {
 public:
  Breeding(const Sample& sample, std::vector<Mutant>& all)
      : sample_(sample), inputs_(sample.make(key)), all_(all) {}

  void breed() {
    const NoRecording guard;
    output_ = sample_.f(inputs_).shape();
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      of_gradient(i);
      of_sums(i);
      of_others(i);
      of_factors(i);
    }
    of_cotangent();
    of_steps();
  }

  void add(Kind kind, const std::string& label, SiteMistake mistake) {
    add(kind, label, whole(sample_, inputs_),
        std::make_shared<Planted>(Whole::name, std::nullopt, std::move(mistake)));
  }

 private:
  using Change = std::function<Tensor(const Tensor&)>;

  void add(Kind kind, const std::string& label, Function f, std::shared_ptr<Observer> mistake) {
    all_.push_back({kind,
                    sample_.operation,
                    sample_.name() + ", " + label,
                    std::move(f),
                    inputs_,
                    std::move(mistake),
                    {}});
  }
  // Changes one finished gradient.
  void change(Kind kind, std::size_t input, const std::string& label, Change change) {
    add(kind, text_of("input ", input, ": ", label),
        [=](const Site&, Tensors& gradients) { gradients[input] = change(gradients[input]); });
  }
  // Changes the cotangent before all or some of the gradients are computed from it.
  void change_cotangent(Kind kind, const std::string& label, Change change, int input = -1) {
    add(kind, label, [=](const Site& site, Tensors& gradients) {
      const Tensors wrong = site.vjp(change(site.cotangent()));
      for (std::size_t i = 0; i < gradients.size(); ++i)
        if (input < 0 || input == static_cast<int>(i)) gradients[i] = wrong[i];
    });
  }

  void of_gradient(std::size_t input) {
    const Shape& shape = inputs_[input].shape();
    const auto n = static_cast<double>(shape.rank() > 0 ? shape[-1] : 1);
    change(Kind::sign, input, "negative", [](const Tensor& g) { return -g; });
    change(Kind::zero, input, "zero", [](const Tensor& g) { return g * 0; });
    change(Kind::precision, input, "in f32",
           [](const Tensor& g) { return cast(cast(g, DType::f32), g.dtype()); });
    for (const double factor : std::set{2.0, 0.5, 1 / std::max(n, 1.0)})
      change(Kind::factor, input, text_of("times ", factor),
             [=](const Tensor& g) { return factor * g; });
    reorder(shape, input);
    for (Index axis = 0; axis < shape.rank(); ++axis)
      for (const auto reduce : {sum, mean}) {
        if (shape[axis] < 2) continue;
        change(
            Kind::extra_sum, input, text_of(reduce == sum ? "sum" : "mean", " over axis ", axis),
            [=](const Tensor& g) { return broadcast_to(reduce(g, {axis}, Keep::yes), g.shape()); });
      }
  }

  void reorder(const Shape& shape, std::size_t input) {
    for (Index p = 0; p < shape.rank(); ++p) {
      if (shape[p] < 2) continue;
      change(Kind::shifted, input, text_of("rolled along axis ", p),
             [=](const Tensor& g) { return rolled(g, p); });
      change(Kind::shifted, input, text_of("pushed along axis ", p),
             [=](const Tensor& g) { return pushed(g, p); });
      change(Kind::reversed, input, text_of("reversed along axis ", p),
             [=](const Tensor& g) { return reversed_along(g, p); });
      for (Index q = p + 1; q < shape.rank(); ++q)
        change(Kind::transposed, input, text_of("axes ", p, " and ", q, " exchanged"),
               [=](const Tensor& g) { return reshape(transpose(g, p, q), g.shape()); });
    }
    if (shape.rank() == 3)
      for (const Axes& order : {Axes{1, 2, 0}, Axes{2, 0, 1}})
        change(Kind::transposed, input, text_of("axes in the order ", order[0], order[1], order[2]),
               [=](const Tensor& g) { return reshape(permute(g, order), g.shape()); });
    if (shape.rank() > 0) change(Kind::wrong_example, input, "examples reversed", reversed);
    if (shape.rank() > 0 && shape[0] > 3)
      change(Kind::wrong_example, input, "first two examples exchanged", confused_pair);
  }

  void of_sums(std::size_t input) {
    for (Index axis = 0; axis < output_.rank(); ++axis) {
      const Index n = output_[axis];
      if (n < 2 || is_tied(axis, input)) continue;
      const auto keep = [&](Kind kind, const char* label, Index begin, Index end) {
        add(kind, text_of("input ", input, ": ", label, axis),
            [=](const Site& site, Tensors& gradients) {
              gradients[input] = site.vjp(only(site.cotangent(), axis, begin, end))[input];
            });
      };
      keep(Kind::missing_sum, "only index 0 of output axis ", 0, 1);
      keep(Kind::missing_term, "without the last index of output axis ", 0, n - 1);
    }
  }

  // Whether x̄ at each index along an axis depends only on ȳ at that index along an axis.
  bool is_tied(Index axis, std::size_t input) const {
    const Tensor cotangent = normal(output_, 0, 1, key.child("tied"), DType::f64);
    const Shape& shape = inputs_[input].shape();
    for (Index q = 0; q < shape.rank(); ++q) {
      if (shape[q] != output_[axis]) continue;
      bool tied = true;
      for (Index i = 0; i < shape[q] && tied; ++i) {
        const Tensor part = right_vjp(sample_.f, inputs_, only(cotangent, axis, i, i + 1))[input];
        tied = largest(only(part, q, i, i + 1) - part) == 0;
      }
      if (tied) return true;
    }
    return false;
  }

  void of_others(std::size_t input) {
    for (std::size_t other = 0; other < inputs_.size(); ++other) {
      if (other == input || inputs_[other].shape() != inputs_[input].shape()) continue;
      add(Kind::other_input, text_of("input ", input, ": that of input ", other),
          [=](const Site&, Tensors& gradients) { gradients[input] = gradients[other]; });
      if (other > input)
        add(Kind::other_input, text_of("inputs ", input, " and ", other, " exchanged"),
            [=](const Site&, Tensors& gradients) {
              std::swap(gradients[input], gradients[other]);
            });
    }
  }

  void of_cotangent() {
    for (Index p = 0; p < output_.rank(); ++p) {
      if (output_[p] < 2) continue;
      change_cotangent(Kind::shifted, text_of("cotangent rolled along axis ", p),
                       [=](const Tensor& g) { return rolled(g, p); });
      change_cotangent(Kind::reversed, text_of("cotangent reversed along axis ", p),
                       [=](const Tensor& g) { return reversed_along(g, p); });
      for (Index q = p + 1; q < output_.rank(); ++q)
        change_cotangent(Kind::transposed,
                         text_of("cotangent's axes ", p, " and ", q, " exchanged"),
                         [=](const Tensor& g) { return reshape(transpose(g, p, q), g.shape()); });
    }
    if (output_.rank() > 0)
      change_cotangent(Kind::wrong_example, "cotangent's examples reversed", reversed);
    change_cotangent(Kind::not_linear, "cotangent times its size",
                     [](const Tensor& g) { return g * abs(g); });
  }

  // A factor that is a value of the function, and a limit.
  void of_factors(std::size_t input) {
    const Tensor x = inputs_[input];
    change(Kind::elementwise_factor, input, "times the input",
           [=](const Tensor& g) { return g * x; });
    change(Kind::elementwise_factor, input, "over the input",
           [=](const Tensor& g) { return g / x; });
    if (largest(x) > 0.1 && largest(x) < 10)
      change(Kind::complement, input, "1 - x in place of x",
             [=](const Tensor& g) { return g / x * (1 - x); });
    const Tensor cotangent = normal(output_, 0, 1, key.child("clipped"), DType::f64);
    const double limit = largest(right_vjp(sample_.f, inputs_, cotangent)[input]) / 10;
    change(Kind::not_linear, input, "clipped",
           [=](const Tensor& g) { return clamp(g, -limit, limit); });
  }

  void of_steps();

  const Sample& sample_;
  Tensors inputs_;
  Shape output_;
  std::vector<Mutant>& all_;
};

// ---- Terms dropped inside of a formula ---------------------------------------------------------

// Records all steps.
struct Steps : Observer {
  std::vector<NodePtr> nodes;
  void after_forward(const char*, const Inputs&, std::span<const Tensor> out) override {
    if (out[0].tracked()) nodes.push_back(out[0].history().node);
  }
};

// Drops the gradient that one step of a recorded computation returns for one of its operands. Steps
// are counted in the order of recording, from the start of each run.
class DroppedTerm : public Observer {
 public:
  DroppedTerm(std::size_t step, std::size_t operand) : step_(step), operand_(operand) {}

  // The mistake belongs to f: it is in every run, also in those that the checker hides from
  // observers.
  Tensors run(const Function& f, const Tensors& xs) {
    Steps steps;
    const Observing guard(steps);
    Tensors ys = f(xs);
    if (step_ < steps.nodes.size()) chosen_.push_back(steps.nodes[step_]);
    return ys;
  }
  void after_vjp(const Node& node, const Pullback&, Tensors& gradients) override {
    for (const std::weak_ptr<Node>& chosen : chosen_)
      if (chosen.lock().get() == &node) gradients[operand_] = Tensor();
  }

 private:
  std::size_t step_, operand_;
  std::vector<std::weak_ptr<Node>> chosen_;  // the chosen step of each run
};

// Drops gradients inside the composed form of a sample. It may have many steps, so only some.
void Breeding::of_steps() {
  constexpr std::size_t most = 6;
  const auto composed_run = [f = sample_.f](const Tensors& xs) {
    const Composed guard;
    return Tensors{f(xs)};
  };
  Steps steps;
  {
    const FlagGuard record(&Ambient::recording, true);
    const Observing guard(steps);
    composed_run(variables(inputs_));
  }
  if (steps.nodes.size() < 2) return;
  std::vector<std::pair<std::size_t, std::size_t>> terms;  // step, operand
  for (std::size_t step = 0; step < steps.nodes.size(); ++step) {
    const auto operands = steps.nodes[step]->inputs();
    for (std::size_t i = 0; i < operands.size(); ++i)
      if (operands[i].value.tracked()) terms.emplace_back(step, i);
  }
  const std::size_t stride = (terms.size() + most - 1) / most;
  for (std::size_t t = 0; t < terms.size(); t += stride) {
    const auto [step, operand] = terms[t];
    const auto dropped = std::make_shared<DroppedTerm>(step, operand);
    const auto run = [=](const Tensors& xs) { return dropped->run(composed_run, xs); };
    add(Kind::missing_term, text_of("step ", step, ": operand ", operand, " dropped"), run,
        dropped);
  }
}

}  // namespace

Tensors Site::vjp(const Tensor& cotangent) const {
  const auto again = [&](const Tensors& xs) { return node_.replay(xs)[0]; };
  Tensors inputs;
  for (std::size_t i = 0; i < back_.input_count(); ++i) inputs.push_back(detach(back_.input(i)));
  return right_vjp(again, inputs, cotangent);
}

Tensors Site::vjp_of(const Formula& other) const {
  Tensors inputs;
  for (std::size_t i = 0; i < back_.input_count(); ++i) inputs.push_back(detach(back_.input(i)));
  return right_vjp(other, inputs, back_.cotangent());
}

void Planted::after_vjp(const Node& node, const Pullback& back, Tensors& gradients) {
  if (operation_ != node.name() || (scope_ && *scope_ != node.scope())) return;
  mistake_(Site(node, back), gradients);
}

std::vector<Mutant> bred_from(const Confusions& confused) {
  std::vector<Mutant> bred;
  Breeding breeding(confused.sample, bred);
  breeding.breed();
  for (const Confusions::Other& other : confused.others)
    breeding.add(other.kind, other.label, [f = other.f](const Site& site, Tensors& gradients) {
      gradients = site.vjp_of(f);
    });
  return bred;
}

}  // namespace adjoint::testing
