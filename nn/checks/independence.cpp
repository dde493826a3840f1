#include "nn/checks/independence.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <set>

#include "autograd/ops.h"
#include "autograd/support/ambient.h"

namespace adjoint::nn {

// ---- The report ---------------------------------------------------------------------------------

namespace detail {

std::string number(double value) { return text_from(std::setprecision(3), value); }

double tolerance_for(DType dtype, double given) {
  return given > 0 ? given : dtype == DType::f32 ? 1e-4 : 1e-10;
}

std::vector<double> numbers(const Tensor& x) {
  const Tensor wide = cast(detach(x), DType::f64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

Index count(const Tensor& mask) { return std::ranges::count(mask.values<bool>(), true); }

Extreme extreme(const std::vector<double>& xs, const Tensor& mask, double limit) {
  Extreme result;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    if (mask.defined() && !mask.values<bool>()[i]) continue;
    const double size = std::isnan(xs[i]) ? HUGE_VAL : std::abs(xs[i]);
    result.exceeding += size > limit;
    if (size <= result.size) continue;
    result.size = size;
    result.element = static_cast<Index>(i);
  }
  return result;
}

}  // namespace detail

using namespace detail;

void PropertyReport::compare(const std::string& name, const Tensor& actual, const Tensor& expected,
                             const std::string& circumstance, double tolerance,
                             const Tensor& mask) {
  require(actual.shape() == expected.shape(), property, ": ", name, " has the shape ",
          actual.shape(), " instead of ", expected.shape(), ' ', circumstance);
  std::vector<double> difference = numbers(actual);
  const std::vector<double> values = numbers(expected);
  double scale = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) scale = std::max(scale, std::abs(values[i]));
    const bool both_nan = std::isnan(values[i]) && std::isnan(difference[i]);
    difference[i] = both_nan || difference[i] == values[i] ? 0 : difference[i] - values[i];
  }
  const Extreme worst = extreme(difference, mask, tolerance_for(actual.dtype(), tolerance) * scale);
  compared += mask.defined() ? count(mask) : actual.numel();
  if (worst.exceeding == 0) return;
  violations.push_back({.where = name + index_text(actual.shape(), worst.element),
                        .what = "differs by " + number(worst.size) + ' ' + circumstance,
                        .size = worst.size,
                        .elements = worst.exceeding});
}

std::ostream& operator<<(std::ostream& output, const PropertyReport& report) {
  constexpr std::size_t most_lines = 5;
  if (report)
    return output << text_from(report.property, ": holds, ", report.compared, " elements compared");
  TextStream stream;
  stream << report.property;
  std::vector<Violation> worst = report.violations;
  std::ranges::stable_sort(worst, std::ranges::greater(), &Violation::size);
  stream << ": violated in " << worst.size() << (worst.size() == 1 ? " way" : " ways");
  for (std::size_t i = 0; i < std::min(worst.size(), most_lines); ++i) {
    stream << "\n  " << worst[i].where << ' ' << worst[i].what;
    if (worst[i].elements > 1) stream << " (" << worst[i].elements << " elements)";
  }
  if (worst.size() > most_lines) stream << "\n  and in " << worst.size() - most_lines << " more";
  stream << "\n  usual cause: " << report.cause;
  return output << stream.str();
}

// ---- Independence -------------------------------------------------------------------------------

namespace {

Tensors evaluated(const PropertyReport& report, const Function& f, const Tensors& inputs) {
  Tensors outputs = f(inputs);
  require(!outputs.empty(), report.property, ": the function has no output");
  for (std::size_t j = 0; j < outputs.size(); ++j)
    require(outputs[j].defined(), report.property, ": output ", j, " is empty");
  return outputs;
}

bool is_empty(const Tensor& mask) { return !mask.defined() || count(mask) == 0; }

// x with the masked elements replaced by other values that occur in it.
template <Scalar T>
Tensor shuffled(const Tensor& x, const Tensor& mask, Key key, const std::string& what) {
  std::set<T> distinct;
  for (const T value : x.values<T>())
    if (value == value) distinct.insert(value);  // NaN has no order
  const std::vector<T> known(distinct.begin(), distinct.end());
  const Index choices = std::ssize(known) - 1;
  require(choices >= 1, what, " has the same value everywhere, so nothing can be replaced: ",
          "use different values, or set PropertyOptions::others");
  const Tensor drawn = random_integers({x.numel()}, 0, choices, key);
  Tensor result = copy(x);
  const std::span<T> out = result.edit<T>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!mask.values<bool>()[i]) continue;
    auto choice = static_cast<std::size_t>(drawn.values<Index>()[i]);
    if (known[choice] >= out[i]) ++choice;  // skips the present value
    out[i] = known[choice];
  }
  return result;
}

}  // namespace

