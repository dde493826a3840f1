#include "autograd/gradcheck/calls.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <optional>

#include "autograd/grad.h"
#include "autograd/gradcheck/flat_function.h"
#include "autograd/gradcheck/numeric_derivative.h"
#include "autograd/gradcheck/recorded_run.h"
#include "autograd/gradcheck/vjp_watch.h"
#include "autograd/observer.h"
#include "autograd/ops.h"
#include "autograd/tools/inspect.h"

namespace adjoint::checking {
namespace {

using Kind = Finding::Kind;

constexpr double same_in_f64 = 1e-9, same_in_f32 = 1e-3;  // relative to the largest of the tensor
constexpr double tolerated = 64;                          // times the rounding that was seen
constexpr std::size_t most_subsets = 8;                   // of the inputs, of each kind

Tensors copies(const Tensors& xs) {
  Tensors result;
  for (const Tensor& x : xs) result.push_back(copy(x));
  return result;
}

// All elements, those of i64 and b8 too.
Vector all_numbers(const Tensors& xs) {
  Vector result;
  for (const Tensor& x : xs)
    dispatch(x.dtype(), [&]<class T>() {
      for (const T value : x.values<T>()) result.push_back(static_cast<double>(value));
    });
  return result;
}

// The first element whose bits differ, or −1.
Index first_difference(const Vector& a, const Vector& b) {
  if (a.size() != b.size()) return 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]))
      return static_cast<Index>(i);
  return -1;
}

// "weight[1, 2]" for a position among all elements of the tensors, those of i64 and b8 too.
std::string element_name(const Tensors& xs, const std::vector<std::string>& names, Index i) {
  for (std::size_t k = 0; k < xs.size(); ++k) {
    if (i < xs[k].numel()) return names[k] + index_text(xs[k].shape(), i);
    i -= xs[k].numel();
  }
  return "the function";
}

std::vector<std::string> output_names(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t j = 0; j < count; ++j) names.push_back("output " + std::to_string(j));
  return names;
}

Tensors combined(double a, const Tensors& xs, double b = 0, const Tensors& ys = {}) {
  const NoRecording guard;
  Tensors result;
  for (std::size_t i = 0; i < xs.size(); ++i)
    result.push_back(ys.empty() ? a * xs[i] : a * xs[i] + b * ys[i]);
  return result;
}

// ---- Comparing gradients -----------------------------------------------------------------------

struct Difference {
  std::size_t tensor, element;
  double expected, found;
};

double largest(const Vector& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

// The largest difference beyond the tolerances, one for each tensor.
std::optional<Difference> difference(const std::vector<Vector>& expected,
                                     const std::vector<Vector>& found, const Vector& tolerances) {
  std::optional<Difference> worst;
  double furthest = 0;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    for (std::size_t i = 0; i < expected[k].size(); ++i) {
      const double apart = std::abs(expected[k][i] - found[k][i]);
      if (std::isfinite(expected[k][i]) && !(apart <= tolerances[k]) && !(apart <= furthest)) {
        furthest = apart;
        worst = {k, i, expected[k][i], found[k][i]};
      }
    }
  }
  return worst;
}

bool all_finite(const std::vector<Vector>& gradients) {
  return std::ranges::all_of(gradients, [](const Vector& v) {
    return std::ranges::all_of(v, [](double x) { return std::isfinite(x); });
  });
}

bool any_nonzero(const std::vector<Vector>& gradients) {
  return std::ranges::any_of(gradients, [](const Vector& v) {
    return std::ranges::any_of(v, [](double x) { return x != 0; });
  });
}

bool runs_in_f32(const RecordedRun& run) {
  for (const Tensor& y : run.real_ys) {
    if (y.dtype() == DType::f32) return true;
    for (const NodePtr& node : tape(y))
      for (const SavedOutput& out : node->outputs())
        if (out.form.dtype == DType::f32) return true;
  }
  return false;
}

// ---- The checks --------------------------------------------------------------------------------

class Calls {
 public:
  Calls(const Function& f, const Tensors& xs, const std::vector<std::string>& names,
        const GradcheckOptions& options, GradcheckReport& report)
      : f_(f), values_(copies(xs)), names_(names), options_(options), report_(report) {}

  bool run();

