#include "tests/fuzz/programs/program.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace adjoint::fuzz {

std::size_t Drawing::operand() {
  const std::size_t back = choices.below(std::min<std::size_t>(values.size(), 200));
  return values.size() - 1 - back;
}

Index Drawing::size() {
  static constexpr Index sizes[] = {1,
                                    2,
                                    3,
                                    0,
                                    4,
                                    2,
                                    3,
                                    1,
                                    2,
                                    3,
                                    1,
                                    2,
                                    3,
                                    1,
                                    Index{1} << 40,
                                    -1,
                                    std::numeric_limits<Index>::max()};
  return sizes[choices.below(std::size(sizes))];
}

Shape Drawing::shape() {
  std::vector<Index> sizes(choices.below(4));
  for (Index& size : sizes) size = this->size();
  return Shape(sizes);
}

Index Drawing::axis(const Tensor& x) {
  if (choices.below(16) == 15) return size();
  return x.rank() == 0 ? 0 : choices.between(-x.rank(), x.rank() - 1);
}

Axes Drawing::axes(const Tensor& x) {
  Axes axes(choices.below(3));
  for (Index& axis : axes) axis = this->axis(x);
  return axes;
}

double Drawing::number() {
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double numbers[] = {1,   2,    0.5,   -1,   -1.5,  0.25,     3,         0,  -0.0,
                                       0.1, 1e-3, 1e-30, 1e30, 1e300, infinity, -infinity, NAN};
  return numbers[choices.below(std::size(numbers))];
}

Tensor Drawing::indices(const Shape& shape, Index classes) {
  const Index wide = choices.below(8) == 7 ? 3 : 0;  // then some are out of range
  std::vector<Index> list(static_cast<std::size_t>(std::min<Index>(shape.numel(), 4096)));
  for (Index& index : list)
    index = choices.between(-1 - wide, std::clamp<Index>(classes - 1, 0, 100) + wide);
  return from(list, shape);
}

Tensor Drawing::booleans(const Shape& shape) {
  const Tensor drawn = random_integers(shape, 0, 3, Key(choices.below(256)));
  return greater(drawn, zeros({}, DType::i64));
}

std::size_t Drawing::operand_of(const Shape& shape) {
  for (std::size_t i = values.size(); i-- > 0;)
    if (values[i].shape() == shape) return i;
  return operand();
}

namespace {

// A step may produce NaN or infinity, but a program goes on only with tensors of few elements.
bool small(const Tensors& results) {
  return std::ranges::all_of(results, [](const Tensor& y) { return y.numel() <= 4096; });
}

Tensor draw_input(Drawing& drawing, DType dtype, std::uint64_t number) {
  static constexpr Index sizes[] = {2, 3, 1, 4, 0};
  std::vector<Index> shape(drawing.choices.below(4));
  for (Index& size : shape) size = sizes[drawing.choices.below(std::size(sizes))];
  const Key key = Key(drawing.choices.below(256)).child(number);
  return normal(Shape(shape), 0, 1, key, dtype);
}

}  // namespace

Program draw_program(Choices& choices, DType dtype) {
  Program program;
  Drawing drawing{choices, program.values};
  const std::size_t inputs = 1 + choices.below(3);
  for (std::size_t i = 0; i < inputs; ++i) program.inputs.push_back(draw_input(drawing, dtype, i));
  program.values = program.inputs;

  constexpr std::size_t most = 12;
  while (!choices.ended() && program.steps.size() < most) {
    const Operation& operation = operations()[choices.below(operations().size())];
    Step step;
    Tensors results;
    if (!accepted([&] {
          step = operation.draw(drawing);
          step.name = operation.name;
          Tensors operands;
          for (const std::size_t i : step.operands) operands.push_back(program.values[i]);
          results = step.apply(operands);
        }))
      continue;
    if (!small(results)) continue;
    // Later steps take values of one type.
    if (std::ranges::any_of(results, [&](const Tensor& y) { return y.dtype() != dtype; })) continue;
    program.first.push_back(program.values.size());
    program.steps.push_back(std::move(step));
    for (Tensor& y : results) program.values.push_back(std::move(y));
  }
  return program;
}

}  // namespace adjoint::fuzz
