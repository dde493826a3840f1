// Hypotheses that predict no numbers but where the analytic derivative A, the numeric one N, or
// their difference is zero: which outputs depend on which inputs at all.
#include <algorithm>
#include <sstream>

#include "autograd/gradcheck/diagnosis/hypotheses.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Diagnosis::Kind;

std::set<Tie> without(const std::set<Tie>& all, const std::set<Tie>& those) {
  std::set<Tie> result;
  std::ranges::set_difference(all, those, std::inserter(result, result.end()));
  return result;
}

std::string tie_text(const Tie& tie) {
  return "axis " + std::to_string(tie.first) + " of the output to axis " +
         std::to_string(tie.second) + " of the input";
}

// Elements (output, input) by whether A, N and their difference are zero there.
struct Zeros {
  Index only_numeric = 0;   // N = 0, A ≠ 0: a gradient where there is none
  Index only_analytic = 0;  // N ≠ 0, A = 0: none where there is one
  Index differ = 0;         // neither is zero, and they differ
  Index column_lost = 0;    // inputs without any gradient in A, but with one in N
};

Zeros count_zeros(const Evidence& wrong) {
  const auto a = wrong.analytic.values<double>(), n = wrong.numeric.values<double>();
  Zeros result;
  const auto columns = static_cast<std::size_t>(wrong.shape().numel());
  std::vector<bool> in_analytic(columns), in_numeric(columns);
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!std::isfinite(n[k])) continue;
    const bool zero_a = wrong.is_zero(a[k]), zero_n = wrong.is_zero(n[k]);
    if (!zero_a) in_analytic[k % columns] = true;
    if (!zero_n) in_numeric[k % columns] = true;
    result.only_numeric += zero_n && !zero_a;
    result.only_analytic += zero_a && !zero_n;
    result.differ +=
        !zero_a && !zero_n && std::abs(a[k] - n[k]) > 1e-6 * std::abs(n[k]) + wrong.noise;
  }
  for (std::size_t i = 0; i < columns; ++i) result.column_lost += in_numeric[i] && !in_analytic[i];
  return result;
}

Explanation wrong_mask(const Zeros& zeros) {
  return {Kind::wrong_mask, zeros.only_numeric > 0
                                ? "a gradient where there is none: is the mask another one?"
                                : "no gradient where there is one: is the mask another one?"};
}

bool all_zero(const Evidence& wrong, const Tensor& x) {
  const auto values = x.values<double>();
  return std::ranges::all_of(values, [&](double value) { return wrong.is_zero(value); });
}

bool adds_up_to_zero(const Evidence& wrong, const Tensor& derivative, Index axis) {
  const Tensor total = sum(derivative, {axis}) / static_cast<double>(derivative.size(axis));
  return std::ranges::all_of(total.values<double>(),
                             [&](double value) { return std::abs(value) <= wrong.noise; });
}

// Whether every axis of the input is tied to one of the output, in A and in N.
bool elementwise(const Evidence& wrong) {
  const std::set<Tie> before = ties(wrong, wrong.numeric), after = ties(wrong, wrong.analytic);
  for (Index axis = 0; axis < wrong.rank(); ++axis)
    if (wrong.shape()[axis] > 1 && std::ranges::none_of(before, [&](const Tie& tie) {
          return tie.second == axis && after.contains(tie);
        }))
      return false;
  return true;
}

}  // namespace

// N − A = e − (e shifted by one), where each line along an axis of the input has at most one
// element of e: one term of the gradient has gone to the neighbour (a target, an index).
std::optional<Explanation> has_shifted_part(const Evidence& wrong, const Evidences&) {
  const Tensor difference = wrong.numeric - wrong.analytic;
  const auto d = difference.values<double>();
  for (Index axis = wrong.leading; axis < difference.rank(); ++axis) {
    const AxisView view(difference.shape(), axis);
    if (view.size < 3) continue;
    Index moved = 0, other = 0;
    for (Index line = 0; line < view.outer * view.inner; ++line) {
      const Index start = line / view.inner * view.size * view.inner + line % view.inner;
      std::vector<Index> places;
      double total = 0;
      for (Index i = 0; i < view.size; ++i) {
        const double value = d[static_cast<std::size_t>(start + i * view.inner)];
        if (!wrong.is_zero(value)) places.push_back(i);
        total += value;
      }
      if (std::isnan(total)) return std::nullopt;  // an element not measured may be one that moved
      if (places.empty()) continue;
      const Index apart = places.back() - places.front();
      const bool neighbours = places.size() == 2 && (apart == 1 || apart == view.size - 1);
      ++(neighbours && wrong.is_zero(total / 4) ? moved : other);
    }
    if (moved > 0 && other == 0)
      return Explanation{Kind::shifted, "one of its terms is off by one along axis " +
                                            std::to_string(axis - wrong.leading)};
  }
  return std::nullopt;
}

