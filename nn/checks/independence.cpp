#include "nn/checks/independence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "autograd/grad.h"
#include "autograd/ops.h"

namespace adjoint::nn {
namespace {

Tensors evaluated(const PropertyReport& report, const Function& f, const Tensors& inputs) {
  Tensors outputs = f(inputs);
  require(!outputs.empty(), report.property(), ": the function has no output");
  for (std::size_t j = 0; j < outputs.size(); ++j)
    require(outputs[j].defined(), report.property(), ": output ", j, " is empty");
  return outputs;
}

// The largest |x| among members, where it stands, and how many exceed the limit. NaN is larger than
// anything.
struct Extreme {
  double size = 0;
  Index element = 0, exceeding = 0;
};

Extreme largest(const std::vector<double>& xs, const Tensor& members, double limit) {
  Extreme result;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (members.defined() && !members.values<bool>()[i]) continue;
    const double size =
        std::isnan(xs[i]) ? std::numeric_limits<double>::infinity() : std::abs(xs[i]);
    result.exceeding += size > limit;
    if (size <= result.size) continue;
    result.size = size;
    result.element = static_cast<Index>(i);
  }
  return result;
}

std::vector<double> numbers(const Tensor& x) {
  const Tensor wide = cast(detach(x), DType::f64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

Index count(const Tensor& members) { return std::ranges::count(members.values<bool>(), true); }

bool nothing(const Tensor& members) { return !members.defined() || count(members) == 0; }

// x with the members replaced by other values that occur in it.
template <Scalar T>
Tensor shuffled(const Tensor& x, const Tensor& members, Key key, const std::string& what) {
  std::set<T> distinct;
  for (const T value : x.values<T>())
    if (value == value) distinct.insert(value);  // NaN has no order
  const std::vector<T> known(distinct.begin(), distinct.end());
  const auto choices = static_cast<Index>(known.size()) - 1;
  require(choices >= 1, what, " has the same value everywhere, so that nothing can be replaced: ",
          "give different ones, or PropertyOptions::others");
  const Tensor drawn = random_integers({x.numel()}, 0, choices, key);
  Tensor result = copy(x);
  const std::span<T> out = result.edit<T>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!members.values<bool>()[i]) continue;
    auto choice = static_cast<std::size_t>(drawn.values<Index>()[i]);
    if (known[choice] >= out[i]) ++choice;  // passes over the present value
    out[i] = known[choice];
  }
  return result;
}

}  // namespace

double tolerance_for(DType dtype, double asked) {
  if (asked > 0) return asked;
  return dtype == DType::f32 ? 1e-4 : 1e-10;
}

namespace {

Tensor members_along(const Shape& shape, Index axis, const std::function<bool(Index)>& holds) {
  Tensor members({shape, DType::b8});
  const AxisView view(shape, shape.resolve(axis));
  bool* out = members.edit<bool>().data();
  for (Index outer = 0; outer < view.outer; ++outer)
    for (Index i = 0; i < view.size; ++i) out = std::fill_n(out, view.inner, holds(i));
  return members;
}

}  // namespace

Part part_along(std::string name, const Tensors& xs, Index axis,
                const std::function<bool(Index)>& holds) {
  Part part{std::move(name), {}};
  for (const Tensor& x : xs) part.members.push_back(members_along(x.shape(), axis, holds));
  return part;
}

Part whole(const Tensors& xs) {
  Part part{"all", {}};
  for (const Tensor& x : xs) part.members.push_back(ones(x.shape(), DType::b8));
  return part;
}

Tensor members_in_rows(const Shape& shape, const std::function<bool(Index, Index)>& holds) {
  Tensor members({shape, DType::b8});
  bool* out = members.edit<bool>().data();
  for (Index example = 0; example < shape[0]; ++example)
    for (Index step = 0; step < shape[1]; ++step)
      out = std::fill_n(out, shape.numel(2, shape.rank()), holds(example, step));
  return members;
}

void compare(const std::string& name, const Tensor& actual, const Tensor& expected,
             const Tensor& members, const std::string& circumstance, double tolerance,
             PropertyReport& report) {
  require(actual.shape() == expected.shape(), report.property(), ": ", name, " has the shape ",
          actual.shape(), " instead of ", expected.shape(), ' ', circumstance);
  std::vector<double> difference = numbers(actual);
  const std::vector<double> values = numbers(expected);
  double scale = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) scale = std::max(scale, std::abs(values[i]));
    const bool both_nan = std::isnan(values[i]) && std::isnan(difference[i]);
    difference[i] = both_nan || difference[i] == values[i] ? 0 : difference[i] - values[i];
  }
  const double limit = tolerance_for(actual.dtype(), tolerance) * scale;
  const Extreme worst = largest(difference, members, limit);
  report.add_compared(members.defined() ? count(members) : actual.numel());
  if (worst.exceeding == 0) return;
  report.add({.where = place(name, actual.shape(), worst.element),
              .what = "differs by " + number(worst.size) + ' ' + circumstance,
              .size = worst.size,
              .elements = worst.exceeding});
}

