#include "autograd/gradcheck/excerpt.h"

#include <algorithm>

#include "autograd/gradcheck/flat_function.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

constexpr std::size_t most_inputs = 16, most_outputs = 256;
constexpr double small = 1e-3;  // a move that shows which outputs an element reaches

Tensor list(const std::vector<Index>& indices) { return from(indices, {std::ssize(indices)}); }

class Excerpt {
 public:
  Excerpt(const Node& operation, const Tensors& xs, const std::vector<Element>& elements)
      : operation_(operation), xs_(xs), chosen_(xs.size()) {
    Vector values;
    for (std::size_t k = 0; k < std::min(elements.size(), most_inputs); ++k) {
      const auto [input, place] = elements[k];
      chosen_[at(input)].places.push_back(place);
      chosen_[at(input)].positions.push_back(static_cast<Index>(k));
      values.push_back(flatten({xs[at(input)]})[at(place)]);
    }
    values_ = from(values, {std::ssize(values)});
    const Tensors here = operation.replay(inputs(values_)),
                  up = operation.replay(inputs(values_ + small)),
                  down = operation.replay(inputs(values_ - small));
    for (std::size_t j = 0; j < here.size(); ++j) {
      const Vector a = flatten({here[j]}), b = flatten({up[j]}), c = flatten({down[j]});
      std::vector<Index>& moved = moved_.emplace_back();
      for (std::size_t i = 0; i < a.size() && moved.size() < most_outputs; ++i)
        if (a[i] != b[i] || a[i] != c[i]) moved.push_back(static_cast<Index>(i));
    }
  }

  /// The elements' own values.
  const Tensor& values() const { return values_; }

  /// The outputs that the elements move.
  Tensors operator()(const Tensor& values) const {
    const Tensors ys = operation_.replay(inputs(values));
    Tensors result;
    for (std::size_t j = 0; j < ys.size(); ++j)
      if (is_real(ys[j].dtype())) result.push_back(gather(reshape(ys[j], {-1}), list(moved_[j])));
    return result;
  }

 private:
  struct Chosen {                          // of one input
    std::vector<Index> places, positions;  // in the input; among the values
  };

  Tensors inputs(const Tensor& values) const {
    Tensors result = xs_;
    for (std::size_t i = 0; i < xs_.size(); ++i) {
      const auto& [places, positions] = chosen_[i];
      if (places.empty()) continue;
      Vector others = flatten({xs_[i]});
      for (const Index place : places) others[at(place)] = 0;
      const Index count = std::ssize(others);
      const Tensor own = scatter_add(gather(values, list(positions)), list(places), 0, count);
      result[i] = cast(reshape(own + from(others, {count}), xs_[i].shape()), xs_[i].dtype());
    }
    return result;
  }

  const Node& operation_;
  const Tensors& xs_;
  std::vector<Chosen> chosen_;
  Tensor values_;
  std::vector<std::vector<Index>> moved_;  // elements of each output
};

}  // namespace

std::optional<GradcheckReport> failure_at_kinks(const Node& operation, const Tensors& xs,
                                                const std::vector<Element>& kinks,
                                                GradcheckOptions options) try {
  options.order = 1;
  options.single = options.calls = false;
  options.names = {"the elements at a kink"};
  const Excerpt excerpt(operation, xs, kinks);
  const auto f = [&](const Tensors& values) { return excerpt(values[0]); };
  GradcheckReport report = gradcheck(f, {excerpt.values()}, options);
  if (report.verdict() != Verdict::failed) return std::nullopt;
  return report;
} catch (const Error&) {  // no output moves, say
  return std::nullopt;
}

}  // namespace adjoint::checking
