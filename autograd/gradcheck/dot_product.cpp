#include "autograd/gradcheck/dot_product.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>

#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

using Kind = Finding::Kind;

// Each product is a sum of terms that may have lost so much to rounding.
constexpr double rounding_of_terms = 1e-11;

/// A random direction through some of the inputs.
struct Direction {
  std::string where;
  std::vector<Index> elements;
  Key key;
};

// Each real input alone, so that a mistake has a name; then all together, if there are several.
std::vector<Direction> choose_directions(const FlatFunction& f, const std::set<Index>& kinks,
                                         Key key) {
  std::vector<Direction> result;
  Direction all{"all inputs", {}, key.child("all")};
  Index begin = 0;
  for (std::size_t input = 0; input < f.xs.size(); ++input) {
    const Tensor& x = f.xs[input];
    if (!is_real(x.dtype())) continue;
    Direction alone{f.names[input], {}, key.child(input)};
    for (Index i = begin; i < begin + x.numel(); ++i)
      if (!kinks.contains(i)) alone.elements.push_back(i);
    begin += x.numel();
    all.elements.insert(all.elements.end(), alone.elements.begin(), alone.elements.end());
    if (!alone.elements.empty()) result.push_back(std::move(alone));
  }
  if (result.size() > 1) result.push_back(std::move(all));
  return result;
}

// The line that Differentiator::along_random_line() moves along, as tangents.
Tensors tangents_of(const Differentiator& both, const Direction& direction) {
  const Index count = std::ssize(direction.elements);
  const Vector random = flatten({normal({count}, 0, 1, direction.key, DType::f64)});
  Vector u(at(both.f.inputs()));
  for (std::size_t k = 0; k < random.size(); ++k) {
    const std::size_t i = at(direction.elements[k]);
    u[i] = random[k] * both.scales[i];
  }
  Tensors result;
  auto next = u.begin();
  for (const Tensor& x : both.f.xs) {
    if (!is_real(x.dtype())) {
      result.emplace_back();
      continue;
    }
    const auto begin = next;
    next += x.numel();
    result.push_back(from(Vector(begin, next), x.shape()));
  }
  return result;
}

// J u of the real outputs as one vector. Errors are about what the jvp returned.
Vector flat_tangent(const FlatFunction& f, const Tensors& outputs) {
  require(outputs.size() == f.ys.size(), "it returns ", outputs.size(), " tangents for ",
          f.ys.size(), " outputs");
  Vector result;
  for (std::size_t j = 0; j < outputs.size(); ++j) {
    const Tensor &y = f.ys[j], &tangent = outputs[j];
    if (!is_real(y.dtype())) continue;
    if (!tangent.defined()) {
      result.resize(result.size() + at(y.numel()));
      continue;
    }
    require(tangent.shape() == y.shape() && is_real(tangent.dtype()), "its tangent of output ", j,
            " is ", tangent.shape(), ' ', name_of(tangent.dtype()), ", the output is ", y.shape());
    const Vector flat = flatten({tangent});
    result.insert(result.end(), flat.begin(), flat.end());
  }
  return result;
}

// Σ |terms| bounds how much rounding can be behind their sum.
double size_of_terms(const Cotangent& cotangent, const Vector& tangent, const Vector& gradient,
                     const Vector& u) {
  double sum = 0;
  const auto add = [&](double term) {
    if (std::isfinite(term)) sum += std::abs(term);
  };
  for (std::size_t j = 0; j < tangent.size(); ++j) {
    const double weight = cotangent.single < 0 ? cotangent.weights[j]
                                               : static_cast<double>(at(cotangent.single) == j);
    add(weight * tangent[j]);
  }
  for (std::size_t i = 0; i < u.size(); ++i) add(gradient[i] * u[i]);
  return sum;
}

