#include "tests/autograd/ops/samples.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/autograd/ops/samples/awkward.h"
#include "tests/autograd/ops/samples/families.h"

namespace adjoint::testing {

Tensors Sample::make(Key key) const {
  Index all = 0, before = 0;
  for (const Input& input : inputs) all += input.shape.numel();
  // For distinct elements: a random order of points 0.1 apart, shared by all inputs.
  const Tensor order = permutation(all, key.child("order"));
  const std::span<const Index> places = order.values<Index>();

  Tensors result;
  for (const Input& input : inputs) {
    Tensor x = normal(input.shape, 0, 1, key.child(result.size()), DType::f64);
    const Tensor even = uniform(input.shape, 0, 1, key.child(result.size() + 100), DType::f64);
    const std::span<const double> u = even.values<double>();
    const std::span<double> values = x.edit<double>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      double& value = values[i];
      switch (input.domain) {
        case Domain::any:
          break;
        case Domain::positive:
          value = 0.5 + 1.5 * u[i];
          break;
        case Domain::away_from_zero:
          value = std::copysign(0.3 + 1.5 * u[i], value);
          break;
        case Domain::distinct:
          value = 0.1 * (static_cast<double>(places[static_cast<std::size_t>(before) + i]) -
                         static_cast<double>(all) / 2 + 0.3) +
                  0.04 * u[i];
          break;
      }
      value *= input.size;
    }
    before += input.shape.numel();
    result.push_back(x);
  }
  return result;
}

namespace {

// Adds the sample again with inputs of that size, unless its family already has such a sample.
void add_resized(std::vector<Sample>& list, Sample sample, double size, const std::string& label) {
  const auto is_like_it = [&](const Sample& other) {
    return other.operation == sample.operation &&
           std::ranges::all_of(other.inputs, [&](const Input& i) { return i.size == size; });
  };
  if (std::ranges::any_of(list, is_like_it)) return;
  sample.label += ", " + label;
  for (Input& input : sample.inputs) input.size = size;
  list.push_back(std::move(sample));
}

void add_magnitudes(std::vector<Sample>& list) {
  std::set<std::string> seen;
  const std::vector<Sample> given = list;
  for (const Sample& sample : given) {
    if (!sample.smooth || !seen.insert(sample.operation).second) continue;
    if (!excused(sample.operation, Awkward::large_inputs))
      add_resized(list, sample, large, "large");
    if (!excused(sample.operation, Awkward::tiny_inputs)) add_resized(list, sample, tiny, "tiny");
  }
}

}  // namespace

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = [] {
    using namespace families;
    std::vector<Sample> list;
    for (const auto family : {arithmetic, unary, reduction, movement, indexing, products,
                              probabilities, layers, attending})
      family(list);
    add_magnitudes(list);
    return list;
  }();
  return all;
}

const std::vector<ErrorSample>& error_samples() {
  static const std::vector<ErrorSample> all = families::errors();
  return all;
}

}  // namespace adjoint::testing