 private:
  bool keeps_its_inputs(const RecordedRun& run, const char* who);
  void count_allocations();
  void call_again(const RecordedRun& first, const Vector& outputs, VjpWatch& watch);
  void scale(const RecordedRun& run);
  void leave_out_inputs();
  void leave_out_outputs(const RecordedRun& run);
  void record_the_sweep(const RecordedRun& run);
  void compare_subset(const std::vector<char>& tracked, const std::string& what);

  void side_effect(const std::string& where, const std::string& note) {
    report_.add({.kind = Kind::side_effect, .where = where, .relative = 1, .note = note});
  }
  Finding about(Kind kind, const Difference& d, const std::vector<std::size_t>& inputs) const;

  const Function& f_;
  const Tensors values_;
  const std::vector<std::string>& names_;
  const GradcheckOptions& options_;
  GradcheckReport& report_;
  std::vector<std::size_t> real_;  // positions of the real inputs
  Tensors cotangents_;
  std::vector<Vector> gradients_;
  Vector tolerances_;  // of each gradient
};

Finding Calls::about(Kind kind, const Difference& d, const std::vector<std::size_t>& inputs) const {
  const std::size_t input = inputs[d.tensor];
  const auto element = static_cast<Index>(d.element);
  const double larger = std::max(std::abs(d.expected), std::abs(d.found));
  const double apart = std::abs(d.expected - d.found);
  return {.kind = kind,
          .where = names_[input] + index_text(values_[input].shape(), element),
          .input = static_cast<int>(input),
          .element = element,
          .analytic = d.found,
          .numeric = d.expected,
          .relative = std::isfinite(apart) ? apart / larger : infinity};
}

bool Calls::keeps_its_inputs(const RecordedRun& run, const char* who) {
  const Index changed = first_difference(all_numbers(values_), all_numbers(run.xs));
  if (changed < 0) return true;
  side_effect(element_name(values_, names_, changed),
              text_from(who, " changes this input in place: edit a copy()"));
  return false;
}

bool Calls::run() {
  for (std::size_t i = 0; i < values_.size(); ++i)
    if (is_real(values_[i].dtype())) real_.push_back(i);
  const RecordedRun first(f_, values_);
  if (!keeps_its_inputs(first, "the function")) return false;
  const Vector outputs = all_numbers(first.ys);
  if (first_difference(outputs, all_numbers(RecordedRun(f_, values_).ys)) >= 0)
    return true;  // random

  cotangents_ = first.random_cotangents(options_.key.child("calls"));
  VjpWatch watch([&](const std::string& operation, const std::string& what) {
    side_effect("the vjp of " + operation, what);
  });
  try {
    const Observing guard(watch);
    gradients_ = first.gradients(cotangents_);
  } catch (const Error&) {  // the check itself will say so
    return true;
  }
  if (!keeps_its_inputs(first, "a vjp")) return false;
  if (options_.allocations) count_allocations();
  if (!options_.calls || !all_finite(gradients_)) return true;
  const double same = runs_in_f32(first) ? same_in_f32 : same_in_f64;
  // What cancels may leave only rounding behind, relative to the cotangent.
  const double usual = largest(all_numbers(cotangents_));
  for (const Vector& gradient : gradients_)
    tolerances_.push_back(same * std::max(largest(gradient), 1e-3 * usual));
  try {
    call_again(first, outputs, watch);
    scale(first);
    watch.look_at_kept_buffers();
  } catch (const Error& error) {
    side_effect("the vjp",
                text_from("it ran once, and throws when it is called again: ", error.what()));
  }
  leave_out_inputs();
  leave_out_outputs(first);
  record_the_sweep(first);
  return true;
}

void Calls::count_allocations() {
  const std::size_t start = memory::buffers_made() + values_.size();  // a copy of each
  const RecordedRun run(f_, values_);
  const std::size_t forward = memory::buffers_made() - start;
  Tensors cotangents;
  for (std::size_t j = 0; j < cotangents_.size(); ++j)
    cotangents.push_back(cast(cotangents_[j], run.real_ys[j].dtype()));
  const std::size_t recorded = memory::buffers_made(), in_use = memory::in_use();
  memory::reset_peak();
  grad(run.real_ys, run.real_xs, cotangents, {.zeros_if_independent = true});
  const std::size_t vjp = memory::buffers_made() - recorded, peak = memory::peak();
  report_.allocations = Allocations{forward, vjp, std::max(peak, in_use) - in_use};
}