// Which of the two is to blame, in words.
std::string blame(const DotProduct& product, double tolerance) {
  const auto is_right = [&](double value) {
    return std::abs(value - product.numeric) <= tolerance;
  };
  const bool jvp = is_right(product.jvp), vjp = is_right(product.vjp);
  const std::string numbers =
      text_from("⟨ȳ, J u⟩ is ", product.jvp, " by the jvp, ⟨Jᵀ ȳ, u⟩ is ", product.vjp,
                " by the vjp, and differences give ", product.numeric, " ± ", product.error);
  if (jvp && !vjp) return numbers + ": the vjp is wrong";
  if (vjp && !jvp) return numbers + ": the jvp is wrong";
  if (jvp && vjp) return numbers + ": one of them is wrong, by less than differences can show";
  return numbers + ": both are wrong, or f has no derivative here";
}

class Test {
 public:
  Test(const Differentiator& both, const GradcheckOptions& options, GradcheckReport& report)
      : both_(both), options_(options), report_(report) {
    for (const Tensor& x : both.f.xs) inputs_.push_back(detach(x));
  }

  /// Adds a finding if the two differ, unless not `wanted`. Of the cotangents that show it, a
  /// single output says most. Returns whether they agree.
  bool run(const Direction& direction, bool wanted) {
    const Tensors tangents = tangents_of(both_, direction);
    const std::optional<Vector> tangent = jvp(tangents);
    if (!tangent) return false;
    const Slopes slopes = both_.along_random_line(direction.elements, direction.key, Care::full);
    const Vector u = flatten(real(tangents));
    std::optional<Finding> worst;
    std::pair<bool, double> worst_rank;
    for (std::size_t r = 0; r < both_.cotangents.size(); ++r) {
      const Cotangent& cotangent = both_.cotangents[r];
      const Derivative& d = slopes.numeric[r];
      const double terms = size_of_terms(cotangent, *tangent, both_.gradients[r], u);
      const DotProduct product{.where = direction.where,
                               .cotangent = cotangent.name,
                               .jvp = cotangent(*tangent),
                               .vjp = slopes.analytic[r],
                               .numeric = d.value,
                               .error = d.error,
                               .rounding = rounding_of_terms * terms};
      report_.dot_products.push_back(product);
      if (product.agrees()) continue;
      const Finding found = finding(product, slopes.tolerance(r) + product.rounding);
      const std::pair rank(cotangent.single >= 0, found.relative);
      if (worst && rank <= worst_rank) continue;
      worst = found;
      worst_rank = rank;
    }
    if (worst && wanted) report_.add(*worst);
    return !worst;
  }

 private:
  static Tensors real(Tensors tensors) {
    std::erase_if(tensors, [](const Tensor& x) { return !x.defined(); });
    return tensors;
  }

  // What the user's code returns; a finding in its own words if it cannot be used.
  std::optional<Vector> jvp(const Tensors& tangents) {
    try {
      const NoRecording guard;
      return flat_tangent(both_.f, options_.jvp(inputs_, tangents));
    } catch (const std::exception& error) {
      report_.add({.kind = Kind::mismatch,
                   .where = "the jvp",
                   .relative = infinity,
                   .note = text_from("the jvp cannot be compared: ", error.what())});
      return std::nullopt;
    }
  }

  Finding finding(const DotProduct& product, double tolerance) const {
    const double larger = std::max(std::abs(product.jvp), std::abs(product.vjp));
    const double relative = std::abs(product.jvp - product.vjp) / larger;
    return {.kind = Kind::mismatch,
            .where = product.where,
            .cotangent = product.cotangent,
            .analytic = product.jvp,
            .numeric = product.numeric,
            .error = product.error,
            .relative = std::isfinite(relative) ? relative : infinity,
            .note = text_from("jvp and vjp differ for the cotangent ", product.cotangent, ": ",
                              blame(product, tolerance))};
  }

  const Differentiator& both_;
  const GradcheckOptions& options_;
  GradcheckReport& report_;
  Tensors inputs_;
};

}  // namespace

void check_dot_products(const Differentiator& both, const std::set<Index>& kinks,
                        const GradcheckOptions& options, GradcheckReport& report) {
  Test test(both, options, report);
  bool agree = true;
  const Key key = options.key.child("dot product");
  for (const Direction& direction : choose_directions(both.f, kinks, key))
    agree &= test.run(direction, agree || direction.where != "all inputs");
}

}  // namespace adjoint::checking

namespace adjoint {

bool DotProduct::agrees() const { return std::abs(jvp - vjp) <= rounding; }

}  // namespace adjoint
