// Hypotheses that predict not the numbers but where the analytic derivative A, the numeric one N or
// their difference is zero: which outputs depend on which inputs.
#include <algorithm>

#include "autograd/gradcheck/diagnosis/diagnosis.h"
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
  return text_from("axis ", tie.second, " of the input with axis ", tie.first, " of the output");
}

// Counts elements (output, input).
struct Zeros {
  Index only_numeric = 0;   // N = 0, A ≠ 0
  Index only_analytic = 0;  // N ≠ 0, A = 0
  Index differ = 0;         // neither is zero, and they differ
  Index column_lost = 0;    // inputs without any gradient in A but with one in N
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

Explanation wrong_mask(const Evidence& wrong, const Zeros& zeros) {
  const bool excess = zeros.only_numeric > 0;
  const auto shows = [&](double a, double n) {
    return std::isfinite(n) && wrong.is_zero(excess ? n : a) && !wrong.is_zero(excess ? a : n);
  };
  return {Kind::wrong_mask,
          text_from(excess ? "a gradient where there should be none"
                           : "no gradient where there should be one",
                    ", first at ", wrong.first(shows), ": is it another mask than that of f?")};
}

bool all_zero(const Evidence& wrong, const Tensor& x) {
  return std::ranges::all_of(x.values<double>(),
                             [&](double value) { return wrong.is_zero(value); });
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

// N − A = e − (e shifted by one), where e has at most one element on each line along an input axis:
// one term of the gradient went to the neighbour (a target, an index).
std::optional<Explanation> has_shifted_part(const Evidence& wrong, const Evidences&) {
  const Tensor difference = wrong.numeric - wrong.analytic;
  const auto d = difference.values<double>();
  for (Index axis = wrong.leading; axis < difference.rank(); ++axis) {
    const AxisView view(difference.shape(), axis);
    if (view.size < 3) continue;
    Index moved = 0, other = 0;
    for (Index line = 0; line < view.outer * view.inner; ++line) {
      const Index start = line / view.inner * view.size * view.inner + line % view.inner;
      std::vector<Index> nonzero;
      double total = 0;
      for (Index i = 0; i < view.size; ++i) {
        const double value = d[at(start + i * view.inner)];
        if (!wrong.is_zero(value)) nonzero.push_back(i);
        total += value;
      }
      if (std::isnan(total)) return std::nullopt;  // an unmeasured element may be one that moved
      if (nonzero.empty()) continue;
      const Index apart = nonzero.back() - nonzero.front();
      const bool neighbours = nonzero.size() == 2 && (apart == 1 || apart == view.size - 1);
      ++(neighbours && wrong.is_zero(total / 4) ? moved : other);
    }
    if (moved > 0 && other == 0)
      return Explanation{Kind::shifted,
                         text_from("one of its terms is off by one along ", wrong.axis_name(axis),
                                   ": is an index or a target off by one?")};
  }
  return std::nullopt;
}

// A = N except for elements that are zero in one of them, and each output has its own input: other
// elements are let through.
std::optional<Explanation> has_wrong_elementwise_mask(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian || all_zero(wrong, wrong.numeric) || !elementwise(wrong)) return std::nullopt;
  const Zeros zeros = count_zeros(wrong);
  if (zeros.differ > 0 || zeros.only_numeric + zeros.only_analytic == 0) return std::nullopt;
  return wrong_mask(wrong, zeros);
}

// A and N tie different axes.
std::optional<Explanation> has_other_ties(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  const std::set<Tie> before = ties(wrong, wrong.numeric), after = ties(wrong, wrong.analytic);
  const std::set<Tie> lost = without(before, after), gained = without(after, before);
  if (!lost.empty() && !gained.empty())
    return Explanation{Kind::wrong_axis, "the wrong axis: it pairs " + tie_text(*gained.begin()) +
                                             ", and should pair " + tie_text(*lost.begin())};
  if (lost.contains({0, 0}))
    return Explanation{Kind::wrong_example,
                       "it mixes the rows of axis 0 (examples?), which f keeps apart: is something "
                       "summed over that axis as well?"};
  if (!lost.empty())
    return Explanation{Kind::extra_sum,
                       text_from("it mixes elements along axis ", lost.begin()->second,
                                 " of the input, which f keeps apart: is something summed over "
                                 "that axis as well?")};
  if (!gained.empty())
    return Explanation{Kind::missing_term,
                       text_from("a term is missing that couples elements along axis ",
                                 gained.begin()->second, " of the input: a sum over that axis?")};
  return std::nullopt;
}

// A ≠ 0 where N = 0, or no gradient for an input that should have one, or the rest is right.
// Another mask leaves the function the same otherwise: where N sums to zero (as for a softmax), so
// does A. If N is zero everywhere, terms cancelled and A lacks one of them.
std::optional<Explanation> has_wrong_mask(const Evidence& wrong, const Evidences&) {
  if (all_zero(wrong, wrong.numeric)) return std::nullopt;
  const Zeros zeros = count_zeros(wrong);
  const bool rest_is_right = zeros.only_analytic > 0 && zeros.differ == 0;
  if (zeros.only_numeric == 0 && zeros.column_lost == 0 && !rest_is_right) return std::nullopt;
  for (Index axis = wrong.leading; axis < wrong.numeric.rank(); ++axis)
    if (adds_up_to_zero(wrong, wrong.numeric, axis) &&
        !adds_up_to_zero(wrong, wrong.analytic, axis))
      return std::nullopt;
  return wrong_mask(wrong, zeros);
}

// A has the zeros of N but other numbers.
std::optional<Explanation> lacks_a_term(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  const Tensor difference = wrong.numeric - wrong.analytic;
  for (Index q = 0; q < wrong.rank(); ++q) {
    const Index axis = wrong.leading + q;
    if (wrong.shape()[q] < 2) continue;
    if (all_zero(wrong, difference - mean(difference, {axis}, Keep::yes)))
      return Explanation{
          Kind::missing_term,
          text_from("a term is missing (or one too many) that is constant along axis ", q,
                    ": from a sum or a mean?"),
          0, true};
  }
  return Explanation{Kind::missing_term,
                     "other numbers in the right places: a term is missing or one too many, or a "
                     "factor is wrong",
                     0, true};
}

}  // namespace adjoint::checking
