#include "autograd/gradcheck/flat_function.h"

#include <algorithm>
#include <numeric>
#include <sstream>

#include "autograd/grad.h"
#include "autograd/observer.h"
#include "autograd/ops.h"

namespace adjoint::checking {
namespace {

// Tensors like these, with the elements of the real ones taken from `flat`.
Tensors unflatten(const Tensors& like, const Vector& flat) {
  Tensors result;
  auto next = flat.begin();
  for (const Tensor& x : like) {
    const auto begin = next;
    if (is_real(x.dtype())) next += x.numel();
    result.push_back(next == begin ? x : cast(from(Vector(begin, next), x.shape()), x.dtype()));
  }
  return result;
}

Tensors evaluate(const Function& f, const Tensors& inputs) {
  const Tensors outputs = f(inputs);
  for (std::size_t j = 0; j < outputs.size(); ++j)
    require(outputs[j].defined(), "gradcheck: output ", j, " of the function is empty");
  return outputs;
}

Position position_in(const Tensors& tensors, Index i) {
  for (std::size_t number = 0; number < tensors.size(); ++number) {
    const Index count = is_real(tensors[number].dtype()) ? tensors[number].numel() : 0;
    if (i < count) return {static_cast<int>(number), i};
    i -= count;
  }
  fail("gradcheck: no element ", i);
}

}  // namespace

Tensors real_ones(Tensors tensors) {
  std::erase_if(tensors, [](const Tensor& x) { return !is_real(x.dtype()); });
  return tensors;
}

double Cotangent::operator()(const Vector& values) const {
  if (single >= 0) return values[at(single)];
  return std::inner_product(weights.begin(), weights.end(), values.begin(), 0.0);
}

FlatFunction::FlatFunction(Function function, Tensors inputs, std::vector<std::string> input_names)
    : f(std::move(function)),
      xs(with_variables(std::move(inputs))),
      names(std::move(input_names)),
      ys(evaluate(f, xs)),
      point(flatten(xs)),
      values(flatten(ys)) {}

Vector FlatFunction::values_at(const Vector& other_point) const {
  const NoRecording guard;
  const Unobserved probing;  // a step may leave the domain
  return flatten(evaluate(f, unflatten(xs, other_point)));
}

FlatFunction FlatFunction::at_point(const Vector& other_point) const {
  const Unobserved probing;
  return {f, unflatten(xs, other_point), names};
}

Vector FlatFunction::gradient(const Cotangent& cotangent) const {
  return flatten(
      grad(real_ones(ys), real_ones(xs), as_outputs(cotangent), {.zeros_if_independent = true}));
}

Tensors FlatFunction::as_outputs(const Cotangent& cotangent, bool zeros) const {
  const Tensors outputs = real_ones(ys);
  if (cotangent.single < 0) return unflatten(outputs, cotangent.weights);
  Vector one(values.size());
  one[at(cotangent.single)] = 1;
  Tensors result = unflatten(outputs, one);
  const int number = position_in(outputs, cotangent.single).tensor;
  for (int j = 0; j < std::ssize(result) && !zeros; ++j)
    if (j != number) result[at(j)] = Tensor();
  return result;
}

Position FlatFunction::input_position(Index i) const { return position_in(xs, i); }

std::string FlatFunction::input_name(Index i) const {
  const auto [number, element] = position_in(xs, i);
  return names[at(number)] + index_text(xs[at(number)].shape(), element);
}

std::string FlatFunction::output_name(Index j) const {
  const auto [number, element] = position_in(ys, j);
  return text_from("output ", number, index_text(ys[at(number)].shape(), element));
}

Tensors with_variables(Tensors tensors) {
  for (Tensor& x : tensors)
    if (is_real(x.dtype()) && !x.tracked()) x = variable(x);
  return tensors;
}

Vector flatten(const Tensors& tensors) {
  Vector flat;
  for (const Tensor& x : tensors)
    dispatch(x.dtype(), [&]<class T>() {
      if constexpr (Real<T>)
        for (const T value : x.values<T>()) flat.push_back(static_cast<double>(value));
    });
  return flat;
}

Function gradient_of(Function f, std::size_t count) {
  return [f = std::move(f), count](const Tensors& both) {
    const bool differentiable = recording();
    const FlagGuard guard(&Ambient::recording, true);
    const auto middle = both.begin() + static_cast<std::ptrdiff_t>(count);
    const Tensors xs = with_variables({both.begin(), middle});
    const Tensors ys = real_ones(evaluate(f, xs));
    Tensors cotangents;
    for (std::size_t j = 0; j < ys.size(); ++j)
      cotangents.push_back(cast(both[count + j], ys[j].dtype()));
    return grad(ys, real_ones(xs), cotangents,
                {.create_graph = differentiable, .zeros_if_independent = true});
  };
}

}  // namespace adjoint::checking
