// Shapes: the sizes of a tensor's axes, and numpy's broadcasting rule.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace adjoint {

/// Counts, sizes, positions. Signed, so that differences and negative axes are safe.
using Index = std::int64_t;
/// A sequence of token ids.
using Ids = std::vector<Index>;

/// The sizes of up to eight axes, outermost first. A scalar has no axes and one element. Every
/// shape has been checked: no size is negative, and the nonzero sizes multiply to at most
/// max_elements. So the product of any of the sizes fits an Index, even in a shape without
/// elements.
class Shape {
 public:
  static constexpr Index max_rank = 8;
  static constexpr Index max_elements = Index{1} << 59;  ///< so that the bytes fit an Index

  Shape() = default;
  Shape(std::initializer_list<Index> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  /// SizeError if a size is not allowed, as in every function below that returns a Shape.
  explicit Shape(std::span<const Index> sizes);

  Index rank() const { return rank_; }
  /// The size of an axis; −1 is the last. Error when the shape has no such axis.
  Index operator[](Index axis) const { return sizes_[static_cast<std::size_t>(resolve(axis))]; }
  Index numel() const { return numel(0, rank_); }
  /// The axis counted from the front: resolve(−1) is rank() − 1. Error when out of range.
  Index resolve(Index axis) const {
    const Index from_front = axis < 0 ? axis + rank_ : axis;
    if (from_front < 0 || from_front >= rank_) [[unlikely]]
      refuse(axis);
    return from_front;
  }

  std::span<const Index> sizes() const { return {sizes_.data(), static_cast<std::size_t>(rank_)}; }
  auto begin() const { return sizes().begin(); }
  auto end() const { return sizes().end(); }

  /// How many elements the axes [first, last) span.
  Index numel(Index first, Index last) const {
    Index product = 1;
    for (Index axis = first; axis < last; ++axis) product *= sizes_[static_cast<std::size_t>(axis)];
    return product;
  }
  /// Only the axes [first, last).
  Shape part(Index first, Index last) const;
  Shape with(Index axis, Index size) const;      ///< One axis with another size.
  Shape inserted(Index axis, Index size) const;  ///< A new axis at `axis`, counted from the front.
  Shape without(Index axis) const;               ///< Without this axis.
  Shape joined(const Shape& inner) const;        ///< These axes, then those of `inner`.

  friend Shape broadcast(const char* operation, const Shape& a, const Shape& b);
  friend bool operator==(const Shape& a, const Shape& b) {
    Index difference = a.rank_ ^ b.rank_;
    for (std::size_t i = 0; i < a.sizes_.size(); ++i) difference |= a.sizes_[i] ^ b.sizes_[i];
    return difference == 0;
  }

 private:
  [[noreturn]] void refuse(Index axis) const;
  void check() const;  // throws unless the sizes are allowed

  std::array<Index, max_rank> sizes_{};  // 0 beyond the rank
  Index rank_ = 0;
};

/// A shape seen from one of its axes: [outer, size, inner]. `inner` elements are contiguous.
struct AxisView {
  Index outer, size, inner;
  AxisView(const Shape& shape, Index axis)
      : outer(shape.numel(0, axis)),
        size(shape[axis]),
        inner(shape.numel(axis + 1, shape.rank())) {}
};

/// Prints as [2, 3]; a scalar as [].
std::ostream& operator<<(std::ostream& stream, const Shape& shape);

/// The indices of an element, numbered in row-major order, as text: "[1, 2]". Empty for a scalar.
std::string index_text(const Shape& shape, Index element);

/// Whether the shapes broadcast: aligned at the last axis, sizes are equal or one of them is 1.
bool broadcastable(const Shape& a, const Shape& b);
/// Whether broadcasting repeats a tensor of the first shape to fill the second.
bool broadcasts_to(const Shape& from, const Shape& to);
/// The shape that both broadcast to. Error, named after the operation, when they do not.
Shape broadcast(const char* operation, const Shape& a, const Shape& b);

/// a + b for two sizes. SizeError, named after the operation, if the sum does not fit an Index.
/// (Shape checks products: Shape{a, b}.numel().)
Index sum_of_sizes(const char* operation, Index a, Index b);

/// shape.resolve(axis), with an error named after the operation.
Index resolve_axis(const char* operation, const Shape& shape, Index axis);
/// Axes as a caller may give them: in any order, counted from either end, none meaning all.
/// Returns them ascending and non-negative; error on repetition or when out of range.
std::vector<Index> resolve_axes(const char* operation, const Shape& shape,
                                std::span<const Index> axes);

}  // namespace adjoint
