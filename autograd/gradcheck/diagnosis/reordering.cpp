// Hypotheses that the analytic derivative A has the elements of the numeric one N in another order.
#include <algorithm>
#include <numeric>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Diagnosis::Kind;

Tensor rolled(const Tensor& x, Index axis, Index by) {
  const Index n = x.size(axis), from = ((-by % n) + n) % n;
  return concat({slice(x, axis, from, n), slice(x, axis, 0, from)}, axis);
}

// Like rolled by ±1, but with zeros in place of what is pushed over the edge.
Tensor pushed(const Tensor& x, Index axis, Index by) {
  const Index n = x.size(axis);
  const Tensor edge = zeros(x.shape().with(axis, 1), x.dtype());
  if (by > 0) return concat({edge, slice(x, axis, 0, n - 1)}, axis);
  return concat({slice(x, axis, 1, n), edge}, axis);
}

Tensor reversed(const Tensor& x, Index axis) {
  std::vector<Index> order(at(x.size(axis)));
  std::iota(order.rbegin(), order.rend(), 0);
  return gather(x, from(order, {x.size(axis)}), axis);
}

// Permutes the axes of x, then misreads the buffer as having the shape of x.
Tensor misread(const Tensor& x, const Axes& order) { return reshape(permute(x, order), x.shape()); }

// The inverse: misreads the buffer of x as having permuted axes, then restores their order.
Tensor unread(const Tensor& x, const Axes& order) {
  Shape shape = x.shape();
  Axes inverse = order;
  for (Index to = 0; to < x.rank(); ++to) {
    const Index from = order[at(to)];
    shape = shape.with(to, x.size(from));
    inverse[at(from)] = to;
  }
  return permute(reshape(x, shape), inverse);
}

// All other orders of the axes [first, last), while the rest stay in place. None if they are many.
std::vector<Axes> orders(Index rank, Index first, Index last) {
  constexpr Index most = 4;
  std::vector<Axes> result;
  Axes order(at(rank));
  std::iota(order.begin(), order.end(), 0);
  if (last - first > most) return result;
  while (std::next_permutation(order.begin() + first, order.begin() + last))
    result.push_back(order);
  return result;
}

// For each slice of A along the axis, the slice of N that it equals. Empty if one equals none.
std::optional<std::vector<Index>> rearrangement(const Evidence& wrong, Index axis) {
  const auto equal = [&](Index in_analytic, Index in_numeric) {
    const Tensor a = slice(wrong.analytic, axis, in_analytic, in_analytic + 1);
    const Tensor n = slice(wrong.numeric, axis, in_numeric, in_numeric + 1);
    const double bound = 1e-6 * largest(n) + wrong.noise;
    return std::ranges::equal(a.values<double>(), n.values<double>(),
                              [&](double x, double y) { return std::abs(x - y) <= bound; });
  };
  std::vector<Index> result;
  const Index size = wrong.numeric.size(axis);
  for (Index to = 0; to < size; ++to) {
    Index tried = 0;
    while (tried < size && !equal(to, (to + tried) % size)) ++tried;
    if (tried == size) return std::nullopt;
    result.push_back((to + tried) % size);
  }
  return result;
}

}  // namespace

// A[j, i] = N[j, iᵀ] or N[jᵀ, i]: the axes of the gradient or of the cotangent in another order.
std::optional<Explanation> is_transposed(const Evidence& wrong, const Evidences&) {
  const Index rank = wrong.numeric.rank();
  for (const bool gradient : {true, false}) {
    if (!gradient && !wrong.jacobian) continue;
    const Index first = gradient ? wrong.leading : 0, last = gradient ? rank : wrong.leading;
    for (const Axes& order : orders(rank, first, last))
      if (wrong.explained_by(misread(wrong.numeric, order)) ||
          wrong.explained_by(unread(wrong.numeric, order)))
        return Explanation{
            Kind::transposed,
            gradient && wrong.rank() == 2
                ? "transposed: analytic[i, j] is what belongs to [j, i]"
                : text_from("transposed: the axes of the ", gradient ? "gradient" : "cotangent",
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
                           text_from("a factor is transposed (an operand of a product?), the one "
                                     "between ",
                                     wrong.axis_name(p), " and ", wrong.axis_name(q))};
  return std::nullopt;
}

// A[j, i] = N[j, i ± 1] or N[j ± 1, i], wrapped around or filled with zeros at the ends.
std::optional<Explanation> is_shifted(const Evidence& wrong, const Evidences&) {
  for (const Index axis : wrong.axes())
    for (const Index by : {1, -1})
      for (const auto shift : {rolled, pushed}) {
        if (!wrong.explained_by(shift(wrong.numeric, axis, by))) continue;
        if (wrong.numeric.size(axis) == 2 && shift == rolled)
          return Explanation{Kind::shifted,
                             text_from("off by one along ", wrong.axis_name(axis),
                                       ", or reversed: its two indices are exchanged")};
        return Explanation{Kind::shifted, text_from("off by one along ", wrong.axis_name(axis),
                                                    ": analytic[i] is what belongs to [i ",
                                                    by > 0 ? '-' : '+', " 1]")};
      }
  return std::nullopt;
}

// A[j, i] = N[j, n − 1 − i] or N[m − 1 − j, i]
std::optional<Explanation> is_reversed(const Evidence& wrong, const Evidences&) {
  for (const Index axis : wrong.axes())
    if (wrong.explained_by(reversed(wrong.numeric, axis)))
      return Explanation{Kind::reversed, text_from("reversed along ", wrong.axis_name(axis),
                                                   ": analytic[i] is what belongs to [",
                                                   wrong.numeric.size(axis) - 1, " - i]")};
  return std::nullopt;
}

// A[j, i] = N[j, π(i)] or N[π(j), i], where π permutes the first axis, that of the examples.
std::optional<Explanation> is_of_other_example(const Evidence& wrong, const Evidences&) {
  constexpr Index too_many = 64;
  for (const Index axis : wrong.axes()) {
    if ((axis != 0 && axis != wrong.leading) || wrong.numeric.size(axis) > too_many) continue;
    const auto order = rearrangement(wrong, axis);
    if (!order) continue;
    const Tensor indices = from(*order, {std::ssize(*order)});
    if (!wrong.explained_by(gather(wrong.numeric, indices, axis))) continue;
    Index first = 0;
    while ((*order)[at(first)] == first) ++first;
    return Explanation{
        Kind::wrong_example,
        text_from("examples (or rows) are confused along ", wrong.axis_name(axis), ": analytic[",
                  first, "] is what belongs to [", (*order)[at(first)], "]")};
  }
  return std::nullopt;
}

}  // namespace adjoint::checking
