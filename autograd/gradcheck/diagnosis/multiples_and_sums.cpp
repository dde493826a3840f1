// Hypotheses that predict every number of the analytic derivative A from the numeric one N: a
// multiple of it, a sum or a part of it, or the gradient of another input.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>

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

// Output axes [begin, end), which choose among the indices along an input axis.
struct Choice {
  Index begin, end, axis;
};

// Whether all outputs along an axis that choose an index choose the same; −1 is no choice. The axis
// has that size, and its neighbours are `inner` apart.
bool is_broadcast(const std::vector<Index>& chosen, Index inner, Index size) {
  std::map<Index, Index> of_line;
  bool repeats = false;
  for (Index j = 0; j < std::ssize(chosen); ++j) {
    const Index choice = chosen[at(j)], line = j - j / inner % size * inner;
    if (choice < 0) continue;
    const auto [found, first] = of_line.emplace(line, choice);
    if (found->second != choice) return false;
    repeats = repeats || !first;
  }
  return repeats;
}

// 1 for the last (or first) output that chooses an index, 0 for others: [1…, output axes, 1…].
// Empty if an output depends on two indices, if none repeats, if there is only one, or if they
// repeat because of a broadcast.
Tensor sole_copies(const Evidence& wrong, const Choice& choice, bool last) {
  const Shape& all = wrong.numeric.shape();
  const Index count = all.numel(choice.begin, choice.end);
  const Index axis = wrong.leading + choice.axis;
  std::vector<Index> chosen(at(count), -1);
  const std::span<const double> n = wrong.numeric.values<double>();
  for (Index k = 0; k < std::ssize(n); ++k) {
    if (wrong.is_zero(n[at(k)])) continue;
    Index& index = chosen[at(k / all.numel(choice.end, all.rank()) % count)];
    const Index now = k / all.numel(axis + 1, all.rank()) % all[axis];
    if (index >= 0 && index != now) return {};
    index = now;
  }
  std::vector<double> kept(at(count), 1);
  std::set<Index> seen;
  for (Index k = 0; k < count; ++k) {
    const Index j = last ? count - 1 - k : k;
    if (chosen[at(j)] >= 0 && !seen.insert(chosen[at(j)]).second) kept[at(j)] = 0;
  }
  // That a single later copy is missing has a simpler reason: its index is.
  if (seen.size() < 2 || std::ranges::count(kept, 0.0) < (last ? 1 : 2)) return {};
  for (Index p = choice.begin; p < choice.end; ++p)
    if (is_broadcast(chosen, all.numel(p + 1, choice.end), all[p])) return {};
  Shape shape;
  for (Index i = 0; i < all.rank(); ++i)
    shape = shape.inserted(i, i >= choice.begin && i < choice.end ? all[i] : 1);
  return from(kept, shape);
}

}  // namespace

// A = 0
std::optional<Explanation> is_zero(const Evidence& wrong, const Evidences&) {
  if (!wrong.explained_by(zeros(wrong.numeric.shape(), DType::f64))) return std::nullopt;
  return Explanation{Kind::zero,
                     "zero where it should not be: is a value detached, or a gradient never set?"};
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
  if (std::abs(factor + 1) < 1e-6)
    return Explanation{Kind::sign, "the sign is wrong, throughout", factor};
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
  constexpr double more_than_single = 1e-9, rounding = 1e-13;
  const double relative = largest(wrong.analytic - wrong.numeric) / largest(wrong.numeric);
  if (!(relative <= single_precision)) return std::nullopt;
  const char* guess =
      relative >= more_than_single ? "is something computed in f32?"
      : relative >= rounding
          ? "are digits lost where nearly equal numbers are subtracted, or does an "
            "iteration stop early?"
          : "that is near the rounding of f64; perhaps only the order of a sum differs";
  return Explanation{Kind::precision, text_from("right to about ", std::setprecision(2), relative,
                                                " of the largest element: ", guess)};
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
    if (!wrong.explained_by(reshape(summed, wrong.numeric.shape()))) continue;
    const bool exchanged = own == theirs && other.explained_by(wrong.numeric);
    return Explanation{
        Kind::other_input,
        "it is the gradient that belongs to " + other.name +
            (exchanged ? ", and the reverse: are they returned in the wrong order?" : "")};
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
      return Explanation{
          Kind::extra_sum,
          text_from(reduce == sum ? "summed" : "averaged", " over ",
                    axes.size() == 1 ? wrong.axis_name(axes[0]) : "all axes of the gradient",
                    " too: every index holds the ", reduce == sum ? "total" : "mean")};
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
    const std::string outputs = wrong.flat ? "the elements of the output, in row-major order"
                                           : text_from("axis ", axis, " of the output");
    const Index index = std::ranges::find(kept, count == 1 ? 1.0 : 0.0) - kept.begin();
    if (count == 1)
      return Explanation{Kind::missing_sum,
                         text_from("not summed over ", outputs, ": only index ", index,
                                   " counts: is a broadcast not undone, or ",
                                   index + 1 < size ? "a loop left early?" : "= used for +=?")};
    const std::string others =
        count + 1 < size ? text_from(" and ", size - count - 1, " more are") : " is";
    return Explanation{Kind::missing_term,
                       text_from("the sum over axis ", axis, " of the output is incomplete: index ",
                                 index, others, " missing")};
  }
  return std::nullopt;
}

// A[j, i] = N[j, i] for the last (or first) output j that copies input i, and 0 for the others: x̄
// of a gather, assigned instead of added. The outputs are counted along some axes p, the inputs
// along an axis q; an output copies a single input, but several may copy the same.
std::optional<Explanation> is_overwritten(const Evidence& wrong, const Evidences&) {
  if (!wrong.jacobian) return std::nullopt;
  const Shape lead = wrong.numeric.shape().part(0, wrong.leading), own = wrong.shape();
  for (Index begin = 0; begin < lead.rank(); ++begin)
    for (Index end = begin + 1; end <= lead.rank(); ++end)
      for (Index q = 0; q < own.rank(); ++q) {
        for (const bool last : {true, false}) {
          const Tensor kept = sole_copies(wrong, {begin, end, q}, last);
          if (!kept.defined() || !wrong.explained_by(wrong.numeric * kept)) continue;
          return Explanation{
              Kind::overwritten,
              text_from("where an index repeats, only the ", last ? "last" : "first",
                        " cotangent counts: is the gradient ", last ? "assigned, =," : "set once",
                        " instead of added, +=, "
                        "along axis ",
                        q, '?')};
        }
      }
  return std::nullopt;
}

}  // namespace adjoint::checking
