// Checks of attention: which rows it sees, and with which weights.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "nn/checks/properties.h"

namespace adjoint::nn {

using namespace detail;

namespace {

// Whether row [example, key] of some gradient [batch, keys, …] has a nonzero element.
bool has_influence(const Tensors& gradients, Index example, Index key) {
  return std::ranges::any_of(gradients, [&](const Tensor& gradient) {
    if (!gradient.defined()) return false;
    const Tensor row = slice(slice(gradient, 0, example, example + 1), 1, key, key + 1);
    return max(abs(row)).item() != 0;
  });
}

// The rows of every input that the query must not see, including those of other examples.
Region masked_for(Index example, Index query, const Tensor& allowed, const Tensors& inputs) {
  Region region{"the masked rows", {}};
  for (const Tensor& x : inputs)
    region.masks.push_back(mask_of_rows(x.shape(), [&](Index b, Index k) {
      return b != example || allowed.at({b, query, k}) == 0;
    }));
  return region;
}

void require_mask(const PropertyReport& report, const Tensor& allowed, const Independence& asked) {
  require(allowed.dtype() == DType::b8 && allowed.rank() == 3, report.property,
          ": `allowed` must be b8 [batch, queries, keys], is ", allowed.dtype(), ' ',
          allowed.shape());
  const auto match = [&](const Tensors& xs, Index axis) {
    return std::ranges::all_of(xs, [&](const Tensor& x) {
      return x.rank() >= 2 && x.size(0) == allowed.size(0) && x.size(1) == allowed.size(axis);
    });
  };
  require(match(asked.inputs(), 2), report.property,
          ": inputs must be [batch, keys, …] as in `allowed` [batch, queries, keys], which is ",
          allowed.shape());
  require(asked.outputs().size() == 1 && match(asked.outputs(), 1), report.property,
          ": there must be one output, [batch, queries, …] as in `allowed` ", allowed.shape());
  const Index visible = count(allowed);
  const bool mixed = visible > 0 && visible < allowed.numel();
  require(mixed, report.property, ": `allowed` is ", visible > 0 ? "true" : "false",
          " everywhere: some rows must be masked and some visible to show anything");
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-3 * std::abs(b); }

// Whether the weights along the axis add up to one, except for lines that are masked as a whole.
bool sums_to_one(const Tensor& weights, Index axis, double tolerance) {
  const Tensor sums = sum(weights, {axis});
  Index ones = 0;
  for (const double total : sums.values<double>()) {
    if (!(std::abs(total - 1) < tolerance || total == 0)) return false;
    ones += total != 0;
  }
  return ones > 0;
}

std::string cause_of(double slope, double d, double misfit) {
  if (misfit > 1e-3)
    return "the weights are not a softmax over the keys of any multiple of q·k: another axis, keys "
           "of another head, or something added to the scores";
  if (near(slope, 1)) return "the scores are not divided by √d: q·k is multiplied by 1";
  if (near(slope, 1 / d)) return "the scores are divided by d instead of √d";
  return text_from("the scores are divided by ", number(1 / slope), ", the root of ",
                   number(1 / (slope * slope)), ", where d is ", number(d),
                   ": perhaps the width of all heads");
}

}  // namespace

PropertyReport mask_polarity(const Function& f, const Tensors& inputs, const Tensor& allowed,
                             const PropertyOptions& options) {
  PropertyReport report{
      "mask polarity",
      "a mask applied to the wrong rows: lengths in another order than the heads, the wrong axis, "
      "scores set to a small number instead of −∞, or a mask applied after the softmax"};
  Independence asked(f, inputs, options, report);
  require_mask(report, allowed, asked);
  const Tensor& y = asked.outputs()[0];
  Index without_influence = 0;
  for (Index b = 0; b < y.size(0); ++b)
    for (Index q = 0; q < y.size(1); ++q) {
      const auto is_here = [&](Index example, Index query) { return example == b && query == q; };
      const Region output{text_from("the output of example ", b, ", query ", q),
                          {mask_of_rows(y.shape(), is_here)}};
      asked.require_none(output, masked_for(b, q, allowed, asked.inputs()));
      const Tensors gradients = asked.gradients(output);
      for (Index k = 0; k < allowed.size(2); ++k) {
        if (allowed.at({b, q, k}) == 0 || has_influence(gradients, b, k)) continue;
        ++without_influence;
        report.violations.push_back({.where = output.name,
                                     .what = "has no derivative with respect to key row " +
                                             std::to_string(k) + ", which is visible"});
      }
    }
  report.compared += count(allowed);
  if (without_influence == count(allowed))
    report.cause =
        "the mask is inverted: no visible row has any influence. Here true means: may attend; some "
        "frameworks use the opposite";
  return report;
}

PropertyReport values_average(const Function& f, const Tensor& values,
                              const PropertyOptions& options) {
  PropertyReport report{"values average",
                        "a softmax over another axis than the keys, weights changed after it (a "
                        "mask, dropout), or heads merged in another order than they were split"};
  require(values.rank() == 3 && values.size(1) >= 2, report.property,
          ": values must be [batch, keys, d] with at least 2 keys, are ", values.shape());
  const Tensor row = slice(detach(values), 1, 0, 1);  // [batch, 1, d]
  Independence asked(f, {broadcast_to(row, values.shape())}, options, report);
  Tensors expected;
  for (const Tensor& y : asked.outputs()) {
    require(y.rank() == 3 && y.size(0) == values.size(0) && y.size(2) == values.size(2),
            report.property, ": values ", values.shape(), " give ", y.shape(),
            ", not [batch, queries, d]");
    expected.push_back(broadcast_to(row, y.shape()));  // [batch, queries, d]
  }
  asked.require_equal(asked.outputs(), expected, everything(asked.outputs()),
                      "from the value that all keys have");
  return report;
}

PropertyReport weights_average(const Tensor& weights, const PropertyOptions& options) {
  PropertyReport report{"weights average",
                        "a softmax over another axis than the keys, or weights changed after it (a "
                        "mask, dropout)"};
  require(weights.rank() >= 2 && is_real(weights.dtype()) && weights.numel() > 0, report.property,
          ": weights must be real, […, queries, keys], are ", weights.dtype(), ' ',
          weights.shape());
  const NoRecording guard;
  const Tensor w = cast(detach(weights), DType::f64);
  const double tolerance = tolerance_for(weights.dtype(), options.tolerance);
  const Tensor sums = sum(w, {-1});  // […, queries]
  report.compare("the sum over the keys at query", sums, ones(sums.shape(), DType::f64), "from one",
                 tolerance);
  report.compare("weights", w, abs(w), "from its absolute value: it is negative", tolerance);
  for (Index axis = 0; axis < w.rank() - 1 && !report; ++axis)
    if (sums_to_one(w, axis, tolerance))
      report.cause = text_from("the softmax ran over axis ", axis, ": there the sums are one",
                               axis == w.rank() - 2 ? " (the queries)" : "");
  return report;
}

PropertyReport score_scale(const Tensor& weights, const Tensor& query, const Tensor& key,
                           const PropertyOptions& options) {
  PropertyReport report{"score scale", ""};
  const NoRecording guard;
  const Tensor q = cast(detach(query), DType::f64), k = cast(detach(key), DType::f64);
  const Tensor w = cast(detach(weights), DType::f64);
  const Tensor scores = matmul(q, k, Transposed::b);  // […, queries, keys]
  require(query.rank() >= 2 && scores.shape() == w.shape(), report.property, ": weights ",
          w.shape(), " of query ", query.shape(), " and key ", key.shape(),
          " should be […, queries, keys]");
  // Subnormal weights have lost digits and do not count.
  const Tensor zero = scalar(0, DType::f64);
  const Tensor counts = greater(w, scalar(std::numeric_limits<double>::min(), DType::f64));
  const Tensor n = sum(cast(counts, DType::f64), {-1}, Keep::yes);  // […, queries, 1]
  require(n.numel() > 0 && max(n).item() >= 2, report.property,
          ": no query sees two keys, so no weights can be compared");

  // Subtracting the mean over a query's keys removes the constant that the softmax adds to a row.
  const auto centred = [&](const Tensor& x) {  // […, queries, keys]
    return where(counts, x - sum(where(counts, x, zero), {-1}, Keep::yes) / n, zero);
  };
  const auto d = static_cast<double>(q.size(-1));
  const Tensor actual = centred(log(w)), product = centred(scores);
  report.compare("the logarithm of weights", actual, product / std::sqrt(d),
                 "from q·k/√d, both up to a constant for each query",
                 tolerance_for(weights.dtype(), options.tolerance));
  if (report) return report;

  // The best line through the origin, and how far the weights are from it.
  const double squares = sum(product * product).item(), size = max(abs(actual)).item();
  const double slope = squares > 0 ? sum(product * actual).item() / squares : 0;
  const double misfit = max(abs(actual - product * slope)).item();
  report.cause = cause_of(slope, d, size > 0 ? misfit / size : 1);
  return report;
}

}  // namespace adjoint::nn
