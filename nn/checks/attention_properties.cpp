// Checks of attention: who is seen, and by which weights.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "nn/checks/properties.h"

namespace adjoint::nn {

// ---- Masks -------------------------------------------------------------------------------------

namespace {

// Whether row [example, key] of a gradient [batch, keys, …] has anything but zeros.
bool influences(const Tensors& gradients, Index example, Index key) {
  return std::ranges::any_of(gradients, [&](const Tensor& gradient) {
    if (!gradient.defined()) return false;
    const Tensor row = slice(slice(gradient, 0, example, example + 1), 1, key, key + 1);
    return max(abs(row)).item() != 0;
  });
}

struct Query {
  Index example, row;
  bool is(Index b, Index q) const { return b == example && q == row; }
};

Part output_of(const Query& query, const Tensor& y) {
  return {"the output of example " + std::to_string(query.example) + ", query " +
              std::to_string(query.row),
          {members_in_rows(y.shape(), [&](Index b, Index q) { return query.is(b, q); })}};
}

// The rows of every input that the query must not see, those of other examples included.
Part masked_for(const Query& query, const Tensor& allowed, const Tensors& inputs) {
  Part result{"the masked rows", {}};
  for (const Tensor& x : inputs)
    result.members.push_back(members_in_rows(x.shape(), [&](Index b, Index k) {
      return b != query.example || allowed.at({b, query.row, k}) == 0;
    }));
  return result;
}

void require_mask(const PropertyReport& report, const Tensor& allowed, const Independence& asked) {
  require(allowed.dtype() == DType::b8 && allowed.rank() == 3, report.property(),
          ": `allowed` must be b8 [batch, queries, keys], is ", allowed.dtype(), ' ',
          allowed.shape());
  const auto fit = [&](const Tensors& xs, Index axis) {
    return std::ranges::all_of(xs, [&](const Tensor& x) {
      return x.rank() >= 2 && x.size(0) == allowed.size(0) && x.size(1) == allowed.size(axis);
    });
  };
  require(fit(asked.inputs(), 2), report.property(),
          ": inputs must be [batch, keys, …] as `allowed` ", allowed.shape(),
          " is [batch, queries, ", "keys]");
  require(asked.outputs().size() == 1 && fit(asked.outputs(), 1), report.property(),
          ": there must be one output, [batch, queries, …] as in `allowed` ", allowed.shape());
  const auto visible = std::ranges::count(allowed.values<bool>(), true);
  require(visible > 0 && visible<allowed.numel(), report.property(), ": `allowed` is ", visible> 0
              ? "true"
              : "false",
          " everywhere: something masked and something visible are needed to show anything");
}

}  // namespace

PropertyReport mask_polarity(const Function& f, const Tensors& inputs, const Tensor& allowed,
                             const PropertyOptions& options) {
  PropertyReport report(
      "mask polarity",
      "a mask for other rows than it is meant for: lengths in another order than "
      "the heads, the wrong axis, scores that are set to a small number instead of "
      "−∞, or a mask applied after the softmax");
  Independence asked(f, inputs, options, report);
  require_mask(report, allowed, asked);
  const Tensor& y = asked.outputs()[0];
  Index visible = 0, without_influence = 0;
  for (Index b = 0; b < y.size(0); ++b)
    for (Index q = 0; q < y.size(1); ++q) {
      const Part guarded = output_of({b, q}, y);
      asked.require_none(guarded, masked_for({b, q}, allowed, asked.inputs()));
      const Tensors gradients = asked.gradients(guarded);
      for (Index k = 0; k < allowed.size(2); ++k) {
        if (allowed.at({b, q, k}) == 0) continue;
        ++visible;
        if (influences(gradients, b, k)) continue;
        ++without_influence;
        report.add({.where = guarded.name,
                    .what = "has no derivative with respect to key row " + std::to_string(k) +
                            ", which is visible"});
      }
    }
  report.add_compared(visible);
  if (without_influence == visible)
    report.set_cause(
        "the mask is inverted: nothing visible has any influence. Here true means: may "
        "attend; some frameworks mean the opposite");
  return report;
}

// ---- Weights -----------------------------------------------------------------------------------

PropertyReport values_average(const Function& f, const Tensor& values,
                              const PropertyOptions& options) {
  PropertyReport report("values average",
                        "a softmax over another axis than the keys', weights changed after it (a "
                        "mask, dropout), or heads put together in another order than they were "
                        "split");
  require(values.rank() == 3 && values.size(1) >= 2, report.property(),
          ": values must be [batch, keys, d] with at least 2 keys, are ", values.shape());
  const Tensor row = slice(detach(values), 1, 0, 1);  // [batch, 1, d]
  Independence asked(f, {broadcast_to(row, values.shape())}, options, report);
  for (std::size_t j = 0; j < asked.outputs().size(); ++j) {
    const Tensor y = detach(asked.outputs()[j]);
    require(y.rank() == 3 && y.size(0) == values.size(0) && y.size(2) == values.size(2),
            report.property(), ": values ", values.shape(), " give ", y.shape(),
            ", not [batch, queries, d]");
    compare("output " + std::to_string(j), y, broadcast_to(row, y.shape()), Tensor(),
            "from the value that all keys have", options.tolerance, report);
  }
  return report;
}

namespace {

// How far sums over the axis are from one.
double off_one(const Tensor& weights, Index axis) {
  return max(abs(sum(weights, {axis}) - 1.0)).item();
}

}  // namespace

PropertyReport weights_average(const Tensor& weights, const PropertyOptions& options) {
  PropertyReport report("weights average", "weights changed after the softmax: a mask, or dropout");
  require(weights.rank() >= 2 && is_real(weights.dtype()) && weights.numel() > 0, report.property(),
          ": weights must be real, […, queries, keys], are ", weights.dtype(), ' ',
          weights.shape());
  const NoRecording guard;
  const Tensor w = cast(detach(weights), DType::f64);
  const double tolerance = tolerance_for(weights.dtype(), options.tolerance);
  const Tensor sums = sum(w, {-1});  // […, queries]
  compare("the sum over the keys at query", sums, ones(sums.shape(), DType::f64), Tensor(),
          "from one", tolerance, report);
  compare("weights", w, abs(w), Tensor(), "from its absolute value: it is negative", tolerance,
          report);
  for (Index axis = 0; axis < w.rank() - 1 && !report; ++axis)
    if (off_one(w, axis) < tolerance)
      report.set_cause("the softmax ran over axis " + std::to_string(axis) +
                       ": there the sums are one");
  return report;
}

// ---- Scores ------------------------------------------------------------------------------------

namespace {

// log w and q·k, each with the mean over the visible keys of its query taken away, so that what the
// softmax adds to a whole row is gone. Zero where a weight is.
struct Centred {
  std::vector<double> log_weight, score;
  Index visible = 0;

