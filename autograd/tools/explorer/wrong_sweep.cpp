#include "autograd/tools/explorer/wrong_sweep.h"

#include <algorithm>
#include <cmath>

#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/pullback.h"

namespace adjoint {

Tensor part_that_fits(const Tensor& gradient, const Shape& shape) {
  Tensor part = gradient;
  for (Index axis = 0; axis < gradient.rank(); ++axis) {
    const Index own = axis - (gradient.rank() - shape.rank());
    if (own < 0 || shape[own] != gradient.size(axis)) part = slice(part, axis, 0, 1);
  }
  return reshape(part, shape);
}

namespace exploring {
namespace {

using Story = TapeStory;

constexpr Index most_terms = 256;  // of a broadcast, each of which takes a vjp of its own

// x with zeros in place of all that is not at this index of the axis.
Tensor only(const Tensor& x, Index axis, Index index) {
  const auto nothing = [&](Index size) { return zeros(x.shape().with(axis, size), x.dtype()); };
  return concat(
      {nothing(index), slice(x, axis, index, index + 1), nothing(x.size(axis) - index - 1)}, axis);
}

}  // namespace

WrongSweep::WrongSweep(Mistake mistake, const Story& story, std::vector<NodePtr> nodes)
    : mistake_(mistake), story_(story), nodes_(std::move(nodes)) {
  for (const NodePtr& node : nodes_) numbers_.emplace(node.get(), std::ssize(numbers_) + 1);
}

void WrongSweep::run(const Tensor& seed) {
  const Unobserved own_work;
  const NoRecording guard;
  gradients.assign(nodes_.size(), {});
  for (int i = 0; i < (mistake_ == Mistake::second_backward ? 2 : 1); ++i) pass(seed);
}

void WrongSweep::pass(const Tensor& seed) {
  values_.clear();
  for (const NodePtr& node : nodes_) values_.emplace_back(node->outputs().size());
  visited_.assign(nodes_.size(), false);
  const auto last = static_cast<int>(nodes_.size());
  values_.back()[static_cast<std::size_t>(story_.result_output)].cotangent = seed;
  events.emplace_back(Story::Seed{last, story_.result_output, seed});
  if (mistake_ == Mistake::depth_first)
    visit(last);
  else
    for (int number = last; number > 0; --number) visit(number);
  for (int number = last; number > 0; --number) {
    if (!nodes_[static_cast<std::size_t>(number) - 1]->is_leaf()) continue;
    const Tensor& term = values_[static_cast<std::size_t>(number) - 1][0].cotangent;
    Tensor& gradient = gradients[static_cast<std::size_t>(number) - 1];
    if (term.defined()) gradient = gradient.defined() ? add(gradient, term) : term;
    events.emplace_back(Story::LeafGradient{number, gradient});
  }
}

void WrongSweep::visit(int number) {
  const auto at = static_cast<std::size_t>(number) - 1;
  const Node& node = *nodes_[at];
  Tensors cotangents;
  bool any = false;
  for (std::size_t i = 0; i < node.outputs().size(); ++i) {
    const Tensor& whole = values_[at][i].cotangent;
    any |= whole.defined();
    cotangents.push_back(whole.defined() ? part_that_fits(whole, node.outputs()[i].form.shape)
                                         : Tensor());
  }
  if (!any || node.is_leaf()) return;
  visited_[at] = true;
  Tensors terms = pull_back(number, cotangents);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::vector<Index>& axes = story_.node(number).inputs[i].repeated;
    if (!node.inputs()[i].value.tracked())
      terms[i] = Tensor();
    else if (mistake_ == Mistake::kept_broadcast && terms[i].defined() && !axes.empty())
      terms[i] = unsummed(number, i, cotangents, axes);
  }
  events.emplace_back(Story::Vjp{number, cotangents, terms});
  for (std::size_t i = 0; i < terms.size(); ++i)
    if (terms[i].defined()) send(number, static_cast<int>(i), node.inputs()[i].value, terms[i]);
}

void WrongSweep::send(int from, int input, const Tensor& x, const Tensor& term) {
  const int number = numbers_.at(x.history().node.get()), output = x.history().output;
  Value& value = values_[static_cast<std::size_t>(number) - 1][static_cast<std::size_t>(output)];
  const Tensor before = value.cotangent;
  const auto fits = [&](const Tensor& y) {
    return broadcastable(term.shape(), before.shape()) ? y : part_that_fits(y, x.shape());
  };
  value.cotangent =
      !before.defined() || mistake_ == Mistake::assignment ? term : add(fits(before), fits(term));
  ++value.arrived;
  events.emplace_back(Story::Arrival{number, output, from, input, before, term, value.cotangent,
                                     value.arrived, story_.value(number, output).consumers});
  if (mistake_ == Mistake::depth_first && !visited_[static_cast<std::size_t>(number) - 1])
    visit(number);
}

Tensors WrongSweep::pull_back(int number, const Tensors& cotangents) const {
  const NodePtr& node = nodes_[static_cast<std::size_t>(number) - 1];
  std::vector<char> needed;
  for (const SavedInput& input : node->inputs()) needed.push_back(input.value.tracked());
  const NameScope scope(node->scope_path());
  return node->vjp(Pullback(node, cotangents, needed));
}

// The terms that the gradient of an input is the sum of, one for each index along the axes of the
// result: a vjp is linear, so the cotangent at that index alone gives the term.
Tensor WrongSweep::unsummed(int number, std::size_t input, const Tensors& cotangents,
                            const std::vector<Index>& axes) const {
  const Shape &x = story_.node(number).inputs[input].form.shape, &y = cotangents[0].shape();
  Shape padded = x;  // with the axes of the result that x lacks
  while (padded.rank() < y.rank()) padded = padded.inserted(0, 1);
  Index count = 1;
  for (const Index axis : axes) count *= y[axis];
  if (count > most_terms) return pull_back(number, cotangents)[input];
  const auto along = [&](const auto& self, std::size_t k, const Tensor& cotangent) -> Tensor {
    if (k == axes.size()) {
      Tensors part = cotangents;
      part[0] = cotangent;
      const Tensor term = pull_back(number, part)[input];
      return term.defined() ? reshape(term, padded) : zeros(padded, cotangent.dtype());
    }
    Tensors terms;
    for (Index i = 0; i < y[axes[k]]; ++i)
      terms.push_back(self(self, k + 1, only(cotangent, axes[k], i)));
    return concat(terms, axes[k]);
  };
  return along(along, 0, cotangents[0]);
}

bool differ(const Tensor& a, const Tensor& b) {
  constexpr double rounding = 1e-9;
  if (!a.defined() && !b.defined()) return false;
  if (a.defined() && b.defined() && a.shape() != b.shape()) return true;
  const Form form = (a.defined() ? a : b).form();
  return dispatch(form.dtype, [&]<class T>() {
    if constexpr (Real<T>) {
      const auto size = static_cast<std::size_t>(form.shape.numel());
      const std::vector<T> nothing(size);
      const std::span<const T> p = a.defined() ? a.values<T>() : std::span<const T>(nothing);
      const std::span<const T> q = b.defined() ? b.values<T>() : std::span<const T>(nothing);
      const double unit = std::max(rounding, 8 * double{std::numeric_limits<T>::epsilon()});
      for (std::size_t i = 0; i < size; ++i) {
        const double x = p[i], y = q[i];
        if (std::isnan(x) != std::isnan(y)) return true;
        if (std::abs(x - y) > unit * std::max(std::abs(x), std::abs(y))) return true;
      }
    }
    return false;
  });
}

}  // namespace exploring
}  // namespace adjoint
