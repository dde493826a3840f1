// Hypotheses that predict every number of the analytic derivative A from the numeric one N. Both
// are written here as Jacobians, N[j, i] = ∂yⱼ/∂xᵢ. A mistake made with the finished gradient
// changes it along i; one made with the cotangent, before the derivative is applied, along j; the
// latter show only where single outputs were differentiated.
#include "autograd/gradcheck/hypotheses.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Diagnosis::Kind;
using Evidences = std::vector<Evidence>;

template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

// "axis 1 of the gradient" or "axis 0 of the cotangent", for an axis of the Jacobian.
std::string axis_text(const Evidence& wrong, Index axis) {
  return axis < wrong.leading ? text_of("axis ", axis, " of the cotangent")
                              : text_of("axis ", axis - wrong.leading, " of the gradient");
}

// The axes of the Jacobian whose elements a mistake may have confused.
std::vector<Index> axes_of(const Evidence& wrong) {
  std::vector<Index> result;
  for (Index axis = wrong.jacobian ? 0 : wrong.leading; axis < wrong.numeric.rank(); ++axis)
    if (wrong.numeric.size(axis) > 1) result.push_back(axis);
  return result;
}

double largest_size(const Tensor& x) {
  double result = 0;
  for (const double value : x.values<double>())
    if (std::isfinite(value)) result = std::max(result, std::abs(value));
  return result;
}

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

// ---- Reorderings -------------------------------------------------------------------------------

Tensor rolled(const Tensor& x, Index axis, Index by) {
  const Index n = x.size(axis), from = ((-by % n) + n) % n;
  return concat({slice(x, axis, from, n), slice(x, axis, 0, from)}, axis);
}

// The same with zeros in place of what is pushed over the edge.
Tensor pushed(const Tensor& x, Index axis, Index by) {
  const Index n = x.size(axis);
  const Tensor edge = zeros(x.shape().with(axis, 1), x.dtype());
  if (by > 0) return concat({edge, slice(x, axis, 0, n - 1)}, axis);
  return concat({slice(x, axis, 1, n), edge}, axis);
}

// x with its axes in that order, but in x's own shape: its buffer is taken for that of x.
Tensor misread(const Tensor& x, const Axes& order) { return reshape(permute(x, order), x.shape()); }

// The other way round: x's buffer taken for that of x with its axes in that order.
Tensor unread(const Tensor& x, const Axes& order) {
  Shape shape = x.shape();
  Axes inverse = order;
  for (Index to = 0; to < x.rank(); ++to) {
    const Index from = order[static_cast<std::size_t>(to)];
    shape = shape.with(to, x.size(from));
    inverse[static_cast<std::size_t>(from)] = to;
  }
  return permute(reshape(x, shape), inverse);
}

// All orders of the axes [first, last) but the given one; the others stay.
std::vector<Axes> orders(Index rank, Index first, Index last) {
  constexpr Index most = 4;
  std::vector<Axes> result;
  Axes order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  if (last - first > most) return result;
  while (std::next_permutation(order.begin() + first, order.begin() + last))
    result.push_back(order);
  return result;
}

bool equal_slices(const Evidence& wrong, Index axis, Index in_analytic, Index in_numeric) {
  const Tensor a = slice(wrong.analytic, axis, in_analytic, in_analytic + 1);
  const Tensor n = slice(wrong.numeric, axis, in_numeric, in_numeric + 1);
  const double bound = 1e-6 * largest_size(n) + wrong.noise;
  for (Index k = 0; k < a.numel(); ++k) {
    const auto at = static_cast<std::size_t>(k);
    if (!(std::abs(a.values<double>()[at] - n.values<double>()[at]) <= bound)) return false;
  }
  return true;
}

