// Exercise of lesson 4: write sum_back(g, shape), which sums g along those axes along which a
// tensor of that shape was repeated. Use sum() and reshape(), and compare it with the library's
// sum_to().

#include "examples/adjoint.h"
#include "examples/lesson.h"

namespace {

using namespace adjoint;
using lesson::claim, lesson::part;

// Shapes are aligned at the last axis: the axes that `shape` lacks are the first ones of g.
Tensor sum_back(const Tensor& g, const Shape& shape) {
  const Index lacking = g.rank() - shape.rank();
  Axes repeated;
  for (Index axis = 0; axis < g.rank(); ++axis)
    if (axis < lacking || (shape[axis - lacking] == 1 && g.size(axis) != 1))
      repeated.push_back(axis);
  if (repeated.empty()) return g;  // sum() of no axes would be that of all
  return reshape(sum(g, repeated), shape);
}

void solution() {
  part("sum_back against sum_to");
  const Tensor g = reshape(arange(24, DType::f64), {2, 3, 4});
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{3, 4}, Shape{4}, Shape{}, Shape{1, 3, 4},
                             Shape{2, 1, 1}, Shape{3, 1}, Shape{1, 1, 1}}) {
    const Tensor back = sum_back(g, shape), expected = sum_to(g, shape);
    claim(text_from(g.shape(), " to ", shape),
          back.shape() == shape && norm(back - expected).item() == 0);
  }

  part("As the rule of a product that broadcasts");
  const Tensor a = variable(ones({3, 1}, DType::f64), "a");
  const Tensor c = reshape(arange(4, DType::f64), {1, 4});
  const Tensor by_hand =
      sum_back(ones({3, 4}, DType::f64) * c, {3, 1});  // y = a c: ā = ȳ c, summed
  claim("ā is that of the tape", norm(grad(sum(a * c), {a})[0] - by_hand).item() == 0);
}

}  // namespace

int main(int argc, char** argv) { return adjoint::lesson::run(argc, argv, solution); }