// The same vjp twice, and again after f and its vjp ran at other inputs.
void Calls::call_again(const RecordedRun& first, const Vector& outputs, VjpWatch& watch) {
  const auto changed = [&](const char* when) {
    const std::vector<Vector> again = first.gradients(cotangents_);
    for (std::size_t k = 0; k < again.size(); ++k) {
      const Index i = first_difference(gradients_[k], again[k]);
      if (i < 0) continue;
      const auto e = at(i);
      Finding finding = about(Kind::side_effect, {k, e, gradients_[k][e], again[k][e]}, real_);
      finding.note =
          text_from("the vjp ", when, " gives ", again[k][e], " where it gave ", gradients_[k][e],
                    ": it reads or adds to something that it keeps between calls");
      report_.add(finding);
      return true;
    }
    return false;
  };
  if (changed("called twice")) return;
  Tensors others;  // a little smaller, so that most domains are kept
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Key key = options_.key.child("other inputs").child(i);
    const Tensor& x = values_[i];
    others.push_back(is_real(x.dtype()) ? x * uniform(x.shape(), 0.9, 1, key, x.dtype()) : x);
  }
  try {
    const RecordedRun other(f_, others);
    const Observing guard(watch);
    other.gradients(other.random_cotangents(options_.key.child("other cotangents")));
  } catch (const Error&) {  // outside the domain
    return;
  }
  const Index output = first_difference(outputs, all_numbers(first.ys));
  if (changed("of this run, called after a run at other inputs,")) return;
  if (output >= 0)
    side_effect(element_name(first.ys, output_names(first.ys.size()), output),
                "it changes when f runs again: f returns a buffer that it keeps and writes again");
  else if (first_difference(outputs, all_numbers(RecordedRun(f_, values_).ys)) >= 0)
    side_effect(
        "the function",
        "it returns something else after it ran at other inputs: it keeps something between "
        "calls");
}

// A vjp is linear in the cotangent.
void Calls::scale(const RecordedRun& run) {
  const auto scaled = [&](double factor) {
    std::vector<Vector> gradients = run.gradients(combined(factor, cotangents_));
    for (Vector& gradient : gradients)
      for (double& value : gradient) value /= factor;
    return gradients;
  };
  if (any_nonzero(run.gradients(combined(0, cotangents_)))) return;  // the check will say so
  for (const double factor : {0x1p-40, 0x1p-20, 0x1p20, 0x1p40, -1.0}) {
    const std::vector<Vector> gradients = scaled(factor);
    if (!all_finite(gradients)) continue;  // too large for f64
    const auto d = difference(gradients_, gradients, tolerances_);
    // Where the numbers inside are very small, a smaller cotangent loses their last digits.
    const double lost = factor > 0 && factor < 1 ? 1e-3 : 0;
    if (!d || std::abs(d->found - d->expected) <= lost * std::abs(d->expected)) continue;
    Finding finding = about(Kind::not_linear, *d, real_);
    finding.note = text_from("with a cotangent ", factor, " times as large the gradient is ",
                             d->found / d->expected * factor, " times as large",
                             factor > 1   ? ": is it clipped?"
                             : factor > 0 ? ": are small cotangents or gradients dropped?"
                                          : ": does the vjp take an absolute value?");
    return report_.add(finding);
  }
  // Powers of two leave the digits as they are. With other factors rounding shows.
  for (const double factor : {3.0, 5.0, 7.0}) {
    const std::vector<Vector> gradients = scaled(factor);
    for (std::size_t k = 0; k < gradients.size(); ++k)
      for (std::size_t i = 0; i < gradients[k].size(); ++i)
        tolerances_[k] =
            std::max(tolerances_[k], tolerated * std::abs(gradients[k][i] - gradients_[k][i]));
  }
  const Tensors others = run.random_cotangents(options_.key.child("second term"));
  const std::vector<Vector> second = run.gradients(others);
  std::vector<Vector> sum = gradients_;
  Vector tolerances = tolerances_;
  for (std::size_t k = 0; k < sum.size(); ++k) {
    tolerances[k] += same_in_f64 * largest(second[k]);
    for (std::size_t i = 0; i < sum[k].size(); ++i) sum[k][i] += second[k][i];
  }
  if (const auto d =
          difference(sum, run.gradients(combined(1, cotangents_, 1, others)), tolerances)) {
    Finding finding = about(Kind::not_linear, *d, real_);
    finding.note = text_from("with the sum of two cotangents the gradient is ", d->found,
                             ", the sum of their gradients ", d->expected);
    report_.add(finding);
  }
}