Independence::Independence(const Function& f, const Tensors& inputs, const PropertyOptions& options,
                           PropertyReport& report)
    : f_(f), options_(options), report_(report) {
  require(!inputs.empty(), report.property(), ": the function has no input");
  require(options.others.empty() || options.others.size() == inputs.size(), report.property(),
          ": PropertyOptions::others has ", options.others.size(), " tensors for ", inputs.size(),
          " inputs");
  for (const Tensor& x : inputs)
    inputs_.push_back(is_real(x.dtype()) ? variable(detach(x), x.name()) : x);
  const FlagGuard record(&Ambient::recording, true);
  outputs_ = evaluated(report_, f_, inputs_);
  for (const Tensor& y : outputs_)
    for (const double value : numbers(y))
      require(!std::isnan(value), report.property(),
              ": the output holds NaN, which depends on nothing and everything");
}

std::string Independence::input_name(std::size_t i) const {
  if (i < options_.names.size()) return options_.names[i];
  return inputs_[i].name().empty() ? "input " + std::to_string(i) : inputs_[i].name();
}

Tensors Independence::evaluate(const Tensors& inputs) const {
  const NoRecording guard;
  Tensors outputs = evaluated(report_, f_, inputs);
  require(outputs.size() == outputs_.size(), report_.property(), ": the function has ",
          outputs_.size(), " outputs, and then ", outputs.size());
  return outputs;
}

Tensors Independence::gradients(const Part& guarded) {
  Tensors ys, cotangents, xs;
  for (std::size_t j = 0; j < outputs_.size(); ++j) {
    const Tensor& y = outputs_[j];
    if (!is_real(y.dtype()) || !guarded.members[j].defined()) continue;
    ys.push_back(y);
    const Key key = options_.key.child("cotangent").child(draws_++);
    cotangents.push_back(where(guarded.members[j], normal(y.shape(), 0, 1, key, y.dtype()),
                               zeros(y.shape(), y.dtype())));
  }
  for (const Tensor& x : inputs_)
    if (is_real(x.dtype())) xs.push_back(x);
  const Tensors found = grad(ys, xs, cotangents, {.zeros_if_independent = true});
  Tensors result;
  auto next = found.begin();
  for (const Tensor& x : inputs_) result.push_back(is_real(x.dtype()) ? *next++ : Tensor());
  return result;
}

void Independence::require_no_gradient(const Part& guarded, const Part& hidden) {
  const Tensors found = gradients(guarded);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (!found[i].defined() || nothing(hidden.members[i])) continue;
    const Extreme worst = largest(numbers(found[i]), hidden.members[i], 0);
    report_.add_compared(count(hidden.members[i]));
    if (worst.exceeding == 0) continue;
    report_.add({.where = guarded.name,
                 .what = "has a derivative of " + number(worst.size) + " with respect to " +
                         place(input_name(i), inputs_[i].shape(), worst.element) + ", in " +
                         hidden.name,
                 .size = worst.size,
                 .elements = worst.exceeding});
  }
}

Tensor Independence::replaced(std::size_t i, const Tensor& members) {
  const Tensor x = detach(inputs_[i]);
  const std::string what = report_.property() + ": " + input_name(i);
  if (i < options_.others.size() && options_.others[i].defined()) {
    const Tensor& other = options_.others[i];
    require(other.form() == x.form(), what, " is ", x.dtype(), ' ', x.shape(),
            ", its other content ", other.dtype(), ' ', other.shape());
    return where(members, detach(other), x);
  }
  const Key key = options_.key.child("contents").child(draws_++);
  return dispatch(x.dtype(), [&]<class T>() { return shuffled<T>(x, members, key, what); });
}

void Independence::require_none(const Part& guarded, const Part& hidden) {
  require_no_gradient(guarded, hidden);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (nothing(hidden.members[i])) continue;
    Tensors changed = inputs_;
    changed[i] = replaced(i, hidden.members[i]);
    require_equal(evaluate(changed), guarded,
                  "after replacing " + hidden.name + " of " + input_name(i));
  }
}

void Independence::require_equal(const Tensors& actual, const Part& part,
                                 const std::string& circumstance) {
  for (std::size_t j = 0; j < outputs_.size(); ++j)
    if (part.members[j].defined())
      compare("output " + std::to_string(j), actual[j], outputs_[j], part.members[j], circumstance,
              options_.tolerance, report_);
}

}  // namespace adjoint::nn