  Centred(const Tensor& weights, const Tensor& scores) {
    const std::span<const double> w = weights.values<double>(), s = scores.values<double>();
    const auto keys = static_cast<std::size_t>(weights.size(-1));
    for (std::size_t begin = 0; begin < w.size(); begin += keys)
      add_row(w.subspan(begin, keys), s.subspan(begin, keys));
  }

  // The slope of the best line through the origin.
  double slope() const {
    double both = 0, squares = 0;
    for (std::size_t i = 0; i < score.size(); ++i) {
      both += score[i] * log_weight[i];
      squares += score[i] * score[i];
    }
    return squares > 0 ? both / squares : 0;
  }

 private:
  // What is subnormal has lost digits.
  static bool counts(double w) { return w > std::numeric_limits<double>::min(); }

  void add_row(std::span<const double> w, std::span<const double> s) {
    double log_mean = 0, score_mean = 0, n = 0;
    for (std::size_t k = 0; k < w.size(); ++k) {
      if (!counts(w[k])) continue;
      n += 1;
      log_mean += (std::log(w[k]) - log_mean) / n;
      score_mean += (s[k] - score_mean) / n;
    }
    for (std::size_t k = 0; k < w.size(); ++k) {
      log_weight.push_back(counts(w[k]) ? std::log(w[k]) - log_mean : 0);
      score.push_back(counts(w[k]) ? s[k] - score_mean : 0);
    }
    if (n >= 2) visible += static_cast<Index>(n);
  }
};

bool near(double a, double b) { return std::abs(a - b) <= 1e-3 * std::abs(b); }

std::string cause_of(double slope, double d, double misfit) {
  if (misfit > 1e-3)
    return "the weights are not a softmax over the keys of any multiple of q·k: another axis, keys "
           "of another head, or something added to the scores";
  if (near(slope, 1)) return "the scores are not divided by √d: q·k is multiplied by 1";
  if (near(slope, 1 / d)) return "the scores are divided by d instead of √d";
  return "the scores are divided by " + number(1 / slope) + ", the root of " +
         number(1 / (slope * slope)) + ", where d is " + number(d) +
         ": the width of all heads, perhaps";
}

}  // namespace

PropertyReport score_scale(const Tensor& weights, const Tensor& query, const Tensor& key,
                           const PropertyOptions& options) {
  PropertyReport report("score scale", "");
  const NoRecording guard;
  const Tensor q = cast(detach(query), DType::f64), k = cast(detach(key), DType::f64);
  const Tensor scores = matmul(q, k, Transposed::b);  // […, queries, keys]
  require(query.rank() >= 2 && scores.shape() == weights.shape(), report.property(), ": weights ",
          weights.shape(), " of query ", query.shape(), " and key ", key.shape(),
          " should be […, queries, keys]");
  const Centred centred(cast(detach(weights), DType::f64), scores);
  require(centred.visible > 0, report.property(),
          ": no query sees two keys, so that no weights can be compared");

  const auto d = static_cast<double>(q.size(-1));
  const Tensor actual = from(centred.log_weight, weights.shape());
  const Tensor product = from(centred.score, weights.shape());
  const double tolerance = tolerance_for(weights.dtype(), options.tolerance);
  compare("the logarithm of weights", actual, product / std::sqrt(d), Tensor(),
          "from q·k/√d, both up to a constant for each query", tolerance, report);
  if (report) return report;

  const double size = max(abs(actual)).item();
  const double misfit = max(abs(actual - product * centred.slope())).item();
  report.set_cause(cause_of(centred.slope(), d, size > 0 ? misfit / size : 1));
  return report;
}

}  // namespace adjoint::nn
