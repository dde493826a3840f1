// Hypotheses that predict every number of the analytic derivative A from the numeric one N: a
// multiple of it, a sum or a part of it, or the gradient of another input.
#include <algorithm>
#include <cmath>
#include <iomanip>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Diagnosis::Kind;

// The c that minimises ‖A − c N‖: ⟨A, N⟩ / ⟨N, N⟩ over the measured elements.
double best_factor(const Evidence& wrong) {
  const auto a = wrong.analytic.values<double>(), n = wrong.numeric.values<double>();
  double an = 0, nn = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!std::isfinite(n[k])) continue;
    an += a[k] * n[k];
    nn += n[k] * n[k];
  }
  return nn > 0 ? an / nn : 0;
}

bool is_whole(double x) { return std::abs(x - std::round(x)) < 1e-6 * std::abs(x); }

// Factors that mistakes produce. Required where there is only one number to go by.
bool is_plausible(double factor) {
  const double square = factor * factor;
  return is_whole(2 * factor) || is_whole(2 / factor) || is_whole(square) || is_whole(1 / square);
}

// Where such a factor may come from.
std::string origin(const Evidence& wrong, double factor) {
  std::set<Index> sizes(wrong.numeric.shape().begin(), wrong.numeric.shape().end());
  sizes.insert(wrong.shape().numel());
  for (const Index size : sizes) {
    const auto n = static_cast<double>(size);
    const auto is = [&](double x) { return size > 1 && std::abs(factor - x) < 1e-6 * x; };
    if (is(n)) return text_from("; a sum in place of a mean over ", size, "?");
    if (is(1 / n)) return text_from("; a mean in place of a sum over ", size, "?");
    if (size > 4 && (is(std::sqrt(n)) || is(1 / std::sqrt(n)))) return text_from("; √", size, "?");
  }
  return "";
}

}  // namespace

// A = 0
std::optional<Explanation> is_zero(const Evidence& wrong, const Evidences&) {
  if (!wrong.explained_by(zeros(wrong.numeric.shape(), DType::f64))) return std::nullopt;
  return Explanation{
      Kind::zero, "zero where it should not be: is the value detached, or the cotangent dropped?"};
}

// A = c N. The remainder must be small beside the error, since a factor near 1 could also be
// rounding. One number is a multiple of any other, so then c must be plausible.
std::optional<Explanation> is_multiple(const Evidence& wrong, const Evidences&) {
  const double factor = best_factor(wrong);
  const Tensor prediction = factor * wrong.numeric;
  if (factor == 0 || !wrong.explained_by(prediction)) return std::nullopt;
  if (largest(wrong.analytic - prediction) > 0.1 * largest(wrong.analytic - wrong.numeric))
    return std::nullopt;
  if (std::abs(factor - 1) < 1e-7) return std::nullopt;  // a constant rounded to f32
  if (std::abs(factor + 1) < 1e-6) return Explanation{Kind::sign, "the sign is wrong", factor};
  const auto nonzero = [&](double value) { return !wrong.is_zero(value); };
  const Index numbers = std::ranges::count_if(wrong.numeric.values<double>(), nonzero);
  if (numbers < 2 && !is_plausible(factor)) return std::nullopt;
  return Explanation{Kind::factor,
                     text_from(factor, " × what it should be, throughout (a constant factor",
                               origin(wrong, factor), ")"),
                     factor};
}

// |A − N| ≤ a few 2⁻²⁴ |N|
std::optional<Explanation> is_imprecise(const Evidence& wrong, const Evidences&) {
  constexpr double single_precision = 3e-6;  // after several operations
  const double relative = largest(wrong.analytic - wrong.numeric) / largest(wrong.numeric);
  if (!(relative <= single_precision)) return std::nullopt;
  return Explanation{Kind::precision,
                     text_from("right to about ", std::setprecision(2), relative,
                               " of the largest element: is something computed in f32?")};
}

// A = N of another input, summed over the axes along which this input is broadcast to it.
std::optional<Explanation> is_of_other_input(const Evidence& wrong, const Evidences& all) {
  const Shape own = wrong.shape(), lead = wrong.numeric.shape().part(0, wrong.leading);
  for (const Evidence& other : all) {
    if (other.input == wrong.input || other.leading != wrong.leading) continue;
    const Shape theirs = other.shape();
    if (own.numel() == 0 || !broadcastable(own, theirs) ||
        broadcast("diagnosis", own, theirs) != theirs)
      continue;
    Shape aligned = own;
    while (aligned.rank() < theirs.rank()) aligned = aligned.inserted(0, 1);
    const Tensor summed = sum_to(other.numeric, lead.joined(aligned));  // [leading…, 1…, own axes…]
    if (wrong.explained_by(reshape(summed, wrong.numeric.shape())))
      return Explanation{Kind::other_input, "it is the gradient that belongs to " + other.name};
  }
  return std::nullopt;
}

// A[j, i] = Σ or mean over i′ (or j′) along some axis of N[j, i′]
std::optional<Explanation> has_extra_sum(const Evidence& wrong, const Evidences&) {
  std::vector<Axes> choices;
  for (const Index axis : wrong.axes()) choices.push_back({axis});
  Axes own = wrong.axes();
  std::erase_if(own, [&](Index axis) { return axis < wrong.leading; });
  if (!own.empty()) choices.push_back(own);
  for (const Axes& axes : choices)
    for (const auto reduce : {sum, mean}) {
      const Tensor reduced = reduce(wrong.numeric, axes, Keep::yes);
      if (!wrong.explained_by(broadcast_to(reduced, wrong.numeric.shape()))) continue;
      return Explanation{Kind::extra_sum, text_from("summed over ",
                                                    axes.size() == 1 ? wrong.axis_name(axes[0])
                                                                     : "all axes of the gradient",
                                                    " too, over which it must not be summed")};
    }
  return std::nullopt;
}

// A[j, i] = N[j, i] for some outputs j and 0 for the rest, along an output axis that the sum
// Σⱼ ȳⱼ N[j, i] runs over, since it is not tied to an input axis. If a single index along that axis
// counts, the sum was forgotten; if others are missing, it is incomplete.
std::optional<Explanation> lacks_outputs(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  const std::set<Tie> tied = ties(wrong, wrong.numeric);
  for (Index axis = 0; axis < wrong.leading; ++axis) {
    const Index size = wrong.numeric.size(axis);
    if (size < 2 || std::ranges::any_of(tied, [&](Tie tie) { return tie.first == axis; })) continue;
    std::vector<double> kept;
    for (Index j = 0; j < size; ++j)
      kept.push_back(largest(slice(wrong.analytic, axis, j, j + 1)) > wrong.noise);
    const auto count = static_cast<Index>(std::ranges::count(kept, 1.0));
    if (count == 0 || count == size) continue;
    Shape along;  // [1, …, size, …, 1]
    for (Index other = 0; other < wrong.numeric.rank(); ++other)
      along = along.inserted(other, other == axis ? size : 1);
    if (!wrong.explained_by(wrong.numeric * from(kept, along))) continue;
    const auto index = std::ranges::find(kept, count == 1 ? 1.0 : 0.0) - kept.begin();
    if (count == 1)
      return Explanation{Kind::missing_sum,
                         text_from("not summed over axis ", axis, " of the output: only index ",
                                   index, " counts (is a broadcast not undone?)")};
    return Explanation{Kind::missing_term,
                       text_from("the sum over axis ", axis, " of the output is incomplete: index ",
                                 index, " is missing")};
  }
  return std::nullopt;
}

}  // namespace adjoint::checking
