// Hypotheses that predict every number of the analytic derivative A from the numeric one N: a
// multiple of it, a sum of it, a part of it, or that of another input. Those by which its elements
// are in another order stand in reordering.cpp.
#include "autograd/gradcheck/diagnosis/hypotheses.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Diagnosis::Kind;

// ---- Multiples ---------------------------------------------------------------------------------

// argmin over c of ‖A − c N‖: ⟨A, N⟩ / ⟨N, N⟩, over what was measured.
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

// A factor that is a mistake even where one number is all there is to go by.
bool is_plausible(double factor) {
  const double square = factor * factor;
  return is_whole(2 * factor) || is_whole(2 / factor) || is_whole(square) || is_whole(1 / square);
}

Index nonzero_count(const Evidence& wrong) {
  const auto n = wrong.numeric.values<double>();
  return std::count_if(n.begin(), n.end(), [&](double value) { return !wrong.is_zero(value); });
}

// Where such a factor often comes from.
std::string origin(const Evidence& wrong, double factor) {
  Index all = 1;
  std::set<Index> sizes;
  for (const Index size : wrong.numeric.shape()) sizes.insert(size);
  for (const Index size : wrong.shape()) all *= size;
  sizes.insert(all);
  for (const Index size : sizes) {
    const auto n = static_cast<double>(size);
    const auto is = [&](double x) { return size > 1 && std::abs(factor - x) < 1e-6 * x; };
    if (is(n)) return text_of("; a sum in place of a mean over ", size, "?");
    if (is(1 / n)) return text_of("; a mean in place of a sum over ", size, "?");
    if (size > 4 && (is(std::sqrt(n)) || is(1 / std::sqrt(n)))) return text_of("; √", size, "?");
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

// A = c N. One number is a multiple of any other, so then c has to be one that mistakes make. What
// is left over has to be small beside what there was to explain: factors next to 1 are not
// rounding.
std::optional<Explanation> is_multiple(const Evidence& wrong, const Evidences&) {
  const double factor = best_factor(wrong);
  const Tensor prediction = factor * wrong.numeric;
  if (factor == 0 || !wrong.explained_by(prediction)) return std::nullopt;
  if (largest(wrong.analytic - prediction) > 0.1 * largest(wrong.analytic - wrong.numeric))
    return std::nullopt;
  if (std::abs(factor - 1) < 1e-7) return std::nullopt;  // what f32 makes of a constant
  if (std::abs(factor + 1) < 1e-6) return Explanation{Kind::sign, "the sign is wrong", factor};
  if (nonzero_count(wrong) < 2 && !is_plausible(factor)) return std::nullopt;
  return Explanation{Kind::factor,
                     text_of(factor, " × what it should be, throughout (a constant factor",
                             origin(wrong, factor), ")"),
                     factor};
}

// |A − N| ≤ some 2⁻²⁴ |N|
std::optional<Explanation> is_imprecise(const Evidence& wrong, const Evidences&) {
  constexpr double single_precision = 3e-6;  // after some operations
  const double difference = largest(wrong.analytic - wrong.numeric);
  const double relative = difference / largest(wrong.numeric);
  if (!(relative <= single_precision)) return std::nullopt;
  return Explanation{Kind::precision,
                     text_of("right to about ", std::setprecision(2), relative,
                             " of the largest element: is something computed in f32?")};
}

// A = N of another input, summed over the axes along which this one is broadcast to that one.
std::optional<Explanation> is_of_other_input(const Evidence& wrong, const Evidences& all) {
  const Shape own = wrong.shape(), outer = wrong.numeric.shape().part(0, wrong.leading);
  for (const Evidence& other : all) {
    if (other.input == wrong.input || other.leading != wrong.leading) continue;
    const Shape theirs = other.shape();
    if (own.numel() == 0 || !broadcastable(own, theirs) ||
        broadcast("diagnosis", own, theirs) != theirs)
      continue;
    Shape aligned = own;
    while (aligned.rank() < theirs.rank()) aligned = aligned.inserted(0, 1);
    const Tensor theirs_summed = sum_to(other.numeric, outer.joined(aligned));
    if (wrong.explained_by(reshape(theirs_summed, wrong.numeric.shape())))
      return Explanation{Kind::other_input, "it is the gradient that belongs to " + other.name};
  }
  return std::nullopt;
}

// A[j, i] = Σ or mean over i′ (or j′) along some axis of N[j, i′]
std::optional<Explanation> has_extra_sum(const Evidence& wrong, const Evidences&) {
  std::vector<Axes> choices;
  Axes own;
  for (const Index axis : wrong.axes()) {
    choices.push_back({axis});
    if (axis >= wrong.leading) own.push_back(axis);
  }
  choices.push_back(own);
  for (const Axes& axes : choices)
    for (const auto reduce : {sum, mean}) {
      if (axes.empty()) continue;
      const Tensor reduced = reduce(wrong.numeric, axes, Keep::yes);
      if (!wrong.explained_by(broadcast_to(reduced, wrong.numeric.shape()))) continue;
      return Explanation{Kind::extra_sum, text_of("summed over ",
                                                  axes.size() == 1 ? wrong.axis_name(axes[0])
                                                                   : "all axes of the gradient",
                                                  " too, over which it must not be summed")};
    }
  return std::nullopt;
}

// A[j, i] = N[j, i] for some outputs j and 0 for the rest, along an axis of the output that the sum
// Σⱼ ȳⱼ N[j, i] runs over: it is not tied to one of the input's. Where only one index along that
// axis counts, the sum was forgotten; where others are missing, it is incomplete.
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
    if (count == 1)
      return Explanation{Kind::missing_sum,
                         text_of("not summed over axis ", axis, " of the output: only index ",
                                 std::ranges::find(kept, 1.0) - kept.begin(),
                                 " counts (is a broadcast not undone?)")};
    return Explanation{Kind::missing_term,
                       text_of("the sum over axis ", axis, " of the output is incomplete: index ",
                               std::ranges::find(kept, 0.0) - kept.begin(), " is missing")};
  }
  return std::nullopt;
}

}  // namespace adjoint::checking
