#include "autograd/shape.h"

#include <algorithm>
#include <numeric>

#include "autograd/support/error.h"

namespace adjoint {

Shape::Shape(std::span<const Index> sizes) : rank_(static_cast<Index>(sizes.size())) {
  if (rank_ > max_rank)
    throw SizeError(text_from("shape: at most ", max_rank, " axes, got ", rank_));
  std::ranges::copy(sizes, sizes_.begin());
  check();
}

void Shape::check() const {
  Index product = 1;
  bool fits = true;
  for (const Index size : *this) {
    if (size < 0) throw SizeError(text_from("shape: an axis cannot have size ", size));
    fits = fits && !__builtin_mul_overflow(product, std::max<Index>(1, size), &product);
  }
  if (!fits || product > max_elements)
    throw SizeError(text_from("shape: ", *this, " has more elements than can be counted"));
}

void Shape::refuse(Index axis) const { fail("shape: ", *this, " has no axis ", axis); }

Shape Shape::part(Index first, Index last) const {
  require(0 <= first && first <= last && last <= rank_, "shape: ", *this, " has no axes [", first,
          ", ", last, ")");
  return Shape(
      sizes().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
}

Shape Shape::with(Index axis, Index size) const {
  Shape result = *this;
  result.sizes_[static_cast<std::size_t>(resolve(axis))] = size;
  result.check();
  return result;
}

Shape Shape::inserted(Index axis, Index size) const {
  require(0 <= axis && axis <= rank_, "shape: no axis can be inserted at ", axis, " of ", *this);
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
    stream << separator << std::to_string(size);  // the stream's locale might group the digits
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
  if (from.rank() > to.rank()) return false;
  for (Index i = 1; i <= from.rank(); ++i)
    if (from[-i] != to[-i] && from[-i] != 1) return false;
  return true;
}

Shape broadcast(const char* operation, const Shape& a, const Shape& b) {
  if (a == b) return a;
  require(broadcastable(a, b), operation, ": shapes ", a, " and ", b,
          " do not broadcast: aligned at the last axis, sizes must be equal or 1");
  Shape result = a.rank() >= b.rank() ? a : b;
  for (Index i = 1; i <= std::min(a.rank(), b.rank()); ++i)
    result.sizes_[static_cast<std::size_t>(result.resolve(-i))] = a[-i] == 1 ? b[-i] : a[-i];
  result.check();
  return result;
}

Index sum_of_sizes(const char* operation, Index a, Index b) {
  Index sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw SizeError(text_from(operation, ": the sizes ", a, " and ", b,
                              " add up to more than an index can hold"));
  return sum;
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
