#include "autograd/gradcheck/convention.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "autograd/grad.h"
#include "autograd/gradcheck/flat_function.h"
#include "autograd/gradcheck/numeric_derivative.h"
#include "autograd/node.h"
#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Finding::Kind;

// How far to move, in units of each input's size: to points beside the kink, and to undo a tie.
constexpr double beside = 0x1p-8, hardly = 0x1p-30;

bool may_be_convention(const Finding& finding, int order) {
  const bool kind = finding.kind == Kind::mismatch || (finding.kind == Kind::jump && order > 1);
  return kind && finding.order == order;
}

// Adds something to what the vjps return at a kink, not the same each time: it must not cancel.
struct OtherConvention final : Observer {
  explicit OtherConvention(const Walk& all) : walk(all) {}
  void after_vjp(const Node& node, const Pullback&, Tensors& gradients) override {
    const auto found = walk.kinks.find(node.number());
    if (found == walk.kinks.end()) return;
    for (const auto& [input, element] : found->second) {
      Tensor& gradient = gradients[at(input)];
      if (!gradient.defined()) continue;
      gradient = copy(gradient);
      amount += 0.618;
      dispatch(gradient.dtype(), [&]<class T>() {
        if constexpr (Real<T>) gradient.edit<T>()[at(element)] += static_cast<T>(amount);
      });
    }
  }
  const Walk& walk;
  double amount = 1;
};

// Whether each element's gradient depends on what is returned at a kink, for all real inputs.
std::vector<char> touched_by_kinks(const Walk& walk, Key key) {
  const Tensors ys = real_ones(walk.ys), xs = real_ones(walk.xs);
  Tensors cotangents;
  for (const Tensor& y : ys)
    cotangents.push_back(normal(y.shape(), 0, 1, key.child(cotangents.size()), y.dtype()));
  const auto gradient = [&] {
    return flatten(grad(ys, xs, cotangents, {.zeros_if_independent = true}));
  };
  const Vector usual = gradient();
  OtherConvention other(walk);
  const Observing guard(other);
  const Vector changed = gradient();
  std::vector<char> touched;
  for (std::size_t i = 0; i < usual.size(); ++i) touched.push_back(usual[i] != changed[i]);
  return touched;
}

// The inputs, each element moved by a small random part of its tensor's size, within its domain.
Tensors moved(const Tensors& xs, double distance, const std::vector<Domain>& domains, Key key) {
  Tensors result;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    result.push_back(detach(xs[i]));
    const Domain domain = i < domains.size() ? domains[i] : Domain();
    if (!is_real(xs[i].dtype()) || xs[i].numel() == 0 || domain.simplex) continue;
    const NoRecording guard;
    const Tensor wide = cast(detach(xs[i]), DType::f64);
    const double typical = std::sqrt(mean(wide * wide).item());
    const double step = distance * (typical > 0 ? typical : 1);
    Tensor x = wide + normal(wide.shape(), 0, step, key.child(i), DType::f64);
    for (double& value : x.edit<double>()) value = std::clamp(value, domain.low, domain.high);
    result.back() = cast(x, xs[i].dtype());
  }
  return result;
}

// The worst relative error beside the kink, or infinity if f fails there.
double worst_error_beside(const Function& f, const Tensors& xs, int order,
                          GradcheckOptions options) try {
  options.order = order;
  options.walk = options.single = options.calls = options.allocations = false;
  double worst = 0;
  for (const int side : {0, 1}) {
    const Key key = options.key.child("beside").child(at(side));
    const GradcheckReport report = gradcheck(f, moved(xs, beside, options.domains, key), options);
    if (report.verdict() == Verdict::failed) return infinity;
    worst = std::max(worst, report.worst_error);
  }
  return worst;
} catch (const Error&) {  // outside the domain
  return infinity;
}

// What comparisons, argmax and the like return. The sweep takes it for a constant, though at a tie
// it changes with the inputs.
struct Choices final : Observer {
  void after_forward(const char* operation, const Inputs&, std::span<const Tensor> out) override {
    for (const Tensor& y : out) {
      if (is_real(y.dtype())) continue;
      const std::lock_guard lock(mutex);
      const ScopePath& scope = ambient().scope;
      names.push_back(scope ? text_from(operation, " in ", *scope) : operation);
      values.push_back(cast(detach(y), DType::f64));
    }
  }
  std::mutex mutex;  // f may use several threads
  std::vector<std::string> names;
  Tensors values;
};

// An operation that chooses something else as soon as the inputs move; empty if there is none.
std::string tied_choice(const Function& f, const Tensors& xs, const GradcheckOptions& options) try {
  const NoRecording guard;
  Choices here, there;
  for (Choices* choices : {&here, &there}) {
    const Key key = options.key.child("ties");
    const Observing watching(*choices);
    f(choices == &here ? xs : moved(xs, hardly, options.domains, key));
  }
  if (here.names != there.names) return {};
  for (std::size_t k = 0; k < here.names.size(); ++k)
    if (flatten({here.values[k]}) != flatten({there.values[k]})) return here.names[k];
  return {};
} catch (const Error&) {  // outside the domain
  return {};
}

}  // namespace

std::set<Index> settle_conventions(const Function& f, const Walk& walk, int order,
                                   const GradcheckOptions& options, GradcheckReport& report) {
  const auto candidate = [&](const Finding& finding) { return may_be_convention(finding, order); };
  if (walk.summary.wrong > 0 || std::ranges::none_of(report.findings, candidate)) return {};
  const std::string choice = tied_choice(f, walk.xs, options);
  if (!walk.summary.kink && choice.empty()) return {};
  const double beside_it = worst_error_beside(f, walk.xs, order, options);
  if (!std::isfinite(beside_it)) return {};

  const std::vector<char> touched = touched_by_kinks(walk, options.key.child("kinks"));
  std::vector<Index> first;  // element of each input
  for (Index begin = 0; const Tensor& x : walk.xs) {
    first.push_back(begin);
    if (is_real(x.dtype())) begin += x.numel();
  }
  const std::string cause = choice.empty()
                                ? text_of(*walk.summary.kink, walk.summary.operations) +
                                      " is at a kink and follows its convention"
                                : choice + " is at a tie, and the sweep follows one side of it";
  std::set<Index> settled;
  for (Finding& finding : report.findings) {
    if (!candidate(finding)) continue;
    const bool single = finding.input >= 0 && at(finding.input) < first.size();
    const Index element = single ? first[at(finding.input)] + finding.element : -1;
    const bool depends = single ? touched[at(element)] : std::ranges::count(touched, 1) > 0;
    if (!depends && choice.empty()) continue;
    finding.kind = Kind::convention;
    finding.note = text_from("the sweep gives ", finding.analytic, ", differences ",
                             finding.numeric, ": ", cause);
    if (single) settled.insert(element);
  }
  if (std::ranges::none_of(report.findings, &Finding::failed)) report.worst_error = beside_it;
  return settled;
}

}  // namespace adjoint::checking