// The gradient of an input does not depend on which others need one.
void Calls::leave_out_inputs() {
  if (real_.size() < 2) return;
  const std::size_t step = (real_.size() + most_subsets - 1) / most_subsets;
  for (std::size_t k = 0; k < real_.size(); k += step) {
    const std::size_t i = real_[k];
    std::vector<char> only(values_.size()), all_but(values_.size(), 1);
    only[i] = 1;
    all_but[i] = 0;
    compare_subset(only, "when only " + names_[i] + " needs a gradient");
    if (real_.size() > 2) compare_subset(all_but, "when " + names_[i] + " needs no gradient");
  }
}

// The gradients of the outputs, one by one, add up to that of all. An output that is left out has
// an empty cotangent.
void Calls::leave_out_outputs(const RecordedRun& run) {
  if (cotangents_.size() < 2 || cotangents_.size() > most_subsets) return;
  std::vector<Vector> sum;
  Vector tolerances = tolerances_;
  for (std::size_t j = 0; j < cotangents_.size(); ++j) try {
      Tensors only(cotangents_.size());
      only[j] = cotangents_[j];
      const std::vector<Vector> part = run.gradients(only);
      if (sum.empty())
        for (const Vector& gradient : part) sum.emplace_back(gradient.size());
      for (std::size_t k = 0; k < part.size(); ++k) {
        tolerances[k] += same_in_f64 * largest(part[k]);
        for (std::size_t i = 0; i < part[k].size(); ++i) sum[k][i] += part[k][i];
      }
    } catch (const Error& error) {
      return side_effect("the vjp",
                         text_from("when only output ", j, " is used it throws: ", error.what()));
    }
  const auto d = difference(gradients_, sum, tolerances);
  if (!d) return;
  Finding finding = about(Kind::side_effect, *d, real_);
  finding.note = text_from("the gradients of the outputs, one by one, add up to ", d->found,
                           ", that of all at once is ", d->expected,
                           ": what does the vjp do with an empty cotangent?");
  report_.add(finding);
}

// A sweep that is recorded, for the next order, returns the same.
void Calls::record_the_sweep(const RecordedRun& run) try {
  const auto d = difference(gradients_, run.gradients(cotangents_, true), tolerances_);
  if (!d) return;
  Finding finding = about(Kind::side_effect, *d, real_);
  finding.note = text_from("the gradient is ", d->found,
                           " if the sweep is recorded (create_graph), otherwise ", d->expected);
  report_.add(finding);
} catch (const Error&) {  // a question of the second order
}

void Calls::compare_subset(const std::vector<char>& tracked, const std::string& what) {
  std::optional<RecordedRun> run;
  try {
    run.emplace(f_, values_, tracked);
  } catch (const Error&) {  // f differentiates something itself
    return;
  }
  std::vector<Vector> expected;
  Vector tolerances;
  std::vector<std::size_t> inputs;
  for (std::size_t k = 0; k < real_.size(); ++k) {
    if (!tracked[real_[k]]) continue;
    expected.push_back(gradients_[k]);
    tolerances.push_back(tolerances_[k]);
    inputs.push_back(real_[k]);
  }
  try {
    const auto d = difference(expected, run->gradients(cotangents_), tolerances);
    if (!d) return;
    Finding finding = about(Kind::side_effect, *d, inputs);
    finding.note = text_from("the gradient is ", d->found, ' ', what, ", and ", d->expected,
                             " when all inputs do");
    report_.add(finding);
  } catch (const Error& error) {
    side_effect("the vjp", text_from(what, " it throws: ", error.what()));
  }
}

}  // namespace

bool check_calls(const Function& f, const Tensors& xs, const std::vector<std::string>& names,
                 const GradcheckOptions& options, GradcheckReport& report) {
  return Calls(f, xs, names, options, report).run();
}

}  // namespace adjoint::checking