// For each slice of A along the axis, which slice of N it is; nothing if one of them is none.
std::optional<std::vector<Index>> rearrangement(const Evidence& wrong, Index axis) {
  std::vector<Index> result;
  const Index size = wrong.numeric.size(axis);
  for (Index to = 0; to < size; ++to) {
    Index from = to;
    for (Index tried = 0; tried < size && !equal_slices(wrong, axis, to, from); ++tried)
      from = (to + tried + 1) % size;
    if (!equal_slices(wrong, axis, to, from)) return std::nullopt;
    result.push_back(from);
  }
  return result;
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
  if (largest_size(wrong.analytic - prediction) >
      0.1 * largest_size(wrong.analytic - wrong.numeric))
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
  const double difference = largest_size(wrong.analytic - wrong.numeric);
  const double relative = difference / largest_size(wrong.numeric);
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

// A[j, i] = N[j, iᵀ] or N[jᵀ, i]: the axes of the gradient, or of the cotangent, in another order.
std::optional<Explanation> is_transposed(const Evidence& wrong, const Evidences&) {
  const Index rank = wrong.numeric.rank();
  for (const bool gradient : {true, false}) {
    if (!gradient && !wrong.jacobian) continue;
    for (const Axes& order :
         orders(rank, gradient ? wrong.leading : 0, gradient ? rank : wrong.leading))
      if (wrong.explained_by(misread(wrong.numeric, order)) ||
          wrong.explained_by(unread(wrong.numeric, order)))
        return Explanation{
            Kind::transposed,
            gradient && wrong.rank() == 2
                ? "transposed: analytic[i, j] is what belongs to [j, i]"
                : text_of("transposed: the axes of the ", gradient ? "gradient" : "cotangent",
                          " are in the wrong order")};
  }
  return std::nullopt;
}

// A[j, i] = N[i, j] for one axis of each: y = W x, and x̄ = W ȳ instead of Wᵀ ȳ.
std::optional<Explanation> has_transposed_factor(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  for (Index p = 0; p < wrong.leading; ++p)
    for (Index q = wrong.leading; q < wrong.numeric.rank(); ++q)
      if (wrong.numeric.size(p) == wrong.numeric.size(q) &&
          wrong.explained_by(transpose(wrong.numeric, p, q)))
        return Explanation{Kind::transposed,
                           text_of("a factor is transposed, the one between ", axis_text(wrong, p),
                                   " and ", axis_text(wrong, q))};
  return std::nullopt;
}

// A[j, i] = N[j, i ± 1] or N[j ± 1, i], the ends joined or filled with zeros.
std::optional<Explanation> is_shifted(const Evidence& wrong, const Evidences&) {
  for (const Index axis : axes_of(wrong))
    for (const Index by : {1, -1})
      for (const auto shift : {rolled, pushed})
        if (wrong.explained_by(shift(wrong.numeric, axis, by)))
          return Explanation{Kind::shifted, text_of("off by one along ", axis_text(wrong, axis),
                                                    ": analytic[i] is what belongs to [i ",
                                                    by > 0 ? '-' : '+', " 1]")};
  return std::nullopt;
}

// A[j, i] = N[j, π(i)] or N[π(j), i], where π acts on the first axis, that of the examples.
std::optional<Explanation> is_of_other_example(const Evidence& wrong, const Evidences&) {
  constexpr Index too_many = 64;
  for (const Index axis : axes_of(wrong)) {
    if ((axis != 0 && axis != wrong.leading) || wrong.numeric.size(axis) > too_many) continue;
    const auto order = rearrangement(wrong, axis);
    if (!order) continue;
    const Tensor from_order = from(*order, {static_cast<Index>(order->size())});
    if (!wrong.explained_by(gather(wrong.numeric, from_order, axis))) continue;
    Index first = 0;
    while ((*order)[static_cast<std::size_t>(first)] == first) ++first;
    return Explanation{
        Kind::wrong_example,
        text_of("the examples are confused along ", axis_text(wrong, axis), ": what is at [", first,
                "] belongs to [", (*order)[static_cast<std::size_t>(first)], "]")};
  }
  return std::nullopt;
}

// A[j, i] = Σ or mean over i′ (or j′) along some axis of N[j, i′]
std::optional<Explanation> has_extra_sum(const Evidence& wrong, const Evidences&) {
  std::vector<Axes> choices;
  Axes own;
  for (const Index axis : axes_of(wrong)) {
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
                                                  axes.size() == 1 ? axis_text(wrong, axes[0])
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
      kept.push_back(largest_size(slice(wrong.analytic, axis, j, j + 1)) > wrong.noise);
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
