// Selects the useful mutants and determines which diagnoses of them are correct.
#include "tests/autograd/gradcheck/mutations.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "autograd/grad.h"
#include "autograd/observer.h"

namespace adjoint::testing {
namespace {

using Kind = Diagnosis::Kind;

constexpr Key key{20240301};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Tensors gradient(const Mutant& mutant) {
  const FlagGuard record(&Ambient::recording, true);
  Tensors xs;
  for (const Tensor& value : mutant.inputs) xs.push_back(variable(value));
  const Tensors y = mutant.f(xs);
  return grad(y, xs, {normal(y[0].shape(), 0, 1, key.child("cotangent"), DType::f64)},
              {.zeros_if_independent = true});
}

Tensors wrong_gradient(const Mutant& mutant) {
  const Observing guard(*mutant.mistake);
  return gradient(mutant);
}

constexpr double equal = 1e-12;
// Mistakes smaller than this, relative to their gradient, are rounding.
constexpr double smallest_mistake = 1e-8;
// Derivatives smaller than this, relative to the largest of all, are not judged: see gradcheck().
constexpr double invisible = 3e-9;
// Neither are changes of the values smaller than this, relative to their size.
constexpr double drowned = 1e-11;

// The constant c with a = c b, if there is one.
std::optional<double> multiple(const Tensor& a, const Tensor& b) {
  const double bb = sum(b * b).item();
  if (bb == 0) return std::nullopt;
  const double c = sum(a * b).item() / bb;
  if (largest(a - c * b) <= equal * largest(b)) return c;
  return std::nullopt;
}

// Whether the mistake in the gradient of x is large enough: as x moves by its own size, the
// function's change must be wrong by more than `visible`.
bool is_wrong(const Tensor& gradient, const Tensor& right, const Tensor& x, double visible) {
  const double mistake = largest(gradient - right);
  return mistake > smallest_mistake * largest(right) && mistake * largest(x) > visible;
}

bool are_equal(const Tensors& a, const Tensors& b, const Tensors& right) {
  for (std::size_t i = 0; i < right.size(); ++i)
    if (largest(a[i] - b[i]) > equal * largest(right[i])) return false;
  return true;
}

// Drops the mutants of one sample that change nothing or repeat another of the same kind, and
// determines which names are right for the others.
void sort_out(std::vector<Mutant>& bred) {
  if (bred.empty()) return;
  const Tensors right = gradient(bred[0]), &xs = bred[0].inputs;
  double visible = drowned * largest(bred[0].f(xs)[0]);
  for (std::size_t i = 0; i < xs.size(); ++i)
    visible = std::max(visible, invisible * largest(right[i]) * largest(xs[i]));
  std::vector<Tensors> gradients;
  for (const Mutant& mutant : bred) gradients.push_back(wrong_gradient(mutant));
  std::vector<Mutant> changed;
  for (std::size_t m = 0; m < bred.size(); ++m) {
    Mutant& mutant = bred[m];
    bool repeated = false;
    for (std::size_t other = 0; other < m; ++other)
      repeated |=
          bred[other].kind == mutant.kind && are_equal(gradients[m], gradients[other], right);
    if (repeated) continue;
    mutant.right_names.resize(right.size());
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (!is_wrong(gradients[m][i], right[i], xs[i], visible)) continue;
      std::set<Kind>& names = mutant.right_names[i];
      for (std::size_t other = 0; other < bred.size(); ++other)
        if (largest(gradients[m][i] - gradients[other][i]) <= equal * largest(right[i]))
          names.insert(bred[other].kind);
      const auto c = multiple(gradients[m][i], right[i]);
      if (c && std::abs(*c) > equal)
        names.insert(std::abs(*c + 1) < equal ? Kind::sign : Kind::factor);
    }
    if (std::ranges::any_of(mutant.right_names, [](const auto& names) { return !names.empty(); }))
      changed.push_back(mutant);
  }
  bred = std::move(changed);
}

}  // namespace

double largest(const Tensor& x) {
  double result = 0;
  for (const double value : x.values<double>()) result = std::max(result, std::abs(value));
  return result;
}

bool Mutant::is_ambiguous() const {
  return std::ranges::any_of(right_names, [](const auto& names) { return names.size() > 1; });
}

bool Mutant::held_out() const { return key.child(name).value() % 2 == 1; }

GradcheckReport Mutant::check() const {
  const Observing guard(*mistake);
  // A mistake is planted on one tape, and other calls record others.
  return gradcheck(f, inputs, {.single = false, .calls = false, .walk = false, .taylor = 0});
}

std::vector<Mutant> mutants() {
  std::vector<Mutant> all;
  const auto take = [&](std::vector<Mutant> bred) {
    sort_out(bred);
    std::ranges::move(bred, std::back_inserter(all));
  };
  for (const Sample& sample : samples())
    if (sample.smooth) take(bred_from({sample, {}}));
  for (const Confusions& confused : confusions()) take(bred_from(confused));
  return all;
}

Judgement judge(const Mutant& mutant, const GradcheckReport& report) {
  Judgement judgement{!report, !report.diagnoses.empty(), ""};
  for (const Diagnosis& diagnosis : report.diagnoses) {
    judgement.named &= mutant.right_names[at(diagnosis.input)].contains(diagnosis.kind);
    judgement.diagnoses +=
        (judgement.diagnoses.empty() ? "" : "; ") + diagnosis.name + ": " + name_of(diagnosis.kind);
  }
  return judgement;
}

}  // namespace adjoint::testing
