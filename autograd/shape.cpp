#include "autograd/shape.h"

#include <algorithm>
#include <numeric>

#include "autograd/support/error.h"

namespace adjoint {

Shape::Shape(std::span<const Index> sizes) : rank_(static_cast<Index>(sizes.size())) {
  require(rank_ <= max_rank, "shape: at most ", max_rank, " axes, got ", rank_);
  std::ranges::copy(sizes, sizes_.begin());
  Index product = 1;
  bool fits = true;
  for (const Index size : sizes) {
    require(size >= 0, "shape: an axis cannot have size ", size);
    fits = fits && !__builtin_mul_overflow(product, std::max<Index>(1, size), &product);
  }
  require(fits && product <= max_elements, "shape: ", *this,
          " has more elements than can be counted");
}

void Shape::refuse(Index axis) const { fail("shape: ", *this, " has no axis ", axis); }

Shape Shape::part(Index first, Index last) const {
  return Shape(
      sizes().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
}

Shape Shape::with(Index axis, Index size) const {
  Shape result = *this;
  result.sizes_[static_cast<std::size_t>(resolve(axis))] = size;
  return result;
}

Shape Shape::inserted(Index axis, Index size) const {
  std::vector<Index> sizes(begin(), end());
  sizes.insert(sizes.begin() + axis, size);
  return Shape(sizes);
}

Shape Shape::without(Index axis) const {
  std::vector<Index> sizes(begin(), end());
  sizes.erase(sizes.begin() + resolve(axis));
  return Shape(sizes);
}

Shape Shape::joined(const Shape& inner) const {
  std::vector<Index> sizes(begin(), end());
  sizes.insert(sizes.end(), inner.begin(), inner.end());
  return Shape(sizes);
}

std::ostream& operator<<(std::ostream& stream, const Shape& shape) {
  stream << '[';
  const char* separator = "";
  for (const Index size : shape) {
    stream << separator << size;
    separator = ", ";
  }
  return stream << ']';
}

std::string index_text(const Shape& shape, Index element) {
  std::string text;
  for (Index axis = shape.rank(); axis-- > 0; element /= shape[axis])
    text = (axis > 0 ? ", " : "[") + std::to_string(element % shape[axis]) + text;
  return text.empty() ? text : text + "]";
}

bool broadcastable(const Shape& a, const Shape& b) {
  for (Index i = 1; i <= std::min(a.rank(), b.rank()); ++i)
    if (a[-i] != b[-i] && a[-i] != 1 && b[-i] != 1) return false;
  return true;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  return broadcastable(from, to) && broadcast("", from, to) == to;
}

Shape broadcast(const char* operation, const Shape& a, const Shape& b) {
  if (a == b) return a;
  require(broadcastable(a, b), operation, ": shapes ", a, " and ", b,
          " do not broadcast: aligned at the last axis, sizes must be equal or 1");
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  Shape result = longer;
  for (Index i = 1; i <= std::min(a.rank(), b.rank()); ++i)
    result = result.with(-i, a[-i] == 1 ? b[-i] : a[-i]);
  return result;
}

Index resolve_axis(const char* operation, const Shape& shape, Index axis) {
  require(axis >= -shape.rank() && axis < shape.rank(), operation, ": no axis ", axis,
          " in a tensor of shape ", shape);
  return shape.resolve(axis);
}

std::vector<Index> resolve_axes(const char* operation, const Shape& shape,
                                std::span<const Index> axes) {
  std::vector<Index> resolved(axes.begin(), axes.end());
  if (axes.empty()) {
    resolved.resize(static_cast<std::size_t>(shape.rank()));
    std::iota(resolved.begin(), resolved.end(), Index{0});
    return resolved;
  }
  for (Index& axis : resolved) axis = resolve_axis(operation, shape, axis);
  std::ranges::sort(resolved);
  require(std::ranges::adjacent_find(resolved) == resolved.end(), operation,
          ": an axis is named twice");
  return resolved;
}

}  // namespace adjoint