Region region_along(std::string name, const Tensors& xs, Index axis,
                    const std::function<bool(Index)>& holds) {
  Region region{std::move(name), {}};
  for (const Tensor& x : xs) {
    const AxisView view(x.shape(), x.shape().resolve(axis));
    region.masks.push_back(generate(x.shape(), DType::b8, [&](Index position) {
      return holds(position / view.inner % view.size);
    }));
  }
  return region;
}

Region everything(const Tensors& xs) {
  Region region{"everything", {}};
  for (const Tensor& x : xs) region.masks.push_back(ones(x.shape(), DType::b8));
  return region;
}

Tensor mask_of_rows(const Shape& shape, const std::function<bool(Index, Index)>& holds) {
  const AxisView view(shape, 1);
  return generate(shape, DType::b8, [&](Index position) {
    const Index row = position / view.inner;
    return holds(row / view.size, row % view.size);
  });
}

Independence::Independence(const Function& f, const Tensors& inputs, const PropertyOptions& options,
                           PropertyReport& report)
    : f_(f),
      options_(options),
      report_(report),
      names_(input_names(inputs, options.names)),
      inputs_(inputs) {
  require(!inputs.empty(), report.property, ": the function has no input");
  require(options.others.empty() || options.others.size() == inputs.size(), report.property,
          ": PropertyOptions::others has ", options.others.size(), " tensors for ", inputs.size(),
          " inputs");
  at_inputs_ = vjp([&](const Tensors& xs) { return evaluated(report, f, xs); }, inputs);
  for (const Tensor& y : outputs())
    for (const double value : numbers(y))
      require(!std::isnan(value), report.property,
              ": the output contains NaN, so no dependence can be decided");
}

Tensors Independence::evaluate(const Tensors& inputs) const {
  const NoRecording guard;
  Tensors ys = evaluated(report_, f_, inputs);
  require(ys.size() == outputs().size(), report_.property, ": the function returned ",
          outputs().size(), " outputs at first and then ", ys.size());
  return ys;
}

Tensors Independence::gradients(const Region& guarded) {
  Tensors cotangents(outputs().size());
  for (std::size_t j = 0; j < cotangents.size(); ++j) {
    const Tensor& y = outputs()[j];
    if (!is_real(y.dtype()) || !guarded.masks[j].defined()) continue;
    const Key key = options_.key.child("cotangent").child(draws_++);
    cotangents[j] = where(guarded.masks[j], normal(y.shape(), 0, 1, key, y.dtype()),
                          zeros(y.shape(), y.dtype()));
  }
  return at_inputs_.pullback(cotangents);
}

Tensor Independence::replaced(std::size_t i, const Tensor& mask) {
  const Tensor x = detach(inputs_[i]);
  const std::string what = report_.property + ": " + names_[i];
  if (i < options_.others.size() && options_.others[i].defined()) {
    const Tensor& other = options_.others[i];
    require(other.form() == x.form(), what, " is ", x.dtype(), ' ', x.shape(),
            ", its replacement in PropertyOptions::others ", other.dtype(), ' ', other.shape());
    return where(mask, detach(other), x);
  }
  const Key key = options_.key.child("contents").child(draws_++);
  return dispatch(x.dtype(), [&]<class T>() { return shuffled<T>(x, mask, key, what); });
}

void Independence::require_none(const Region& guarded, const Region& hidden) {
  const Tensors found = gradients(guarded);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (!found[i].defined() || is_empty(hidden.masks[i])) continue;
    const Extreme worst = extreme(numbers(found[i]), hidden.masks[i], 0);
    report_.compared += count(hidden.masks[i]);
    if (worst.exceeding == 0) continue;
    report_.violations.push_back(
        {.where = guarded.name,
         .what = "has a derivative of " + number(worst.size) + " with respect to " + names_[i] +
                 index_text(inputs_[i].shape(), worst.element) + ", in " + hidden.name,
         .size = worst.size,
         .elements = worst.exceeding});
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (is_empty(hidden.masks[i])) continue;
    Tensors changed = inputs_;
    changed[i] = replaced(i, hidden.masks[i]);
    require_equal(evaluate(changed), outputs(), guarded,
                  "after replacing " + hidden.name + " of " + names_[i]);
  }
}

void Independence::require_equal(const Tensors& actual, const Tensors& expected,
                                 const Region& region, const std::string& circumstance) {
  for (std::size_t j = 0; j < outputs().size(); ++j)
    if (region.masks[j].defined())
      report_.compare("output " + std::to_string(j), actual[j], expected[j], circumstance,
                      options_.tolerance, region.masks[j]);
}

}  // namespace adjoint::nn