// A = N but for elements that are zero in one of them; each output has its own input, so what
// differs is which ones are let through.
std::optional<Explanation> has_wrong_elementwise_mask(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian || all_zero(wrong, wrong.numeric) || !elementwise(wrong)) return std::nullopt;
  const Zeros zeros = count_zeros(wrong);
  if (zeros.differ > 0 || zeros.only_numeric + zeros.only_analytic == 0) return std::nullopt;
  return wrong_mask(zeros);
}

// A ties other axes of output and input than N. One tie for another: the axis was confused. One
// lost: elements depend on each other that do not, along axis 0 those of different examples. One
// gained: a term that couples them is missing.
std::optional<Explanation> has_other_ties(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  const std::set<Tie> before = ties(wrong, wrong.numeric), after = ties(wrong, wrong.analytic);
  const std::set<Tie> lost = without(before, after), gained = without(after, before);
  if (!lost.empty() && !gained.empty())
    return Explanation{Kind::wrong_axis, "the wrong axis: it ties " + tie_text(*gained.begin()) +
                                             " instead of " + tie_text(*lost.begin())};
  if (lost.contains({0, 0}))
    return Explanation{Kind::wrong_example,
                       "an example's gradient depends on other examples, the rows of axis 0: "
                       "summed over too much?"};
  if (!lost.empty())
    return Explanation{Kind::extra_sum,
                       "it mixes elements that do not depend on each other: tied "
                       "should be " +
                           tie_text(*lost.begin())};
  if (!gained.empty())
    return Explanation{Kind::missing_term,
                       "a term is missing by which elements depend on each other along axis " +
                           std::to_string(gained.begin()->second)};
  return std::nullopt;
}

// A ≠ 0 where N = 0, or nothing for an input that has a gradient, or the rest right. Another mask
// makes no other function of it: where N adds up to zero (as a softmax's does), so does A. Where
// there is no derivative at all, terms have cancelled, one of which is missing.
std::optional<Explanation> has_wrong_mask(const Evidence& wrong, const Evidences&) {
  if (all_zero(wrong, wrong.numeric)) return std::nullopt;
  const Zeros zeros = count_zeros(wrong);
  const bool rest_is_right = zeros.only_analytic > 0 && zeros.differ == 0;
  if (zeros.only_numeric == 0 && zeros.column_lost == 0 && !rest_is_right) return std::nullopt;
  for (Index axis = wrong.leading; axis < wrong.numeric.rank(); ++axis)
    if (adds_up_to_zero(wrong, wrong.numeric, axis) &&
        !adds_up_to_zero(wrong, wrong.analytic, axis))
      return std::nullopt;
  return wrong_mask(zeros);
}

// A depends on what N depends on, but with other numbers.
std::optional<Explanation> lacks_a_term(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  const Tensor difference = wrong.numeric - wrong.analytic;
  for (Index q = 0; q < wrong.rank(); ++q) {
    const Index axis = wrong.axis(q);
    if (wrong.shape()[q] < 2) continue;
    if (all_zero(wrong, difference - mean(difference, {axis}, Keep::yes)))
      return Explanation{Kind::missing_term,
                         "a term is missing (or too much) that is the same all along axis " +
                             std::to_string(q) + ": one of a sum or mean?",
                         0, true};
  }
  return Explanation{Kind::missing_term, "a term is missing (or too much)", 0, true};
}

}  // namespace adjoint::checking
